"""OpenAI's models, and every other server's, over the Responses API: `responses/<name>`."""

from __future__ import annotations

from dataclasses import replace

from tau2.llm.http_backend import HttpProtocol
from tau2.llm.protocols.openai_responses import body_of, completion_of
from tau2.llm.protocols.responses_stream import response_of_stream
from tau2.llm.request import Backend
from tau2.llm.transport.endpoint import CHAT_COMPLETIONS
from tau2.utils.json_types import JsonMapping

PROTOCOL = HttpProtocol(
    replace(
        CHAT_COMPLETIONS,
        prefixes=("responses", *CHAT_COMPLETIONS.prefixes),
        path="/responses",
    ),
    body_of,
    completion_of,
    stream=response_of_stream,
)


def _claims(_model: str, _args: JsonMapping) -> bool:
    return False


BACKEND = Backend(
    "responses",
    claims=_claims,
    send=PROTOCOL.send,
    asend=PROTOCOL.asend,
    check=PROTOCOL.check,
    is_remote=True,
)
