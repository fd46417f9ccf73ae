"""The training loop: evaluate, generate, learn, save.

A batch is generated, which changes nothing, and then learned from. An interruption cancels
generation but lets learning finish, and writes a checkpoint from which the run continues exactly as
an uninterrupted run would.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from act_prm.llm_handlers.client import ResetsOptimizer, StatesMemory
from act_prm.metrics import MetricsFile, read_metrics, reward_curve
from act_prm.metrics.intervals import mean_interval
from act_prm.metrics.summary import Metrics, group_metrics, mean
from act_prm.replay_buffer import EpisodeStep
from act_prm.replay_buffer.buffer import append_steps, cut_steps, read_steps, write_steps
from act_prm.trainer.checkpoints import (
    BEST,
    CHECKPOINTS,
    FINAL,
    TrainerState,
    checkpoint_name,
    model_state_of,
    newest_checkpoint,
    read_state,
    remove_old_checkpoints,
    save_checkpoint,
)
from act_prm.trainer.context import TrainingContext
from act_prm.trainer.phase_protocol import Phase, TrainingBatch
from act_prm.trainer.rl import evaluate
from act_prm.trainer.schedule import learning_rate_at
from act_prm.trainer.silence import FIRST_REPORT, is_silent, why_silent
from tau2.errors import ConfigError, ModelUnavailable, Tau2Error

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

BUFFER_FILE, PLOT, ROLLOUTS = "replay_buffer.jsonl", "reward_curve.svg", "rollouts"
_ROUNDING = 1e-9  # of an interval that ends at 1
_MAX_LOST_BATCHES = 3  # consecutive batches without one usable episode before the run stops


class Interrupted(Exception):
    """Training was interrupted; `checkpoint` is where it can be resumed."""

    def __init__(self, checkpoint: Path) -> None:
        super().__init__(str(checkpoint))
        self.checkpoint = checkpoint


class _Stop(Exception):
    """Ends the training loop after `Trainer.interrupt`."""


class Trainer:
    """Runs phases one after the other. `train` may be called once."""

    def __init__(self, context: TrainingContext, phases: Sequence[Phase]) -> None:
        self.context = context
        self.phases = phases
        self.config = context.config
        self.state = TrainerState()
        self.metrics = MetricsFile(context.folder)
        self._stopping = False
        self._learning = False
        self._work: asyncio.Task[Any] | None = None

    def start_fresh(self) -> None:
        """Remove the metrics and the replay buffer of an earlier run in the same folder."""
        self.metrics.cut(0)
        (self.context.folder / BUFFER_FILE).unlink(missing_ok=True)

    async def resume(self) -> Path:
        """Continue from the newest checkpoint and return its path.

        Raise ConfigError without one.
        """
        path = newest_checkpoint(self.context.folder)
        if path is None:
            raise ConfigError(
                f"{self.context.folder} has no checkpoint to resume from; leave out --resume_run"
            )
        self.state = read_state(path)
        await self.context.model.load_state(model_state_of(path))
        # Rows and steps written after the checkpoint will be written again.
        self.metrics.cut(self.state.rows)
        kept = cut_steps(self.context.folder / BUFFER_FILE, self.state.kept)
        for step in read_steps(self.context.folder / BUFFER_FILE) if kept else []:
            self.context.buffer.add_episode_step(step)
        return path

    async def load(self, path: Path) -> None:
        """Load the model of a checkpoint; training starts at batch 0."""
        await self.context.model.load_state(model_state_of(path))

    def interrupt(self) -> None:
        """Stop after the update in progress, if any; `train` then raises Interrupted."""
        self._stopping = True
        if self._work is not None:
            self._work.cancel()

    async def train(self) -> TrainerState:
        """Train to the end and return the final state. Raise Interrupted after `interrupt`."""
        try:
            await self._train()
        except _Stop:
            path = await self._save(checkpoint_name(self.state.batch))
            self._plot()
            raise Interrupted(path) from None
        except Exception:
            await self._save_after_failure()
            raise
        return self.state

    async def _save_after_failure(self) -> None:
        """Write a checkpoint, unless the failure left an update incomplete."""
        if not self.state.batch or self._learning:
            return
        try:
            path = await self._save(checkpoint_name(self.state.batch))
        except (Tau2Error, OSError) as problem:
            # The caller raises the first failure, which explains more than this one.
            logger.warning("no checkpoint could be written either: %s", problem)
        else:
            self.context.reporter.note(f"a checkpoint is in {path}; --resume_run continues from it")

    async def _train(self) -> None:
        # A run without batches only evaluates.
        if self.config.num_batches and isinstance(self.context.model, StatesMemory):
            self.context.reporter.note(self.context.model.memory_sentence())
        for number, phase in enumerate(self.phases):
            if number < self.state.phase:
                continue
            if number > self.state.phase:
                self.state.phase = number
                self.state.batch_in_phase = 0
            await self._run_phase(phase)
        if self.config.eval_every and not self._is_over:
            await self._evaluate()
        await self._save(FINAL, weights=True)
        self._plot()

    async def _run_phase(self, phase: Phase) -> None:
        """Train on the remaining batches of a phase."""
        length = phase.length()
        if not self.state.batch_in_phase and isinstance(self.context.model, ResetsOptimizer):
            # The gradients of imitation have become small; measured by them, the first policy
            # gradient would be a leap.
            await self.context.model.reset_optimizer()
        if not self.state.batch_in_phase and self._guards_rewards(phase):
            await self._begin_guard()
        if self.state.batch_in_phase < length:
            self.context.reporter.begin(phase.name, self.state.batch_in_phase, length)
        while self.state.batch_in_phase < length:
            if phase.evaluates and self._due(self.config.eval_every):
                await self._evaluate()
            if self._is_over:
                return
            self.context.learning_rate = self._learning_rate(phase, length)
            row = await self._run_batch(phase)
            self.context.reporter.batch(self.state.batch_in_phase, length, row)
            if self._guards_rewards(phase):
                await self._guard_rewards(is_last=self.state.batch_in_phase == length)
            if self._due(self.config.save_every):
                await self._save(checkpoint_name(self.state.batch))
                self._plot()

    @property
    def _is_over(self) -> bool:
        """Whether the guard ended training."""
        return self.state.rollbacks > self.config.max_rollbacks

    def _learning_rate(self, phase: Phase, length: int) -> float:
        done = self.state.batch_in_phase
        scheduled = learning_rate_at(self.config, done, length, warmup=phase.warmup_batches)
        return math.ldexp(scheduled, -self.state.rollbacks)

    def _due(self, every: int | None) -> bool:
        return bool(every) and self.state.batch % (every or 1) == 0

    async def _run_batch(self, phase: Phase) -> Metrics:
        began = time.perf_counter()
        number = self.state.batch
        batch = await self._interruptible(phase.generate(self.state.batch_in_phase, number))
        generated = time.perf_counter()
        learned = await self._learn(phase, batch, number)
        row: Metrics = {}
        if batch.groups:
            row |= {f"train/{name}": value for name, value in group_metrics(batch.groups).items()}
        row |= {f"update/{name}": value for name, value in learned.items()}
        row["update/learning_rate"] = self.context.learning_rate
        row |= {"time/generate": generated - began, "time/learn": time.perf_counter() - generated}
        self.state.silent_batches = self.state.silent_batches + 1 if is_silent(batch.groups) else 0
        if self._guards_rewards(phase):
            self.state.guarded += [
                mean(one.final_reward for one in group) for group in batch.groups if len(group)
            ]
        self._log(phase.name, row)
        self._report_silence(batch)
        self._check_lost_batches(batch)
        return row

    def _report_silence(self, batch: TrainingBatch) -> None:
        """Say why nothing is learned: after the first batches, then ever more rarely."""
        count = self.state.silent_batches
        # FIRST_REPORT and its multiples by powers of 2.
        times, remainder = divmod(count, FIRST_REPORT)
        if count and not remainder and times & (times - 1) == 0:
            text = why_silent(batch.groups, count)
            logger.warning("%s", text)
            self.context.reporter.note(text)

    async def _learn(self, phase: Phase, batch: TrainingBatch, number: int) -> Metrics:
        """Learn from a batch; this is never interrupted."""
        self._learning = True
        learned = await phase.learn(batch, number)
        self._keep(batch.kept)
        self.state.batch += 1
        self.state.batch_in_phase += 1
        self._learning = False
        if self._due(self.config.save_rollouts_every):
            name = f"{checkpoint_name(self.state.batch)}.jsonl"
            write_steps(self.context.folder / ROLLOUTS / name, batch.all_steps)
        return learned

    def _keep(self, steps: Sequence[EpisodeStep]) -> None:
        if not steps:
            return
        append_steps(self.context.folder / BUFFER_FILE, steps)
        for step in steps:
            self.context.buffer.add_episode_step(step)
        self.state.kept += len(steps)

    def _check_lost_batches(self, batch: TrainingBatch) -> None:
        """Raise ModelUnavailable after several batches in which no episode was usable."""
        failed = sum(group.infra_failed + group.user_failed for group in batch.groups)
        lost = failed and not any(len(group) for group in batch.groups)
        self.state.lost_batches = self.state.lost_batches + 1 if lost else 0
        if self.state.lost_batches >= _MAX_LOST_BATCHES:
            self.state.lost_batches = 0
            raise ModelUnavailable(
                f"in {_MAX_LOST_BATCHES} consecutive batches the infrastructure or the simulated "
                "user failed in every episode; see the log, and check the user's model, address "
                "and key"
            )

    async def _interruptible(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Return the result of work that changes nothing; `interrupt` cancels it."""
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

    async def _evaluate(self) -> None:
        """Evaluate the policy online, at most once per batch."""
        if self.context.eval_env is None or self.state.evaluated_at == self.state.batch:
            return
        began = time.perf_counter()
        row = await self._interruptible(evaluate(self.context, self.state.batch))
        self.state.evaluated_at = self.state.batch
        self._log("eval", row | {"time/eval": time.perf_counter() - began})
        self.context.reporter.note(
            f"evaluation after {self.state.batch} batches: {_with_interval(row)}"
        )
        await self._keep_if_best(row)
        await self._guard(row)
        self._plot()

    async def _guard(self, row: Metrics) -> None:
        """Go back to the best model when the policy has certainly lost much of its best metric.

        "Certainly" means that the upper end of the interval is below what is tolerated. Each time
        the learning rate is halved; after `max_rollbacks` times, training ends.
        """
        drop = self.config.guard_drop
        metric = f"eval/{self.config.best_metric.removeprefix('eval/')}"
        high = row.get(f"{metric}_high")
        if drop is not None and high is not None:
            await self._go_back_if_below(drop, metric, row[metric], high)

    async def _go_back_if_below(
        self, drop: float, what: str, measured: float, high: float, *, is_last: bool = False
    ) -> None:
        """Load the best model if at most `high`, less than is tolerated, is left of what it had."""
        best = self.state.best
        if best is None or high >= best * (1.0 - drop) - _ROUNDING:
            return
        path = self.context.folder / CHECKPOINTS / BEST
        await self.context.model.load_state(model_state_of(path))
        self.state.rollbacks += 1
        ends = is_last or self._is_over
        then = "training ends here" if ends else "the learning rate is halved"
        text = (
            f"{what} fell to {measured:.3f} (at most {high:.3f}) from {best:.3f}: the model "
            f"goes back to {path}, and {then}"
        )
        logger.warning("%s", text)
        self.context.reporter.note(text)

    def _guards_rewards(self, phase: Phase) -> bool:
        """Whether the rewards of training are the guard, because nothing is evaluated."""
        config = self.config
        evaluated = bool(config.eval_every) and self.context.eval_env is not None
        return phase.rewards_episodes and config.guard_drop is not None and not evaluated

    async def _begin_guard(self) -> None:
        """Keep the model with which a phase begins: the best until another has better rewards."""
        self.state.best = None
        self.state.guarded = []
        await self._save(BEST, weights=True)

    async def _guard_rewards(self, *, is_last: bool) -> None:
        """Compare the rewards of the last batches with the best, as `_guard` does evaluations.

        Rewards that are dealt out anew within groups have the same means, so a policy that follows
        noise is noticed. At the end of the phase every certain loss counts.
        """
        drop = self.config.guard_drop
        rewards = self.state.guarded
        is_due = is_last or self.state.batch_in_phase % self.config.guard_batches == 0
        if not is_due or not rewards or drop is None:
            return
        self.state.guarded = []
        reward = mean(rewards)
        if self.state.best is None:
            self.state.best = reward  # of the model with which the phase began
        elif reward > self.state.best:
            self.state.best = reward
            await self._save(BEST, weights=True)
        else:
            await self._go_back_if_below(
                0.0 if is_last else drop,
                "the mean reward of training",
                reward,
                mean_interval(rewards)[1],
                is_last=is_last,
            )

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
        folder = self.context.folder
        path = await save_checkpoint(folder, name, self.context.model, self.state, weights=weights)
        if self.config.keep_checkpoints is not None:
            remove_old_checkpoints(folder, self.config.keep_checkpoints)
        return path

    def _plot(self) -> None:
        metric = self.config.best_metric.removeprefix("eval/")
        reward_curve(self.context.folder / PLOT, read_metrics(self.context.folder), metric)


def _with_interval(row: Metrics) -> str:
    """Return an evaluation's reward and share of solved episodes, with their 95% intervals."""
    texts = []
    for name, metric in (("reward", "final_reward"), ("solved", "correct")):
        text = f"{name} {row.get(f'eval/{metric}', 0.0):.3f}"
        if f"eval/{metric}_low" in row:
            text += f" [{row[f'eval/{metric}_low']:.3f}, {row[f'eval/{metric}_high']:.3f}]"
        texts.append(text)
    return ", ".join(texts)
