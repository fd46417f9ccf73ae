"""Supervised fine-tuning on demonstrations, and on steps that an earlier phase kept."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import ceil
from pathlib import Path

from act_prm.generator.demonstration_file import DemonstrationFile
from act_prm.generator.demonstration_reader import DemonstrationReader
from act_prm.llm_handlers.client import Datum
from act_prm.metrics.summary import Metrics
from act_prm.replay_buffer import EpisodeStep, merged
from act_prm.replay_buffer.merging import by_episode
from act_prm.trainer.context import TrainingContext
from act_prm.trainer.phase_protocol import TrainingBatch
from act_prm.trainer.update import fine_tune

logger = logging.getLogger(__name__)


class DemonstrationPhase:
    """Imitates reference episodes, or the conversations of a file, action by action."""

    name = "sft"
    warmup_batches = 0
    evaluates = True
    rewards_episodes = False

    def __init__(self, context: TrainingContext) -> None:
        self.context = context
        generating = context.generator_context(
            self.name, context.demonstration_env, context.generator, hide_observations=True
        )
        self.reader = DemonstrationReader(generating)
        self.file: DemonstrationFile | None = None
        if context.config.demonstrations is not None:
            limit = generating.max_prompt_length() + context.config.max_tokens
            path = Path(context.config.demonstrations)
            self.file = DemonstrationFile(path, context.chat, limit)
            if not getattr(context.env, "llm_agent_prompt", True):
                logger.warning(
                    "%s has the system prompt of llm_agent, the environment another one; set "
                    "llm_agent_prompt: true (--override env.llm_agent_prompt=true)",
                    path,
                )

    def length(self) -> int:
        """Return the number of batches."""
        return self.context.config.num_batches

    async def generate(self, index: int, batch_id: int) -> TrainingBatch:
        """Return the steps of the demonstrations of a batch of tasks."""
        if self.file is not None:
            return TrainingBatch(steps=self.file.steps(self._rows(index), batch_id))
        self.reader.demonstrations.require_any()
        return TrainingBatch(
            steps=self.reader.steps(self.context.demonstrated_tasks(index), batch_id)
        )

    def _rows(self, index: int) -> list[int]:
        """Return the conversations of a batch: each epoch has every one once, in its own order."""
        assert self.file is not None
        size = self.context.config.batch_size
        rows = []
        for position in range(index * size, (index + 1) * size):
            epoch, at = divmod(position, len(self.file))
            shuffled = self.context.random("demonstrations", epoch)
            rows.append(shuffled.sample(range(len(self.file)), len(self.file))[at])
        return rows

    async def learn(self, batch: TrainingBatch, batch_id: int) -> Metrics:
        """Fine-tune on the steps; return metrics."""
        return await fine_tune(self.context, demonstrated_sequences(batch.steps), batch_id)


class FineTunePhase:
    """Imitates the steps of the replay buffer, with one optimizer step per batch."""

    name = "sft"
    warmup_batches = 0
    evaluates = True
    rewards_episodes = False

    def __init__(self, context: TrainingContext) -> None:
        self.context = context

    @property
    def size(self) -> int:
        """Steps of one batch."""
        return self.context.config.mini_batch_size or self.context.config.batch_size

    def length(self) -> int:
        """Return the number of batches."""
        return self.context.config.num_sft_epochs * self._per_epoch()

    def _per_epoch(self) -> int:
        return ceil(len(self.context.buffer) / self.size)

    async def generate(self, index: int, batch_id: int) -> TrainingBatch:
        """Return the next steps of the buffer, in the order of this epoch."""
        epoch, at = divmod(index, self._per_epoch())
        steps = self.context.buffer.steps
        self.context.random("kept", epoch).shuffle(steps)
        return TrainingBatch(steps=steps[at * self.size : (at + 1) * self.size])

    async def learn(self, batch: TrainingBatch, batch_id: int) -> Metrics:
        """Fine-tune on the steps; return metrics."""
        return await fine_tune(
            self.context, [step.sft_datum() for step in batch.steps], batch_id, size=self.size
        )


def demonstrated_sequences(steps: Sequence[EpisodeStep]) -> list[Datum]:
    """Return the steps of demonstrations as sequences, of a whole demonstration where possible."""
    return [one.sft_datum() for episode in by_episode(steps) for one in merged(episode)]
