"""Conversations that had to leave their slot, on disk until they go on.

Where more conversations are under way than the engine has slots, each turn takes the slot of
another one. Writing its evaluated tokens to a file and reading them back takes milliseconds;
evaluating them again would take seconds.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import OrderedDict
from itertools import count
from pathlib import Path

MOST_BYTES = 2**30
SHORTEST = 1000
"""Characters that a conversation has beyond what others share, for it to be worth a file."""

_STEM = "kept-"
_STALE_SECONDS = 86_400.0  # after which a file belongs to no process that still runs


class KeptConversations:
    """Files of one engine. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._files: OrderedDict[str, str] = OrderedDict()
        """Names of files, by the beginning of a prompt that is evaluated in them."""
        self._numbers = count()
        _remove_stale(folder)

    def new_name(self) -> str:
        """Return the name of a file that is not there yet."""
        return f"{_STEM}{os.getpid()}-{next(self._numbers)}.tmp"

    def add(self, text: str, name: str) -> None:
        """Keep the file of a conversation; the oldest ones make room."""
        with self._lock:
            dropped = [self._files.pop(text)] if text in self._files else []
            self._files[text] = name
            sizes = {name: self._size(name) for name in self._files.values()}
            while sum(sizes.values()) > MOST_BYTES and len(self._files) > 1:
                _, oldest = self._files.popitem(last=False)
                sizes.pop(oldest)
                dropped.append(oldest)
        self.remove(dropped)

    def take(self, prompt: str, longer_than: int) -> tuple[str, str] | None:
        """Return the text and file of the conversation that a prompt goes on with.

        It is no longer kept: who takes it removes the file.
        """
        with self._lock:
            found = [
                text for text in self._files if len(text) > longer_than and prompt.startswith(text)
            ]
            if not found:
                return None
            text = max(found, key=len)
            return text, self._files.pop(text)

    def remove(self, names: list[str]) -> None:
        """Remove files."""
        for name in names:
            with contextlib.suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove all files."""
        self.remove(list(self._files.values()))
        self._files.clear()

    def _size(self, name: str) -> int:
        try:
            return (self._folder / name).stat().st_size
        except OSError:
            return 0


def _remove_stale(folder: Path) -> None:
    """Remove what processes left behind that were killed."""
    for path in folder.glob(f"{_STEM}*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                path.unlink()
