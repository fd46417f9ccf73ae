"""A run's configuration as a file: read for `--config`, written by `--print-config`.

A file holds the fields of `TextRunConfig` or `VoiceRunConfig` by their own names. It is printed as
YAML, which unlike TOML can say that a setting is unset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tau2.cli.flags import NONE, Flag
from tau2.data_model.run_config import RunConfig
from tau2.errors import ConfigError, UnknownName
from tau2.utils.terminal_text import clean

_SUFFIXES = (".yaml", ".yml", ".toml", ".json")
_HEAD = "# The configuration of a run. Play it with: tau2 run --config FILE\n"


def read_config_file(path: Path, flags: Sequence[Flag]) -> dict[str, Any]:
    """Return the fields that a file sets; their values are not checked.

    Raises:
        ConfigError: the name ends in no known suffix, the content is no mapping, or a field is
            unknown; the message names the file, the field and the nearest one.
        DataFileError: the file cannot be read or parsed.
    """
    from tau2.environment.db import read_data_file

    if path.suffix not in _SUFFIXES:
        raise ConfigError(f"{path}: a configuration file ends in {', '.join(_SUFFIXES)}")
    content = read_data_file(path)
    if content is None:
        return {}
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise ConfigError(f"{path}: fields with values are expected, not a {kind}")
    by_field = {flag.field: flag for flag in flags}
    unknown = [_unknown(str(name), flags) for name in content if name not in by_field]
    if unknown:
        raise ConfigError("; ".join(f"{path}: {problem}" for problem in unknown))
    return {name: _value(by_field[name], value) for name, value in content.items()}


def _unknown(name: str, flags: Sequence[Flag]) -> str:
    """Return what is wrong with a name that is no field: it may be the one of a flag."""
    as_flag = f"--{name.replace('_', '-')}"
    for flag in flags:
        if as_flag in flag.names:
            return f"{name!r} is called {flag.field!r} in a file"
    return str(UnknownName("field", name, [flag.field for flag in flags]))


def _value(flag: Flag, value: Any) -> Any:
    """Return a value; "none" unsets a field as on the command line, because TOML has no null."""
    return None if flag.takes_none and value == NONE else value


def check_masked(path: Path, values: Mapping[str, Any]) -> None:
    """Raise ConfigError when a file holds what `--print-config` printed in place of a secret."""
    from tau2.runner.stored_config import redacted_fields

    masked = sorted(redacted_fields(dict(values)))
    if masked:
        raise ConfigError(
            f"{path}: {', '.join(masked)}: a secret was masked when this file was printed; "
            "remove the entry and put the key into the environment, or write the secret here"
        )


def as_yaml(config: RunConfig) -> str:
    """Return every field of a configuration as YAML, with secrets masked."""
    import yaml

    from tau2.runner.middleware import redactor_of
    from tau2.runner.run_settings import without_secrets

    data = redactor_of(config).data(without_secrets(config.model_dump()))
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    if clean(text) != text:  # what cannot be seen is escaped, so that it can be read again
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=False)
    return _HEAD + text
