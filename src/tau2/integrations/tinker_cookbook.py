"""tinker-cookbook: `TauRLDatasetBuilder` for `rl.train`, over group builders and message environments.

An assistant message without tool calls is what the customer hears. The reward comes from `compute_group_rewards`, so
an episode that a token or turn limit cut off is graded as it stands. An episode whose surroundings or simulated user
failed raises EpisodeFailed: `RetryOnFailure` plays it again, `FailFast` stops.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage
from tau2.integrations.episode import Episode
from tau2.integrations.packages import needs_package
from tau2.integrations.toolbox import task_ids
from tau2.llm.parse import parse_arguments
from tau2.llm.text import split_reasoning
from tau2.llm.wire import to_wire
from tau2.rollout import Rollout, Turn
from tau2.seeds import derive_seed

with needs_package("tinker_cookbook", "tinker-cookbook>=0.5.8"):
    import chz
    from tinker_cookbook import renderers
    from tinker_cookbook.rl.message_env import EnvFromMessageEnv, MessageEnv, MessageStepResult
    from tinker_cookbook.rl.types import EnvGroupBuilder, RLDataset, RLDatasetBuilder, Trajectory
    from tinker_cookbook.tokenizer_utils import get_tokenizer

Wire = dict[str, Any]
"""A message as renderers take it."""


class TauMessageEnv(MessageEnv):  # type: ignore[misc]  # the package is optional
    """One episode in messages; like every environment of this package, it is used once.

    Args:
        renderer: Writes the tools into the system message.
        domain, task_id, seed: What is played.
        options: As for `Episode`.
    """

    def __init__(
        self, renderer: Any, domain: str, task_id: str, seed: int | None = None, **options: Any
    ) -> None:
        self.renderer, self.task_id, self.seed = renderer, task_id, seed
        self.episode = Episode(domain, **options)
        self.example_id = f"{domain}/{task_id}"
        self._conversation: list[Wire] = []

    async def initial_observation(self) -> list[Wire]:
        """Start the episode and return the system message with the tools, and what was said so far.

        Raise EpisodeFailed when it is over before it has begun.
        """
        await self.episode.areset(self.task_id, self.seed)
        rollout = self.episode.rollout
        if rollout.turn is not None and rollout.turn.done:
            self.episode.outcome_of(rollout.turn).graded()
        specs = [tool["function"] for tool in rollout.openai_tools]
        prefix = self.renderer.create_conversation_prefix_with_tools(
            specs, system_prompt=rollout.system_prompt
        )
        self._conversation = [*prefix, *map(_as_wire, rollout.history(system=False))]
        return list(self._conversation)

    async def step(self, message: Mapping[str, Any]) -> MessageStepResult:
        """Make the agent's move and return what came of it. Raise EpisodeFailed where there is nothing to grade."""
        rollout, problem = self.episode.rollout, _problem_of(message)
        if problem is None:
            turn = await rollout.astep(as_action(message))
            heard = _heard(rollout, turn)
        else:
            turn = rollout.reject(problem, renderers.get_text_content(message))
            heard = [
                {
                    "role": "tool",
                    "name": "unreadable",
                    "tool_call_id": "",
                    "content": f"Error: {problem}",
                }
            ]
        if turn.done:
            self.episode.outcome_of(turn).graded()
        self._conversation += [dict(message), *heard]
        return MessageStepResult(
            reward=turn.shaping,
            episode_done=turn.done,
            next_messages=list(self._conversation),
            metrics={"unreadable": float(problem is not None)},
        )


@dataclass(frozen=True)
class TauGroupBuilder(EnvGroupBuilder):  # type: ignore[misc]  # the package is optional
    """Makes the episodes of one group: one task, and a seed for each of them."""

    renderer: Any
    domain: str
    task_id: str
    group_size: int
    seed: int | None = None
    """The group's; every episode has one derived from it."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """As for `Episode`."""
    env_options: Mapping[str, Any] = field(default_factory=dict)
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
        """Return each episode's reward and flags; one that goes on stops here. Raise EpisodeFailed."""
        return [await _settled(env.message_env.episode) for env in env_group]

    def logging_tags(self) -> list[str]:
        """Return the names under which metrics are gathered."""
        return ["tau2", self.domain]


class TauRLDataset(RLDataset):  # type: ignore[misc]  # the package is optional
    """Groups in batches, in the order of the tasks; the last batch may be smaller."""

    def __init__(self, builders: Sequence[TauGroupBuilder], batch_size: int) -> None:
        self.builders, self.batch_size = list(builders), batch_size

    def get_batch(self, index: int) -> Sequence[TauGroupBuilder]:
        """Return the groups of a batch."""
        return self.builders[index * self.batch_size : (index + 1) * self.batch_size]

    def __len__(self) -> int:
        return math.ceil(len(self.builders) / self.batch_size)


@chz.chz
class TauRLDatasetBuilder(RLDatasetBuilder):  # type: ignore[misc]  # the package is optional
    """Describes the groups to train and test on; call it (awaited) for the two datasets."""

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
    options: dict[str, Any] = chz.field(default_factory=dict)
    env_options: dict[str, Any] = chz.field(default_factory=dict)

    async def __call__(self) -> tuple[TauRLDataset, TauRLDataset | None]:
        """Return the training dataset, and the test dataset or None. Raise UnknownName."""
        renderer = renderers.get_renderer(
            self.renderer_name, get_tokenizer(self.model_name_for_tokenizer)
        )
        train = self.dataset(renderer, self.train_split, self.group_size)
        return train, None if self.test_split is None else self.dataset(
            renderer, self.test_split, 1
        )

    def dataset(self, renderer: Any, split: str | None, group_size: int) -> TauRLDataset:
        """Return the groups of a split (None: the domain's default one) with any renderer."""
        builders = [
            TauGroupBuilder(
                renderer, self.domain, task_id, group_size,
                seed=None if self.seed is None else derive_seed(self.seed, self.domain, task_id),
                options=self.options, env_options=self.env_options,
            )
            for task_id in task_ids(self.domain, split, self.count)
        ]  # fmt: skip
        return TauRLDataset(builders, self.batch_size)


async def _settled(episode: Episode) -> tuple[float, dict[str, float]]:
    """Return what an episode earns beyond its steps, and its flags. Raise EpisodeFailed."""
    was_over = episode.over
    outcome = await episode.afinish()
    return outcome.graded() + (0.0 if was_over else episode.shaping), outcome.flags()


def as_action(message: Mapping[str, Any]) -> AssistantMessage:
    """Return a renderer's message as a move; thoughts are kept apart."""
    said, thought = split_reasoning(renderers.get_text_content(message))
    calls = [
        ToolCall(
            id=call.id or "",
            name=call.function.name,
            arguments=parse_arguments(call.function.arguments),
        )
        for call in message.get("tool_calls") or ()
    ]
    return AssistantMessage(content=said, tool_calls=calls or None, reasoning_content=thought)


def _problem_of(message: Mapping[str, Any]) -> str | None:
    """Return why a message is no move, or None when it is one."""
    if unreadable := message.get("unparsed_tool_calls"):
        return f"a tool call could not be read: {unreadable[0].error}"
    if not message.get("tool_calls") and not as_action(message).content:
        return "the answer is empty: call a tool, or say something to the customer"
    return None


def _heard(rollout: Rollout, turn: Turn) -> list[Wire]:
    """Return what was heard; each tool result with the name of its tool, which some renderers want."""
    names = {call.id: call.name for call in rollout.steps[-1].action.calls}
    heard = []
    for message, wired in zip(turn.heard, to_wire(turn.heard), strict=True):
        named = {"name": names.get(message.id, "")} if isinstance(message, ToolMessage) else {}
        heard.append({**wired, **named})
    return heard


def _as_wire(message: Wire) -> Wire:
    """Return a message of OpenAI's API as renderers take it: tool calls as objects, content never None."""
    wired = {**message, "content": message.get("content") or ""}
    if "tool_calls" in message:
        wired["tool_calls"] = [
            renderers.ToolCall.model_validate(call) for call in message["tool_calls"]
        ]
    return wired


__all__ = ["TauGroupBuilder", "TauMessageEnv", "TauRLDataset", "TauRLDatasetBuilder", "as_action"]
