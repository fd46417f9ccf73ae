"""Middleware: code around every attempt to reach a model.

Limits, budget, cache, recording, replay and redaction are middleware. A middleware is a generator
function, so that one function serves synchronous and asynchronous calls:

    def middleware(request, send):
        response = yield from send(request)
        return response

It may yield steps of its own (such as `Sleep`) first, change the request, answer without `send`, or
look at the response and at the CallFailed that `send` raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

from tau2.llm.request import Flow, Request, Response

NextSend: TypeAlias = Callable[[Request], Flow[Response]]
"""Sends a request through the middleware further in, and at last to the model."""

Middleware: TypeAlias = Callable[[Request, NextSend], Flow[Response]]

current_middleware: ContextVar[Middleware | None] = ContextVar(
    "tau2_current_middleware", default=None
)
"""What surrounds the model calls of this context.

Set through `use_middleware`, which also resets it.
"""


@contextmanager
def use_middleware(*middleware: Middleware) -> Iterator[None]:
    """Surround every model call of this context until the block ends; the first is the outermost.

    Middleware that is already in use stays outside of all of them.
    """
    outer = current_middleware.get()
    token = current_middleware.set(stacked(*([outer] if outer else []), *middleware))
    try:
        yield
    finally:
        current_middleware.reset(token)


def stacked(*middleware: Middleware) -> Middleware:
    """Return several middleware as one; the first is the outermost."""

    def stack(request: Request, send: NextSend) -> Flow[Response]:
        for one in reversed(middleware):
            send = _bound(one, send)
        return (yield from send(request))

    return stack


def _bound(middleware: Middleware, send: NextSend) -> NextSend:
    return lambda request: middleware(request, send)
