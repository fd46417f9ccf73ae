"""The loop that every trainer is: evaluate, generate, learn, save; broken off and resumed between batches.

A batch is generated (which changes nothing) and then learned from. An interruption breaks generation off, lets
learning finish, and leaves a checkpoint from which the run goes on as if nothing had happened.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from act_prm.metrics import MetricsFile, read_metrics, reward_curve
from act_prm.metrics.summary import Metrics, group_metrics
from act_prm.replay_buffer import EpisodeStep
from act_prm.replay_buffer.buffer import append_steps, cut_steps, read_steps, write_steps
from act_prm.trainer.checkpoints import (
    BEST,
    FINAL,
    TrainerState,
    checkpoint_name,
    model_state_of,
    newest_checkpoint,
    read_state,
    save_checkpoint,
)
from act_prm.trainer.context import TrainingContext
from act_prm.trainer.phase_protocol import Phase, TrainingBatch
from act_prm.trainer.rl import evaluate
from tau2.errors import ConfigError, ModelUnavailable, Tau2Error

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

BUFFER_FILE, PLOT, ROLLOUTS = "replay_buffer.jsonl", "reward_curve.svg", "rollouts"
_MOST_LOST = 3  # batches in a row without one usable episode; then something is broken, and waiting costs money


class Interrupted(Exception):
    """Training was asked to stop; `checkpoint` is where it goes on."""

    def __init__(self, checkpoint: Path) -> None:
        super().__init__(str(checkpoint))
        self.checkpoint = checkpoint


class _Stop(Exception):
    """Breaks the work at hand off."""


class Trainer:
    """Runs phases one after the other. `train` may be called once."""

    def __init__(self, context: TrainingContext, phases: Sequence[Phase]) -> None:
        self.context, self.phases = context, phases
        self.config = context.config
        self.state = TrainerState()
        self.metrics = MetricsFile(context.folder)
        self._stopping = self._learning = False
        self._work: asyncio.Task[Any] | None = None

    # beginning

    def start_anew(self) -> None:
        """Forget what an earlier run left in the folder, except for its checkpoints."""
        self.metrics.cut(0)
        (self.context.folder / BUFFER_FILE).unlink(missing_ok=True)

    async def resume(self) -> Path:
        """Go on from the newest checkpoint of the folder and return it. Raise ConfigError without one."""
        path = newest_checkpoint(self.context.folder)
        if path is None:
            raise ConfigError(
                f"{self.context.folder} has no checkpoint to resume from; leave out --resume_run"
            )
        self.state = read_state(path)
        await self.context.model.load_state(model_state_of(path))
        self.metrics.cut(self.state.rows)
        kept = cut_steps(self.context.folder / BUFFER_FILE, self.state.kept)
        for step in read_steps(self.context.folder / BUFFER_FILE) if kept else []:
            self.context.buffer.add_episode_step(step)
        return path

    async def load(self, path: Path) -> None:
        """Begin from the model of a checkpoint, at batch 0."""
        await self.context.model.load_state(model_state_of(path))

    def interrupt(self) -> None:
        """Stop as soon as nothing would be left half done; `train` then raises Interrupted."""
        self._stopping = True
        if self._work is not None:
            self._work.cancel()

    # training

    async def train(self) -> TrainerState:
        """Train to the end and return how far that was. Raise Interrupted after `interrupt`."""
        try:
            await self._train()
        except _Stop:
            path = await self._save(checkpoint_name(self.state.batch))
            self._plot()
            raise Interrupted(path) from None
        except Exception:
            await self._rescue()
            raise
        return self.state

    async def _rescue(self) -> None:
        """Keep what was learned before a failure, unless it is half learned."""
        if not self.state.batch or self._learning:
            return
        try:
            path = await self._save(checkpoint_name(self.state.batch))
        except (
            Tau2Error,
            OSError,
        ) as problem:  # the failure that brought us here is the one to tell
            logger.warning("no checkpoint could be written either: %s", problem)
        else:
            self.context.reporter.note(
                f"what was learned so far is in {path}; --resume_run goes on from there"
            )

    async def _train(self) -> None:
        for number, phase in enumerate(self.phases):
            if number < self.state.phase:
                continue
            if number > self.state.phase:
                self.state.phase, self.state.batch_in_phase = number, 0
            await self._run(phase)
        if self.config.eval_every:
            await self._evaluate()
        await self._save(FINAL, weights=True)
        self._plot()

    async def _run(self, phase: Phase) -> None:
        """Train on the batches of a phase that are left."""
        length = phase.length()
        if self.state.batch_in_phase < length:
            self.context.reporter.begin(phase.name, self.state.batch_in_phase, length)
        while self.state.batch_in_phase < length:
            if phase.evaluates and self._due(self.config.eval_every):
                await self._evaluate()
            row = await self._batch(phase)
            self.context.reporter.batch(self.state.batch_in_phase, length, row)
            if self._due(self.config.save_every):
                await self._save(checkpoint_name(self.state.batch))
                self._plot()

    def _due(self, every: int | None) -> bool:
        return bool(every) and self.state.batch % (every or 1) == 0

    async def _batch(self, phase: Phase) -> Metrics:
        began = time.perf_counter()
        number = self.state.batch
        batch = await self._interruptible(phase.generate(self.state.batch_in_phase, number))
        generated = time.perf_counter()
        learned = await self._learn(phase, batch, number)
        row = (
            {f"train/{name}": value for name, value in group_metrics(batch.groups).items()}
            if batch.groups
            else {}
        )
        row |= {f"update/{name}": value for name, value in learned.items()}
        row |= {"time/generate": generated - began, "time/learn": time.perf_counter() - generated}
        self._log(phase.name, row)
        self._note_losses(batch)
        return row

    async def _learn(self, phase: Phase, batch: TrainingBatch, number: int) -> Metrics:
        """Learn from a batch; from here to the end nothing breaks it off."""
        self._learning = True
        learned = await phase.learn(batch, number)
        self._keep(batch.kept)
        self.state.batch += 1
        self.state.batch_in_phase += 1
        self._learning = False
        if self._due(self.config.save_rollouts_every):
            write_steps(
                self.context.folder / ROLLOUTS / f"{checkpoint_name(self.state.batch)}.jsonl",
                batch.everything,
            )
        return learned

    def _keep(self, steps: Sequence[EpisodeStep]) -> None:
        if not steps:
            return
        append_steps(self.context.folder / BUFFER_FILE, steps)
        for step in steps:
            self.context.buffer.add_episode_step(step)
        self.state.kept += len(steps)

    def _note_losses(self, batch: TrainingBatch) -> None:
        """Raise ModelUnavailable when batch after batch every episode failed for no fault of the policy."""
        failed = sum(group.infra_failed + group.user_failed for group in batch.groups)
        lost = failed and not any(len(group) for group in batch.groups)
        self.state.lost_batches = self.state.lost_batches + 1 if lost else 0
        if self.state.lost_batches >= _MOST_LOST:
            self.state.lost_batches = 0
            raise ModelUnavailable(
                f"in {_MOST_LOST} batches in a row every episode failed through its surroundings or its simulated "
                "user; see the log, and the user's model, address and key"
            )

    async def _interruptible(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Return the result of work that changes nothing; `interrupt` breaks it off."""
        if self._stopping:
            work.close()
            raise _Stop
        task = asyncio.create_task(work)
        self._work = task
        try:
            return await task
        except asyncio.CancelledError:
            if self._stopping:
                raise _Stop from None
            raise
        finally:
            self._work = None

    # measuring and saving

    async def _evaluate(self) -> None:
        """Measure the policy online, unless that was done after this very batch or cannot be done."""
        if self.context.eval_env is None or self.state.evaluated_at == self.state.batch:
            return
        began = time.perf_counter()
        row = await self._interruptible(evaluate(self.context, self.state.batch))
        self.state.evaluated_at = self.state.batch
        self._log("eval", row | {"time/eval": time.perf_counter() - began})
        self.context.reporter.note(
            f"evaluation after {self.state.batch} batches: reward {row['eval/final_reward']:.3f}, "
            f"solved {row.get('eval/correct', 0.0):.3f}"
        )
        await self._keep_if_best(row)
        self._plot()

    async def _keep_if_best(self, row: Metrics) -> None:
        name = f"eval/{self.config.best_metric.removeprefix('eval/')}"
        if name not in row:
            known = ", ".join(sorted(one.removeprefix("eval/") for one in row))
            raise ConfigError(
                f"best_metric {self.config.best_metric!r} is not measured; there are {known}"
            )
        if row["eval/n_trajectories"] and (self.state.best is None or row[name] > self.state.best):
            self.state.best = row[name]
            await self._save(BEST, weights=True)

    def _log(self, phase: str, numbers: Metrics) -> None:
        row = {"batch": self.state.batch, "phase": phase, **numbers}
        self.metrics.log(row)
        self.state.rows = self.metrics.rows
        for sink in self.context.sinks:
            sink.log(row)

    async def _save(self, name: str, *, weights: bool = False) -> Path:
        return await save_checkpoint(
            self.context.folder, name, self.context.model, self.state, weights=weights
        )

    def _plot(self) -> None:
        metric = self.config.best_metric.removeprefix("eval/")
        reward_curve(self.context.folder / PLOT, read_metrics(self.context.folder), metric)
