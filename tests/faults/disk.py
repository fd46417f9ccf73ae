"""A disk that fails where it is told to: it stands in for `os` where a run is written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from tau2.storage import files, lock

CALLS = frozenset({"open", "write", "fsync", "replace", "ftruncate"})
FAULTS = ("ENOSPC", "EIO", "short", "torn")
"""No space, an error of the device, a write that takes half, and one that takes half before there
is no space."""


def _no_wait(_handle: int) -> None:
    """Stand in for a sync, which would only cost time: no power fails here."""


class Disk:
    """Counts the calls that can fail, and makes one of them fail.

    It never waits for the real disk.
    """

    def __init__(self, fail_at: int | None = None, fault: str = "EIO") -> None:
        self.calls, self.fail_at, self.fault = 0, fail_at, fault
        self.failed: str | None = None

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name) if name != "fsync" else _no_wait
        if name not in CALLS:
            return real

        def call(*args: Any, **options: Any) -> Any:
            self.calls += 1
            return (
                self._fail(name, real, args)
                if self.calls == self.fail_at
                else real(*args, **options)
            )

        return call

    def _fail(self, name: str, real: Any, args: tuple[Any, ...]) -> Any:
        self.failed = name
        if name == "write" and self.fault in {"short", "torn"}:
            handle, content = args
            written = real(handle, content[: len(content) // 2])
            if self.fault == "short":
                return written
        elif self.fault == "short":
            return real(*args)  # only a write can be short
        code = errno.EIO if self.fault == "EIO" else errno.ENOSPC
        raise OSError(code, os.strerror(code))


@contextmanager
def disk(fail_at: int | None = None, fault: str = "EIO") -> Iterator[Disk]:
    """Put the disk in place."""
    put = Disk(fail_at, fault)
    with patch.object(files, "os", put), patch.object(lock, "os", put):
        yield put
