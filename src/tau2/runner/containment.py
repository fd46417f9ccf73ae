"""Containment of foreign code: whatever it raises, and however it hangs, concerns one unit only."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from typing import Any, ParamSpec, TypeVar

ResultT = TypeVar("ResultT")
P = ParamSpec("P")

CANCEL_GRACE = 5.0
"""Seconds for which a cancelled task is waited for; foreign code may swallow the cancellation."""

interrupts_are_handled: ContextVar[bool] = ContextVar("tau2_interrupts_handled", default=False)
"""Whether Ctrl-C is handled by the run, so that a KeyboardInterrupt can only come from foreign
code."""


class Overdue(Exception):
    """Contained work did not end in time, and was abandoned."""


async def contained(
    work: Coroutine[Any, Any, ResultT], seconds: float | None = None
) -> ResultT | BaseException:
    """Return the result of foreign work, or what it raised: any exception, CancelledError too.

    The work runs in a task of its own, so that a cancellation of the caller is told from a
    CancelledError that the work raised. The former cancels the work, too, and is raised here. Work
    that takes longer than `seconds` is cancelled, abandoned if it does not end then, and Overdue is
    returned. A KeyboardInterrupt that may be the process's own is raised.
    """
    task = asyncio.create_task(_caught(work))
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await _cancelled(task)
        raise
    if task.done():
        return _outcome_of(task)
    await _cancelled(task)
    return Overdue(f"it did not end within {seconds:g} seconds")


async def _caught(work: Coroutine[Any, Any, ResultT]) -> ResultT | BaseException:
    try:
        return await work
    except KeyboardInterrupt as problem:
        if interrupts_are_handled.get():
            return problem
        raise
    except BaseException as problem:  # noqa: BLE001  -- the caller records it
        return problem


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=CANCEL_GRACE)


def _outcome_of(task: asyncio.Task[ResultT | BaseException]) -> ResultT | BaseException:
    if task.cancelled():  # before it began
        return asyncio.CancelledError()
    return task.result()


class ParticipantThreads(ThreadPoolExecutor):
    """Threads for participants that block: one per call in progress, used again.

    There is no upper bound, because a thread whose participant never returns is lost, and the calls
    of other units must not wait for it. Nor does the end of the process. The base class shares
    nothing but its name: an event loop accepts no other as its default executor.
    """

    def __init__(self) -> None:  # the threads of the base class are not wanted
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = (
            queue.SimpleQueue()
        )
        self._changing = threading.Lock()
        self._free = 0
        self._started = 0
        self._is_closed = False

    def submit(
        self, fn: Callable[P, ResultT], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[ResultT]:
        """Call `fn` in a thread. Raise RuntimeError when closed, or when no thread can start."""
        future: Future[ResultT] = Future()
        with self._changing:
            if self._is_closed:
                raise RuntimeError("the threads of this run are closed")
            if self._free:
                self._free -= 1
            else:
                name = f"tau2-participant-{self._started}"
                threading.Thread(target=self._serve, name=name, daemon=True).start()
                self._started += 1
            self._calls.put((future, partial(fn, *args, **kwargs)))
        return future

    def _serve(self) -> None:
        while (work := self._calls.get()) is not None:
            future, call = work
            if future.set_running_or_notify_cancel():
                _call_into(future, call)
            # Else this thread would hold the last result until its next call.
            del work, future, call
            with self._changing:
                self._free += 1

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads end when their calls return; waits for none of them."""
        with self._changing:
            self._is_closed = True
            for _ in range(self._started):
                self._calls.put(None)


def _call_into(future: Future[Any], call: Callable[[], Any]) -> None:
    try:
        future.set_result(call())
    except BaseException as problem:  # noqa: BLE001  -- who awaits the future gets it
        future.set_exception(problem)
