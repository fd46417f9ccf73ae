"""Act-PRM: learning thoughts that explain demonstrated actions, and to think before acting."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from act_prm.config import GeneratorConfig
from act_prm.generator import ThoughtGenerator
from act_prm.metrics.summary import Metrics
from act_prm.replay_buffer import EpisodeStep, TrajectoryGroup
from act_prm.trainer.context import TrainingContext
from act_prm.trainer.phase_protocol import TrainingBatch, sequences_with_signal
from act_prm.trainer.schedule import POLICY_GRADIENT_WARMUP
from act_prm.trainer.update import fine_tune, policy_gradient


class ThoughtPhase:
    """A policy gradient on groups of thoughts for demonstrated actions.

    With `keeps`, the best thoughts and their actions go into the replay buffer; with `joint`, they
    are also imitated in the same batch.
    """

    name = "act_prm"
    warmup_batches = POLICY_GRADIENT_WARMUP
    rewards_episodes = False

    def __init__(
        self,
        context: TrainingContext,
        *,
        keeps: bool = False,
        joint: bool = False,
        evaluates: bool = True,
    ) -> None:
        self.context = context
        self.keeps = keeps
        self.joint = joint
        self.evaluates = evaluates
        self.generator = _thought_generator(context, self.name, _thought_config(context))

    def length(self) -> int:
        """Return the number of batches."""
        return self.context.config.num_batches

    async def generate(self, index: int, batch_id: int) -> TrainingBatch:
        """Return groups of thoughts for the demonstrations of a batch of tasks."""
        groups = await _generate_thoughts(self.context, self.generator, index, batch_id)
        batch = TrainingBatch(groups)
        if self.keeps or self.joint:
            best = worth_imitating(groups, self.context.config.advantage_threshold)
            batch.kept = best if self.keeps else []
            batch.steps = best if self.joint else []
        return batch

    async def learn(self, batch: TrainingBatch, batch_id: int) -> Metrics:
        """Update the model on the thoughts, and with `joint` on the best thoughts with actions."""
        data, metrics = sequences_with_signal(
            batch.groups,
            self.context.generator.keep_top_k,
            mask_truncated=self.context.config.mask_truncated,
        )
        metrics |= await policy_gradient(self.context, data, batch_id)
        if self.joint:
            sft_data = [step.sft_datum() for step in batch.steps]
            sft_metrics = await fine_tune(self.context, sft_data, batch_id)
            metrics |= {f"sft_{name}": value for name, value in sft_metrics.items()}
        return metrics


class ActionPromptPhase:
    """The first phase: the model explains actions that it is shown, and imitates the result."""

    name = "action_prompts"
    warmup_batches = 0
    evaluates = False
    rewards_episodes = False

    def __init__(self, context: TrainingContext) -> None:
        self.context = context
        config = _thought_config(context).model_copy(update={"name": "action_prompt_act_prm"})
        self.generator = _thought_generator(context, self.name, config)

    def length(self) -> int:
        """Return the number of batches."""
        config = self.context.config
        return config.num_batches_action_prompts if config.action_prompts else 0

    async def generate(self, index: int, batch_id: int) -> TrainingBatch:
        """Return the best thoughts of each group with their actions."""
        groups = await _generate_thoughts(self.context, self.generator, index, batch_id)
        count = self.context.config.action_prompt_keep_top_k
        best = [trajectory for group in groups for trajectory in group.top(count)]
        return TrainingBatch(groups, steps=[step for one in best for step in one.policy_steps])

    async def learn(self, batch: TrainingBatch, batch_id: int) -> Metrics:
        """Fine-tune for as many epochs as configured; return the metrics of the last one."""
        config = self.context.config
        size = config.action_prompt_mini_batch_size
        sft_data = [step.sft_datum() for step in batch.steps]
        metrics: Metrics = {}
        for epoch in range(config.action_prompt_num_epochs):
            metrics = await fine_tune(self.context, sft_data, f"{batch_id}.{epoch}", size=size)
        return metrics


def _thought_config(context: TrainingContext) -> GeneratorConfig:
    """Return the configured generator, or `act_prm` where an online one is configured."""
    config = context.generator
    return config.model_copy(update={"name": "act_prm"}) if config.online else config


def _thought_generator(
    context: TrainingContext, scope: str, config: GeneratorConfig
) -> ThoughtGenerator:
    return ThoughtGenerator(
        context.generator_context(scope, context.demonstration_env, config, hide_observations=True)
    )


async def _generate_thoughts(
    context: TrainingContext, generator: ThoughtGenerator, index: int, batch_id: int
) -> list[TrajectoryGroup]:
    """Return groups of thoughts for the demonstrations of a batch of tasks."""
    generator.demonstrations.require_any()
    return await generator.generate(
        context.demonstrated_tasks(index),
        group_size=context.config.group_size,
        batch_id=batch_id,
        progress=partial(context.reporter.part, "thoughts"),
    )


def worth_imitating(
    groups: Sequence[TrajectoryGroup], threshold: float | None
) -> list[EpisodeStep]:
    """Return the (thought, action) steps whose advantage is at least `threshold`.

    None: those of the best trajectory of each group.
    """
    if threshold is None:
        return [step for group in groups if len(group) for step in group.best.policy_steps]
    steps = [step for group in groups for one in group for step in one.policy_steps]
    return [step for step in steps if step.advantage >= threshold]
