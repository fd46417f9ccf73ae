"""Agents that are A2A servers: `a2a/agent`, at `api_base`.

The card is looked for at its well-known places, once per process. A conversation is one context of
the program, which keeps it: what it may have got is never sent twice.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from tau2.llm.agent_program import NOT_HERE, SERVICE, base_of, explained
from tau2.llm.failure import CallFailed, unreachable
from tau2.llm.http_backend import HttpProtocol
from tau2.llm.protocols import a2a, a2a_http, chat_completions
from tau2.llm.request import Backend, Request, Response, by_prefix_alone
from tau2.llm.transport.endpoint import Endpoint, endpoint_of
from tau2.llm.transport.response import HttpResponse
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

_PROBE = "probe"
_UNKNOWN_TASK = "tau2-probe"
_FIRST_PAUSE = 0.1  # seconds before a task that is under way is asked for; doubled each time
_LONGEST_PAUSE = 2.0
_MOST_KNOWN = 64  # programs whose card is remembered

_HTTP = HttpProtocol(SERVICE, chat_completions.body_of, chat_completions.completion_of)


@dataclass(frozen=True, slots=True)
class _Post:
    """A step: an HTTP request; the result is its response."""

    endpoint: Endpoint
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class _Wait:
    """A step: a pause."""

    seconds: float


_Conversing: TypeAlias = Generator[_Post | _Wait, Any, Response]
_Calling: TypeAlias = Generator[_Post | _Wait, Any, JsonValue]


class _Cards:
    """Remembers where programs are asked. Safe to share between threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, a2a.Interface] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, base: str) -> a2a.Interface | None:
        """Return where the program at `base` is asked, if its card was read."""
        with self._lock:
            return self._known.get(base)

    def keep(self, base: str, interface: a2a.Interface) -> None:
        """Remember where the program at `base` is asked."""
        with self._lock:
            self._known[base] = interface
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)

    def forget(self, base: str) -> None:
        """Read the card of the program at `base` again."""
        with self._lock:
            self._known.pop(base, None)


_CARDS = _Cards()


def _conversing(request: Request) -> _Conversing:
    """Return what the program says next."""
    base = base_of(request.model, request.args)
    endpoint = endpoint_of(request.model, {**request.args, "api_base": base}, SERVICE)
    interface = yield from _interface(base, endpoint, fresh=request.call_name == _PROBE)
    try:
        if request.call_name == _PROBE:
            return (yield from _probed(endpoint, interface))
        return (yield from _asked(request, endpoint, interface))
    except CallFailed:
        _CARDS.forget(base)  # another program may serve there by now
        raise


def _probed(endpoint: Endpoint, interface: a2a.Interface) -> _Conversing:
    """Ask for a task that does not exist: the answer is an error, and the program does nothing."""
    answered = yield from _called(endpoint, interface, "get", {"id": _UNKNOWN_TASK})
    if not a2a.is_json_rpc(answered):
        raise unreachable(f"the answer is not JSON-RPC: {repr(answered)[:200]}")
    return _completion({"role": "assistant", "content": "OK"})


def _asked(request: Request, endpoint: Endpoint, interface: a2a.Interface) -> _Conversing:
    """Send what is new in the conversation, and wait for the answer."""
    contact = a2a.contact_of(request.messages)
    tools = request.tools or []
    # A program takes the name that we give the context, or answers with a name of its own.
    context = contact.context or str(uuid.uuid4())
    params = a2a.send_params(contact, tools, interface.version, str(uuid.uuid4()), context)
    answered = yield from _called(endpoint, interface, "send", params)
    if contact.context is None and a2a.is_refused(answered):
        # Some programs begin contexts themselves only.
        params = a2a.send_params(contact, tools, interface.version, str(uuid.uuid4()), None)
        answered = yield from _called(endpoint, interface, "send", params)
    answer = a2a.answer_of(answered)
    pause = _FIRST_PAUSE
    while answer.is_under_way:
        yield _Wait(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        asked = {"id": answer.task}
        answer = a2a.answer_of((yield from _called(endpoint, interface, "get", asked)))
    names = {str(tool.get("function", {}).get("name")) for tool in tools}
    return _completion(a2a.message_of(answer, context, names))


def _completion(message: JsonObject) -> Response:
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def _interface(
    base: str, endpoint: Endpoint, *, fresh: bool
) -> Generator[_Post, Any, a2a.Interface]:
    """Return where the program is asked, by its card."""
    known = None if fresh else _CARDS.of(base)
    if known is not None:
        return known
    missing: CallFailed | None = None
    for url in a2a.card_urls(endpoint.url):
        card_endpoint = replace(endpoint, url=url, method="GET")
        try:
            card = _read((yield _Post(card_endpoint)), endpoint)
        except CallFailed as failure:
            if failure.status not in NOT_HERE:
                raise
            missing = missing or failure
            continue
        # The headers hold the user and the password that `base` may have.
        interface = a2a.interface_of(card, endpoint.url)
        _CARDS.keep(base, interface)
        return interface
    assert missing is not None, "a card is looked for in one place at least"
    raise missing


def _called(
    endpoint: Endpoint,
    interface: a2a.Interface,
    method: Literal["send", "get"],
    params: JsonMapping,
) -> _Calling:
    """Return the response to a JSON-RPC call, or to one of HTTP+JSON in that form."""
    headers = endpoint.headers
    if interface.version == "1.0":
        headers = (*headers, ("A2A-Version", "1.0"))
    if interface.binding == a2a.HTTP_JSON:
        return (
            yield from _called_over_http(
                replace(endpoint, headers=headers), interface, method, params
            )
        )
    body = a2a.call_body(method, interface.version, params, str(uuid.uuid4()))
    place = replace(endpoint, url=interface.url, headers=headers)
    return _read((yield _Post(place, json.dumps(body).encode())), endpoint)


def _called_over_http(
    endpoint: Endpoint,
    interface: a2a.Interface,
    method: Literal["send", "get"],
    params: JsonMapping,
) -> _Calling:
    asked = a2a_http.asked(interface, method, params)
    place = replace(endpoint, url=asked.url, method=asked.method)
    body = b"" if asked.body is None else json.dumps(asked.body).encode()
    try:
        answer = _read((yield _Post(place, body)), endpoint)
    except CallFailed as failure:
        error = a2a_http.error_of(method, failure)
        if error is None:
            raise
        return error
    return a2a_http.as_json_rpc(interface, answer)


def _read(response: HttpResponse, endpoint: Endpoint) -> JsonValue:
    return _HTTP.completion_of(response, endpoint)


def _send(request: Request) -> Response:
    from tau2.llm.transport.sync_client import post  # noqa: PLC0415  -- imports httpx

    until = time.monotonic() + request.timeout
    conversing = _conversing(request)
    step = next(conversing)
    while True:
        try:
            if isinstance(step, _Wait):
                time.sleep(min(step.seconds, _left(until, request)))
                step = conversing.send(None)
            else:
                step = conversing.send(post(step.endpoint, step.body, _left(until, request)))
        except StopIteration as end:
            response: Response = end.value
            return response


async def _asend(request: Request) -> Response:
    from tau2.llm.transport.async_client import apost  # noqa: PLC0415  -- aiohttp, likewise

    until = time.monotonic() + request.timeout
    conversing = _conversing(request)
    step = next(conversing)
    while True:
        try:
            if isinstance(step, _Wait):
                await asyncio.sleep(min(step.seconds, _left(until, request)))
                step = conversing.send(None)
            else:
                answer = await apost(step.endpoint, step.body, _left(until, request))
                step = conversing.send(answer)
        except StopIteration as end:
            response: Response = end.value
            return response


def _left(until: float, request: Request) -> float:
    """Return the seconds that an exchange has left. Raise CallFailed when there are none."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise unreachable(f"no answer within {request.timeout:.3g} s")
    return seconds


def _explain(request: Request, failure: CallFailed, attempts: int) -> str | None:
    """Say in a sentence why a program did not answer, and what to do."""
    base = base_of(request.model, request.args)
    return explained(base, "a2a", a2a.card_urls(base), failure, attempts)


def _check(model: str, args: JsonMapping) -> None:
    _HTTP.check(model, {**args, "api_base": base_of(model, args)})


BACKEND = Backend(
    "a2a",
    claims=by_prefix_alone,
    send=_send,
    asend=_asend,
    check=_check,
    is_remote=True,
    explain=_explain,
    is_stateful=True,
)
