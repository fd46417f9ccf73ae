"""The temporary folder that the processes of a run share, removed also after kill -9."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX = "tau2-run-"
_LOCK = "owner"
_YOUNG = 60.0  # seconds in which a new folder may not be locked yet


@contextmanager
def shared_folder() -> Iterator[Path]:
    """Make a folder that is removed at the end, or by the next run when this process is killed."""
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    lock = _lock_of(folder)
    try:
        lock.acquire(timeout=0)
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _lock_of(folder: Path) -> FileLock:
    return FileLock(folder / _LOCK, thread_local=False)


def _remove_abandoned() -> None:
    """Remove folders whose owner has ended: the operating system released its lock."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if _may_be_abandoned(folder):
                with _lock_of(folder).acquire(timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
        except (OSError, Timeout):  # it is in use, or another user's
            continue


def _may_be_abandoned(folder: Path) -> bool:
    status = folder.lstat()
    is_ours = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    is_old = time.time() - status.st_mtime > _YOUNG
    return is_ours and is_old and not folder.is_symlink() and (folder / _LOCK).is_file()
