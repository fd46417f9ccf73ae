"""Backends that post JSON to an endpoint: what they have in common, whatever the protocol."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tau2.errors import ConfigError
from tau2.llm.args import check_names
from tau2.llm.clock import clock
from tau2.llm.failure import CallFailed, from_status, unreachable
from tau2.llm.request import Request, Response
from tau2.llm.secrets import redactor_of, text_redactor
from tau2.llm.transport.endpoint import Endpoint, Service, endpoint_of
from tau2.llm.transport.proxies import proxy_for
from tau2.llm.transport.tls import tls_context
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.plain_data import DEEPEST, clean
from tau2.utils.sizes import LARGE, LONGEST_MESSAGE, size_of
from tau2.utils.text import clean_text

if TYPE_CHECKING:
    from tau2.llm.transport.response import HttpResponse

ResultT = TypeVar("ResultT")

_SUCCESS = range(200, 300)
_REDIRECTION = range(300, 400)
_SHORTEST_SECRET = 7  # characters; a shorter key may be a word that the model says
_UNUSUAL = re.compile(r"\\u|NaN|Infinity|\d[eE]")
"""Escapes that may be half a character, and numbers that are not finite."""


@dataclass(frozen=True, slots=True)
class HttpProtocol:
    """How requests and responses of one protocol are written."""

    service: Service
    body: Callable[[Request, str], JsonObject]
    """Returns the body of a request to a model of this name."""
    completion: Callable[[JsonValue], JsonValue]
    """Returns a response as a chat completion; what is none comes back as it is."""
    stream: Callable[[str], JsonValue] | None = None
    """Returns the response that a body holds that is not JSON; None for a body of another form."""

    def send(self, request: Request) -> Response:
        """Send a request and return the completion, blocking."""
        from tau2.llm.transport.sync_client import post  # noqa: PLC0415  -- imports httpx

        endpoint = endpoint_of(request.model, request.args, self.service)
        try:
            body = self._encoded(request, endpoint, _characters(request))
            response = post(endpoint, body, request.timeout)
            return self.completion_of(response, endpoint)
        except CallFailed as failure:
            failure.redact(endpoint.secrets)
            raise

    async def asend(self, request: Request) -> Response:
        """Do what `send` does without blocking the event loop."""
        from tau2.llm.transport.async_client import apost  # noqa: PLC0415  -- aiohttp, likewise

        endpoint = endpoint_of(request.model, request.args, self.service)
        try:
            size = _characters(request)
            body = await _off_loop(size, self._encoded, request, endpoint, size)
            response = await apost(endpoint, body, request.timeout)
            return await _off_loop(len(response.body), self.completion_of, response, endpoint)
        except CallFailed as failure:
            failure.redact(endpoint.secrets)
            raise

    def check(self, model: str, args: JsonMapping) -> None:
        """Raise ConfigError when a call is bound to fail."""
        check_names(args)
        endpoint = endpoint_of(model, args, self.service)
        proxy_for(endpoint.url)
        if isinstance(endpoint.verify, str):
            tls_context(endpoint.verify)

    def completion_of(self, response: HttpResponse, endpoint: Endpoint) -> Response:
        """Return the completion that an HTTP response holds; raise CallFailed for any other."""
        # Some servers begin with a byte order mark; one that says UTF-16 is obeyed too.
        text = response.body.decode(json.detect_encoding(response.body), "replace")
        if response.status in _REDIRECTION:
            raise CallFailed(
                f"the server answered with a redirection ({response.status}); correct api_base",
                status=response.status,
            )
        if response.status not in _SUCCESS:
            raise from_status(response.status, text, response.headers, clock.get().wall())
        streamed = self.stream(text) if self.stream is not None else None
        parsed = _json(text) if streamed is None else streamed
        if len(text) > LONGEST_MESSAGE:
            # An episode refuses such a text, and all of it would be read on the event loop.
            parsed = clean(parsed, lambda long: clean_text(long[: LONGEST_MESSAGE + 1]))
        spellings = redactor_of(endpoint.secrets).spellings
        secrets = [text for text in spellings if len(text) >= _SHORTEST_SECRET]
        if not _is_plain(text, secrets):
            parsed = clean(parsed, text_redactor(secrets))
        completion: Response = self.completion(parsed)
        return completion

    def _encoded(self, request: Request, endpoint: Endpoint, size: int) -> bytes:
        body = self.body(request, endpoint.model)
        try:
            if size <= LARGE:
                return json.dumps(body, allow_nan=False).encode()
            # Piece by piece: as a whole, no other thread could run until all of it is written.
            return "".join(json.JSONEncoder(allow_nan=False).iterencode(body)).encode()
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"the arguments of model {request.model!r} cannot be sent as JSON: {error}"
            ) from error


async def _off_loop(size: int, work: Callable[..., ResultT], *args: object) -> ResultT:
    """Do work on a text of this size: on the event loop if that takes no time, else in a thread."""
    return await asyncio.to_thread(work, *args) if size > LARGE else work(*args)


def _characters(request: Request) -> int:
    """Return about how many characters a request has."""
    return size_of(request.messages, LARGE)


def _json(text: str) -> JsonValue:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unreachable(f"the answer is not JSON: {text[:200]!r}") from error


def _is_plain(text: str, secrets: Sequence[str]) -> bool:
    """Return whether cleaning the content of this JSON text would change nothing, as is usual."""
    if text.count("{") + text.count("[") > DEEPEST:
        return False
    if any(secret in text for secret in secrets):
        return False
    return _UNUSUAL.search(text) is None
