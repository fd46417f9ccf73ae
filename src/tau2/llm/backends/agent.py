"""Agents that are programs at a URL: `agent/chat/NAME` and `agent/responses/NAME`.

NAME is sent as the model's name, for programs that serve several; without one it is `agent`. The
address is `api_base`, as people write it: with or without `/v1` and the path of the protocol. The
first of its forms that is found is used. The key is the variable TAU2_AGENT_KEY; a provider's key
is never sent.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from tau2.llm.agent_program import NOT_HERE, SERVICE, base_of, explained
from tau2.llm.failure import CallFailed, unreachable
from tau2.llm.http_backend import HttpProtocol
from tau2.llm.protocols import chat_completions, openai_responses, responses_stream
from tau2.llm.request import Backend, Request, Response, by_prefix_alone
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

NAMELESS = "agent"
"""The model's name that is sent where none is given: the field is required by most servers."""

_MOST_KNOWN = 64  # addresses whose right form is remembered


class _Protocol(NamedTuple):
    """How programs of one protocol are asked."""

    http: HttpProtocol
    path: str
    """What an address ends with that is complete."""
    args: JsonMapping
    """Arguments that count unless others are given."""


def _as_said(answer: JsonValue) -> JsonValue:
    """Return a completion; one that says nothing without a word about tokens.

    A model server that generates no token has failed. A program that says nothing has decided so.
    """
    choices = answer.get("choices") if isinstance(answer, Mapping) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(answer, Mapping) or not isinstance(first, Mapping):
        return answer
    message = first.get("message")
    if not isinstance(message, Mapping) or message.get("content") or message.get("tool_calls"):
        return answer
    reason = first.get("finish_reason") or "stop"
    kept = {name: value for name, value in answer.items() if name != "usage"}
    return {**kept, "choices": [{**first, "finish_reason": reason}]}


_PROTOCOLS = {
    "chat": _Protocol(
        HttpProtocol(SERVICE, chat_completions.body_of, _as_said, stream=chat_completions.streamed),
        "/chat/completions",
        {},
    ),
    "responses": _Protocol(
        HttpProtocol(
            SERVICE,
            openai_responses.body_of,
            lambda answer: _as_said(openai_responses.completion_of(answer)),
            stream=responses_stream.response_of_stream,
        ),
        "/responses",
        {"include": []},  # encrypted reasoning is not asked for: many programs know no such field
    ),
}


class _FoundAddresses:
    """Remembers which form of an address was the right one. Safe to share between threads."""

    def __init__(self) -> None:
        self._urls: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, path: str, base: str) -> str | None:
        """Return the form of an address that was right, if it is known."""
        with self._lock:
            return self._urls.get((path, base))

    def keep(self, path: str, base: str, url: str) -> None:
        """Remember the form that was found."""
        with self._lock:
            self._urls[path, base] = url
            while len(self._urls) > _MOST_KNOWN:
                self._urls.popitem(last=False)


_FOUND = _FoundAddresses()


def candidates(base: str, path: str) -> list[str]:
    """Return where a program may be that people say is at `base`, the likeliest first.

    Args:
        base: An address.
        path: What a complete one ends with, such as `/chat/completions`.
    """
    parts = urlsplit(base.strip())
    given = parts.path.rstrip("/")
    if given.endswith(path):
        ends = [given]
    elif given.endswith("/v1"):
        ends = [given + path, given]
    elif given:
        ends = [given + path, given, f"{given}/v1{path}"]
    else:
        ends = [f"/v1{path}", path, "/"]
    return [parts._replace(path=end).geturl() for end in ends]


_Asking: TypeAlias = Generator[Request, Response | CallFailed, Response]
"""Yields requests and is sent what came of them."""


def _asking(request: Request, protocol: _Protocol) -> _Asking:
    """Return the answer of the program; its address is tried in the forms that it may have."""
    base = base_of(request.model, request.args)
    misses: list[Response | CallFailed] = []
    found = _FOUND.of(protocol.path, base)
    for url in sorted(candidates(base, protocol.path), key=lambda form: form != found):
        args = {**protocol.args, **request.args, "api_base": url}
        answer = yield replace(request, model=_name_of(request.model), args=args)
        if isinstance(answer, CallFailed) and answer.status not in NOT_HERE:
            raise answer
        if isinstance(answer, Mapping) and "choices" in answer:
            _FOUND.keep(protocol.path, base, url)
            return answer
        if url == found and not isinstance(answer, CallFailed):
            return answer  # here the program is, and this is what it has to say
        if isinstance(answer, Mapping) and "jsonrpc" in answer:
            raise unreachable(
                "the answer is not a completion but JSON-RPC, as A2A servers speak it"
            )
        misses.append(answer)
    # An answer that is no completion says more than an address at which nothing is.
    said = next((miss for miss in misses if not isinstance(miss, CallFailed)), None)
    if said is not None:
        return said
    assert isinstance(misses[0], CallFailed), "what is no answer is a failure"
    raise misses[0]


def _send(request: Request) -> Response:
    protocol = _protocol_of(request.model)
    asking = _asking(request, protocol)
    attempt = next(asking)
    try:
        while True:
            try:
                answer: Response | CallFailed = protocol.http.send(attempt)
            except CallFailed as failure:
                answer = failure
            attempt = asking.send(answer)
    except StopIteration as end:
        response: Response = end.value
        return response


async def _asend(request: Request) -> Response:
    protocol = _protocol_of(request.model)
    asking = _asking(request, protocol)
    attempt = next(asking)
    while True:
        try:
            answer: Response | CallFailed = await protocol.http.asend(attempt)
        except CallFailed as failure:
            answer = failure
        try:
            attempt = asking.send(answer)
        except StopIteration as end:
            response: Response = end.value
            return response


def _parts_of(model: str) -> Sequence[str]:
    return model.split("/", 2)


def _protocol_of(model: str) -> _Protocol:
    return _PROTOCOLS[_parts_of(model)[1]]


def _name_of(model: str) -> str:
    parts = _parts_of(model)
    return parts[2] if len(parts) > 2 else NAMELESS  # noqa: PLR2004  -- backend, protocol, name


def _is_another(model: str, _args: JsonMapping) -> bool:
    """Return whether a model of another server merely begins with `agent/`."""
    parts = _parts_of(model)
    return len(parts) == 1 or parts[1] not in _PROTOCOLS


def _explain(request: Request, failure: CallFailed, attempts: int) -> str | None:
    """Say in a sentence why a program did not answer, and what to do."""
    base = base_of(request.model, request.args)
    protocol = _parts_of(request.model)[1]
    tried = candidates(base, _protocol_of(request.model).path)
    return explained(base, protocol, tried, failure, attempts)


def _check(model: str, args: JsonMapping) -> None:
    protocol = _protocol_of(model)
    base = base_of(model, args)
    sent: JsonObject = {**args, "api_base": candidates(base, protocol.path)[0]}
    protocol.http.check(_name_of(model), sent)


BACKEND = Backend(
    "agent",
    claims=by_prefix_alone,
    send=_send,
    asend=_asend,
    check=_check,
    is_remote=True,
    explain=_explain,
    leaves=_is_another,
)
