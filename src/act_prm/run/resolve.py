"""Reads the configurations that a command line names, and applies its settings and overrides.

A setting of the command line applies to every configuration that has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from act_prm.config import GeneratorConfig, ReplayBufferConfig, TrainerConfig, checked, read_config
from act_prm.run.options import RunOptions
from tau2.errors import ConfigError
from tau2.llm.secrets import (
    REDACTED,
    names_setting,
    redact_args,
    redactor_of,
    secrets_in_args,
    secrets_in_environment,
)
from tau2.utils.json_types import JsonMapping, JsonObject

_FOLDERS = {"env": "environments", "eval_env": "environments", "base_env": "environments"}
# Options of the run that also apply to environments whose files set them.
_ENV_FLAGS = ("seed", "is_async", "verbose")
_PROVIDER = "provider"
_MODELS: Mapping[str, type[BaseModel]] = {
    "generator": GeneratorConfig,
    "trainer": TrainerConfig,
    "replay_buffer": ReplayBufferConfig,
}


@dataclass(frozen=True)
class Resolved:
    """The configurations of a run."""

    env: JsonObject
    eval_env: JsonObject
    base_env: JsonObject | None
    generator: GeneratorConfig
    trainer: TrainerConfig
    replay_buffer: ReplayBufferConfig
    model: JsonObject
    lora: JsonObject | None

    def as_json(self) -> JsonObject:
        """Return the configurations with secrets redacted."""
        values = {
            kind: value.model_dump() if hasattr(value, "model_dump") else value
            for kind, value in vars(self).items()
        }
        return {kind: _redacted(value) for kind, value in values.items() if value is not None}

    def write(self, file: Path, command: list[str] | None) -> None:
        """Write the configurations, and the command that they come from, as JSON."""
        shown = {"command": shown_command(command)} if command else {}
        content = {**shown, **self.as_json()}
        text = json.dumps(content, indent=1, default=str)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8")


def shown_command(command: Sequence[str]) -> list[str]:
    """Return a command line with secrets redacted."""
    found = secrets_in_environment() | secrets_in_args({"command": list(command)})
    redactor = redactor_of(found)
    shown = []
    before = ""
    for text in command:
        is_secret = before.startswith("--") and names_setting(before.removeprefix("--"))
        shown.append(REDACTED if is_secret and not text.startswith("--") else redactor.text(text))
        before = text
    return shown


def resolve(options: RunOptions) -> Resolved:
    """Return the configurations of a run. Raise ConfigError or UnknownName for invalid ones."""
    env = _values(options, "env", options.env_config)
    trainer = checked(
        TrainerConfig,
        _values(options, "trainer", options.trainer_config),
        _source(options, "trainer"),
    )
    base = options.base_env_config
    has_base = bool(base) or any(override.kind == "base_env" for override in options.overrides)
    return Resolved(
        env=env,
        eval_env=_eval_env(options),
        base_env=_values(options, "base_env", base) if has_base else None,
        generator=checked(
            GeneratorConfig,
            _values(options, "generator", options.generator_config),
            _source(options, "generator"),
        ),
        trainer=trainer,
        replay_buffer=checked(
            ReplayBufferConfig,
            _values(options, "replay_buffer", options.replay_buffer_config),
            _source(options, "replay_buffer"),
        ),
        model=_model(options, trainer),
        lora=_lora(options),
    )


def _source(options: RunOptions, kind: str) -> str:
    return f"configs/{kind}/{getattr(options, f'{kind}_config')} and the command line"


def _values(options: RunOptions, kind: str, name: str | None) -> JsonObject:
    """Return the values of a file, changed by the command line."""
    values = read_config(_FOLDERS.get(kind, kind), name or options.env_config)
    own = {
        name: getattr(options, name) for name in _ENV_FLAGS if getattr(options, name) is not None
    }
    known = _known(kind, values)
    values |= {key: value for key, value in {**own, **options.given}.items() if key in known}
    return _overridden(options, kind, values)


def _known(kind: str, values: JsonMapping) -> Iterable[str]:
    """Return the settings of a configuration; of environments, those that the file sets."""
    model = _MODELS.get(kind)
    return values if model is None else model.model_fields


def _overridden(options: RunOptions, kind: str, values: JsonObject) -> JsonObject:
    for override in options.overrides:
        if override.kind == kind:
            override.apply_to(values)
    return values


def _eval_env(options: RunOptions) -> JsonObject:
    """Return the evaluation environment: its own, or that of training with held-out tasks."""
    if options.eval_env_config is None:
        env = _overridden(options, "env", _values(options, "env", options.env_config))
    else:
        env = _values(options, "eval_env", options.eval_env_config)
    if env.get("split", "train") == "train":
        env["split"] = "eval"
    return _overridden(options, "eval_env", env)


def _model(options: RunOptions, trainer: TrainerConfig) -> JsonObject:
    if options.model_config is not None:
        model = read_config("model", options.model_config)
        model |= {"model_name": options.model_name} if options.model_name else {}
    elif options.model_name:
        model = {"model_name": options.model_name, _PROVIDER: "tinker"}
    else:
        raise ConfigError(
            "no model is named: give --model_name, or --model_config with a file of configs/model"
        )
    if model.get(_PROVIDER) == "tinker":
        model |= {"lora_rank": trainer.lora_rank}
        model |= {"base_url": trainer.base_url} if trainer.base_url else {}
    return _overridden(options, "model", model)


def _lora(options: RunOptions) -> JsonObject | None:
    if options.lora_config is None:
        return None
    lora = read_config("lora", options.lora_config)
    if "lora_rank" in options.given:
        lora["r"] = options.given["lora_rank"]
    return _overridden(options, "lora", lora)


def _redacted(value: Any) -> Any:
    """Return a configuration with secrets redacted at any depth."""
    if isinstance(value, Mapping):
        return redact_args({str(key): _redacted(one) for key, one in value.items()})
    return [_redacted(one) for one in value] if isinstance(value, list | tuple) else value
