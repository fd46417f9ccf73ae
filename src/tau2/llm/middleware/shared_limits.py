"""Limits shared by the processes of one machine, through locked files: what a dead process held is free again.

A slot is one file of the folder, held by an exclusive lock; pauses and buckets are small files changed under a lock.
Times are wall-clock, which all processes have in common.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tau2.errors import ConfigError
from tau2.llm.clock import clock

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # -- absent there, and asked for before use

_MINUTE = 60.0
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def can_share() -> bool:
    """Return whether this system has the locks that processes share limits through."""
    return fcntl is not None


class Slot:
    """A place among the calls in flight; the system frees it when the process dies."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def free(self) -> None:
        """Give the place back."""
        os.close(self._handle)


class SharedProviderLimits:
    """One provider's limits in a folder.

    Args:
        folder: Belongs to one run; every process of it names the same.
        name: The provider.
        in_flight: Calls in flight over all processes; None for no limit.
        per_minute: TokenBucket name → units per minute, None for no limit.
    """

    poll = 0.02
    """Seconds between two looks for a free slot."""

    def __init__(
        self, folder: Path, name: str, in_flight: int | None, per_minute: Mapping[str, float | None]
    ) -> None:
        if fcntl is None:
            raise ConfigError(
                "provider_limits with several processes need file locks, which this system lacks"
            )
        self.folder = folder / "".join(letter if letter in _SAFE else "_" for letter in name)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.in_flight, self.per_minute = in_flight, per_minute
        self._next = os.getpid()  # processes look from different places, so that they rarely meet

    def slot(self) -> Slot | None:
        """Return a free slot, or None when all are taken."""
        if self.in_flight is None:
            return Slot(os.open(os.devnull, os.O_RDONLY))
        for offset in range(self.in_flight):
            place = (self._next + offset) % self.in_flight
            handle = os.open(
                self.folder / f"slot-{place}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                continue
            self._next = place
            return Slot(handle)
        return None

    def pause(self, seconds: float) -> None:
        """Have no process ask before this many seconds are over."""
        with self._state() as state:
            state["until"] = max(_number(state, "until", 0.0), clock.get().wall() + seconds)

    def pause_left(self) -> float:
        """Return the seconds until the provider may be asked."""
        try:
            with (self.folder / "state").open(encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_SH)  # half a state would say that there is no pause
                state = json.loads(file.read() or "{}")
        except (FileNotFoundError, ValueError):
            return 0.0  # nothing was written yet, or a process died while it wrote
        return max(
            0.0,
            _number(state if isinstance(state, dict) else {}, "until", 0.0) - clock.get().wall(),
        )

    def buckets(self, requests: float, tokens: float) -> list[tuple[SharedTokenBucket, float]]:
        """Return the buckets in use, each with what is to be taken."""
        wanted = (("rpm", requests), ("tpm", tokens))
        return [
            (SharedTokenBucket(self, name, rate), units)
            for name, units in wanted
            if (rate := self.per_minute.get(name))
        ]

    @contextmanager
    def _state(self) -> Iterator[dict[str, Any]]:
        handle = os.open(self.folder / "state", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                state = json.loads(file.read() or "{}")
            except ValueError:
                state = {}  # a process died while it wrote; the limits start anew
            state = state if isinstance(state, dict) else {}
            yield state
            file.seek(0)
            file.truncate()
            file.write(json.dumps(state))


class SharedTokenBucket:
    """A token bucket in the state file."""

    def __init__(self, provider: SharedProviderLimits, name: str, per_minute: float) -> None:
        self.provider, self.name, self.rate = provider, name, per_minute / _MINUTE
        self.burst = max(1.0, per_minute / 10)

    def take(self, units: float) -> float:
        """Take units now and return the seconds to wait before using them."""
        with self.provider._state() as state:  # noqa: SLF001  -- one module, two halves
            now = clock.get().wall()
            level = _number(state, self.name, self.burst)
            since = now - _number(state, f"{self.name}_at", now)
            level = min(self.burst, level + max(0.0, since) * self.rate) - units
            state[self.name], state[f"{self.name}_at"] = level, now
            return max(0.0, -level / self.rate)


def _number(state: Mapping[str, Any], key: str, default: float) -> float:
    value = state.get(key, default)
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default
    )
