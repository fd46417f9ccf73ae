"""Requests without secrets, as they are recorded and compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from tau2.llm.request import Request
from tau2.llm.secrets import PRIVATE_ARGS, Redactor
from tau2.utils.json_types import JsonObject, JsonValue

SOFT_ARGS = frozenset(
    {
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "seed",
        "max_tokens",
        "max_completion_tokens",
    }
)
"""Arguments that a model may refuse (see `unsupported_params`).

They are compared one by one, and are no part of a digest.
"""


def fingerprint(value: JsonValue) -> str:
    """Return a short name of JSON data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class RedactedRequest:
    """A request as it may be stored, with the fingerprints of its parts."""

    request: Request
    message_prints: list[str]
    tools_print: str

    @property
    def digest(self) -> str:
        """The name of what is asked, without keys, endpoints and soft arguments."""
        request = self.request
        hard = {name: value for name, value in request.args.items() if name not in SOFT_ARGS}
        return fingerprint(
            [request.model, self.message_prints, self.tools_print, request.tool_choice, hard]
        )


@dataclass(slots=True)
class _Previous:
    """The last request of one call name and model."""

    raw: list[JsonObject]
    redacted: list[JsonObject]
    prints: list[str]
    call: int


class RequestRedactor:
    """Redacts the requests of one attempt.

    Messages that were redacted before are not read again.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._previous: dict[tuple[str | None, str], _Previous] = {}
        self._raw_tools: list[JsonObject] | None = None
        self._tools: list[JsonObject] | None = None
        self._tools_print = fingerprint(None)

    def redact(self, request: Request, call: int) -> tuple[RedactedRequest, int | None, int]:
        """Redact a request.

        Returns:
            The request as it may be stored; the earlier call with which it has its first messages
            in common, if any; and the number of these messages.
        """
        redactor = self._redactor.with_secrets_of(request.args)
        key = request.call_name, request.model
        previous = self._previous.get(key, _Previous([], [], [], call))
        kept = _common_length(previous.raw, request.messages)
        fresh = [redactor.data(message) for message in request.messages[kept:]]
        messages = [*previous.redacted[:kept], *fresh]
        prints = [*previous.prints[:kept], *map(fingerprint, fresh)]
        self._previous[key] = _Previous(list(request.messages), messages, prints, call)
        if request.tools != self._raw_tools:
            self._raw_tools = request.tools
            self._tools = redactor.data(request.tools)
            self._tools_print = fingerprint(self._tools)
        args = {name: value for name, value in request.args.items() if name not in PRIVATE_ARGS}
        redacted = Request(
            request.model,
            messages,
            self._tools,
            redactor.data(request.tool_choice),
            json.loads(json.dumps(redactor.data(args), default=str)),
            call_name=request.call_name,
        )
        found = RedactedRequest(redacted, prints, self._tools_print)
        return found, previous.call if kept else None, kept

    def forget(self, request: Request) -> None:
        """Share no messages with the last request of this call name and model any more."""
        self._previous.pop((request.call_name, request.model), None)


def _common_length(mine: list[JsonObject], theirs: list[JsonObject]) -> int:
    """Return how many messages two requests have in common at their beginning."""
    pairs = enumerate(zip(mine, theirs, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(mine), len(theirs)))
