"""What a command line says, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from act_prm.config.files import parse_value
from tau2.errors import ConfigError, UnknownName

KINDS = ("env", "eval_env", "base_env", "generator", "trainer", "replay_buffer", "model", "lora")
"""What an override may change."""


@dataclass(frozen=True, slots=True)
class Override:
    """One setting of one configuration, changed on the command line."""

    kind: str
    path: tuple[str, ...]
    value: Any

    @classmethod
    def of(cls, text: str) -> Override:
        """Return the override that `KIND.KEY=VALUE` spells. Raise ConfigError or UnknownName for anything else."""
        place, equals, value = text.partition("=")
        kind, *path = place.strip().split(".")
        if not equals or not path or not all(path):
            raise ConfigError(
                f"--override {text!r}: KIND.KEY=VALUE is expected, such as env.num_train_tasks=4"
            )
        if kind not in KINDS:
            raise UnknownName("configuration to override", kind, KINDS)
        return cls(kind, tuple(path), parse_value(value))

    def put_into(self, config: dict[str, Any]) -> None:
        """Change the configuration. Raise ConfigError where the path leads through something that holds no keys."""
        at = config
        for key in self.path[:-1]:
            inner = at.get(key)
            if inner is not None and not isinstance(inner, dict):
                raise ConfigError(
                    f"--override {self.kind}.{'.'.join(self.path)}: {key} holds no settings"
                )
            at[key] = at = dict(inner or {})
        at[self.path[-1]] = self.value


@dataclass(frozen=True)
class RunOptions:
    """A command line. What was not given is None (or empty) and changes nothing."""

    env_config: str
    generator_config: str = "default"
    trainer_config: str = "qwen3_4b_pg"
    replay_buffer_config: str = "default"
    eval_env_config: str | None = None
    base_env_config: str | None = None
    model_config: str | None = None
    lora_config: str | None = None
    model_name: str | None = None
    log_path: Path = Path("logs")
    run_name: str | None = None
    is_async: bool | None = None
    seed: int | None = None
    replicate: int = 0
    verbose: bool | None = None
    resume_run: bool = False
    load_checkpoint_path: Path | None = None
    project_name: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    """Settings by name; each goes to every configuration that has it."""
    overrides: tuple[Override, ...] = ()

    @property
    def name(self) -> str:
        """The name of the run and of its folder."""
        if self.run_name:
            return self.run_name
        model = (self.model_name or self.model_config or "model").rsplit("/", 1)[-1]
        parts = (self.env_config, self.generator_config, self.trainer_config, model)
        told = "-".join(Path(part).with_suffix("").as_posix() for part in parts)
        return f"{told}-seed{self.seed or 0}-rep{self.replicate}".replace("/", "_")
