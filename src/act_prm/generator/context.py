"""What every generator needs: a model, its chat template, an environment, and settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from act_prm.config import GeneratorConfig, ToolCallTags
from act_prm.environments.base import Environment
from act_prm.environments.types import Message
from act_prm.generator.prompts import Prompt, fitted
from act_prm.llm_handlers.chat import Chat
from act_prm.llm_handlers.client import SampledCompletion, SamplingParams, TrainableModel
from act_prm.replay_buffer import Trajectory, TrajectoryGroup, make_group
from tau2.errors import ConfigError
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonObject

_DEFAULT_CONTEXT_LENGTH = 32_768  # tokens, for a model that does not state its own


@runtime_checkable
class HasContextLength(Protocol):
    """A model that states its context length."""

    @property
    def context_length(self) -> int:
        """Tokens of prompt and completion together."""


@dataclass(frozen=True)
class SamplingConfig:
    """How completions are sampled."""

    max_tokens: int = 1024
    temperature: float = 1.0
    top_p: float = 1.0


@dataclass(frozen=True)
class ObservationHiding:
    """Which earlier observations a prompt shows without content."""

    hide_observations: bool = False
    hidden_obs_content: str = "..."
    first_obs_to_show: int = 2
    last_obs_to_show: int = 1


@dataclass(frozen=True)
class GeneratorContext:
    """The model, environment and settings of a generator.

    All random numbers are derived from `seed` and a scope such as the number of the batch.
    """

    model: TrainableModel
    chat: Chat
    env: Environment
    config: GeneratorConfig = field(default_factory=GeneratorConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    tags: ToolCallTags = field(default_factory=ToolCallTags)
    discount: float = 1.0
    max_prompt_tokens: int | None = None
    hiding: ObservationHiding | None = None
    """None: the environment's own settings."""
    seed: int = 0

    @property
    def tool_call_tags(self) -> tuple[str, str]:
        """The tags around a tool call."""
        return self.tags.bos, self.tags.eos

    @property
    def thought_tags(self) -> tuple[str, str]:
        """The tags around a thought."""
        return self.config.thought_bos, self.config.thought_eos

    def params(self, *scope: object, stop: Sequence[str] = ()) -> SamplingParams:
        """Return the sampling parameters, with a seed derived from the scope."""
        config = self.sampling
        seed = derive_seed(self.seed, "sample", *scope)
        return SamplingParams(
            config.max_tokens, config.temperature, config.top_p, seed, tuple(stop)
        )

    async def sample(
        self, prompts: Sequence[list[int]], *scope: object, stop: Sequence[str] = ()
    ) -> list[SampledCompletion]:
        """Return one completion for each prompt, all sampled in one call."""
        return await self.model.sample(prompts, self.params(*scope, stop=stop)) if prompts else []

    def max_prompt_length(self, reserve: int = 0) -> int:
        """Return the most tokens that a prompt may have; `reserve` of them are kept free.

        Raise ConfigError when none are left.
        """
        if self.max_prompt_tokens is not None:
            return self.max_prompt_tokens
        context = (
            self.model.context_length
            if isinstance(self.model, HasContextLength)
            else _DEFAULT_CONTEXT_LENGTH
        )
        left = context - self.sampling.max_tokens - reserve
        if left < 1:
            raise ConfigError(
                f"max_tokens {self.sampling.max_tokens} leaves no room for a prompt in the "
                f"{context} tokens of {self.model.name}; lower it"
            )
        return left

    def prompt(
        self,
        messages: Sequence[Message],
        tools: Sequence[JsonObject],
        *,
        prefix: str = "",
        reserve: int = 0,
        after: Prompt | None = None,
    ) -> Prompt | None:
        """Return the messages that fit and their token ids; the oldest are left out first.

        `prefix` is the beginning of the completion. With `after`, the last prompt's messages and
        the ids of it and the reply to it, the ids go on from these wherever the conversation does.
        None if not even the last messages fit.
        """
        limit = self.max_prompt_length(reserve)
        if after is not None:
            longer = self._following(messages, after)
            if longer is not None and len(longer) <= limit:
                return list(messages), [*longer, *self.chat.encode(prefix)]
        return fitted(messages, lambda some: self.chat.prompt(some, tools, prefix=prefix), limit)

    def _following(self, messages: Sequence[Message], after: Prompt) -> list[int] | None:
        """Return the ids of a conversation that begins like the last prompt; None for another."""
        before, ids = after
        since = list(messages[len(before) :])
        if list(messages[: len(before)]) != before or not since:
            return None
        return self.chat.following(ids, since) if since[0].get("role") == "assistant" else None

    def hide_observations(self, messages: Sequence[Message]) -> list[Message]:
        """Return the conversation with observations hidden as configured."""
        settings = vars(self.hiding) if self.hiding is not None else {}
        return self.env.maybe_hide_observations(messages, **settings)

    def group(self, trajectories: Sequence[Trajectory], **left_out: int) -> TrajectoryGroup:
        """Return a group with advantages of the configured kind.

        `left_out` counts other episodes.
        """
        baseline = self.config.baseline_name
        return make_group(
            trajectories,
            discount=self.discount,
            mean_center=baseline != "none",
            leave_one_out=baseline == "leave_one_out",
            scale_by_std=self.config.scale_by_std,
            **left_out,
        )
