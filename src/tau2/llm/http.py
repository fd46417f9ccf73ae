"""POST with kept connections; sync and async. Nothing limits the number of lines: one per call in flight."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TypeVar
from weakref import WeakKeyDictionary

from tau2.llm.lines import (
    KEPT_ALIVE,
    STALE,
    AsyncLine,
    Headers,
    Reply,
    SyncLine,
    Target,
    judged,
    target_of,
)

LineT = TypeVar("LineT", SyncLine, AsyncLine)

_IDLE: defaultdict[Target, deque[SyncLine]] = defaultdict(deque)
"""Idle lines of synchronous calls, most recently used last; shared by all threads of the process."""


def post(url: str, headers: Headers, body: bytes, seconds: float) -> Reply:
    """Send `body` and return the answer, whatever its status. Raise CallFailed when none comes within `seconds`."""
    until = time.monotonic() + seconds
    with judged(seconds):
        target = target_of(url)
        kept = _taken(_IDLE[target])
        if kept is not None:
            with suppress(
                *STALE
            ):  # the server closed it while it was idle, which says nothing about this request
                return _exchange(kept, target, headers, body, until)
        return _exchange(SyncLine(target), target, headers, body, until)


def _exchange(line: SyncLine, target: Target, headers: Headers, body: bytes, until: float) -> Reply:
    try:
        reply = line.exchange(target, headers, body, until - time.monotonic())
    except BaseException:
        line.close()
        raise
    for over in _put_back(line, _IDLE[target]):
        over.close()
    return reply


def _taken(idle: deque[SyncLine]) -> SyncLine | None:
    while (line := _popped(idle)) is not None:
        if not line.is_over():
            return line
        line.close()
    return None


def _popped(idle: deque[LineT]) -> LineT | None:
    try:
        return idle.pop()
    except IndexError:  # empty, or another thread was faster
        return None


def _put_back(line: LineT, idle: deque[LineT]) -> list[LineT]:
    """Keep `line` for the next call and return the lines that are to be closed, at most two."""
    if line.is_closed():
        return [line]
    idle.append(line)
    try:
        oldest = idle.popleft()
    except IndexError:
        return []
    if time.monotonic() - oldest.used_at > KEPT_ALIVE:
        return [oldest]
    idle.appendleft(oldest)
    return []


def close() -> None:
    """Close the idle connections of synchronous calls."""
    for idle in list(_IDLE.values()):
        while (line := _popped(idle)) is not None:
            line.close()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=close)  # two processes must not speak on one connection


class _LoopLines:
    """The idle lines of one event loop."""

    def __init__(self) -> None:
        self.idle: defaultdict[Target, deque[AsyncLine]] = defaultdict(deque)
        self.keeper = self._until_loop_ends()

    async def _until_loop_ends(self) -> AsyncGenerator[None, None]:
        """Close the lines when the loop shuts down its asynchronous generators, which is before it closes."""
        try:
            yield
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        for idle in list(self.idle.values()):
            while (line := _popped(idle)) is not None:
                await line.aclose()


_LOOPS: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopLines] = WeakKeyDictionary()
_LOOPS_LOCK = threading.Lock()


async def _lines_of_this_loop() -> _LoopLines:
    loop = asyncio.get_running_loop()
    lines = _LOOPS.get(loop)
    if lines is None:
        lines = _LoopLines()
        await anext(lines.keeper)
        with _LOOPS_LOCK:
            for ended in [other for other in _LOOPS if other.is_closed()]:
                del _LOOPS[ended]
            _LOOPS[loop] = lines
    return lines


async def apost(url: str, headers: Headers, body: bytes, seconds: float) -> Reply:
    """Do what `post` does without blocking the event loop."""
    with judged(seconds):
        async with asyncio.timeout(seconds if seconds < float("inf") else None):
            target = target_of(url)
            idle = (await _lines_of_this_loop()).idle[target]
            kept = await _ataken(idle)
            if kept is not None:
                with suppress(*STALE):  # as in `post`
                    return await _aexchange(kept, target, headers, body, seconds, idle)
            return await _aexchange(AsyncLine(target), target, headers, body, seconds, idle)


async def _aexchange(
    line: AsyncLine,
    target: Target,
    headers: Headers,
    body: bytes,
    seconds: float,
    idle: deque[AsyncLine],
) -> Reply:
    try:
        reply = await line.exchange(target, headers, body, seconds)
    except BaseException:
        await line.aclose()
        raise
    for over in _put_back(line, idle):
        await over.aclose()
    return reply


async def _ataken(idle: deque[AsyncLine]) -> AsyncLine | None:
    while (line := _popped(idle)) is not None:
        if not line.is_over():
            return line
        await line.aclose()
    return None


async def aclose() -> None:
    """Close the idle connections of the running event loop; `asyncio.run` does so by itself."""
    lines = _LOOPS.get(asyncio.get_running_loop())
    if lines is not None:
        await lines.aclose()
