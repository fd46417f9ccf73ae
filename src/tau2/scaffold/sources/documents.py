"""Documents of strangers: read with caps on size, depth and number of parts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from tau2.environment.db import read_data_file
from tau2.errors import ConfigError, DataFileError
from tau2.utils.json_types import JsonObject, JsonValue
from tau2.utils.text import megabytes

_LARGEST = 32_000_000  # bytes of a file
_MOST_PARTS = 1_000_000  # values in a document, counted where they stand: aliases count each time
_DEEPEST = 100


def read_document(path: Path) -> JsonObject:
    """Return the object in a JSON or YAML file, as JSON would have it.

    Raises:
        ConfigError: the file is too large, is neither JSON nor YAML, or holds no object.
    """
    size = path.stat().st_size
    if size > _LARGEST:
        raise ConfigError(f"{path} has {megabytes(size)}; {megabytes(_LARGEST)} are read at most")
    try:
        found = read_data_file(path, words_are_text=True)
    except DataFileError as problem:
        raise ConfigError(str(problem)) from problem
    plain = _Plain(path).value(found, 0)
    if isinstance(plain, list):
        plain = {"tools": plain}  # the tools of an MCP server, saved without what is around them
    if not isinstance(plain, dict):
        raise ConfigError(f"{path} holds no object; an OpenAPI document is expected")
    return plain


class _Plain:
    """Makes the values of YAML those of JSON: keys are texts, dates too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts = 0

    def value(self, found: object, depth: int) -> JsonValue:
        """Return a value as JSON has it."""
        self._parts += 1
        if self._parts > _MOST_PARTS or depth > _DEEPEST:
            raise ConfigError(f"{self._path} holds too much to be a description of an interface")
        if isinstance(found, dict):
            return {str(key): self.value(one, depth + 1) for key, one in found.items()}
        if isinstance(found, list | tuple | set):
            return [self.value(one, depth + 1) for one in found]
        if isinstance(found, dt.date | dt.datetime | dt.time):
            return found.isoformat()
        if found is None or isinstance(found, str | int | float | bool):
            return found
        return str(found)


def safe_name(path: Path) -> str:
    """Return the name of a file without what would need quotes anywhere."""
    kept = (letter if letter.isalnum() or letter in "._-" else "_" for letter in path.name)
    return "".join(kept)
