"""Finds and reads YAML files by the name that the command line gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tau2.errors import ConfigError, DataFileError, UnknownName, needs_extra

_SUFFIX = ".yaml"
_LARGEST = 1_000_000  # bytes; a configuration is a page


def config_folders() -> list[Path]:
    """Return where configurations are looked for: the current folder, the package, the checkout around it."""
    package = Path(__file__).resolve().parents[1]
    return [Path("configs"), package / "configs", package.parents[1] / "configs"]


def read_config(kind: str, name: str) -> dict[str, Any]:
    """Return what `configs/<kind>/<name>.yaml` says; `name` may also be the path of a file.

    Raise UnknownName with the nearest name, DataFileError for a file that is no mapping.
    """
    return load_yaml(_found(kind, name))


def known_names(kind: str) -> list[str]:
    """Return the names that `read_config` knows for a kind."""
    found = {
        file.relative_to(folder / kind).with_suffix("").as_posix()
        for folder in config_folders()
        for file in (folder / kind).rglob(f"*{_SUFFIX}")
    }
    return sorted(found)


def _found(kind: str, name: str) -> Path:
    given = Path(name)
    if given.suffix in {_SUFFIX, ".yml"} and given.is_file():
        return given
    for folder in config_folders():
        file = folder / kind / f"{name.removesuffix(_SUFFIX)}{_SUFFIX}"
        if file.is_file():
            return file
    raise UnknownName(f"{kind} configuration", name, known_names(kind))


def load_yaml(file: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds. Raise DataFileError with the place of the mistake."""
    with needs_extra("rl", "yaml"):
        import yaml  # noqa: PLC0415  -- an optional package
    if file.stat().st_size > _LARGEST:
        raise DataFileError(f"{file}: larger than {_LARGEST} bytes; that is no configuration")
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise DataFileError(f"{file}: no YAML: {error}") from error
    if read is None:
        return {}
    if not isinstance(read, dict) or not all(isinstance(key, str) for key in read):
        raise DataFileError(f"{file}: a mapping of names to values is expected")
    return read


def parse_value(text: str) -> Any:
    """Return a value given on the command line, read as YAML reads it. Raise ConfigError for what is no YAML."""
    with needs_extra("rl", "yaml"):
        import yaml  # noqa: PLC0415  -- an optional package
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{text!r} is no value in YAML: {error}") from error
