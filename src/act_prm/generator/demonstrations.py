"""Reference episodes as generators read them: what was seen, and the action that followed, as text."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from act_prm.environments.demonstrations import demonstration
from act_prm.generator.prompts import action_text
from act_prm.generator.setting import Setting
from tau2.errors import AgentError, ConfigError

logger = logging.getLogger(__name__)

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Demonstration:
    """One reference episode."""

    task_id: str
    system_prompt: str
    tools: list[dict[str, Any]]
    seen: list[list[Message]]
    """What was new before each action."""
    actions: list[str]
    """Each action as the model writes it."""
    rewards: list[float]

    def __len__(self) -> int:
        return len(self.actions)

    def history(self, at: int, turn: Callable[[int], str]) -> list[Message]:
        """Return the conversation before action `at`, without the system prompt; `turn(i)` tells of action i."""
        told = list(self.seen[0])
        for i in range(at):
            told += [{"role": "assistant", "content": turn(i)}, *self.seen[i + 1]]
        return told

    def after(self, at: int) -> list[Message]:
        """Return what action `at` led to."""
        return self.seen[at + 1] if at + 1 < len(self.seen) else []


class Demonstrations:
    """The reference episodes of an environment's tasks, each made once."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._made: dict[int, Demonstration | None] = {}

    def of(self, sample_idx: int) -> Demonstration | None:
        """Return the reference episode of a task; None for a task that has no reference solution.

        Beyond the number of tasks the index starts again, with customers who speak differently.
        """
        if sample_idx not in self._made:
            self._made[sample_idx] = self._make(sample_idx)
        return self._made[sample_idx]

    def some(self, sample_idxs: list[int]) -> list[tuple[int, Demonstration]]:
        """Return those tasks that have a demonstration, with their place in the list."""
        found = [(place, self.of(one)) for place, one in enumerate(sample_idxs)]
        return [(place, one) for place, one in found if one is not None]

    def require_any(self) -> None:
        """Raise ConfigError when no task of the split has a reference solution."""
        if all(self.of(at) is None for at in range(len(self.setting.env))):
            raise ConfigError(
                f"no task of split {self.setting.env.split!r} has a reference solution to learn from"
            )

    def _make(self, sample_idx: int) -> Demonstration | None:
        env, setting = self.setting.env, self.setting
        task = env.dataset[env.adjust_sample_idx(sample_idx)]
        try:
            steps = demonstration(env, task, seed=env.seed + sample_idx // len(env))
        except AgentError as problem:
            logger.warning("task %s is left out of the demonstrations: %s", task.id, problem)
            return None
        if not steps:
            return None
        first = steps[0].state
        return Demonstration(
            task_id=first.task_id,
            system_prompt=first.system_prompt,
            tools=first.tools,
            seen=[first.messages, *(step.state.new_messages for step in steps[1:])],
            actions=[
                action_text(step.actions, setting.tags, setting.config.final_answer_bos)
                for step in steps
            ],
            rewards=[step.reward for step in steps],
        )
