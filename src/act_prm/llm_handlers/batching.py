"""How sequences are put together: batches under a token budget, and calls that arrive at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Return the positions of `lengths` in batches of similar length, each at most `budget` tokens with its padding.

    A sequence longer than the budget is a batch of its own.
    """
    made: list[list[int]] = []
    width = 0
    for at in sorted(range(len(lengths)), key=lambda i: lengths[i], reverse=True):
        if made and width * (len(made[-1]) + 1) <= budget:
            made[-1].append(at)
        else:
            made.append([at])
            width = lengths[at]
    return made


class Coalescer(Generic[Item, Result]):
    """Joins the lists handed in by concurrent callers into one call of `work`, which does one list at a time.

    Rollouts that wait for the same model each ask for one reply; together they are a batch.
    """

    def __init__(self, work: Callable[[list[Item]], Awaitable[list[Result]]]) -> None:
        self._work = work
        self._waiting: list[tuple[list[Item], asyncio.Future[list[Result]]]] = []
        self._running: asyncio.Task[None] | None = None

    async def ask(self, items: list[Item]) -> list[Result]:
        """Return the results of `items`, in their order; an error of the joint call reaches every caller in it."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Result]] = loop.create_future()
        self._waiting.append((items, answer))
        if self._running is None or self._running.done() or self._running.get_loop() is not loop:
            self._running = loop.create_task(self._serve())
        return await answer

    async def _serve(self) -> None:
        await asyncio.sleep(0)  # callers that are ready in this turn of the loop join the batch
        while self._waiting:
            together, self._waiting = self._waiting, []
            together = [
                one for one in together if not one[1].done()
            ]  # a caller that was cancelled wants no answer
            try:
                results = await self._work([item for items, _ in together for item in items])
            except BaseException as error:
                for _, answer in together:
                    _fail(answer, error)
                if not isinstance(error, Exception):
                    raise
            else:
                _hand_out(results, together)


def _hand_out(
    results: list[Result], together: list[tuple[list[Item], asyncio.Future[list[Result]]]]
) -> None:
    start = 0
    for items, answer in together:
        if not answer.done():
            answer.set_result(results[start : start + len(items)])
        start += len(items)


def _fail(answer: asyncio.Future[list[Result]], error: BaseException) -> None:
    if answer.done():
        return
    if isinstance(error, asyncio.CancelledError):
        answer.cancel()
    else:
        answer.set_exception(error)
