"""Where the simulations of a single results file lie, so that they are read one by one.

Only a file that is indented by two, as this package and the original write it, is taken apart: a
line break never stands in a text of JSON, so a line that closes an object four columns in closes a
simulation. Any other file is read as a whole, by whom it is asked for.
"""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path
from typing import BinaryIO, NamedTuple

_BEGIN = b'\n  "simulations": ['
_FIRST = b"\n    {\n"
_NEXT = b",\n    {\n"
_CLOSED = b"\n    }"
_END = b"\n  ]"
_CHUNK = 1 << 20


class Place(NamedTuple):
    """Where a simulation lies in a file, in bytes."""

    start: int
    size: int


class SingleFile:
    """A results file that holds its simulations. Threads may read at the same time."""

    def __init__(self, file: BinaryIO, rest: bytes, places: list[Place]) -> None:
        """Take over an open file; one that replaces it on disk is not seen."""
        self.rest = rest
        """The file without its simulations."""
        self.places = places
        self._file = file
        self._reading = threading.Lock()
        weakref.finalize(self, file.close)

    def read(self, place: Place) -> bytes:
        """Return the bytes of a simulation."""
        with self._reading:
            self._file.seek(place.start)
            return self._file.read(place.size)


def single_file(path: Path) -> SingleFile | None:
    """Take a results file apart; None for one that holds no simulations, or has another form.

    None on Windows, which would not replace a file that is open.
    """
    if os.name == "nt":
        return None
    try:
        file = path.open("rb")
    except OSError:  # whoever reads it as a whole says so
        return None
    found = None
    try:
        found = _taken_apart(file)
    finally:
        if found is None:
            file.close()
    return found


def _taken_apart(file: BinaryIO) -> SingleFile | None:
    window = _Window(file)
    begin = window.find(_BEGIN, 0)
    if begin < 0:
        return None
    begin += len(_BEGIN)
    before = _first_bytes(file, begin)
    window = _Window(file, begin)
    if window.piece(begin, len(_FIRST)) != _FIRST:
        return None
    places = []
    start = begin + len(_FIRST) - 2  # of its brace
    while (closed := window.find(_CLOSED, start)) >= 0:
        end = closed + len(_CLOSED)
        places.append(Place(start, end - start))
        if window.piece(end, len(_END)) == _END:
            rest = before + window.rest(end + len(_END) - 1)
            return SingleFile(file, rest, places)
        if window.piece(end, len(_NEXT)) != _NEXT:
            return None
        start = end + len(_NEXT) - 2
    return None


def _first_bytes(file: BinaryIO, size: int) -> bytes:
    file.seek(0)
    return file.read(size)


class _Window:
    """The part of a file that is searched."""

    def __init__(self, file: BinaryIO, start: int = 0) -> None:
        self._file = file
        self._start = start
        self._held = b""
        file.seek(start)

    def find(self, pattern: bytes, start: int) -> int:
        """Return the place of a pattern at or after `start`; -1 where there is none."""
        while True:
            at = self._held.find(pattern, start - self._start)
            if at >= 0:
                return self._start + at
            # Its beginning may stand at the end of what was read.
            passed = max(start - self._start, len(self._held) - len(pattern) + 1)
            if not self._read_on(min(max(passed, 0), len(self._held))):
                return -1
            start = max(start, self._start)

    def piece(self, start: int, size: int) -> bytes:
        """Return some bytes, which were not passed yet."""
        passed = start - self._start
        while len(self._held) < passed + size and self._read_on(0):
            pass
        return self._held[passed : passed + size]

    def rest(self, start: int) -> bytes:
        """Return everything from a place on, which was not passed yet."""
        return self._held[start - self._start :] + self._file.read()

    def _read_on(self, passed: int) -> bool:
        more = self._file.read(_CHUNK)
        self._held = self._held[passed:] + more
        self._start += passed
        return bool(more)
