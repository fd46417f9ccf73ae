"""A folder of computed things by key, which stays below a size."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from tau2.storage.files import write_atomically

_SHARE = 64  # the folder is looked at whenever this part of its size was written


class CacheFolder:
    """Files by key. Threads and processes may share a folder.

    Those that were not used for longest are removed when the folder is too large.
    """

    def __init__(self, folder: Path, suffix: str, most_bytes: int) -> None:
        """Use a folder, which is created when it is needed; its files end with `suffix`."""
        self.folder = folder
        self._suffix = suffix
        self._most_bytes = most_bytes
        self._unseen: int | None = None
        """Bytes that were written since the folder was looked at; None: it never was."""
        self._lock = threading.Lock()

    def path(self, key: str) -> Path:
        """Return the file of a key, whether it is there or not."""
        return self.folder / key[:2] / f"{key}{self._suffix}"

    def touch(self, path: Path) -> None:
        """Note that a file was used."""
        with suppress(OSError):  # read-only: it is removed sooner
            path.touch()

    def put(self, key: str, content: bytes) -> None:
        """Write a file, unless it alone is too large.

        Raise OSError where the disk is full or read-only.
        """
        if len(content) > self._most_bytes:
            return
        write_atomically(self.path(key), content)
        with self._lock:
            written = len(content) + (self._unseen or 0)
            is_due = self._unseen is None or written >= self._most_bytes // _SHARE
            self._unseen = 0 if is_due else written
        if is_due:
            self.shrink()

    def shrink(self) -> None:
        """Remove the files that were not used for longest until the folder is small enough."""
        found = []
        for path in self.folder.glob(f"*/*{self._suffix}"):
            try:
                status = path.stat()
            except OSError:  # another process removed it
                continue
            found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._most_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size
