"""How a worker of a cluster shares money, limits and logs: through the coordinator.

What a call needs before it may be sent is asked for, and waited for as a step of the call, so the
loop that plays the episodes is never blocked. What the coordinator is only told is not waited for.
A worker that cannot reach the coordinator, or that the coordinator refuses, ends: nothing that it
did would be accounted for.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from itertools import count
from typing import Any

from tau2.data_model.simulation import Unit
from tau2.errors import DeadlineExceeded
from tau2.llm.clock import clock, remaining
from tau2.llm.middleware.ledger import ReserveResult
from tau2.llm.middleware.limits import Limit
from tau2.llm.request import Await, Flow
from tau2.runner.episode_log import EpisodeLogs, LogFile, log_name
from tau2.runner.episode_resume import Participants

logger = logging.getLogger(__name__)

_ENDED = 70  # exit code of a worker without a coordinator


class ClusterLink:
    """The coordinator, as one worker sees it.

    Args:
        coordinator: The handle of the actor.
        worker: The number of this worker.
    """

    def __init__(self, coordinator: Any, worker: int) -> None:
        self._coordinator = coordinator
        self._worker = worker
        self._until: dict[str, float] = {}
        """By provider, when it may be asked again, on this process's clock."""

    def ask(self, what: str, *args: Any) -> Future[Any]:
        """Ask the coordinator; end this process if it cannot answer."""
        answer: Future[Any] = getattr(self._coordinator, what).remote(self._worker, *args).future()
        answer.add_done_callback(_end_without_answer)
        return answer

    def tell(self, what: str, *args: Any) -> None:
        """Tell the coordinator something."""
        getattr(self._coordinator, what).remote(self._worker, *args)

    async def follow_pauses(self) -> None:
        """Learn of every pause that a provider asks any worker for."""
        seen = 0
        while True:
            seen, left = await asyncio.wrap_future(self.ask("pauses", seen))
            now = clock.get().now()
            for provider, seconds in left.items():
                self.note_pause(provider, now + seconds)

    def note_pause(self, provider: str, until: float) -> None:
        """Keep a provider from being asked before a time; of several the latest counts."""
        self._until[provider] = max(self._until.get(provider, 0.0), until)

    def pause_left(self, provider: str) -> float:
        """Return the seconds until a provider may be asked."""
        return max(0.0, self._until.get(provider, 0.0) - clock.get().now())

    def account(self, cap: int) -> ClusterAccount:
        """Return what this worker takes money from."""
        return ClusterAccount(self, cap)

    def limits(self, name: str, limit: Limit) -> ClusterLimits:
        """Return the limits of a provider over all workers."""
        return ClusterLimits(self, name, limit)


def _end_without_answer(answer: Future[Any]) -> None:
    if not answer.cancelled() and (problem := answer.exception()) is not None:
        logger.error("the coordinator of the run cannot be asked: %s", problem)
        os._exit(_ENDED)


def _is_answered(answer: Future[Any], unwanted: Callable[[Any], None]) -> Flow[bool]:
    """Wait for an answer; return False when the episode's time is over first.

    An answer that comes when nobody waits any more is given to `unwanted`.
    """
    is_answered = False
    try:
        is_answered = bool((yield Await(answer, remaining())))
    finally:
        if not is_answered:
            answer.add_done_callback(partial(_given_to, unwanted))
    return is_answered


def _given_to(unwanted: Callable[[Any], None], answer: Future[Any]) -> None:
    if not answer.cancelled() and answer.exception() is None:
        unwanted(answer.result())


class ClusterAccount:
    """Money that the coordinator keeps for all workers."""

    poll = 0.25
    """Seconds between two attempts to reserve money, over a network."""

    def __init__(self, link: ClusterLink, cap: int) -> None:
        self.cap = cap
        self.spent = 0
        self._link = link

    def reserving(self, amount: int) -> Flow[ReserveResult]:
        """Hold an amount, if it is there."""
        answer = self._link.ask("reserve", amount)
        if not (yield from _is_answered(answer, partial(self._give_back, amount))):
            return ReserveResult.LATER  # the episode's time is over, as the caller sees
        found, self.spent = answer.result()
        return ReserveResult(found)

    def _give_back(self, amount: int, answer: tuple[str, int]) -> None:
        if ReserveResult(answer[0]) is ReserveResult.GRANTED:
            self.settle(amount, 0)

    def settle(self, held: int, spent: int) -> None:
        """Give back what was held, and write down what was spent."""
        self._link.tell("settle", held, spent)

    def close(self) -> None:
        """Do nothing: the coordinator counts what is held when it forgets this worker."""


class ClusterLimits:
    """One provider's limits, which the coordinator keeps for all workers."""

    def __init__(self, link: ClusterLink, name: str, limit: Limit) -> None:
        self._link = link
        self._name = name
        self._is_limited = limit != Limit()

    def admitted(self, tokens: float) -> Flow[_Place]:
        """Wait until a call of about so many tokens is admitted; return its place.

        Raise DeadlineExceeded when the episode's time is over first.
        """
        if not self._is_limited:
            return _Place(lambda: None)
        answer = self._link.ask("admit", self._name, tokens)
        place = _Place(lambda: self._link.tell("free", self._name))
        if not (yield from _is_answered(answer, lambda _: place.free())):
            raise DeadlineExceeded(
                f"the episode's time was over while calls of {self._name!r} were made by others"
            )
        return place

    def used(self, tokens: float) -> None:
        """Take tokens that a call used beyond what was expected; negative ones are given back."""
        self._link.tell("use", self._name, tokens)

    def pause(self, seconds: float) -> None:
        """Keep every worker from asking for this many seconds."""
        self._link.note_pause(self._name, clock.get().now() + seconds)
        self._link.tell("pause", self._name, seconds)

    def pause_left(self) -> float:
        """Return the seconds until the provider may be asked."""
        return self._link.pause_left(self._name)


class _Place:
    """A place among the calls in flight of the cluster."""

    def __init__(self, free: Callable[[], None]) -> None:
        self._free = free

    def free(self) -> None:
        """Give the place back."""
        self._free()


class ClusterLogs(EpisodeLogs):
    """The logs of a run whose folder is on another machine.

    The log of a unit is fetched before it is played; its lines are kept here and told.
    """

    def __init__(self, link: ClusterLink, participants: Participants | None) -> None:
        super().__init__(None, participants)
        self._link = link
        self._files: dict[Unit, _ClusterLog] = {}

    async def fetch(self, unit: Unit) -> None:
        """Get the log of a unit, which this worker writes from now on."""
        if self.participants is not None:
            name = log_name(unit)
            content = await asyncio.wrap_future(self._link.ask("take_log", name))
            self._files[unit] = _ClusterLog(self._link, name, content)

    def leave(self, unit: Unit) -> None:
        """Keep the log of a unit no longer, which was played."""
        self._files.pop(unit, None)

    def _file(self, unit: Unit) -> LogFile | None:
        return self._files.get(unit)


class _ClusterLog:
    """One log: a copy, and every change told to the coordinator."""

    def __init__(self, link: ClusterLink, name: str, content: bytes) -> None:
        self._name = name
        self._link = link
        self._content = bytearray(content)
        self._changes = count()

    def __str__(self) -> str:
        return self._name

    def read(self) -> bytes:
        """Return what there is."""
        return bytes(self._content)

    def reopen(self, size: int) -> None:
        """Keep the first `size` bytes."""
        del self._content[size:]
        self._change(size, None)

    def write(self, line: bytes) -> None:
        """Add a line."""
        self._change(len(self._content), line)
        self._content += line

    def _change(self, size: int, line: bytes | None) -> None:
        self._link.tell("change_log", self._name, next(self._changes), size, line)

    def close(self) -> None:
        """Do nothing: another attempt may follow."""
