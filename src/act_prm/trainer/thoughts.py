"""Act-PRM: learning to think what explains demonstrated actions, and to think before acting."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from act_prm.config import GeneratorConfig
from act_prm.generator import ThoughtGenerator
from act_prm.metrics.summary import Numbers
from act_prm.replay_buffer import EpisodeStep, TrajectoryGroup
from act_prm.trainer.phase import Batch, teaching
from act_prm.trainer.update import fine_tune, policy_gradient
from act_prm.trainer.workbench import Workbench


class ThoughtPhase:
    """Groups of thoughts for demonstrated actions, then a policy gradient on the thoughts.

    `keeps`: the best of them, with their actions, go into the replay buffer. `joint`: they are imitated at once.
    """

    name = "act_prm"

    def __init__(
        self, bench: Workbench, *, keeps: bool = False, joint: bool = False, evaluates: bool = True
    ) -> None:
        self.bench, self.keeps, self.joint, self.evaluates = bench, keeps, joint, evaluates
        config = _thinking(bench.generator)
        self.generator = ThoughtGenerator(
            bench.setting(self.name, bench.demonstrated, config, hides=True)
        )

    def length(self) -> int:
        """Return how many batches it has."""
        return self.bench.config.num_batches

    async def generate(self, index: int, batch_id: int) -> Batch:
        """Return thoughts for the demonstrations of a batch of tasks."""
        bench = self.bench
        groups = await _thoughts(bench, self.generator, index, batch_id)
        kept = (
            worth_imitating(groups, bench.config.advantage_threshold)
            if self.keeps or self.joint
            else []
        )
        return Batch(groups, kept=kept if self.keeps else [], steps=kept if self.joint else [])

    async def learn(self, batch: Batch, batch_id: int) -> Numbers:
        """Take the policy gradient of the thoughts; joint, also imitate the best with their actions."""
        steps = teaching(batch.groups, self.bench.generator.keep_top_k)
        found = await policy_gradient(self.bench, [step.datum() for step in steps], batch_id)
        if not self.joint:
            return found
        imitated = await fine_tune(self.bench, [step.lesson() for step in batch.steps], batch_id)
        return found | {f"sft_{name}": value for name, value in imitated.items()}


class ActionPromptPhase:
    """Before anything else: the model explains actions it is shown, and learns to think so before them."""

    name = "action_prompts"
    evaluates = False

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        config = _thinking(bench.generator).model_copy(update={"name": "action_prompt_act_prm"})
        self.generator = ThoughtGenerator(
            bench.setting(self.name, bench.demonstrated, config, hides=True)
        )

    def length(self) -> int:
        """Return how many batches it has."""
        return (
            self.bench.config.num_batches_action_prompts if self.bench.config.action_prompts else 0
        )

    async def generate(self, index: int, batch_id: int) -> Batch:
        """Return the best thoughts of each group with their actions."""
        bench = self.bench
        groups = await _thoughts(bench, self.generator, index, batch_id)
        top = bench.config.action_prompt_keep_top_k
        return Batch(
            groups, steps=[twin for group in groups for one in group.top(top) for twin in one.twins]
        )

    async def learn(self, batch: Batch, batch_id: int) -> Numbers:
        """Imitate them, as often as configured; return what was measured the last time."""
        config = self.bench.config
        lessons = [step.lesson() for step in batch.steps]
        found: Numbers = {}
        for epoch in range(config.action_prompt_num_epochs):
            size, scope = config.action_prompt_mini_batch_size, f"{batch_id}.{epoch}"
            found = await fine_tune(self.bench, lessons, scope, size=size)
        return found


async def _thoughts(
    bench: Workbench, generator: ThoughtGenerator, index: int, batch_id: int
) -> list[TrajectoryGroup]:
    """Return groups of thoughts for the demonstrations of a batch of tasks."""
    generator.demonstrations.require_any()
    return await generator.generate(
        bench.demonstrated_tasks(index),
        group_size=bench.config.group_size,
        batch_id=batch_id,
        progress=partial(bench.reporter.part, "thoughts"),
    )


def worth_imitating(
    groups: Sequence[TrajectoryGroup], threshold: float | None
) -> list[EpisodeStep]:
    """Return the (thought, action) steps at or above the advantage, or of the best trajectory of each group."""
    if threshold is None:
        return [twin for group in groups if len(group) for twin in group.best.twins]
    return [
        twin
        for group in groups
        for one in group
        for twin in one.twins
        if twin.advantage >= threshold
    ]


def _thinking(config: GeneratorConfig) -> GeneratorConfig:
    """Return a configuration that makes thoughts, whatever online generator was named."""
    return config.model_copy(update={"name": "act_prm"}) if config.online else config
