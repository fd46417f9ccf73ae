"""Perform the steps of a flow, blocking or on an event loop.

This is the only difference between synchronous and asynchronous model calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from typing import Any

from tau2.llm.clock import clock
from tau2.llm.failure import CallFailed
from tau2.llm.request import Acquire, Await, Flow, ResultT, Send, Sender, Sleep, Step


def drive(flow: Flow[ResultT], sender: Sender) -> ResultT:
    """Run the flow to its end, blocking."""
    resume: Callable[[], Step] = partial(next, flow)
    try:
        while True:
            try:
                step = resume()
            except StopIteration as end:
                result: ResultT = end.value
                return result
            try:
                resume = partial(flow.send, _perform(step, sender))
            except CallFailed as failure:
                resume = partial(flow.throw, failure)
    finally:
        flow.close()


async def adrive(flow: Flow[ResultT], sender: Sender) -> ResultT:
    """Run the flow to its end without blocking the event loop."""
    resume: Callable[[], Step] = partial(next, flow)
    try:
        while True:
            try:
                step = resume()
            except StopIteration as end:
                result: ResultT = end.value
                return result
            try:
                resume = partial(flow.send, await _aperform(step, sender))
            except CallFailed as failure:
                resume = partial(flow.throw, failure)
    finally:
        flow.close()


def _perform(step: Step, sender: Sender) -> Any:
    match step:
        case Send(request):
            return sender.send(request)
        case Sleep(seconds):
            return clock.get().sleep(seconds)
        case Acquire(limiter, seconds):
            return limiter.acquire(seconds)
        case Await(answer, seconds):
            return not wait([answer], _timeout(seconds)).not_done


async def _aperform(step: Step, sender: Sender) -> Any:
    match step:
        case Send(request):
            return await sender.asend(request)
        case Sleep(seconds):
            return await clock.get().asleep(seconds)
        case Acquire(limiter, seconds):
            return await limiter.aacquire(seconds)
        case Await(answer, seconds):
            # Not awaited itself: an answer that comes too late is still to be looked at.
            answered, _ = await asyncio.wait([_on_loop(answer)], timeout=_timeout(seconds))
            return bool(answered)


def _timeout(seconds: float) -> float | None:
    return None if seconds == float("inf") else max(0.0, seconds)


def _on_loop(answer: Future[Any]) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.wrap_future(answer)
    # Whoever asked reads a failure from `answer`; asyncio would report that nobody did.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
