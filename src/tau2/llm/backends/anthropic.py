"""Claude models, over Anthropic's Messages API."""

from __future__ import annotations

import re

from tau2.llm.http_backend import HttpProtocol
from tau2.llm.protocols.anthropic_messages import VERSION, body_of, completion_of
from tau2.llm.request import Backend
from tau2.llm.transport.endpoint import Service
from tau2.utils.json_types import JsonMapping

_CLAUDE = re.compile(r"claude-[\w.@-]+")

PROTOCOL = HttpProtocol(
    Service(
        prefixes=("anthropic",),
        url="https://api.anthropic.com",
        path="/v1/messages",
        address_variables=("ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"),
        key_variable="ANTHROPIC_API_KEY",
        token_variable="ANTHROPIC_AUTH_TOKEN",  # noqa: S106  -- the name of a variable
        key_header="x-api-key",
        headers=(("anthropic-version", VERSION),),
    ),
    body_of,
    completion_of,
)


def _claims(model: str, args: JsonMapping) -> bool:
    """Claim Claude models by their bare names, unless an address names another server."""
    has_address = args.get("api_base") or args.get("base_url")
    return not has_address and _CLAUDE.fullmatch(model) is not None


BACKEND = Backend(
    "anthropic",
    claims=_claims,
    send=PROTOCOL.send,
    asend=PROTOCOL.asend,
    check=PROTOCOL.check,
    is_remote=True,
    rank=20,
)
