"""A caller's own completion function in place of a backend: any colour, any usual form of answer."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

from tau2.llm.failure import judging
from tau2.llm.request import CompletionFn, Request, Response, Sender
from tau2.llm.response import clean_response
from tau2.llm.secrets import secrets_in_args

_NOT_PASSED = frozenset({"script", "script_end", "script_offset"})


def sender_of(fn: CompletionFn) -> Sender:
    """Return a sender that asks `fn(model=, messages=, tools=, tool_choice=, **llm_args)`."""
    return Sender(partial(_send, fn), partial(_asend, fn), own_args=True)


def _send(fn: CompletionFn, request: Request) -> Response:
    secrets = secrets_in_args(request.args)
    with judging(secrets):
        return _plain(call_sync(fn, _call(request), request.timeout), secrets)


async def _asend(fn: CompletionFn, request: Request) -> Response:
    secrets = secrets_in_args(request.args)
    with judging(secrets):
        return _plain(await call_async(fn, _call(request), request.timeout), secrets)


def _call(request: Request) -> dict[str, Any]:
    named = {
        "model": request.model,
        "messages": list(request.messages),
        "tools": request.tools,
        "tool_choice": (request.tool_choice or "auto") if request.tools else None,
    }
    return named | {name: value for name, value in request.args.items() if name not in _NOT_PASSED}


def _plain(response: Any, secrets: Iterable[str]) -> Response:
    plain: Response = clean_response(response, secrets)
    return plain


def call_sync(
    fn: Callable[..., Any], kwargs: Mapping[str, Any], seconds: float = float("inf")
) -> Any:
    """Call `fn`; an awaitable result is awaited on an event loop of its own, for at most `seconds`."""
    result = fn(**kwargs)
    return _awaited_here(result, seconds) if inspect.isawaitable(result) else result


def _awaited_here(result: Awaitable[Any], seconds: float) -> Any:
    """Await `result` without a running loop, or beside the one that this call blocks."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_within(result, seconds))
    with ThreadPoolExecutor(max_workers=1) as beside:
        return beside.submit(copy_context().run, asyncio.run, _within(result, seconds)).result()


async def _within(result: Awaitable[Any], seconds: float) -> Any:
    async with asyncio.timeout(seconds if seconds < float("inf") else None):
        return await result


async def call_async(
    fn: Callable[..., Any], kwargs: Mapping[str, Any], seconds: float = float("inf")
) -> Any:
    """Call `fn` without blocking the event loop: a plain function runs in a thread, with this context."""
    async with asyncio.timeout(seconds if seconds < float("inf") else None):
        result = fn(**kwargs) if _is_async(fn) else await asyncio.to_thread(fn, **kwargs)
        return await result if inspect.isawaitable(result) else result


def _is_async(fn: Callable[..., Any]) -> bool:
    call = getattr(fn, "__call__", None)  # noqa: B004  -- an object may be called through an async method
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(call)
