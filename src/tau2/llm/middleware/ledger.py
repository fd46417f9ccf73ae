"""The ledger of a budget: what several calls, threads and processes spend together, up to a cap.

Amounts are whole picodollars, so that sums are exact. With a folder the ledger is a file that is
changed under a lock: it outlives the process, and what a process held when it died counts as spent,
because its call may have been answered. Every ledger object locks a file of its own; the system
frees that lock when the process dies, however it dies.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from math import ceil, floor
from pathlib import Path

from filelock import FileLock, Timeout

from tau2.errors import DataFileError
from tau2.llm.request import Flow
from tau2.storage.files import make_within, naming

LEDGER_NAME = "budget"
_POLL = 0.001  # seconds; the lock is held for one small read and write
_PICO = 10**12
_LARGEST = 1 << 20  # bytes of a ledger


def up(dollars: float) -> int:
    """Return US dollars as picodollars, rounded up."""
    return ceil(dollars * _PICO)


def down(dollars: float) -> int:
    """Return US dollars as picodollars, rounded down."""
    return floor(dollars * _PICO)


def dollars(amount: int) -> float:
    """Return picodollars as US dollars."""
    return amount / _PICO


class ReserveResult(Enum):
    """The result of an attempt to reserve an amount."""

    GRANTED = "granted"
    LATER = "later"
    """Other calls hold money that they may give back."""
    NEVER = "never"
    """It would not be enough even if all other calls gave back what they hold."""


@dataclass(slots=True)
class _State:
    spent: int = 0
    held: dict[str, int] = field(default_factory=dict)
    """By owner, that is, by ledger object."""


class Ledger:
    """What may be spent, what is spent, and what is held by calls under way.

    Args:
        cap: Picodollars that may be spent in all.
        folder: Where the ledger is kept, in a folder that exists; None for this process only.
        spent: Picodollars that are known to be spent before.

    Raises:
        DataFileError: the stored ledger is damaged.
    """

    poll = 0.05
    """Seconds between two attempts to reserve money."""

    def __init__(self, cap: int, folder: Path | None = None, spent: int = 0) -> None:
        self.cap = cap
        self.folder = folder
        self._memory = _State(spent)
        self._lock = threading.Lock()
        self._owner = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._own_lock: FileLock | None = None
        self._ledger_lock: FileLock | None = None
        if folder is not None:
            self._open(folder, spent)

    def _open(self, folder: Path, spent: int) -> None:
        make_within(folder.parent, folder)
        self._ledger_lock = _lock_of(folder / "ledger.lock")
        # Under the ledger's lock: between being made and being locked, the own lock file looks
        # like that of a dead process, and another process would remove it.
        with self._state() as state:
            self._own_lock = _lock_of(folder / f"{self._owner}.lock")
            self._own_lock.acquire()
            self._reap(state)
            for lock_file in folder.glob("*-*.lock"):
                if lock_file.stem != self._owner:
                    self._lives(lock_file.stem)
            state.spent = max(state.spent, spent)

    def reserving(self, amount: int) -> Flow[ReserveResult]:
        """Hold an amount, if it is there, as a step of a model call."""
        yield from ()  # the file is on this machine: nothing is waited for
        return self.reserve(amount)

    def reserve(self, amount: int) -> ReserveResult:
        """Hold an amount, if it is there."""
        with self._state() as state:
            found = self._judge(state, amount)
            if found is ReserveResult.LATER and self._reap(state):
                found = self._judge(state, amount)
            if found is ReserveResult.GRANTED:
                state.held[self._owner] = state.held.get(self._owner, 0) + amount
        return found

    def _judge(self, state: _State, amount: int) -> ReserveResult:
        if state.spent + amount > self.cap:
            return ReserveResult.NEVER
        if state.spent + sum(state.held.values()) + amount > self.cap:
            return ReserveResult.LATER
        return ReserveResult.GRANTED

    def settle(self, held: int, spent: int) -> None:
        """Give back what was held, and write down what was spent."""
        with self._state() as state:
            state.held[self._owner] = max(0, state.held.get(self._owner, 0) - held)
            state.spent += spent

    @property
    def spent(self) -> int:
        """Picodollars that are spent."""
        with self._state() as state:
            return state.spent

    def close(self) -> None:
        """Close the ledger; what is still held counts as spent."""
        own_lock = self._own_lock
        self._own_lock = None
        if own_lock is None:
            return
        try:
            with self._state() as state:
                state.spent += state.held.pop(self._owner, 0)
                own_lock.release()
                Path(own_lock.lock_file).unlink(missing_ok=True)
        except FileNotFoundError:  # the run was taken away, and its ledger with it
            own_lock.release()

    def _reap(self, state: _State) -> bool:
        """Count as spent what dead processes held; return whether there was any."""
        dead = [owner for owner in state.held if owner != self._owner and not self._lives(owner)]
        for owner in dead:
            state.spent += state.held.pop(owner)
        return bool(dead)

    def _lives(self, owner: str) -> bool:
        """Return whether the process of `owner` is alive; remove the lock file of a dead one."""
        assert self.folder is not None, "another owner has a lock file"
        file = self.folder / f"{owner}.lock"
        if not file.exists():
            return False
        lock = _lock_of(file)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return True
        lock.release()
        file.unlink(missing_ok=True)
        return False

    @contextmanager
    def _state(self) -> Iterator[_State]:
        """Yield the state, with exclusive access; changes are written at the end."""
        if self.folder is None or self._ledger_lock is None:
            with self._lock:
                yield self._memory
            return
        file = self.folder / "ledger.json"
        # A file lock would make the folder again.
        if not self.folder.is_dir():
            text = "the folder of what was spent was removed while it was used"
            raise FileNotFoundError(errno.ENOENT, text, str(self.folder))
        # The lock of this process comes first: a file lock does not keep its own threads apart.
        with self._lock, naming(file), self._ledger_lock:
            before = _read(file)
            state = _State(before.spent, dict(before.held))
            yield state
            if state != before:
                part = file.with_name(f".{self._owner}.part")
                content = {"spent": state.spent, "held": state.held}
                part.write_text(json.dumps(content), encoding="utf-8")
                part.replace(file)


def _lock_of(path: Path) -> FileLock:
    """Return the lock of a file, which any thread may release. Without locks, no money is kept."""
    return FileLock(path, thread_local=False, fallback_to_soft=False, poll_interval=_POLL)


def _read(file: Path) -> _State:
    """Return a stored state. Raise DataFileError if it is damaged: money is not guessed."""
    try:
        with file.open("rb") as opened:
            stored = json.loads(opened.read(_LARGEST))
        state = _State(stored["spent"], dict(stored["held"]))
        for amount in (state.spent, *state.held.values()):
            if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0:
                raise TypeError
    except FileNotFoundError:
        return _State()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataFileError(
            f"{file}: the record of what was spent is damaged; write what the run has cost as "
            '{"spent": <US dollars times 10^12>, "held": {}}, or save to another name'
        ) from error
    return state
