"""One writer per run: an operating system lock that ends with its owner, however the owner ends.

`filelock` takes the lock (flock on Unix, LockFileEx on Windows), closes it in forked children, and
notices a lock file that a leaving holder removed. Three things it does not do, and they are here:

* Say who holds the lock. The owner writes its process, host and start beside the lock file, in
  `run.owner`. The note is information for people; only the operating system's lock decides, so a
  note left by a killed process is harmless.
* Continue, with a warning, where the file system has no locks. A soft lock (a file that merely
  exists) would outlive a killed process and refuse `--resume`.
* Remove its files when the run ends.

On a network file system the lock is as good as the server's: NFS version 4, or version 3 with its
lock daemon, refuses a second host too.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from tau2.errors import ConfigError
from tau2.storage.files import naming

logger = logging.getLogger(__name__)

LOCK_NAME = "run.lock"

_OWNER_SUFFIX = ".owner"
_LONGEST_NOTE = 4096
_PATIENCE = 0.1
"""Seconds for which a holder that is just leaving is waited for."""
_POLL = 0.02
NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
"""What taking a lock fails with on a file system that has none."""


class RunLock:
    """Holds a run for this process until `release`, or until the process ends."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raise ConfigError saying who holds it."""
        self.path = path
        self._note = path.with_suffix(_OWNER_SUFFIX)
        self._owner = os.getpid()
        self._is_released = False
        # Any thread may release: the garbage collector's, for one.
        self._lock = FileLock(path, thread_local=False, fallback_to_soft=False)
        with naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._acquire()
        try:
            with naming(self._note):
                self._note.write_bytes(json.dumps(_note()).encode())
        except BaseException:
            self.release()
            raise

    def _acquire(self) -> None:
        try:
            self._lock.acquire(timeout=_PATIENCE, poll_interval=_POLL)
        except Timeout:
            raise ConfigError(
                f"{self.path.parent}: another process writes this run ({_holder(self._note)}); "
                "wait until it ends, or save to another name (--save-to)"
            ) from None
        except OSError as problem:
            if problem.errno not in NO_LOCKS:
                raise
            logger.warning(
                "%s: this file system has no locks, so a second writer is not noticed (%s)",
                self.path,
                problem,
            )

    def release(self) -> None:
        """Give the lock back; again, or in a forked child, does nothing."""
        if self._is_released or self._owner != os.getpid():
            return
        self._is_released = True
        # Before the lock is free: afterwards the files may be the next holder's.
        _remove(self._note)
        _remove(self.path)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock at a path; a file that a killed one left is none.

    Where the system cannot tell, a file counts as held.
    """
    if not path.exists():
        return False
    try:
        import fcntl  # noqa: PLC0415  -- not on Windows
    except ImportError:
        return True
    try:
        # A writer that comes at this moment waits longer than this lasts.
        with path.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:  # held, or a file system without locks
        return True
    return False


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as problem:
        # Windows refuses while the file is open; the next holder uses it again.
        logger.debug("%s stays: %s", path, problem)


def _note() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat("T", "seconds"),
    }


def _holder(file: Path) -> str:
    """Return who wrote a note, as far as it can be read."""
    try:
        with file.open("rb") as opened:
            note = json.loads(opened.read(_LONGEST_NOTE))
        pid, host, since = int(note["pid"]), str(note["host"])[:80], str(note["since"])[:40]
        return f"process {pid} on {host!r} since {since}"
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return "which one is not known"
