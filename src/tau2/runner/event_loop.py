"""Running a coroutine to its end, whether or not an event loop is running already."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

own_loop: ContextVar[bool] = ContextVar("tau2_own_loop", default=False)
"""Whether the running event loop was started for this run, so that Ctrl-C is ours to hear."""


def on_a_loop(work: Any) -> Any:
    """Run a coroutine to its end, also where an event loop is running already (a notebook, say)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _on_this_thread(work)
    return _on_another_thread(work)


def _on_this_thread(work: Any) -> Any:
    """Run a coroutine.

    Its result is kept aside: asyncio.run restores a signal handler at its end, and in doing so turns the task, with
    its whole result, into text that nobody reads.
    """
    results = []

    async def body() -> None:
        results.append(await work)

    token = own_loop.set(True)
    try:
        asyncio.run(body())
    finally:
        own_loop.reset(token)
    return results[0]


def _on_another_thread(work: Any) -> Any:
    """Run a coroutine on a loop of its own; Ctrl-C, which only the main thread hears, cancels it."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = Future()

    async def body() -> Any:
        started.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await work

    with ThreadPoolExecutor(1, thread_name_prefix="tau2-run") as thread:
        outcome = thread.submit(contextvars.copy_context().run, asyncio.run, body())
        try:
            return outcome.result()
        except BaseException:
            if not outcome.done():
                loop, task = started.result()
                if task is not None:
                    loop.call_soon_threadsafe(task.cancel)
            raise
