"""Which kind of source `--from` names, and what it is read with."""

from __future__ import annotations

from pathlib import Path

from tau2.errors import ConfigError, quoted
from tau2.scaffold.interface import Interface
from tau2.scaffold.sources.sqlite import read_sqlite

_SQLITE = b"SQLite format 3\x00"
KINDS_OF_SOURCE = "a SQLite database (shop.db)"


def read_source(source: str) -> Interface:
    """Return the interface that a source describes.

    Args:
        source: A path.

    Raises:
        ConfigError: there is no such source, it is of no kind that is known, or nothing can be
            derived from it.
    """
    path = Path(source)
    if path.is_file():
        return _read_file(path)
    raise ConfigError(f"there is no file {quoted(source)}; --from takes {KINDS_OF_SOURCE}")


def _read_file(path: Path) -> Interface:
    with path.open("rb") as file:
        beginning = file.read(len(_SQLITE))
    if beginning == _SQLITE:
        return read_sqlite(path)
    raise ConfigError(f"{path} is of no kind that is known; --from takes {KINDS_OF_SOURCE}")
