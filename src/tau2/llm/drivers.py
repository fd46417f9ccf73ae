"""Perform the steps of a flow, blocking or on an event loop.

This is the only difference between synchronous and asynchronous model calls.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tau2.llm.clock import clock
from tau2.llm.failure import CallFailed
from tau2.llm.request import Acquire, Flow, ResultT, Send, Sender, Sleep, Step


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


async def _aperform(step: Step, sender: Sender) -> Any:
    match step:
        case Send(request):
            return await sender.asend(request)
        case Sleep(seconds):
            return await clock.get().asleep(seconds)
        case Acquire(limiter, seconds):
            return await limiter.aacquire(seconds)
