"""Files that survive a crash: written whole or not at all, and synced before they count.

Every call that can fail because of the disk goes through the name `os` of this module, so that a
test can make any of them fail. Each OSError raised here names its file.
"""

from __future__ import annotations

import itertools
import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_BINARY = getattr(os, "O_BINARY", 0)  # without it, Windows translates line ends
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
_GROW = os.O_WRONLY | os.O_APPEND | _BINARY

PART = ".part"
"""The suffix of a file that is being written. One that a crash left behind may be removed."""


class Stamp(NamedTuple):
    """When a file was changed, and which one it is: equal stamps mean the same content.

    Nobody but the kernel sets the second time. A disk that loses bits changes none of them.
    """

    modified: int
    changed: int
    """Nanoseconds, like `modified`."""
    number: int
    """The file's number in its file system."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the file to an OSError that does not name one."""
    try:
        yield
    except OSError as problem:
        if problem.filename is None:
            problem.filename = str(path)
        raise


def _write_all(handle: int, content: bytes | bytearray) -> None:
    """Write everything: one system call may write less than it is given."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def stamp_of(status: os.stat_result) -> Stamp:
    """Return what changes when a file is written, replaced, copied or restored."""
    return Stamp(status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def write_atomically(path: Path, content: bytes | bytearray, *, create_folder: bool = True) -> None:
    """Replace `path` by a file with `content`, durably.

    The content and the folder entry are synced.
    """
    write_pieces_atomically(path, [content], create_folder=create_folder)


def write_pieces_atomically(
    path: Path,
    pieces: Iterable[bytes | bytearray],
    *,
    create_folder: bool = True,
    ready: Callable[[], None] | None = None,
) -> None:
    """Do what `write_atomically` does for content that is never held as a whole.

    `ready` is called when everything is synced, and before it replaces what was there.
    """
    if create_folder:
        path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:12]}{PART}")
    with naming(path):
        try:
            _write_synced(part, pieces)
            if ready is not None:
                ready()
            os.replace(part, path)  # noqa: PTH105  -- the seam where tests let the disk fail
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def _write_synced(path: Path, pieces: Iterable[bytes | bytearray]) -> None:
    handle = os.open(path, _NEW, 0o666)
    try:
        for content in pieces:
            _write_all(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    if not hasattr(os, "O_DIRECTORY"):
        return  # Windows cannot open folders; there, a rename is durable with the file
    with naming(folder):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def free_path(folder: Path, name: str) -> Path:
    """Return a path in the folder that does not exist.

    Of that name, or of that name with a number.
    """
    wanted = Path(name)
    numbered = (f"{wanted.stem}-{number}{wanted.suffix}" for number in itertools.count(2))
    names = itertools.chain([name], numbered)
    return next(path for path in map(folder.joinpath, names) if not path.exists())


def make_within(existing: Path, folder: Path) -> None:
    """Make `folder`, which lies in `existing`, and what lies between them, but not `existing`.

    So a run folder that is taken away while it is written stays away. Raise FileNotFoundError then.
    """
    made = existing
    for name in folder.relative_to(existing).parts:
        made /= name
        made.mkdir(exist_ok=True)


def move_into(path: Path, folder: Path) -> Path:
    """Move a file into a folder, durably.

    Return its new path, which has a number if the name is taken.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = free_path(folder, path.name)
    with naming(path):
        os.replace(path, target)  # noqa: PTH105  -- see write_atomically
        sync_folder(folder)
    return target


class AppendFile:
    """A file that only grows. What was written before `sync` returned is durable.

    Threads may write and sync at the same time; one sync serves all writes before it.
    """

    def __init__(self, path: Path) -> None:
        """Open a file that exists."""
        self.path = path
        self._broken: OSError | None = None
        self._writing = threading.Lock()
        self._syncing = threading.Lock()
        with naming(path):
            self._handle = os.open(path, _GROW)
            self._size = self._synced = os.fstat(self._handle).st_size

    def write(self, content: bytes) -> int:
        """Append; return the size of the file then. What a failed write left is cut off again."""
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
        """Make everything up to `size` durable.

        After a failure, every later write and sync raises OSError, too.
        """
        with self._syncing, naming(self.path):
            if self._synced >= size:
                return
            self._refuse_broken()
            reached = self._size
            try:
                os.fsync(self._handle)
            except OSError as problem:
                # The kernel may have dropped the pages, and a second fsync would report success.
                self._broken = problem
                raise
            self._synced = reached

    def is_in_place(self) -> bool:
        """Return whether the path still names this file, and its folder was not taken away."""
        try:
            there = self.path.stat()
        except OSError:
            return False
        here = os.fstat(self._handle)
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)

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
        """Close the file. May be called again."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
