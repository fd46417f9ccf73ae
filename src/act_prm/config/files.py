"""Configuration files: YAML, found by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from act_prm.config.foreign import with_own_names
from tau2.errors import ConfigError, DataFileError, UnknownName, needs_extra
from tau2.utils.json_types import JsonObject

_SUFFIX = ".yaml"
_MAX_BYTES = 1_000_000


def config_folders() -> list[Path]:
    """Return the folders of configurations: the current one, the package's, the checkout's."""
    package = Path(__file__).resolve().parents[1]
    return [Path("configs"), package / "configs", package.parents[1] / "configs"]


def read_config(kind: str, name: str) -> JsonObject:
    """Return the content of `configs/<kind>/<name>.yaml`; `name` may also be the path of a file.

    Settings of the original act-prm project have our names; see `foreign`.
    Raise UnknownName with the nearest name, DataFileError for a file without a mapping.
    """
    file = _found(kind, name)
    return with_own_names(kind, load_yaml(file), str(file))


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


def load_yaml(file: Path) -> JsonObject:
    """Return the mapping in a YAML file. Raise DataFileError with the position of the mistake."""
    with needs_extra("rl", "yaml"):
        import yaml  # noqa: PLC0415  -- an optional package
    if file.stat().st_size > _MAX_BYTES:
        raise DataFileError(f"{file}: a configuration must not be larger than {_MAX_BYTES} bytes")
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise DataFileError(f"{file}: not valid YAML: {error}") from error
    if read is None:
        return {}
    if not isinstance(read, dict) or not all(isinstance(key, str) for key in read):
        raise DataFileError(f"{file}: a mapping of names to values is expected")
    return read


def parse_value(text: str) -> Any:
    """Return a value of the command line, parsed as YAML. Raise ConfigError for invalid YAML."""
    with needs_extra("rl", "yaml"):
        import yaml  # noqa: PLC0415  -- an optional package
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{text!r} is not valid YAML: {error}") from error
