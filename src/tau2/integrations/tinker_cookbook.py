"""tinker-cookbook: `TauRLDatasetBuilder` for `rl.train`.

An assistant message without tool calls goes to the user. The reward comes from
`compute_group_rewards`, so an episode that a token or turn limit cut off is graded as it is. When
the infrastructure or the simulated user failed, EpisodeFailed is raised: `RetryOnFailure` plays the
episode again, `FailFast` stops.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tau2.actions.reasoning import split_reasoning
from tau2.actions.tool_calls import parse_arguments
from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage
from tau2.integrations.episode import Episode
from tau2.integrations.packages import needs_package
from tau2.integrations.toolbox import task_ids
from tau2.llm.wire import to_wire
from tau2.rollout import Rollout, StepResult
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonMapping, JsonObject

with needs_package("tinker_cookbook", "tinker-cookbook>=0.5.8", brings=("chz",)):
    import chz
    from tinker_cookbook import renderers
    from tinker_cookbook.rl.message_env import EnvFromMessageEnv, MessageEnv, MessageStepResult
    from tinker_cookbook.rl.types import EnvGroupBuilder, RLDataset, RLDatasetBuilder, Trajectory
    from tinker_cookbook.tokenizer_utils import get_tokenizer

Wire = JsonObject
"""A message in the form that renderers take."""


class TauMessageEnv(MessageEnv):  # type: ignore[misc]  # the package is optional
    """One episode as messages; like every environment of this package, it is used once.

    Args:
        renderer: Writes the tools into the system message.
        domain: The domain that is played.
        task_id: The task.
        seed: The seed of the episode; with the task, it decides what the user says.
        options: As for `Episode`.
    """

    def __init__(
        self, renderer: Any, domain: str, task_id: str, seed: int | None = None, **options: Any
    ) -> None:
        self.renderer = renderer
        self.task_id = task_id
        self.seed = seed
        self.episode = Episode(domain, **options)
        self.example_id = f"{domain}/{task_id}"
        self._conversation: list[Wire] = []

    async def initial_observation(self) -> list[Wire]:
        """Start the episode; return the system message with the tools, and the messages so far.

        Raise EpisodeFailed when the episode failed before the agent's first turn.
        """
        await self.episode.areset(self.task_id, self.seed)
        rollout = self.episode.rollout
        if rollout.result is not None and rollout.result.done:
            self.episode.outcome_of(rollout.result).graded()
        specs = [tool["function"] for tool in rollout.openai_tools]
        prefix = self.renderer.create_conversation_prefix_with_tools(
            specs, system_prompt=rollout.system_prompt
        )
        self._conversation = [*prefix, *map(_as_wire, rollout.history(system=False))]
        return list(self._conversation)

    async def step(self, message: JsonMapping) -> MessageStepResult:
        """Act and return the result. Raise EpisodeFailed when there is no reward."""
        rollout = self.episode.rollout
        problem = _problem_of(message)
        if problem is None:
            result = await rollout.astep(as_action(message))
            observations = _observations(rollout, result)
        else:
            result = rollout.reject(problem, renderers.get_text_content(message))
            error = {"role": "tool", "name": "unreadable", "tool_call_id": ""}
            observations = [{**error, "content": f"Error: {problem}"}]
        if result.done:
            self.episode.outcome_of(result).graded()
        self._conversation += [dict(message), *observations]
        return MessageStepResult(
            reward=result.shaping,
            episode_done=result.done,
            next_messages=list(self._conversation),
            metrics={"unreadable": float(problem is not None)},
        )


@dataclass(frozen=True)
class TauGroupBuilder(EnvGroupBuilder):  # type: ignore[misc]  # the package is optional
    """Makes the episodes of one group: the same task, each with a seed of its own."""

    renderer: Any
    domain: str
    task_id: str
    group_size: int
    seed: int | None = None
    """Of the group; the seeds of its episodes are derived from it."""
    options: JsonMapping = field(default_factory=dict)
    """As for `Episode`."""
    env_options: JsonMapping = field(default_factory=dict)
    """As for `EnvFromMessageEnv`: max_trajectory_tokens and others."""

    async def make_envs(self) -> Sequence[EnvFromMessageEnv]:
        """Return the environments of the group."""
        return [self._env(number) for number in range(self.group_size)]

    def _env(self, number: int) -> EnvFromMessageEnv:
        seed = None if self.seed is None else derive_seed(self.seed, "group", number)
        env = TauMessageEnv(self.renderer, self.domain, self.task_id, seed, **self.options)
        return EnvFromMessageEnv(self.renderer, env, **self.env_options)

    async def compute_group_rewards(
        self, trajectory_group: list[Trajectory], env_group: Sequence[EnvFromMessageEnv]
    ) -> list[tuple[float, dict[str, float]]]:
        """Return each episode's reward and flags; an episode in progress is stopped and graded.

        Raise EpisodeFailed when an episode has no reward.
        """
        return [await _final_reward(env.message_env.episode) for env in env_group]

    def logging_tags(self) -> list[str]:
        """Return the names under which metrics are aggregated."""
        return ["tau2", self.domain]


class TauRLDataset(RLDataset):  # type: ignore[misc]  # the package is optional
    """Groups in batches, in the order of the tasks; the last batch may be smaller."""

    def __init__(self, builders: Sequence[TauGroupBuilder], batch_size: int) -> None:
        self.builders = list(builders)
        self.batch_size = batch_size

    def get_batch(self, index: int) -> Sequence[TauGroupBuilder]:
        """Return the groups of a batch."""
        return self.builders[index * self.batch_size : (index + 1) * self.batch_size]

    def __len__(self) -> int:
        return math.ceil(len(self.builders) / self.batch_size)


@chz.chz
class TauRLDatasetBuilder(RLDatasetBuilder):  # type: ignore[misc]  # the package is optional
    """Describes the groups to train and test on; awaiting a call returns the two datasets."""

    domain: str
    model_name_for_tokenizer: str
    renderer_name: str
    batch_size: int = 16
    group_size: int = 8
    train_split: str | None = "train"
    test_split: str | None = "test"
    """None: no test dataset."""
    count: int | None = None
    """Tasks of each split; None: all."""
    seed: int | None = None
    options: JsonObject = chz.field(default_factory=dict)
    env_options: JsonObject = chz.field(default_factory=dict)

    async def __call__(self) -> tuple[TauRLDataset, TauRLDataset | None]:
        """Return the training dataset, and the test dataset or None. Raise UnknownName."""
        renderer = renderers.get_renderer(
            self.renderer_name, get_tokenizer(self.model_name_for_tokenizer)
        )
        train = self.dataset(renderer, self.train_split, self.group_size)
        if self.test_split is None:
            return train, None
        return train, self.dataset(renderer, self.test_split, 1)

    def dataset(self, renderer: Any, split: str | None, group_size: int) -> TauRLDataset:
        """Return the groups of a split (None: the domain's default one) with any renderer."""
        builders = [
            TauGroupBuilder(
                renderer,
                self.domain,
                task_id,
                group_size,
                seed=None if self.seed is None else derive_seed(self.seed, self.domain, task_id),
                options=self.options,
                env_options=self.env_options,
            )
            for task_id in task_ids(self.domain, split, self.count)
        ]
        return TauRLDataset(builders, self.batch_size)


async def _final_reward(episode: Episode) -> tuple[float, dict[str, float]]:
    """Return the reward of an episode beyond that of its steps, and its flags.

    Raise EpisodeFailed when there is no reward.
    """
    was_over = episode.over
    outcome = await episode.afinish()
    return outcome.graded() + (0.0 if was_over else episode.shaping), outcome.flags()


def as_action(message: JsonMapping) -> AssistantMessage:
    """Return a renderer's message as an action; reasoning goes to `reasoning_content`."""
    text, reasoning = split_reasoning(renderers.get_text_content(message))
    calls = [
        ToolCall(
            id=call.id or "",
            name=call.function.name,
            arguments=parse_arguments(call.function.arguments),
        )
        for call in message.get("tool_calls") or ()
    ]
    return AssistantMessage(content=text, tool_calls=calls or None, reasoning_content=reasoning)


def _problem_of(message: JsonMapping) -> str | None:
    """Return why a message is no action, or None when it is one."""
    if unreadable := message.get("unparsed_tool_calls"):
        return f"a tool call could not be read: {unreadable[0].error}"
    if not message.get("tool_calls") and not as_action(message).content:
        return "the answer is empty: call a tool, or say something to the customer"
    return None


def _observations(rollout: Rollout, result: StepResult) -> list[Wire]:
    """Return the observed messages; tool results have their tool's name, for renderers."""
    names = {call.id: call.name for call in rollout.steps[-1].action.calls}
    observed = list(to_wire(result.observation))
    for message, wired in zip(result.observation, observed, strict=True):
        if isinstance(message, ToolMessage):
            wired["name"] = names.get(message.id, "")
    return observed


def _as_wire(message: Wire) -> Wire:
    """Return an OpenAI message as renderers take it: tool calls as objects, content never None."""
    wired = {**message, "content": message.get("content") or ""}
    if "tool_calls" in message:
        wired["tool_calls"] = [
            renderers.ToolCall.model_validate(call) for call in message["tool_calls"]
        ]
    return wired


__all__ = ["TauGroupBuilder", "TauMessageEnv", "TauRLDataset", "TauRLDatasetBuilder", "as_action"]
