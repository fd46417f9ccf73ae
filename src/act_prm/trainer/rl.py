"""Reinforcement learning on online episodes, and the evaluation of every trainer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from act_prm.config import GeneratorConfig
from act_prm.generator import OnlineGenerator
from act_prm.metrics.intervals import mean_interval
from act_prm.metrics.summary import Metrics, group_metrics, mean
from act_prm.replay_buffer import TrajectoryGroup
from act_prm.replay_buffer.groups import with_shuffled_rewards
from act_prm.trainer.context import TrainingContext
from act_prm.trainer.phase_protocol import TrainingBatch, sequences_with_signal
from act_prm.trainer.schedule import POLICY_GRADIENT_WARMUP
from act_prm.trainer.update import policy_gradient
from tau2.errors import ConfigError

_ONLINE = GeneratorConfig(mean_center=True)
"""For online episodes where the configured generator makes thoughts."""


class OnlinePhase:
    """A policy gradient on groups of online episodes."""

    name = "rl"
    warmup_batches = POLICY_GRADIENT_WARMUP
    evaluates = True
    rewards_episodes = True

    def __init__(self, context: TrainingContext) -> None:
        self.context = context
        self.generator_config = (
            context.generator if context.generator.online else _online_config(context.generator)
        )
        self.generator = OnlineGenerator(
            context.generator_context(self.name, context.env, self.generator_config)
        )

    def length(self) -> int:
        """Return the number of batches."""
        config = self.context.config
        if config.trainer_name == "rl" or config.num_rl_batches is None:
            return config.num_batches
        return config.num_rl_batches

    async def generate(self, index: int, batch_id: int) -> TrainingBatch:
        """Return groups of episodes for a batch of tasks."""
        context = self.context
        config = context.config
        groups = await self.generator.generate(
            context.tasks(context.env, index),
            group_size=config.group_size,
            batch_id=batch_id,
            num_tries=config.num_tries,
            progress=partial(context.reporter.part, "episodes"),
        )
        if config.shuffle_rewards:
            rng = context.random("shuffled rewards", batch_id)
            groups = [with_shuffled_rewards(group, rng) for group in groups]
        return TrainingBatch(groups)

    async def learn(self, batch: TrainingBatch, batch_id: int) -> Metrics:
        """Update the policy on the groups that have a gradient; return metrics."""
        data, metrics = sequences_with_signal(
            batch.groups,
            self.generator_config.keep_top_k,
            mask_truncated=self.context.config.mask_truncated,
        )
        return metrics | await policy_gradient(self.context, data, batch_id)


def _online_config(config: GeneratorConfig) -> GeneratorConfig:
    """Return the configuration of online episodes with the thought tags of another generator."""
    return _ONLINE.model_copy(
        update={"thought_bos": config.thought_bos, "thought_eos": config.thought_eos}
    )


async def evaluate(context: TrainingContext, batch_id: int) -> Metrics:
    """Play the tasks of the evaluation split and return metrics, whose names begin with "eval/".

    `..._low` and `..._high` are the ends of 95% intervals. Raise ConfigError without an evaluation
    environment.
    """
    config = context.config
    env = context.eval_env
    if env is None:
        raise ConfigError("there is no evaluation environment")
    temperature = config.temperature if config.eval_temperature is None else config.eval_temperature
    generator = OnlineGenerator(
        context.generator_context(
            "eval", env, _online_config(context.generator), temperature=temperature
        )
    )
    tasks = list(range(min(len(env), config.eval_num_tasks or len(env))))
    groups: list[TrajectoryGroup] = []
    # As many episodes at once as in training.
    concurrent = max(config.batch_size * config.group_size // config.eval_group_size, 1)
    for start in range(0, len(tasks), concurrent):
        groups += await generator.generate(
            tasks[start : start + concurrent],
            group_size=config.eval_group_size,
            batch_id=batch_id,
            num_tries=config.eval_num_tries,
            progress=partial(context.reporter.part, "evaluation"),
        )
    metrics = group_metrics(groups) | _intervals(groups)
    solved = [any(one.info.get("correct") for one in group) for group in groups if len(group)]
    metrics["solved_once"] = sum(solved) / len(solved) if solved else 0.0
    return {f"eval/{name}": value for name, value in metrics.items()}


def _intervals(groups: Sequence[TrajectoryGroup]) -> Metrics:
    """Return the ends of the intervals of the mean reward and of the share of correct episodes."""
    played = [group for group in groups if len(group)]
    by_task = {
        "final_reward": [mean(one.final_reward for one in group) for group in played],
        "correct": [mean(float(one.info.get("correct", 0)) for one in group) for group in played],
    }
    ends = {}
    for name, values in by_task.items():
        if values:
            ends[f"{name}_low"], ends[f"{name}_high"] = mean_interval(values)
    return ends
