"""Reinforcement learning on online episodes, and the evaluation that every trainer has."""

from __future__ import annotations

from functools import partial

from act_prm.config import GeneratorConfig
from act_prm.generator import OnlineGenerator
from act_prm.metrics.summary import Numbers, group_metrics
from act_prm.replay_buffer import TrajectoryGroup
from act_prm.trainer.phase import Batch, teaching
from act_prm.trainer.update import policy_gradient
from act_prm.trainer.workbench import Workbench

_PLAYED = GeneratorConfig(mean_center=True)
"""Of online episodes where the configured generator makes thoughts."""


class OnlinePhase:
    """Groups of episodes, then a policy gradient."""

    name = "rl"
    evaluates = True

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.generator_config = (
            bench.generator if bench.generator.online else _thought_tags(bench.generator)
        )
        self.generator = OnlineGenerator(bench.setting(self.name, bench.env, self.generator_config))

    def length(self) -> int:
        """Return how many batches it has."""
        config = self.bench.config
        own = config.num_rl_batches if config.trainer_name != "rl" else None
        return config.num_batches if own is None else own

    async def generate(self, index: int, batch_id: int) -> Batch:
        """Return the episodes of a batch of tasks."""
        bench, config = self.bench, self.bench.config
        groups = await self.generator.generate(
            bench.tasks(bench.env, index),
            group_size=config.group_size,
            batch_id=batch_id,
            num_tries=config.num_tries,
            progress=partial(bench.reporter.part, "episodes"),
        )
        return Batch(groups)

    async def learn(self, batch: Batch, batch_id: int) -> Numbers:
        """Take the policy gradient of the groups that teach something."""
        steps = teaching(batch.groups, self.generator_config.keep_top_k)
        return await policy_gradient(self.bench, [step.datum() for step in steps], batch_id)


def _thought_tags(config: GeneratorConfig) -> GeneratorConfig:
    """Return the settings of online episodes with the thoughts written as that generator writes them."""
    return _PLAYED.model_copy(
        update={"thought_bos": config.thought_bos, "thought_eos": config.thought_eos}
    )


async def evaluate(bench: Workbench, batch_id: int) -> Numbers:
    """Play the tasks of the evaluation's split and return what they came to, each name after "eval/"."""
    config, env = bench.config, bench.eval_env
    temperature = config.temperature if config.eval_temperature is None else config.eval_temperature
    played = OnlineGenerator(
        bench.setting("eval", env, _thought_tags(bench.generator), temperature=temperature)
    )
    tasks = list(range(min(len(env), config.eval_num_tasks or len(env))))
    groups: list[TrajectoryGroup] = []
    together = max(config.batch_size * config.group_size // config.eval_group_size, 1)
    for start in range(0, len(tasks), together):
        groups += await played.generate(
            tasks[start : start + together],
            group_size=config.eval_group_size,
            batch_id=batch_id,
            num_tries=config.eval_num_tries,
            progress=partial(bench.reporter.part, "evaluation"),
        )
    found = group_metrics(groups)
    solved = [any(one.info.get("correct") for one in group) for group in groups if len(group)]
    found["solved_once"] = sum(solved) / len(solved) if solved else 0.0
    return {f"eval/{name}": value for name, value in found.items()}
