"""Reads the configurations that a command line names and puts what it says above what they say.

A setting given on the command line goes to every configuration that has it; one that was not given changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from act_prm.config import GeneratorConfig, ReplayBufferConfig, TrainerConfig, checked, read_config
from act_prm.run.options import RunOptions
from tau2.errors import ConfigError
from tau2.llm.secrets import redact_args

_FOLDERS = {"env": "environments", "eval_env": "environments", "base_env": "environments"}
_ENV_FLAGS = (
    "seed",
    "is_async",
    "verbose",
)  # of the command line itself; they reach environments that set them
_PROVIDER = "provider"
_MODELS: Mapping[str, type[BaseModel]] = {
    "generator": GeneratorConfig,
    "trainer": TrainerConfig,
    "replay_buffer": ReplayBufferConfig,
}


@dataclass(frozen=True)
class Resolved:
    """Everything a run is made from."""

    env: dict[str, Any]
    eval_env: dict[str, Any]
    base_env: dict[str, Any] | None
    generator: GeneratorConfig
    trainer: TrainerConfig
    replay_buffer: ReplayBufferConfig
    model: dict[str, Any]
    lora: dict[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """Return it without anything secret."""
        told = {
            kind: value.model_dump() if hasattr(value, "model_dump") else value
            for kind, value in vars(self).items()
        }
        return {kind: _public(value) for kind, value in told.items() if value is not None}


def resolve(options: RunOptions) -> Resolved:
    """Return the configurations of a run. Raise ConfigError or UnknownName for what they may not say."""
    env = _values(options, "env", options.env_config)
    trainer = checked(
        TrainerConfig,
        _values(options, "trainer", options.trainer_config),
        _source(options, "trainer"),
    )
    base = options.base_env_config
    return Resolved(
        env=env,
        eval_env=_eval_env(options),
        base_env=_values(options, "base_env", base)
        if base or _touched(options, "base_env")
        else None,
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


def _values(options: RunOptions, kind: str, name: str | None) -> dict[str, Any]:
    """Return what the file says, with what the command line says above it."""
    values = read_config(_FOLDERS.get(kind, kind), name or options.env_config)
    for key, value in _given(options, kind, values).items():
        values[key] = value
    return _overridden(options, kind, values)


def _given(options: RunOptions, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    own = {
        name: getattr(options, name) for name in _ENV_FLAGS if getattr(options, name) is not None
    }
    known = _known(kind, values)
    return {key: value for key, value in {**own, **options.given}.items() if key in known}


def _known(kind: str, values: Mapping[str, Any]) -> Iterable[str]:
    """Return the settings that a configuration has: of environments those that its file sets."""
    model = _MODELS.get(kind)
    return values if model is None else model.model_fields


def _overridden(options: RunOptions, kind: str, values: dict[str, Any]) -> dict[str, Any]:
    for override in options.overrides:
        if override.kind == kind:
            override.put_into(values)
    return values


def _touched(options: RunOptions, kind: str) -> bool:
    return any(override.kind == kind for override in options.overrides)


def _eval_env(options: RunOptions) -> dict[str, Any]:
    """Return the environment of the evaluation: its own, or that of the training with its held-out tasks."""
    if options.eval_env_config is None:
        env = _overridden(options, "env", _values(options, "env", options.env_config))
    else:
        env = _values(options, "eval_env", options.eval_env_config)
    if env.get("split", "train") == "train":
        env["split"] = "eval"
    return _overridden(options, "eval_env", env)


def _model(options: RunOptions, trainer: TrainerConfig) -> dict[str, Any]:
    if options.model_config is not None:
        model = read_config("model", options.model_config)
        model |= {"model_name": options.model_name} if options.model_name else {}
    elif options.model_name:
        model = {"model_name": options.model_name, _PROVIDER: "tinker"}
    else:
        raise ConfigError(
            "no model: give --model_name, or --model_config with the name of a file in configs/model"
        )
    if model.get(_PROVIDER) == "tinker":
        model |= {"lora_rank": trainer.lora_rank}
        model |= {"base_url": trainer.base_url} if trainer.base_url else {}
    return _overridden(options, "model", model)


def _lora(options: RunOptions) -> dict[str, Any] | None:
    if options.lora_config is None:
        return None
    lora = read_config("lora", options.lora_config)
    if "lora_rank" in options.given:
        lora["r"] = options.given["lora_rank"]
    return _overridden(options, "lora", lora)


def _public(value: Any) -> Any:
    """Return a configuration with everything secret hidden, however deep it stands."""
    if isinstance(value, Mapping):
        return redact_args({str(key): _public(one) for key, one in value.items()})
    return [_public(one) for one in value] if isinstance(value, list | tuple) else value
