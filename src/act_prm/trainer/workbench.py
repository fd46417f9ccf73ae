"""Everything a trainer works with, made once by `act_prm.run`."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from act_prm.config import GeneratorConfig, TrainerConfig
from act_prm.generator.setting import Hiding, Sampling, Setting
from act_prm.llm_handlers.chat import Chat
from act_prm.llm_handlers.client import TrainableModel
from act_prm.metrics.reporting import Reporter, Silent
from act_prm.replay_buffer import ReplayBuffer
from tau2.seeds import derive_seed


class MetricsSink(Protocol):
    """Takes rows of metrics besides the local file."""

    def log(self, row: Mapping[str, Any]) -> None:
        """Take one row."""


@dataclass
class Workbench:
    """A model, environments and settings. The seed is the only source of randomness."""

    model: TrainableModel
    env: Any
    """Where the policy is trained online."""
    folder: Path
    """Of the run: metrics, checkpoints, rollouts."""
    config: TrainerConfig = field(default_factory=TrainerConfig)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    eval_env: Any = None
    """None: no evaluation."""
    base_env: Any = None
    """Whose reference episodes are the demonstrations; None: `env`."""
    buffer: ReplayBuffer = field(default_factory=ReplayBuffer)
    seed: int = 0
    reporter: Reporter = field(default_factory=Silent)
    sinks: list[MetricsSink] = field(default_factory=list)
    chat: Chat = field(init=False)

    def __post_init__(self) -> None:
        self.chat = Chat(self.model.tokenizer)

    @property
    def demonstrated(self) -> Any:
        """The environment whose reference episodes are the demonstrations."""
        return self.env if self.base_env is None else self.base_env

    def setting(
        self,
        scope: str,
        env: Any,
        generator: GeneratorConfig,
        *,
        temperature: float | None = None,
        hides: bool = False,
    ) -> Setting:
        """Return the surroundings of a generator whose random draws are its scope's own."""
        config = self.config
        discount = generator.discount_factor
        return Setting(
            model=self.model,
            chat=self.chat,
            env=env,
            config=generator,
            sampling=Sampling(
                config.max_tokens,
                config.temperature if temperature is None else temperature,
                config.top_p,
            ),
            tags=config.tool_call_kwargs,
            discount=config.discount_factor if discount is None else discount,
            max_prompt_tokens=config.max_prompt_tokens,
            hiding=self.hiding if hides else None,
            seed=derive_seed(self.seed, scope),
        )

    @property
    def hiding(self) -> Hiding:
        """Which observations are hidden from thoughts."""
        names = ("hide_observations", "hidden_obs_content", "first_obs_to_show", "last_obs_to_show")
        return Hiding(**{name: getattr(self.config, name) for name in names})

    def tasks(self, env: Any, index: int, variants: int | None = None) -> list[int]:
        """Return the tasks of a batch: every task once in an order of its own, then every task once in another.

        Environments take any number for a task, and draw the user's part from it: a task that comes again has another
        number, after `variants` of them the first one again (None: never).
        """
        env.adjust_sample_idx(0)  # says so where there are none
        size, count = self.config.batch_size, len(env)
        return [
            self._task(*divmod(at, count), count, variants)
            for at in range(index * size, (index + 1) * size)
        ]

    def _task(self, epoch: int, at: int, count: int, variants: int | None) -> int:
        drawn = self.random("tasks", epoch).sample(range(count), count)[at]
        return drawn + count * (epoch if variants is None else epoch % variants)

    def demonstrated_tasks(self, index: int) -> list[int]:
        """Return the tasks whose demonstrations make a batch."""
        return self.tasks(self.demonstrated, index, self.config.demonstration_variants)

    def random(self, *scope: object) -> random.Random:
        """Return random numbers of that scope's own."""
        return random.Random(derive_seed(self.seed, *scope))  # noqa: S311  -- reproducible draws, not a secret
