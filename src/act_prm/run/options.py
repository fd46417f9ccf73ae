"""The options of a run, as the command line gives them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from act_prm.config.files import parse_value
from tau2.errors import ConfigError, UnknownName
from tau2.utils.json_types import JsonMapping, JsonObject

KINDS = ("env", "eval_env", "base_env", "generator", "trainer", "replay_buffer", "model", "lora")
"""The configurations that an override can change."""


@dataclass(frozen=True, slots=True)
class Override:
    """A change of one setting of one configuration."""

    kind: str
    path: tuple[str, ...]
    value: Any

    @classmethod
    def of(cls, text: str) -> Override:
        """Return the override of a text `KIND.KEY=VALUE`. Raise ConfigError or UnknownName."""
        target, equals, value = text.partition("=")
        kind, *path = target.strip().split(".")
        if not equals or not path or not all(path):
            raise ConfigError(
                f"--override {text!r}: expected KIND.KEY=VALUE, such as env.num_train_tasks=4"
            )
        if kind not in KINDS:
            raise UnknownName("configuration to override", kind, KINDS)
        return cls(kind, tuple(path), parse_value(value))

    def apply_to(self, config: JsonObject) -> None:
        """Change a configuration. Raise ConfigError when the path leads through a plain value."""
        parent = config
        for key in self.path[:-1]:
            inner = parent.get(key)
            if inner is not None and not isinstance(inner, dict):
                raise ConfigError(
                    f"--override {self.kind}.{'.'.join(self.path)}: {key} has no settings"
                )
            child = dict(inner or {})
            parent[key] = child
            parent = child
        parent[self.path[-1]] = self.value


@dataclass(frozen=True)
class RunOptions:
    """The options of a run; options that were not given are None or empty and change nothing."""

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
    report_to: tuple[str, ...] = ()
    """Trackers of metrics; with a project name and none of them, wandb."""
    given: JsonMapping = field(default_factory=dict)
    """Settings by name; each applies to every configuration that has it."""
    overrides: tuple[Override, ...] = ()

    @property
    def trackers(self) -> tuple[str, ...]:
        """The trackers that receive the metrics, in addition to the run's files."""
        return self.report_to or (("wandb",) if self.project_name else ())

    @property
    def name(self) -> str:
        """The name of the run and of its folder."""
        if self.run_name:
            return self.run_name
        model = (self.model_name or self.model_config or "model").rsplit("/", 1)[-1]
        parts = (self.env_config, self.generator_config, self.trainer_config, model)
        label = "-".join(Path(part).with_suffix("").as_posix() for part in parts)
        return f"{label}-seed{self.seed or 0}-rep{self.replicate}".replace("/", "_")
