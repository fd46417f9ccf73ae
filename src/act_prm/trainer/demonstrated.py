"""Supervised fine-tuning: on demonstrations as they are, and on the thoughts that an earlier phase kept."""

from __future__ import annotations

from math import ceil

from act_prm.generator.shown import DemonstrationReader
from act_prm.metrics.summary import Numbers
from act_prm.replay_buffer import EpisodeStep
from act_prm.trainer.phase import Batch
from act_prm.trainer.update import fine_tune
from act_prm.trainer.workbench import Workbench


class DemonstrationPhase:
    """Imitates reference episodes, action by action."""

    name = "sft"
    evaluates = True

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.reader = DemonstrationReader(
            bench.setting(self.name, bench.demonstrated, bench.generator, hides=True)
        )

    def length(self) -> int:
        """Return how many batches it has."""
        return self.bench.config.num_batches

    async def generate(self, index: int, batch_id: int) -> Batch:
        """Return the demonstrations of a batch of tasks."""
        self.reader.demonstrations.require_any()
        return Batch(steps=self.reader.steps(self.bench.demonstrated_tasks(index), batch_id))

    async def learn(self, batch: Batch, batch_id: int) -> Numbers:
        """Imitate them."""
        return await fine_tune(self.bench, [step.lesson() for step in batch.steps], batch_id)


class FineTunePhase:
    """Imitates what the replay buffer holds, each step as often as configured, one optimizer step a batch."""

    name = "sft"
    evaluates = True

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench

    @property
    def size(self) -> int:
        """Sequences of one batch."""
        return self.bench.config.mini_batch_size or self.bench.config.batch_size

    def length(self) -> int:
        """Return how many batches it has."""
        return self.bench.config.num_sft_epochs * self._per_epoch()

    def _per_epoch(self) -> int:
        return ceil(len(self.bench.buffer) / self.size)

    async def generate(self, index: int, batch_id: int) -> Batch:
        """Return the next steps of the buffer in this epoch's order."""
        epoch, at = divmod(index, self._per_epoch())
        steps = self._shuffled(epoch)
        return Batch(steps=steps[at * self.size : (at + 1) * self.size])

    def _shuffled(self, epoch: int) -> list[EpisodeStep]:
        steps = self.bench.buffer.steps
        self.bench.random("kept", epoch).shuffle(steps)
        return steps

    async def learn(self, batch: Batch, batch_id: int) -> Numbers:
        """Imitate them."""
        return await fine_tune(
            self.bench, [step.lesson() for step in batch.steps], batch_id, size=self.size
        )
