"""Limits shared by the processes of one machine, through locked files.

A slot is one file of the folder, held by an exclusive lock, which the system frees when the process
dies; pauses and buckets are numbers in a file that is changed under a lock. Times are wall-clock,
which all processes share.

The locks are taken here and not through `filelock`, whose attempt costs 50 to 100 µs against 4 µs:
every model call changes the state up to four times, and waits in the kernel instead of polling;
while all slots are taken, every process tries each of them fifty times a second.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tau2.llm.clock import clock
from tau2.llm.request import Flow, Sleep
from tau2.storage.files import make_within
from tau2.utils.json_types import JsonMapping, JsonObject

_MINUTE = 60.0
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")

if sys.platform == "win32":
    import msvcrt

    _POLL = 0.001  # seconds; Windows' own waiting looks once a second

    def _try_to_lock(handle: int) -> bool:
        """Lock an open file until it is closed; return False when another one holds it."""
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _lock(handle: int) -> None:
        """Lock an open file as soon as no other process holds it."""
        while not _try_to_lock(handle):
            time.sleep(_POLL)

else:
    import fcntl

    def _try_to_lock(handle: int) -> bool:
        """Lock an open file until it is closed; return False when another one holds it."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _lock(handle: int) -> None:
        """Lock an open file as soon as no other process holds it."""
        fcntl.flock(handle, fcntl.LOCK_EX)


class Slot:
    """A place among the calls in flight; the system frees it when the process dies."""

    def __init__(self, handle: int | None) -> None:
        self._handle = handle
        """The locked file; None where there is no limit."""

    def free(self) -> None:
        """Give the place back."""
        if self._handle is not None:
            os.close(self._handle)


class SharedProviderLimits:
    """One provider's limits in a folder.

    Args:
        folder: Belongs to one run; every process of the run names the same.
        name: The provider.
        in_flight: Calls in flight over all processes; None for no limit.
        per_minute: Bucket name to units per minute, None for no limit.
    """

    poll = 0.02
    """Seconds between two attempts to get a free slot."""

    def __init__(
        self, folder: Path, name: str, in_flight: int | None, per_minute: Mapping[str, float | None]
    ) -> None:
        self.folder = folder / "".join(letter if letter in _SAFE else "_" for letter in name)
        make_within(self.folder.parent, self.folder)
        self.in_flight = in_flight
        self.per_minute = per_minute
        self._next = os.getpid()  # processes begin at different slots, so that they rarely meet

    def admitted(self, tokens: float) -> Flow[Slot]:
        """Wait until a call of about so many tokens is admitted; return its place."""
        waits = [bucket.take(units) for bucket, units in self.buckets(1, tokens)]
        if (wait := max(waits, default=0.0)) > 0:
            yield Sleep(wait)
        while (slot := self.slot()) is None:
            yield Sleep(self.poll)
        return slot

    def used(self, tokens: float) -> None:
        """Take tokens that a call used beyond what was expected; negative ones are given back."""
        for bucket, units in self.buckets(0, tokens):
            bucket.take(units)

    def slot(self) -> Slot | None:
        """Return a free slot, or None when all are taken."""
        if self.in_flight is None:
            return Slot(None)
        for offset in range(self.in_flight):
            place = (self._next + offset) % self.in_flight
            handle = os.open(self.folder / f"slot-{place}", os.O_RDWR | os.O_CREAT, 0o600)
            if _try_to_lock(handle):
                self._next = place
                return Slot(handle)
            os.close(handle)
        return None

    def pause(self, seconds: float) -> None:
        """Keep every process from asking for this many seconds."""
        with self.state() as state:
            state["until"] = max(_number(state, "until", 0.0), clock.get().wall() + seconds)

    def pause_left(self) -> float:
        """Return the seconds until the provider may be asked."""
        try:
            state = self._read()
        except ValueError:
            # Another process is writing, or died while it wrote. Under the lock, only the latter
            # is possible.
            with self.state() as state:
                pass
        return max(0.0, _number(state, "until", 0.0) - clock.get().wall())

    def buckets(self, requests: float, tokens: float) -> list[tuple[SharedTokenBucket, float]]:
        """Return the buckets in use, each with what is to be taken."""
        wanted = (("rpm", requests), ("tpm", tokens))
        return [
            (SharedTokenBucket(self, name, rate), units)
            for name, units in wanted
            if (rate := self.per_minute.get(name))
        ]

    @contextmanager
    def state(self) -> Iterator[JsonObject]:
        """Yield the state, with exclusive access; changes are written at the end."""
        # A file of its own: on Windows, a locked file cannot be read.
        handle = os.open(self.folder / "state.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle)
            try:
                state = self._read()
            except ValueError:
                state = {}  # a process died while it wrote; the limits start anew
            before = dict(state)
            yield state
            if state != before:
                (self.folder / "state").write_text(json.dumps(state), encoding="utf-8")
        finally:
            os.close(handle)

    def _read(self) -> JsonObject:
        """Return the state. Raise ValueError for half of one: a part of a JSON object is none."""
        try:
            text = (self.folder / "state").read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}  # nothing was written yet
        state = json.loads(text)
        return state if isinstance(state, dict) else {}


class SharedTokenBucket:
    """A token bucket in the state file."""

    def __init__(self, provider: SharedProviderLimits, name: str, per_minute: float) -> None:
        self.provider = provider
        self.name = name
        self.rate = per_minute / _MINUTE
        self.burst = max(1.0, per_minute / 10)

    def take(self, units: float) -> float:
        """Take units now and return the seconds to wait before using them."""
        with self.provider.state() as state:
            now = clock.get().wall()
            level = _number(state, self.name, self.burst)
            since = max(0.0, now - _number(state, f"{self.name}_at", now))  # clocks may step back
            level = min(self.burst, level + since * self.rate) - units
            state[self.name] = level
            state[f"{self.name}_at"] = now
            return max(0.0, -level / self.rate)


def _number(state: JsonMapping, key: str, default: float) -> float:
    value = state.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return default
