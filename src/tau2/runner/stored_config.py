"""How a run was configured, kept beside it without secrets.

`tau2 run --resume` needs nothing but its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tau2.data_model.simulation import RunConfig
from tau2.errors import ConfigError, DataFileError
from tau2.llm.secrets import REDACTED
from tau2.runner.run_settings import without_secrets
from tau2.storage.files import write_atomically
from tau2.storage.results import companion
from tau2.utils import finite_json
from tau2.utils.json_types import JsonObject, JsonValue
from tau2.utils.text import error_text

CONFIG_NAME = "config.json"
_LARGEST = 1_000_000  # bytes


def save_config(path: Path, config: RunConfig) -> None:
    """Write the fields that were set beside the results at `path`.

    Raise ConfigError for values that could not be read again.
    """
    try:
        data = without_secrets(config.model_dump(exclude_unset=True, warnings=False))
        text = finite_json.dumps(data, indent=2)
    except (ValueError, TypeError, RecursionError) as problem:
        reason = error_text(problem, 300)
        raise ConfigError(f"the configuration cannot be kept with the run: {reason}") from problem
    write_atomically(companion(path, CONFIG_NAME), f"{text}\n".encode())


def load_config(path: Path) -> JsonObject:
    """Return the fields of the stored configuration, without secrets.

    Raises:
        ConfigError: no configuration was stored (an older run, or one made by other software).
        DataFileError: it cannot be read.
    """
    file = companion(path, CONFIG_NAME)
    if not file.is_file():
        raise ConfigError(
            f"{file} does not exist, so the settings of this run are not known; "
            "repeat the command of the run with --save-to and --auto-resume"
        )
    if file.stat().st_size > _LARGEST:
        raise DataFileError(f"{file}: larger than a configuration can be")
    try:
        data = finite_json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataFileError(f"{file}: not valid JSON: {error}") from error
    if not isinstance(data, dict):
        raise DataFileError(f"{file}: an object is expected, not {type(data).__name__}")
    return data


def redacted_fields(data: JsonValue, name: str = "") -> Iterator[str]:
    """Yield the names of values that were not stored because they are secret.

    For example `llm_args_agent.api_key`.
    """
    if isinstance(data, dict):
        for key, value in data.items():
            yield from redacted_fields(value, f"{name}.{key}" if name else str(key))
    elif isinstance(data, list):
        for value in data:
            yield from redacted_fields(value, name)
    elif isinstance(data, str) and REDACTED in data:
        yield name
