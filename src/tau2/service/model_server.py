"""The server behind `tau2 serve-model`: OpenAI's chat completions, answered by the local engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from functools import partial
from typing import Any, TypeVar

from tau2.actions.tagged import TOOL_CALL_TAGS
from tau2.errors import ConfigError, ContextWindowExceeded, needs_extra
from tau2.llm.clock import clock
from tau2.llm.failure import CallFailed, unreachable
from tau2.llm.local import chat
from tau2.llm.local.engine import Engine
from tau2.llm.local.slots import Call
from tau2.llm.local.threads import in_thread
from tau2.service.model_requests import BadRequest, ChatRequest, parse_request
from tau2.service.server import HOST, LoopbackServer
from tau2.utils.json_types import JsonObject

with needs_extra("serve", "starlette"):
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Route

ResultT = TypeVar("ResultT")

_ANSWER_SECONDS = 1800.0  # for one answer, its time in the queue included
_COMMENT_SECONDS = 15.0  # between two signs of life while a prompt is evaluated
_MAYBE_JSON = ("{", "[", "`")  # how a call begins whose tags are left out
_DONE = "data: [DONE]\n\n"


class ModelServer(LoopbackServer):
    """One local model as an endpoint of OpenAI's API, for who knows the token."""

    def __init__(self, engine: Engine, name: str, port: int = 0, token: str | None = None) -> None:
        """Prepare to serve an engine as model `name`; port 0 is any free port.

        Raises:
            ConfigError: The port cannot be used.
        """
        super().__init__(model_app(engine, name), port, token, body="json", place="header")

    @property
    def base_url(self) -> str:
        """The address that clients take as base URL, or api_base."""
        return f"http://{HOST}:{self.port}/v1"


def model_app(engine: Engine, name: str) -> Starlette:
    """Return the API of one engine. Its server asks for the token, and caps the bodies."""
    api = _Api(engine, name)
    return Starlette(
        routes=[
            Route("/v1/models", api.models),
            Route("/v1/models/{name:path}", api.model),
            Route("/v1/chat/completions", api.chat_completions, methods=["POST"]),
        ],
        exception_handlers={
            BadRequest: _bad_request,
            CallFailed: _call_failed,
            HTTPException: _refused,
            Exception: _failed,
        },
    )


class _Api:
    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name
        self._created = int(clock.get().wall())

    def _described(self) -> JsonObject:
        return {
            "id": self._name,
            "object": "model",
            "created": self._created,
            "owned_by": "tau2",
            "context_length": self._engine.options.n_ctx,
        }

    async def models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._described()]})

    async def model(self, request: Request) -> Response:
        if request.path_params["name"] != self._name:
            raise HTTPException(404)
        return JSONResponse(self._described())

    async def chat_completions(self, request: Request) -> Response:
        # Whatever name is asked for, this model answers: clients insist on names of their own.
        asked_for = parse_request(await request.json())
        call = Call(_ANSWER_SECONDS)
        try:
            asked = await in_thread(partial(self._asked, asked_for), Call(_ANSWER_SECONDS))
        except ConfigError as error:
            raise BadRequest(str(error)) from error
        if asked_for.is_streamed:
            stream = _Stream(self._engine, self._name, asked, asked_for, call)
            first = await _while_connected(request, stream.start())
            return StreamingResponse(stream.events(first), media_type="text/event-stream")
        work = in_thread(partial(chat.generate, self._engine, asked, call), call)
        generated = await _while_connected(request, work)
        completion = chat.completion_of(asked, generated, self._name)
        completion.pop("_hidden_params")
        return JSONResponse(completion)

    def _asked(self, asked_for: ChatRequest) -> chat.Asked:
        return chat.ask(
            self._engine,
            asked_for.messages,
            asked_for.tools,
            asked_for.args,
            tool_choice=asked_for.tool_choice,
        )


async def _while_connected(request: Request, work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Return the result of work, which ends when the client is gone.

    Raises:
        CallFailed: The client is gone.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise unreachable("the client closed the connection")
        return working.result()
    finally:
        working.cancel()
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _Stream:
    """One answer as server-sent events."""

    def __init__(
        self, engine: Engine, name: str, asked: chat.Asked, asked_for: ChatRequest, call: Call
    ) -> None:
        self._engine = engine
        self._asked = asked
        self._asked_for = asked_for
        self._call = call
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self._gate = TextGate(holds_calls=bool(asked_for.tools))
        self._head: JsonObject = {
            "id": chat.completion_id(asked),
            "object": "chat.completion.chunk",
            "created": int(clock.get().wall()),
            "model": name,
        }

    async def start(self) -> str | None:
        """Begin to generate, and return the first piece of text; None for an answer without any.

        Raises:
            CallFailed: nothing was generated. Later failures are events of the stream.
        """
        loop = asyncio.get_running_loop()

        def on_text(text: str) -> None:
            loop.call_soon_threadsafe(self._pieces.put_nowait, text)

        work = partial(chat.generate, self._engine, self._asked, self._call, on_text)
        self._work = asyncio.ensure_future(in_thread(work, self._call))
        self._work.add_done_callback(lambda _: self._pieces.put_nowait(None))
        try:
            first = await self._pieces.get()
        except asyncio.CancelledError:
            self._work.cancel()
            raise
        if first is None:
            self._work.result()
        return first

    async def events(self, first: str | None) -> AsyncIterator[str]:
        """Yield the events. Who stops to listen ends the generation."""
        try:
            yield self._event({"role": "assistant", "content": ""})
            piece = first
            while piece is not None:
                text = self._gate.open(piece)
                if text:
                    yield self._event({"content": text})
                piece = await self._next()
                while piece == "":
                    yield ": evaluating\n\n"
                    piece = await self._next()
            for event in self._last_events():
                yield event
        finally:
            self._work.cancel()

    async def _next(self) -> str | None:
        """Return the next piece, None at the end, or nothing where it takes long."""
        try:
            return await asyncio.wait_for(self._pieces.get(), _COMMENT_SECONDS)
        except TimeoutError:
            return ""

    def _last_events(self) -> list[str]:
        try:
            generated = self._work.result()
        except CallFailed as failure:
            return [f"data: {json.dumps(_error_of(failure))}\n\n"]
        completion = chat.completion_of(self._asked, generated, self._head["model"])
        choice = completion["choices"][0]
        message = choice["message"]
        events = []
        calls = message.get("tool_calls") or []
        rest = self._gate.rest_of(message.get("content") or "") if not calls else ""
        if rest:
            events.append(self._event({"content": rest}))
        deltas = [{"index": index, **call} for index, call in enumerate(calls)]
        if deltas:
            events.append(self._event({"tool_calls": deltas}))
        events.append(self._event({}, choice["finish_reason"]))
        if self._asked_for.has_usage:
            usage = {**self._head, "choices": [], "usage": completion["usage"]}
            events.append(f"data: {json.dumps(usage)}\n\n")
        return [*events, _DONE]

    def _event(self, delta: JsonObject, finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return f"data: {json.dumps({**self._head, 'choices': [choice]})}\n\n"


class TextGate:
    """Lets through the text of an answer, up to what may be the beginning of a tool call."""

    def __init__(self, *, holds_calls: bool) -> None:
        self._holds_calls = holds_calls
        self._text = ""
        self._sent = 0

    def open(self, piece: str) -> str:
        """Return what may be sent once this piece is there, too."""
        self._text += piece
        if self._holds_calls:
            self._text = self._text.lstrip()
        # White space waits for what it stands before: at the end of an answer it is left out.
        end = len(self._text[: self._call_starts()].rstrip())
        text = self._text[self._sent : end]
        self._sent = max(self._sent, end)
        return text

    def rest_of(self, content: str) -> str:
        """Return what is left to send of the whole text."""
        sent = self._text[: self._sent]
        return content.removeprefix(sent) if content.startswith(sent) else ""

    def _call_starts(self) -> int:
        """Return where a tool call begins, or may begin."""
        length = len(self._text)
        if not self._holds_calls:
            return length
        if self._text.startswith(_MAYBE_JSON):
            return 0
        opening = TOOL_CALL_TAGS.opening
        place = self._text.find(opening, max(0, self._sent - len(opening)))
        if place >= 0:
            return place
        longest = min(len(opening) - 1, length)
        held = (number for number in range(longest, 0, -1) if self._text.endswith(opening[:number]))
        return length - next(held, 0)


def _error(message: str, kind: str, **fields: str | None) -> JsonObject:
    return {"error": {"message": message, "type": kind, "param": None, "code": None, **fields}}


def _error_of(failure: CallFailed) -> JsonObject:
    if failure.verdict is ContextWindowExceeded:
        return _error(failure.text, "invalid_request_error", code="context_length_exceeded")
    kind = "server_error" if failure.temporary else "invalid_request_error"
    return _error(failure.text, kind)


async def _bad_request(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, BadRequest), "this is what the handler is registered for"
    error = _error(problem.message, "invalid_request_error", param=problem.param, code=problem.code)
    return JSONResponse(error, 400)


async def _call_failed(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, CallFailed), "this is what the handler is registered for"
    return JSONResponse(_error_of(problem), 503 if problem.temporary else 400)


async def _refused(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException), "this is what the handler is registered for"
    said = {404: "there is no such path or model", 405: f"{request.method} is not answered here"}
    text = said.get(problem.status_code, problem.detail)
    return JSONResponse(
        _error(text, "invalid_request_error"), problem.status_code, headers=problem.headers
    )


async def _failed(_request: Request, _problem: Exception) -> Response:
    """Answer a fault of ours; Starlette raises it again, and uvicorn logs its traceback."""
    return JSONResponse(_error("the server failed; its log says why", "server_error"), 500)
