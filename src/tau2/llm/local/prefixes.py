"""Evaluated prompts on disk: what conversations have in common is evaluated once, not per process.

A policy with tools has some thousand tokens, which take a small model a minute on a CPU and are
the same in every conversation of a domain. llama.cpp writes the memory of a slot to a file; reading
it into another slot takes milliseconds. A file is named by everything it depends on, and holds for
as long as the weights are the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger(__name__)

MOST_FILES = 32
MOST_BYTES = 2 * 2**30
SHORTEST = 1500
"""Characters of a prefix that is worth a file."""


class PrefixStore:
    """The evaluated prefixes of one engine. Safe to share between threads and processes."""

    def __init__(self, folder: Path | None, identity: str) -> None:
        """Keep files in a folder; without one that can be written, for this process only.

        Args:
            folder: Where; None for a temporary folder.
            identity: What evaluated tokens depend on besides the text.
        """
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if folder is None or not _is_writable(folder):
            self._temporary = tempfile.TemporaryDirectory(prefix="tau2-prefixes-")
            folder = Path(self._temporary.name)
        self.folder = folder
        self._identity = identity
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._verified: set[str] = set()

    def close(self) -> None:
        """Remove the folder if it is a temporary one."""
        if self._temporary is not None:
            self._temporary.cleanup()

    def lock_of(self, prefix: str) -> threading.Lock:
        """Return the lock of whoever evaluates a prefix, while others wait for the result."""
        with self._lock:
            return self._locks.setdefault(self._key(prefix), threading.Lock())

    def found(self, prefix: str) -> str | None:
        """Return the name of a prefix's file, or None where there is none that is whole."""
        key = self._key(prefix)
        path = self.folder / f"{key}.bin"
        if key not in self._verified:
            if not _is_whole(path):
                return None
            self._verified.add(key)
        with contextlib.suppress(OSError):
            os.utime(path)  # the files that were used last are kept
            return path.name
        return None

    def add(self, prefix: str, save: Callable[[str], None]) -> None:
        """Have `save` write a file of this name into the folder, and keep it.

        A disk that is full costs speed only.
        """
        key = self._key(prefix)
        partial = self.folder / f"{key}.{os.getpid()}.part"
        try:
            save(partial.name)
            digest = _digest(partial)
            note = {"sha256": digest, "characters": len(prefix)}
            noted = partial.with_suffix(".note")
            noted.write_text(json.dumps(note), encoding="utf-8")
            noted.replace(self.folder / f"{key}.json")
            partial.replace(self.folder / f"{key}.bin")
            self._verified.add(key)
            self._make_room()
        except OSError as error:
            logger.warning("an evaluated prompt could not be kept on disk: %s", error)
            partial.unlink(missing_ok=True)

    def remove(self, prefix: str) -> None:
        """Forget a prefix whose file turned out to be unusable."""
        key = self._key(prefix)
        self._verified.discard(key)
        with contextlib.suppress(OSError):
            (self.folder / f"{key}.bin").unlink(missing_ok=True)

    def _key(self, prefix: str) -> str:
        text = f"{self._identity}\x1f{prefix}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def _make_room(self) -> None:
        """Remove the files that were not used for longest, beyond what is kept."""
        kept = 0
        files = sorted(self.folder.glob("*.bin"), key=_used_at, reverse=True)
        for number, path in enumerate(files):
            with contextlib.suppress(OSError):
                kept += path.stat().st_size
                if number >= MOST_FILES or (kept > MOST_BYTES and number > 0):
                    path.unlink()
                    path.with_suffix(".json").unlink(missing_ok=True)


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _is_whole(path: Path) -> bool:
    """Return whether a file is the one that was written; llama.cpp would take any."""
    try:
        note = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return isinstance(note, dict) and note.get("sha256") == _digest(path)
    except (OSError, ValueError, RecursionError):
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _used_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
