"""Files that survive a crash: written whole or not at all, and synced before anybody counts on them.

Every call that can fail for the disk goes through the name `os` of this module, so that a test can make any one of
them fail. Each OSError raised here names its file.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
_GROW = os.O_WRONLY | os.O_APPEND | _BINARY

PART = ".part"
"""The ending of a file that is being written; one that a crash left behind may be removed."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give an OSError the file it is about."""
    try:
        yield
    except OSError as problem:
        if problem.filename is None:
            problem.filename = str(path)
        raise


def _write_all(handle: int, content: bytes) -> None:
    """Write everything: one call may take less than it is given."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by a file with `content`, durably: the content and the folder entry are synced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:12]}{PART}")
    with naming(path):
        try:
            _write_synced(part, content)
            os.replace(part, path)  # noqa: PTH105  -- the seam where tests let the disk fail
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def _write_synced(path: Path, content: bytes) -> None:
    handle = os.open(path, _NEW, 0o666)
    try:
        _write_all(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    if not hasattr(os, "O_DIRECTORY"):
        return  # Windows cannot open folders; its rename is durable with the file
    with naming(folder):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def move_into(path: Path, folder: Path) -> Path:
    """Move a file into a folder, durably, under its own name or that name with a number; return where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    target, number = folder / path.name, 1
    while target.exists():
        number += 1
        target = folder / f"{path.stem}-{number}{path.suffix}"
    with naming(path):
        os.replace(path, target)  # noqa: PTH105  -- see write_atomically
        sync_folder(folder)
    return target


class AppendFile:
    """A file that only grows. What was written before `sync` returned is on the disk.

    Threads may write and sync at the same time; one sync serves all that wrote before it.
    """

    def __init__(self, path: Path) -> None:
        """Open a file that exists."""
        self.path = path
        self._broken: OSError | None = None
        self._writing, self._syncing = threading.Lock(), threading.Lock()
        with naming(path):
            self._handle = os.open(path, _GROW)
            self._size = self._synced = os.fstat(self._handle).st_size

    def write(self, content: bytes) -> int:
        """Append and return the size reached; a failed write is cut off again."""
        with self._writing, naming(self.path):
            self._refuse_broken()
            try:
                _write_all(self._handle, content)
            except OSError:
                self._cut_back()
                raise
            self._size += len(content)
            return self._size

    def sync(self, size: int) -> None:
        """Make everything up to `size` durable. After a failure nothing can be known, so nothing more is taken."""
        with self._syncing, naming(self.path):
            if self._synced >= size:
                return
            self._refuse_broken()
            reached = self._size
            try:
                os.fsync(self._handle)
            except OSError as problem:
                self._broken = problem
                raise
            self._synced = reached

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._handle, self._size)
        except OSError as problem:
            self._broken = problem

    def _refuse_broken(self) -> None:
        if self._broken is not None:
            reason = f"an earlier write failed ({self._broken.strerror}); nothing more is written"
            raise OSError(self._broken.errno, reason) from self._broken

    def close(self) -> None:
        """Close the file; again does nothing."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)
