"""One writer per run: a lock that the operating system takes back when its owner dies, however it dies.

On a network file system the lock is as good as the server's: NFS version 4, or version 3 with its lock daemon,
refuses a second host too; where the file system has no locks at all the run goes on, and says so.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
import sys
import weakref
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tau2.errors import ConfigError
from tau2.storage.files import naming

logger = logging.getLogger(__name__)

LOCK_NAME = "run.lock"

_LONGEST_NOTE = 4096
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})

if sys.platform == "win32":
    import msvcrt

    _BEHIND_THE_NOTE = 1 << 20  # Windows locks bytes, and a locked one cannot be read

    def _take(handle: int) -> None:
        """Lock a file. Raise OSError when somebody holds it."""
        os.lseek(handle, _BEHIND_THE_NOTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)

else:
    import fcntl

    def _take(handle: int) -> None:
        """Lock a file. Raise OSError when somebody holds it."""
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class RunLock:
    """Holds a run for this process until `release`, or until the process ends."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raise ConfigError saying who holds it."""
        self.path = path
        self._owner = os.getpid()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = self._acquired()
        _held.add(self)
        try:
            with naming(path):
                os.ftruncate(self._handle, 0)
                os.write(self._handle, json.dumps(_note()).encode())
        except BaseException:
            self.release()
            raise

    def _acquired(self) -> int:
        """Return a locked handle of the file that has the name: a holder that leaves takes the file away."""
        while True:
            with naming(self.path):
                handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                self._lock(handle)
                if _is_same(handle, self.path):
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)

    def _lock(self, handle: int) -> None:
        try:
            _take(handle)
        except OSError as problem:
            if problem.errno in _NO_LOCKS:
                logger.warning(
                    "%s: no locks here, so a second writer is not noticed (%s)", self.path, problem
                )
                return
            raise ConfigError(
                f"{self.path.parent}: another process writes this run ({_holder(handle)}); "
                "wait until it ends, or save to another name (--save-to)"
            ) from problem

    def release(self) -> None:
        """Give the lock back; again, or in a forked child, does nothing."""
        handle, self._handle = self._handle, -1
        _held.discard(self)
        if handle < 0:
            return
        if self._owner == os.getpid():
            _remove(self.path)
        os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.release()

    def forget(self) -> None:
        """Close the handle that a fork copied: the lock stays its owner's, and dies with it."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


_held: weakref.WeakSet[RunLock] = weakref.WeakSet()
"""The locks of this process, for a forked child to let go of."""


def _forget_all() -> None:
    for lock in list(_held):
        lock.forget()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except (
        OSError
    ) as problem:  # Windows refuses while it is open; the next holder uses the file again
        logger.debug("%s stays: %s", path, problem)


def _is_same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _note() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat("T", "seconds"),
    }


def _holder(handle: int) -> str:
    """Return who wrote the note in a lock file, as far as it can be read."""
    try:
        note = json.loads(os.read(handle, _LONGEST_NOTE))
        return f"process {int(note['pid'])} on {str(note['host'])[:80]!r} since {str(note['since'])[:40]}"
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return "which one is not known"
