"""What a trainer works with: model, environments and settings; `act_prm.run` builds it."""

from __future__ import annotations

import random
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Protocol

from act_prm.config import GeneratorConfig, TrainerConfig
from act_prm.environments.base import Environment
from act_prm.generator.context import GeneratorContext, ObservationHiding, SamplingConfig
from act_prm.llm_handlers.chat import Chat
from act_prm.llm_handlers.client import TrainableModel
from act_prm.metrics.reporting import NoReporter, Reporter
from act_prm.replay_buffer import ReplayBuffer
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonMapping


class MetricsSink(Protocol):
    """Receives rows of metrics, in addition to the local file."""

    def log(self, row: JsonMapping) -> None:
        """Receive one row."""


@dataclass
class TrainingContext:
    """A model, environments and settings. All random numbers are derived from `seed`."""

    model: TrainableModel
    env: Environment
    """The environment of online training."""
    folder: Path
    """The run's folder: metrics, checkpoints, rollouts."""
    config: TrainerConfig = field(default_factory=TrainerConfig)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    _: KW_ONLY
    eval_env: Environment | None = None
    """None: no evaluation."""
    base_env: Environment | None = None
    """The environment of the demonstrations; None: `env`."""
    buffer: ReplayBuffer = field(default_factory=ReplayBuffer)
    prompt_form: str = "auto"
    """How prompts show tools and calls; see `tau2.actions.chat_template.PromptForm`."""
    seed: int = 0
    reporter: Reporter = field(default_factory=NoReporter)
    sinks: list[MetricsSink] = field(default_factory=list)
    chat: Chat = field(init=False)
    learning_rate: float = field(init=False)
    """The learning rate of the present batch; the training loop sets it."""
    memory_told: bool = field(init=False, default=False)
    """Whether the memory that a step needs was told."""

    def __post_init__(self) -> None:
        self.chat = Chat(self.model.tokenizer, form=self.prompt_form)
        self.learning_rate = self.config.learning_rate

    @property
    def demonstration_env(self) -> Environment:
        """The environment of the demonstrations."""
        return self.env if self.base_env is None else self.base_env

    def generator_context(
        self,
        scope: str,
        env: Environment,
        generator: GeneratorConfig,
        *,
        temperature: float | None = None,
        hide_observations: bool = False,
    ) -> GeneratorContext:
        """Return the context of a generator; its random numbers are derived from `scope`."""
        config = self.config
        discount = generator.discount_factor
        return GeneratorContext(
            model=self.model,
            chat=self.chat,
            env=env,
            config=generator,
            sampling=SamplingConfig(
                config.max_tokens,
                config.temperature if temperature is None else temperature,
                config.top_p,
            ),
            tags=config.tool_call_kwargs,
            discount=config.discount_factor if discount is None else discount,
            max_prompt_tokens=config.max_prompt_tokens,
            hiding=self._hiding() if hide_observations else None,
            seed=derive_seed(self.seed, scope),
        )

    def _hiding(self) -> ObservationHiding:
        config = self.config
        return ObservationHiding(
            hide_observations=config.hide_observations,
            hidden_obs_content=config.hidden_obs_content,
            first_obs_to_show=config.first_obs_to_show,
            last_obs_to_show=config.last_obs_to_show,
        )

    def tasks(self, env: Environment, index: int, variants: int | None = None) -> list[int]:
        """Return the tasks of batch `index`.

        Each epoch has every task once, in an order of its own.

        Environments accept any task number and derive the user's seed from it. A task therefore has
        another number in each epoch, and after `variants` epochs the first one again (None: never).
        Raise ConfigError for an environment without tasks.
        """
        env.adjust_sample_idx(0)
        size = self.config.batch_size
        count = len(env)
        tasks = []
        for position in range(index * size, (index + 1) * size):
            epoch, at = divmod(position, count)
            order = self.random("tasks", epoch).sample(range(count), count)
            tasks.append(order[at] + count * (epoch if variants is None else epoch % variants))
        return tasks

    def demonstrated_tasks(self, index: int) -> list[int]:
        """Return the tasks of a batch of demonstrations."""
        return self.tasks(self.demonstration_env, index, self.config.demonstration_variants)

    def random(self, *scope: object) -> random.Random:
        """Return a random number generator seeded by the scope."""
        return random.Random(derive_seed(self.seed, *scope))  # noqa: S311  -- no secret
