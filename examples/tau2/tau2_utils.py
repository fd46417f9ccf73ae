"""Shared by the scripts: configuration and record of an episode, and dataset rows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, Field

from tau2.data_model.message import Message
from tau2.data_model.simulation import RewardInfo
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError, UnknownName
from tau2.registry import registry

_LONGEST_LINE = 2000  # characters of one message that the printed record shows


@dataclass
class Tau2EnvConfig:
    """The configuration of episodes: domain, limits, simulated user, penalty of malformed calls."""

    domain: str = "telecom"
    max_steps: int = 100
    add_thinking_tool: bool = True
    solo_mode: bool = False
    user_llm_base_url: str | None = None
    user_llm: str | None = None
    user_llm_args: dict[str, Any] | None = None
    turn_discount: float = 1.0
    invalid_format_penalty: float = 0.1

    @classmethod
    def of(cls, *layers: Any) -> Self:
        """Return a configuration from mappings or dataclasses; later ones win.

        Raise ConfigError for unknown keys.
        """
        given: dict[str, Any] = {}
        for layer in layers:
            given.update(plain_dict(layer))
        known = [field.name for field in dataclasses.fields(cls)]
        for name in given:
            if name not in known:
                raise ConfigError(f"econfig: {UnknownName('key', name, known)}")
        config = cls(**given)
        config.check()
        return config

    def check(self) -> None:
        """Raise ConfigError for a value without sense."""
        if self.max_steps < 1:
            raise ConfigError(f"econfig.max_steps must be at least 1, not {self.max_steps}")
        if not 0.0 <= self.turn_discount <= 1.0:
            raise ConfigError(
                f"econfig.turn_discount must be between 0 and 1, not {self.turn_discount}"
            )
        if not 0.0 <= self.invalid_format_penalty < float("inf"):
            raise ConfigError(
                "econfig.invalid_format_penalty must be finite and not negative, not "
                f"{self.invalid_format_penalty}"
            )


def plain_dict(value: Any) -> dict[str, Any]:
    """Return a mapping or a dataclass as a dictionary; None is empty.

    Raise ConfigError for anything else.
    """
    if value is None:
        return {}
    if isinstance(value, Mapping):  # OmegaConf's dictionaries are mappings too
        return {str(name): item for name, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise ConfigError(f"a mapping or a dataclass is needed, not {type(value).__name__}")


class Tau2RunInfo(BaseModel):
    """What happened in one episode; `str()` is for people."""

    reward: float
    """What the workflow returns: the graded reward less the penalties."""
    graded_reward: float | None = None
    malformed_calls: int = 0
    agent_time: list[float] = Field(default_factory=list)
    """Seconds of each answer of the policy."""
    user_time: list[float] = Field(default_factory=list)
    messages: list[Message] = Field(default_factory=list)
    task: Task
    reward_info: RewardInfo | None = None
    error: str | None = None
    """Why the episode ended early, where it did."""

    def __str__(self) -> str:
        parts = [
            f"reward: {self.reward:g}",
            f"task:\n{_indented(self.task.model_dump_json(indent=2, exclude_none=True))}",
            f"reward info:\n{_indented(_shown(self.reward_info))}",
            f"turns: {len(self.messages)}",
            "messages:\n"
            + _indented("\n".join(_line(message) for message in self.messages) or "none"),
            _timing("agent", self.agent_time),
            _timing("user", self.user_time),
        ]
        if self.malformed_calls:
            parts.insert(1, f"malformed calls: {self.malformed_calls}")
        if self.error:
            parts.append(f"error: {self.error}")
        return "\n".join(parts)


def _shown(info: RewardInfo | None) -> str:
    return info.model_dump_json(indent=2, exclude_none=True) if info is not None else "none"


def _line(message: Message) -> str:
    calls = getattr(message, "tool_calls", None) or []
    said = [str(message.content)] if message.content else []
    said += [f"{call.name}({json.dumps(call.arguments, sort_keys=True)})" for call in calls]
    text = " ".join(said)
    return f"{message.role}: {text[:_LONGEST_LINE]}{'...' if len(text) > _LONGEST_LINE else ''}"


def _timing(side: str, seconds: list[float]) -> str:
    mean = f", mean {sum(seconds) / len(seconds):.3f} s" if seconds else ""
    return f"{side} time: {sum(seconds):.3f} s in {len(seconds)} calls{mean}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def dataset_rows(domain: str, split: str = "train", at_least: int = 0) -> list[dict[str, str]]:
    """Return one row {"task_id", "split"} per task, repeated as a whole to `at_least` rows.

    Raise UnknownName for a domain or a split that does not exist, ConfigError for a split without
    tasks.
    """
    load_splits = (
        registry.get_task_splits_loader(domain) if domain in registry.get_task_sets() else None
    )
    if load_splits is None:
        raise UnknownName("task set with splits", domain, registry.get_task_sets())
    splits = load_splits()
    if split not in splits:
        raise UnknownName(f"split of {domain}", split, splits)
    rows = [{"task_id": str(task_id), "split": split} for task_id in splits[split]]
    if not rows:
        raise ConfigError(f"split {split!r} of {domain} holds no task")
    copies = max(1, -(-at_least // len(rows)))
    return rows * copies


HIGHEST_USEFUL_REWARD = 0.95


def worth_training(trajectory: Mapping[str, Any]) -> bool:
    """Return whether a group is worth training on: its mean reward is not above 0.95.

    AReaL calls this with the tensors of a group ("rewards"), or with its texts ("interactions")
    where there are none.
    """
    rewards = trajectory.get("rewards")
    if rewards is None:
        rewards = [interaction["reward"] for interaction in trajectory.get("interactions", ())]
    values = [float(reward) for reward in rewards]
    return not values or sum(values) / len(values) <= HIGHEST_USEFUL_REWARD
