"""Reference episodes as generators use them: observations, and actions as text."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from act_prm.environments.demonstrations import demonstration
from act_prm.environments.respond_user import without_respond_user, without_respond_user_tool
from act_prm.environments.tau2bench import Tau2BenchEnv
from act_prm.environments.tau2bench_messages import assistant_message
from act_prm.environments.types import Message
from act_prm.generator.context import GeneratorContext
from act_prm.generator.prompts import action_text
from act_prm.llm_handlers.types import ActionFromLLM
from tau2.actions.plain_chat import plain_chat
from tau2.errors import AgentError, ConfigError
from tau2.utils.json_types import JsonObject

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Demonstration:
    """One reference episode."""

    task_id: str
    system_prompt: str
    tools: list[JsonObject]
    observations: list[list[Message]]
    """The new messages before each action."""
    actions: list[str]
    """Each action as the model writes it."""
    rewards: list[float]

    def __len__(self) -> int:
        return len(self.actions)

    def history(self, at: int, text_of: Callable[[int], str]) -> list[Message]:
        """Return the conversation before action `at`, without the system prompt.

        `text_of(i)` is the assistant message of action i.
        """
        messages = list(self.observations[0])
        for i in range(at):
            messages += [{"role": "assistant", "content": text_of(i)}, *self.observations[i + 1]]
        return messages

    def after(self, at: int) -> list[Message]:
        """Return the observation after action `at`."""
        return self.observations[at + 1] if at + 1 < len(self.observations) else []


class Demonstrations:
    """The reference episodes of an environment's tasks, each built once."""

    def __init__(self, context: GeneratorContext) -> None:
        self.context = context
        self._made: dict[int, Demonstration | None] = {}

    def of(self, sample_idx: int) -> Demonstration | None:
        """Return the reference episode of a task; None for a task that has no reference solution.

        Indices beyond the number of tasks are the same tasks with another wording of the user.
        """
        if sample_idx not in self._made:
            self._made[sample_idx] = self._build(sample_idx)
        return self._made[sample_idx]

    def existing(self, sample_idxs: list[int]) -> list[tuple[int, Demonstration]]:
        """Return the demonstrations of the tasks that have one, each with its index in the list."""
        found = [(place, self.of(one)) for place, one in enumerate(sample_idxs)]
        return [(place, one) for place, one in found if one is not None]

    def require_any(self) -> None:
        """Raise ConfigError when no task of the split has a reference solution."""
        if all(self.of(index) is None for index in range(len(self.context.env))):
            raise ConfigError(
                f"no task of split {self.context.env.split!r} has a reference solution"
            )

    def _build(self, sample_idx: int) -> Demonstration | None:
        context = self.context
        env = context.env
        if not isinstance(env, Tau2BenchEnv):
            raise ConfigError(f"{type(env).__name__} has no reference episodes")
        task = env.dataset[env.adjust_sample_idx(sample_idx)]
        try:
            steps = demonstration(env, task, seed=env.seed + sample_idx // len(env))
        except AgentError as problem:
            logger.warning("task %s is left out of the demonstrations: %s", task.id, problem)
            return None
        if not steps:
            return None
        first = steps[0].state
        made = Demonstration(
            task_id=first.task_id,
            system_prompt=first.system_prompt,
            tools=first.tools,
            observations=[first.messages, *(step.state.new_messages for step in steps[1:])],
            actions=[
                action_text(step.actions, context.tags, context.config.final_answer_bos)
                for step in steps
            ],
            rewards=[step.reward for step in steps],
        )
        if not context.chat.template.writes_plainly((), first.tools):
            return made
        return in_plain_text(made, [step.actions for step in steps])


def in_plain_text(made: Demonstration, steps: Sequence[Sequence[ActionFromLLM]]) -> Demonstration:
    """Return a demonstration whose actions are one call or plain text for the customer each."""
    replies = [assistant_message(actions) for actions in steps]
    spoken = [
        without_respond_user([reply, *observation])
        for reply, observation in zip(replies, [*made.observations[1:], []], strict=True)
    ]
    [system] = without_respond_user([{"role": "system", "content": made.system_prompt}])
    return replace(
        made,
        system_prompt=system["content"],
        tools=without_respond_user_tool(made.tools),
        observations=[made.observations[0], *(turn[1:] for turn in spoken[:-1])],
        actions=[plain_chat(turn[:1])[0].content for turn in spoken],
    )
