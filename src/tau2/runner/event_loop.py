"""Running coroutines to their end, with or without a running event loop, and several at once."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from tau2.runner.containment import CANCEL_GRACE, ParticipantThreads

logger = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")

_NEW_OBJECTS = 5_000
"""Objects after which reference cycles are looked for among them: those of a few conversations."""

own_loop: ContextVar[bool] = ContextVar("tau2_own_loop", default=False)
"""Whether the running event loop was started for this run, so that the run handles Ctrl-C."""


def run_on_loop(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Return the result of a coroutine, also where an event loop is running already."""
    try:
        asyncio.get_running_loop()
        is_running = True
    except RuntimeError:
        is_running = False
    # Not in the `except` above, which would be told of in the traceback of every failed run.
    with fewer_collections():
        return _on_another_thread(work) if is_running else _on_this_thread(work)


def _on_this_thread(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    # The result is kept aside: at its end asyncio.run restores a signal handler, and in doing so
    # makes a text of the task with its whole result, which takes seconds for a large run.
    results: list[ResultT] = []
    tasks: list[asyncio.Task[Any]] = []

    async def body() -> None:
        tasks.extend(filter(None, [asyncio.current_task()]))
        results.append(await work)

    token = own_loop.set(True)
    try:
        with asyncio.Runner() as runner:
            runner.get_loop().set_default_executor(ParticipantThreads())
            try:
                _run_to_end(runner, body(), tasks)
            finally:
                runner.run(_abandon_tasks())
    finally:
        own_loop.reset(token)
    return results[0]


@contextmanager
def fewer_collections() -> Iterator[None]:
    """Have Python look for reference cycles less often until the block ends.

    The objects of a conversation live until it ends. Python usually looks at the new ones whenever
    there are 700 more, which takes a tenth of the CPU time of a run. A program that has chosen a
    higher threshold of its own, or none, keeps it.
    """
    before = gc.get_threshold()
    if not 0 < before[0] < _NEW_OBJECTS:
        yield
        return
    gc.set_threshold(_NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def _abandon_tasks() -> None:
    """Cancel all other tasks; forget those that swallow it, or closing the loop waits for them."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        _done, left = await asyncio.wait(tasks, timeout=CANCEL_GRACE)
        for task in left:
            asyncio._unregister_task(task)  # noqa: SLF001  -- documented for code like this


def _run_to_end(
    runner: asyncio.Runner, body: Coroutine[Any, Any, None], tasks: list[asyncio.Task[Any]]
) -> None:
    """Run `body`, whose task is then in `tasks`, whatever other tasks do to the event loop.

    SystemExit in a task that foreign code started ends the loop, and so does `loop.stop()`.
    """

    async def rest() -> None:
        await asyncio.wait(tasks)

    work = body
    while True:
        try:
            runner.run(work)
        except (SystemExit, RuntimeError) as problem:
            if not tasks or tasks[0].done():
                raise
            name = type(problem).__name__
            logger.warning("foreign code stopped the event loop (%s); the run goes on", name)
        else:
            break
        work = rest()
    tasks[0].result()


def _on_another_thread(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine on a loop of its own.

    Ctrl-C, which only the main thread receives, cancels it.
    """
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = Future()

    async def body() -> ResultT:
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


async def run_copies(work: Callable[[], Coroutine[Any, Any, None]], copies: int) -> None:
    """Run `work()` several times at once. The first failure stops the others.

    Raise it, and not an exception group; failures of the others are attached to it as notes.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(copies):
                group.create_task(work())
    except BaseExceptionGroup as failures:
        first, *others = failures.exceptions
        for other in others:
            first.add_note(f"meanwhile, another task failed: {type(other).__name__}: {other}")
        raise first from None
