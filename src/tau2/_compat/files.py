"""The functions of the original's `tau2.utils.io_utils`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tau2.environment.db import read_data_file, read_text
from tau2.errors import DataFileError
from tau2.utils.json_types import JsonValue

_DATA = frozenset({".json", ".toml", ".yaml", ".yml"})
_TEXT = frozenset({".txt", ".md"})


def load_file(path: str | Path, **_options: Any) -> JsonValue:
    """Return the data of a .json, .toml or .yaml file, or the text of a .txt or .md file.

    Raise DataFileError (a ValueError) for a file that cannot be read, and for another suffix.
    """
    path = Path(path)
    if path.suffix in _DATA:
        return read_data_file(path)
    if path.suffix in _TEXT:
        return read_text(path)
    raise DataFileError(f"{path}: unsupported file extension {path.suffix!r}")


def dump_file(path: str | Path, data: JsonValue, **options: Any) -> None:
    """Write data to a .json or .yaml file, or text to a .txt or .md file.

    `options` go to `json.dump` or to YAML's writer. Folders are made. Raise DataFileError for
    another suffix.
    """
    path = Path(path)
    if path.suffix == ".json":
        text = json.dumps(data, **options)
    elif path.suffix in {".yaml", ".yml"}:
        import yaml  # noqa: PLC0415  -- only YAML files need it

        text = yaml.safe_dump(data, **options)
    elif path.suffix in _TEXT:
        text = str(data)
    else:
        raise DataFileError(f"{path}: unsupported file extension {path.suffix!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def expand_paths(paths: Iterable[str | Path], extension: str | None = None) -> list[str]:
    """Return the files that paths, folders and patterns mean, each once, in order.

    Args:
        paths: Files, folders (every file below them), or patterns such as `runs/*.json`.
        extension: Keep only files with this suffix (".json").
    """
    found: list[Path] = []
    for given in map(Path, paths):
        if given.is_dir():
            found.extend(sorted(path for path in given.rglob("*") if path.is_file()))
        elif given.exists():
            found.append(given)
        else:
            found.extend(sorted(given.parent.glob(given.name)))
    kept = (path for path in found if extension is None or path.suffix == extension)
    return list(dict.fromkeys(map(str, kept)))
