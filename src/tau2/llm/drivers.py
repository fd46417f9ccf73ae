"""Perform the steps of a flow: blocking, or on an event loop. The only difference between sync and async calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tau2.llm.clock import clock
from tau2.llm.failure import CallFailed
from tau2.llm.request import Enter, Flow, ResultT, Send, Sender, Sleep, Step


def drive(flow: Flow[ResultT], sender: Sender) -> ResultT:
    """Run the flow to its end, blocking."""
    go_on: Callable[[], Step] = partial(next, flow)
    try:
        while True:
            try:
                step = go_on()
            except StopIteration as end:
                result: ResultT = end.value
                return result
            try:
                go_on = partial(flow.send, _perform(step, sender))
            except CallFailed as failure:
                go_on = partial(flow.throw, failure)
    finally:
        flow.close()


async def adrive(flow: Flow[ResultT], sender: Sender) -> ResultT:
    """Run the flow to its end without blocking the event loop."""
    go_on: Callable[[], Step] = partial(next, flow)
    try:
        while True:
            try:
                step = go_on()
            except StopIteration as end:
                result: ResultT = end.value
                return result
            try:
                go_on = partial(flow.send, await _aperform(step, sender))
            except CallFailed as failure:
                go_on = partial(flow.throw, failure)
    finally:
        flow.close()


def _perform(step: Step, sender: Sender) -> Any:
    match step:
        case Send(request):
            return sender.send(request)
        case Sleep(seconds):
            return clock.get().sleep(seconds)
        case Enter(gate, seconds):
            return gate.enter(seconds)


async def _aperform(step: Step, sender: Sender) -> Any:
    match step:
        case Send(request):
            return await sender.asend(request)
        case Sleep(seconds):
            return await clock.get().asleep(seconds)
        case Enter(gate, seconds):
            return await gate.aenter(seconds)
