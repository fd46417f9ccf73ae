"""Weights on this machine: where they are, and whether they are the published ones.

A file is hashed once. What was found is noted beside it, with its size and time, and holds until
the file changes.
"""

from __future__ import annotations

import hashlib
import json
import logging
from importlib import resources
from pathlib import Path

from tau2.config import models_dir
from tau2.errors import ConfigError
from tau2.llm.local.catalog import KnownModel, Weights, known_model
from tau2.storage.files import PART, write_atomically
from tau2.utils.text import megabytes, repr_of

logger = logging.getLogger(__name__)

GGUF = ".gguf"
PREFIX = "local/"
_NOTE = ".verified"
_LONGEST_NOTE = 4096  # bytes
_CHUNK = 2**20  # bytes hashed at a time

_VERIFIED: dict[Path, tuple[int, int]] = {}
"""Size and time of files found to be whole by this process, for folders that cannot be written."""


def weights_path(name_or_path: str) -> Path:
    """Return the file of weights of a known model, or of a path that ends in `.gguf`.

    The weights of a known model are hashed when they are used first. `local/` before a name or a
    path may be left out.

    Raises:
        UnknownName: no model has that name.
        ConfigError: the file is not there, or is not the published one.
    """
    name = name_or_path.removeprefix(PREFIX)
    if name.endswith(GGUF):
        path = Path(name).expanduser()
        if not path.is_file():
            raise ConfigError(f"there is no file {repr_of(str(path), 500)}")
        return path
    model = known_model(name)
    path = file_of(model.weights)
    if not path.exists():
        raise ConfigError(
            f"the weights of {model.name} are not on this machine; fetch them "
            f"({megabytes(model.weights.size)}): tau2 models get {model.name}"
        )
    if not is_published(path, model.weights):
        raise ConfigError(
            f"{path} is not {model.title} as published (its SHA-256 differs), so it is not used; "
            f"fetch it again: tau2 models get {model.name}"
        )
    return path


def adapter_path(model: KnownModel) -> Path | None:
    """Return the adapter of a known model; None where it has none."""
    if model.adapter is None:
        return None
    return Path(str(resources.files("tau2.llm.local") / model.adapter))


def file_of(weights: Weights) -> Path:
    """Return where the file of known weights is, or would be."""
    return models_dir() / weights.file


def is_there(model: KnownModel) -> bool:
    """Return whether a file of the right size is there; nothing is hashed."""
    path = file_of(model.weights)
    return path.is_file() and path.stat().st_size == model.weights.size


def is_published(path: Path, weights: Weights) -> bool:
    """Return whether a file holds exactly the published weights."""
    state = _state(path)
    if state[0] != weights.size:
        return False
    if _VERIFIED.get(path) == state or _noted(path) == [*state, weights.sha256]:
        return True
    if sha256_of(path) != weights.sha256:
        return False
    note_verified(path, weights)
    return True


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def note_verified(path: Path, weights: Weights) -> None:
    """Remember that a file is whole, so that it is not hashed again."""
    state = _state(path)
    _VERIFIED[path] = state
    try:
        write_atomically(note_of(path), json.dumps([*state, weights.sha256]).encode())
    except OSError as problem:
        logger.info("%s: the next process hashes it again (%s)", path, problem)


def part_of(weights: Weights) -> Path:
    """Return the file that grows while weights are fetched."""
    path = file_of(weights)
    return path.with_name(path.name + PART)


def note_of(path: Path) -> Path:
    """Return the file that says whether another one was found to be whole."""
    return path.with_name(path.name + _NOTE)


def _noted(path: Path) -> object:
    try:
        with note_of(path).open("rb") as file:
            return json.loads(file.read(_LONGEST_NOTE))
    except (OSError, ValueError, RecursionError):
        return None


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
