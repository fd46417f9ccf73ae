"""What the workers of a cluster share: one ledger, one set of limits, and the logs of episodes.

The coordinator is an actor on the machine of the run itself. Workers ask it before they pay, and
before they send a call to a provider that has a limit; they tell it what a call has cost, when a
call has ended, how long a provider wants to be left alone, and every turn of an episode. The ledger
and the logs are files of the run's folder, as with worker processes, so they outlive all of it.

A worker that ended is forgotten: what it held counts as spent, because its calls may have been
answered; its places among the calls in flight are free; and it is refused from then on, should it
still live where it cannot be seen.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tau2.errors import Tau2Error
from tau2.llm.clock import clock
from tau2.llm.middleware.ledger import Ledger, ReserveResult
from tau2.llm.middleware.limiter import ConcurrencyLimiter
from tau2.llm.middleware.limits import Limit, TokenBucket, limits_of
from tau2.runner.episode_log import LogOnDisk
from tau2.utils.json_types import JsonObject

_FOREVER = float("inf")


class WorkerForgotten(Tau2Error):
    """A worker that was given up asks for something."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a coordinator is told about its run; paths are those of the run's machine."""

    limits: JsonObject | None = None
    """By provider, as in the configuration."""
    cap: int | None = None
    """Picodollars that may be spent; None without a cap."""
    ledger: Path | None = None
    logs: Path | None = None
    """The folder of the logs of episodes; None when none are written."""
    witness: Path | None = None
    """A folder that exists on the machine of the run and nowhere else."""


class _Provider:
    """One provider's calls in flight and buckets, over all workers."""

    def __init__(self, limit: Limit) -> None:
        self.limiter = ConcurrencyLimiter(
            limit.in_flight if limit.in_flight is not None else _FOREVER
        )
        self.requests = TokenBucket(limit.rpm) if limit.rpm else None
        self.tokens = TokenBucket(limit.tpm) if limit.tpm else None

    def take(self, tokens: float) -> float:
        """Take one request from the buckets; return the seconds to wait."""
        return max(
            self.requests.take(1) if self.requests is not None else 0.0,
            self.tokens.take(tokens) if self.tokens is not None else 0.0,
        )


@dataclass(slots=True)
class _Log:
    """A log that one worker may write."""

    file: LogOnDisk
    owner: int
    size: int | None = None
    """Its bytes; None until it is opened, and after a write that failed."""
    changes: int = 0
    """How many changes were made."""
    early: dict[int, tuple[int, bytes | None]] = field(default_factory=dict)
    """Changes that overtook others on their way, by their number."""

    def change(self, size: int, line: bytes | None) -> None:
        """Add a line to the first `size` bytes; without a line, keep these only."""
        if line is None:
            self.file.close()
            self.file.reopen(size)
            self.size = size
        elif self.size == size:
            self.file.write(line)
            self.size += len(line)


@dataclass(slots=True)
class _Pauses:
    """Until when each provider is to be left alone, and how often that has changed."""

    until: dict[str, float] = field(default_factory=dict)
    version: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)


class Coordinator:
    """The body of the actor. The first argument of nearly every method is the worker's number."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._limits = limits_of(terms.limits)
        self._providers: dict[str, _Provider] = {}
        self._places: Counter[tuple[int, str]] = Counter()
        self._ledgers: dict[int, Ledger] = {}
        self._logs: dict[str, _Log] = {}
        self._forgotten: set[int] = set()
        self._pauses = _Pauses()

    async def is_at_home(self) -> bool:
        """Return whether this is the machine of the run."""
        return self._terms.witness is None or self._terms.witness.is_dir()

    async def forget(self, worker: int) -> None:
        """Refuse a worker from now on. What it held counts as spent; its places are free."""
        self._forgotten.add(worker)
        ledger = self._ledgers.pop(worker, None)
        if ledger is not None:
            ledger.close()
        for owner, provider in [place for place in self._places if place[0] == worker]:
            for _ in range(self._places.pop((owner, provider))):
                self._providers[provider].limiter.release()
        for name in [name for name, log in self._logs.items() if log.owner == worker]:
            self._logs.pop(name).file.close()
        # It may wait to hear of pauses, and would take one of the calls that are answered at once.
        async with self._pauses.changed:
            self._pauses.changed.notify_all()

    async def close(self) -> None:
        """Forget every worker."""
        owners = {log.owner for log in self._logs.values()} | self._ledgers.keys()
        for worker in owners:
            await self.forget(worker)

    def _refuse_forgotten(self, worker: int) -> None:
        if worker in self._forgotten:
            raise WorkerForgotten(f"worker {worker} was given up")

    # --- money ------------------------------------------------------------------------------------

    async def reserve(self, worker: int, amount: int) -> tuple[str, int]:
        """Hold picodollars for a worker; return the ReserveResult, and what is spent."""
        self._refuse_forgotten(worker)
        if worker not in self._ledgers:
            assert self._terms.cap is not None, "only workers of a run with a cap ask"
            self._ledgers[worker] = Ledger(self._terms.cap, self._terms.ledger)
        ledger = self._ledgers[worker]
        found = ledger.reserve(amount)
        return found.value, ledger.spent if found is ReserveResult.NEVER else 0

    async def settle(self, worker: int, held: int, spent: int) -> None:
        """Give back what was held, and write down what was spent."""
        # Of a forgotten worker, all that it held counts as spent already.
        if worker in self._ledgers:
            self._ledgers[worker].settle(held, spent)

    # --- limits -----------------------------------------------------------------------------------

    def _provider(self, name: str) -> _Provider:
        if name not in self._providers:
            limit = self._limits.get(name, self._limits.get("*", Limit()))
            self._providers[name] = _Provider(limit)
        return self._providers[name]

    async def admit(self, worker: int, provider: str, tokens: float) -> None:
        """Return when a call of about so many tokens may be sent; its place is then the worker's.

        Raise WorkerForgotten for one that was given up, also while it waited.
        """
        self._refuse_forgotten(worker)
        state = self._provider(provider)
        await asyncio.sleep(state.take(tokens))
        await state.limiter.aacquire(_FOREVER)
        if worker in self._forgotten:
            state.limiter.release()
            self._refuse_forgotten(worker)
        self._places[worker, provider] += 1

    async def free(self, worker: int, provider: str) -> None:
        """Take a place back."""
        if self._places[worker, provider] > 0:
            self._places[worker, provider] -= 1
            self._provider(provider).limiter.release()

    async def use(self, worker: int, provider: str, tokens: float) -> None:
        """Take tokens that a call used beyond what was expected; negative ones are given back."""
        bucket = self._provider(provider).tokens
        if bucket is not None and worker not in self._forgotten:
            bucket.take(tokens)

    async def pause(self, worker: int, provider: str, seconds: float) -> None:
        """Keep every worker from asking a provider for this many seconds."""
        self._refuse_forgotten(worker)
        pauses = self._pauses
        now = clock.get().now()
        async with pauses.changed:
            pauses.until[provider] = max(pauses.until.get(provider, 0.0), now + seconds)
            pauses.version += 1
            pauses.changed.notify_all()

    async def pauses(self, worker: int, seen: int) -> tuple[int, dict[str, float]]:
        """Return pauses as soon as there are other ones than a worker has seen.

        Their version, and the seconds that are left by provider. Raise WorkerForgotten for a worker
        that was given up, also while it waited.
        """
        self._refuse_forgotten(worker)
        pauses = self._pauses
        async with pauses.changed:
            await pauses.changed.wait_for(
                lambda: pauses.version > seen or worker in self._forgotten
            )
        self._refuse_forgotten(worker)
        now = clock.get().now()
        return pauses.version, {name: until - now for name, until in pauses.until.items()}

    # --- logs of episodes -------------------------------------------------------------------------

    async def take_log(self, worker: int, name: str) -> bytes:
        """Return the log of a unit. From now on this worker writes it, and no other one."""
        self._refuse_forgotten(worker)
        if self._terms.logs is None:
            return b""
        before = self._logs.pop(name, None)
        if before is not None:
            before.file.close()
        file = LogOnDisk(self._terms.logs / name)
        self._logs[name] = _Log(file, worker)
        return file.read()

    async def change_log(
        self, worker: int, name: str, number: int, size: int, line: bytes | None
    ) -> None:
        """Add a line to the first `size` bytes of a log; without a line, keep these only.

        Changes are made in the order of their numbers.
        """
        log = self._logs.get(name)
        if log is None or log.owner != worker:
            return
        log.early[number] = (size, line)
        while log.changes in log.early:
            change = log.early.pop(log.changes)
            log.changes += 1
            try:
                log.change(*change)
            except OSError:  # a disk that fails costs the log only
                log.size = None
