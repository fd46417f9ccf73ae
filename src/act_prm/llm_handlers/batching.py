"""Batches of sequences under a token budget, and concurrent calls joined into one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Return the indices of `lengths` in batches of similar lengths.

    With its padding, a batch has at most `budget` tokens, or one sequence that is longer.
    """
    found: list[list[int]] = []
    width = 0
    for at in sorted(range(len(lengths)), key=lambda i: lengths[i], reverse=True):
        if found and width * (len(found[-1]) + 1) <= budget:
            found[-1].append(at)
        else:
            found.append([at])
            width = lengths[at]
    return found


class Coalescer(Generic[Item, Result]):
    """Joins the items of concurrent callers into one call of `work`; calls of `work` never overlap.

    Rollouts that wait for the same model each ask for one completion; together they are a batch.
    """

    def __init__(self, work: Callable[[list[Item]], Awaitable[list[Result]]]) -> None:
        self._work = work
        self._waiting: list[tuple[list[Item], asyncio.Future[list[Result]]]] = []
        self._running: asyncio.Task[None] | None = None

    async def ask(self, items: list[Item]) -> list[Result]:
        """Return the results of `items` in order.

        An error of the joint call reaches all its callers.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Result]] = loop.create_future()
        self._waiting.append((items, future))
        if self._running is None or self._running.done() or self._running.get_loop() is not loop:
            self._running = loop.create_task(self._serve())
        return await future

    async def _serve(self) -> None:
        # Callers that are ready in this iteration of the loop join the batch.
        await asyncio.sleep(0)
        while self._waiting:
            # A caller that was cancelled needs no result.
            together = [one for one in self._waiting if not one[1].done()]
            self._waiting = []
            try:
                results = await self._work([item for items, _ in together for item in items])
            except BaseException as error:
                for _, future in together:
                    _fail(future, error)
                if not isinstance(error, Exception):
                    raise
            else:
                _distribute(results, together)


def _distribute(
    results: list[Result], together: list[tuple[list[Item], asyncio.Future[list[Result]]]]
) -> None:
    start = 0
    for items, future in together:
        if not future.done():
            future.set_result(results[start : start + len(items)])
        start += len(items)


def _fail(future: asyncio.Future[list[Result]], error: BaseException) -> None:
    if future.done():
        return
    if isinstance(error, asyncio.CancelledError):
        future.cancel()
    else:
        future.set_exception(error)
