"""A caller's own completion function in place of a backend: sync or async, any form of response."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

from tau2.llm.failure import converted_errors
from tau2.llm.request import CompletionFn, Request, Response, ResultT, Sender
from tau2.llm.response import clean_response
from tau2.llm.secrets import secrets_in_args
from tau2.llm.wire import sent_args
from tau2.utils.json_types import JsonMapping, JsonObject

_NOT_PASSED = frozenset({"script", "script_end", "script_offset"})


def sender_of(fn: CompletionFn) -> Sender:
    """Return a sender that asks `fn(model=, messages=, tools=, tool_choice=, **llm_args)`."""
    return Sender(partial(_send, fn), partial(_asend, fn), own_args=True)


def _send(fn: CompletionFn, request: Request) -> Response:
    secrets = secrets_in_args(request.args)
    with converted_errors(secrets):
        return clean_response(call_sync(fn, _kwargs(request), request.timeout), secrets)


async def _asend(fn: CompletionFn, request: Request) -> Response:
    secrets = secrets_in_args(request.args)
    with converted_errors(secrets):
        return clean_response(await call_async(fn, _kwargs(request), request.timeout), secrets)


def _kwargs(request: Request) -> JsonObject:
    named: JsonObject = {
        "model": request.model,
        "messages": list(request.messages),
        "tools": request.tools,
        "tool_choice": (request.tool_choice or "auto") if request.tools else None,
    }
    given = {name: value for name, value in request.args.items() if name not in _NOT_PASSED}
    return named | sent_args(given)


def call_sync(fn: Callable[..., Any], kwargs: JsonMapping, seconds: float = float("inf")) -> Any:
    """Call `fn`.

    An awaitable result is awaited on an event loop of its own, for at most `seconds`.
    """
    result = fn(**kwargs)
    if not inspect.isawaitable(result):
        return result
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_within(result, seconds))
    # This call blocks a running loop, and a thread can run only one: the result needs another.
    with ThreadPoolExecutor(max_workers=1) as thread:
        context = copy_context()
        return thread.submit(context.run, asyncio.run, _within(result, seconds)).result()


async def _within(result: Awaitable[ResultT], seconds: float) -> ResultT:
    async with asyncio.timeout(seconds if seconds < float("inf") else None):
        return await result


async def call_async(
    fn: Callable[..., Any], kwargs: JsonMapping, seconds: float = float("inf")
) -> Any:
    """Call `fn` without blocking the event loop: a plain function runs in a thread."""
    call = getattr(fn, "__call__", None)  # noqa: B004  -- it may be an async method of an object
    is_async = inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(call)
    async with asyncio.timeout(seconds if seconds < float("inf") else None):
        result = fn(**kwargs) if is_async else await asyncio.to_thread(fn, **kwargs)
        return await result if inspect.isawaitable(result) else result
