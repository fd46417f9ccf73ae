"""What every generator needs: a model, a way to write prompts, an environment, and how to sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from act_prm.config import GeneratorConfig, ToolCallTags
from act_prm.generator.prompts import fitted
from act_prm.llm_handlers.chat import Chat
from act_prm.llm_handlers.client import Completion, SamplingParams, TrainableModel
from act_prm.replay_buffer import Trajectory, TrajectoryGroup, make_group
from tau2.errors import ConfigError
from tau2.seeds import derive_seed

Message = dict[str, Any]

_CONTEXT = 32_768  # tokens; of a model that does not tell


@runtime_checkable
class TellsContext(Protocol):
    """A model that says how many tokens it can read."""

    @property
    def context_length(self) -> int:
        """Tokens of prompt and reply together."""


@dataclass(frozen=True)
class Sampling:
    """How replies are drawn."""

    max_tokens: int = 1024
    temperature: float = 1.0
    top_p: float = 1.0


@dataclass(frozen=True)
class Hiding:
    """Which observations of the past a prompt leaves out."""

    hide_observations: bool = False
    hidden_obs_content: str = "..."
    first_obs_to_show: int = 2
    last_obs_to_show: int = 1


@dataclass(frozen=True)
class Setting:
    """A generator's surroundings; all randomness is derived from `seed` and the number of the batch."""

    model: TrainableModel
    chat: Chat
    env: Any
    config: GeneratorConfig = field(default_factory=GeneratorConfig)
    sampling: Sampling = field(default_factory=Sampling)
    tags: ToolCallTags = field(default_factory=ToolCallTags)
    discount: float = 1.0
    max_prompt_tokens: int | None = None
    hiding: Hiding | None = None
    """None: as the environment is set."""
    seed: int = 0

    @property
    def tool_call_tags(self) -> tuple[str, str]:
        """What a tool call stands between."""
        return self.tags.bos, self.tags.eos

    @property
    def thought_tags(self) -> tuple[str, str]:
        """What a thought stands between."""
        return self.config.thought_bos, self.config.thought_eos

    def params(self, *scope: object, stop: Sequence[str] = ()) -> SamplingParams:
        """Return how to sample, with a seed of that scope's own."""
        drawn = self.sampling
        seed = derive_seed(self.seed, "sample", *scope)
        return SamplingParams(drawn.max_tokens, drawn.temperature, drawn.top_p, seed, tuple(stop))

    async def sample(
        self, prompts: Sequence[list[int]], *scope: object, stop: Sequence[str] = ()
    ) -> list[Completion]:
        """Return one reply for each prompt, all sampled together."""
        return await self.model.sample(prompts, self.params(*scope, stop=stop)) if prompts else []

    def room(self, reserve: int = 0) -> int:
        """Return the most tokens a prompt may have, `reserve` beside the reply kept free. Or raise ConfigError."""
        if self.max_prompt_tokens is not None:
            return self.max_prompt_tokens
        context = self.model.context_length if isinstance(self.model, TellsContext) else _CONTEXT
        left = context - self.sampling.max_tokens - reserve
        if left < 1:
            raise ConfigError(
                f"max_tokens {self.sampling.max_tokens} leaves no room for a prompt in the {context} tokens of "
                f"{self.model.name}; lower it"
            )
        return left

    def prompt(
        self,
        messages: Sequence[Message],
        tools: Sequence[dict[str, Any]],
        *,
        prefix: str = "",
        reserve: int = 0,
    ) -> tuple[list[Message], list[int]] | None:
        """Return the messages that fit and their ids; the oldest turns go first. None if not even the last fits."""
        room = self.room(reserve)
        return fitted(messages, lambda some: self.chat.prompt(some, tools, prefix=prefix), room)

    def shown(self, messages: Sequence[Message]) -> list[Message]:
        """Return the conversation with the observations hidden that are to be."""
        given = vars(self.hiding) if self.hiding is not None else {}
        hidden: list[Message] = self.env.maybe_hide_observations(messages, **given)
        return hidden

    def group(self, trajectories: Sequence[Trajectory], **left_out: int) -> TrajectoryGroup:
        """Return trajectories as a group with advantages of the configured kind; `left_out` counts the others."""
        return make_group(
            trajectories, discount=self.discount, mean_center=self.config.mean_center, **left_out
        )
