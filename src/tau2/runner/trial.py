"""One unit: play it, grade it, attempt it again when its surroundings failed. The same in every process."""

from __future__ import annotations

import asyncio
import logging
import traceback
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count

from tau2.data_model.simulation import SimulationRun, TerminationReason, TextRunConfig
from tau2.errors import (
    ConfigError,
    DataFileError,
    MissingExtra,
    ModelError,
    ModelRefused,
    ParticipantError,
    UnknownName,
)
from tau2.evaluator.evaluator import EvaluationType
from tau2.evaluator.evidence import Judge
from tau2.llm.attempt_context import AttemptContext, use_attempt
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.orchestrator.tracing import RunTracer
from tau2.runner.build import build_text_orchestrator
from tau2.runner.episode_log import EpisodeLogs, EpisodeSetup
from tau2.runner.events import SimulationRetried, Sink
from tau2.runner.middleware import redactor_of
from tau2.runner.preflight import judge_of
from tau2.runner.simulation import agrade_live
from tau2.runner.tasks import UnitSpec, slug
from tau2.runner.tracing import traced
from tau2.utils.utils import get_now

logger = logging.getLogger(__name__)

HOPELESS = (
    ConfigError, DataFileError, MissingExtra, ModelRefused, ParticipantError, UnknownName,
    TypeError, AttributeError, NameError, ImportError, NotImplementedError,
)  # fmt: skip
"""What a second attempt cannot mend: wrong settings and wrong code."""


class UnitRunner:
    """Plays units of one run on the running event loop; participants that only block share a bounded thread pool."""

    def __init__(
        self,
        config: TextRunConfig,
        evaluation_type: EvaluationType,
        sink: Sink,
        *,
        slots: int | None = None,
        logs: EpisodeLogs | None = None,
        tracers: Sequence[RunTracer] = (),
    ) -> None:
        self.config, self.evaluation_type, self.sink = config, evaluation_type, sink
        self.judge: Judge = judge_of(config)
        self.redactor = redactor_of(config)
        self.logs = logs or EpisodeLogs(None)
        self.tracers = tracers
        self.threads = ThreadPoolExecutor(
            slots or config.max_concurrency, thread_name_prefix="tau2-participant"
        )

    def close(self) -> None:
        """Let the threads go; one that blocks for ever is not waited for. Let the tracers finish."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        for tracer in self.tracers:
            tracer.close()

    async def play(self, spec: UnitSpec) -> SimulationRun:
        """Play one spec; a failure of the surroundings is attempted again, and finally recorded as what it is."""
        for attempt in count(1):
            try:
                return await self._attempt(spec)
            except Exception as problem:
                logger.info(
                    "%s trial %s, attempt %s: %s",
                    spec.task.id,
                    spec.trial,
                    attempt,
                    problem,
                    exc_info=True,
                )
                if isinstance(problem, HOPELESS) or attempt > self.config.max_retries:
                    return self._presentable(failed(spec, problem, attempt))
                self.sink(
                    SimulationRetried(
                        spec.task.id, spec.trial, attempt, self.redactor.text(str(problem))
                    )
                )
                await asyncio.sleep(self.config.retry_delay)
        raise AssertionError("count never ends")

    async def _attempt(self, spec: UnitSpec) -> SimulationRun:
        with ExitStack() as watching:
            with self.logs.episode(self._episode_setup(spec)) as orchestrator:
                attempt = AttemptContext(
                    spec.task.id, spec.trial, spec.seed, orchestrator.simulation_id
                )
                watching.enter_context(use_attempt(attempt))
                ended = watching.enter_context(
                    traced(self.tracers, orchestrator, self.config, spec.trial)
                )
                run = await orchestrator.arun(self.threads)
            run.policy = orchestrator.environment.get_policy()
            run.trial, run.seed = spec.trial, spec.seed
            await self._grade(run, orchestrator)
            if self.config.auto_review:
                from tau2.runner.reviews import review_played  # noqa: PLC0415  -- only runs that ask for it load it

                await review_played(run, spec.task, self.config)
            self._presentable(run)
            ended(run)
        return run

    def _presentable(self, run: SimulationRun) -> SimulationRun:
        """Return a record whose remarks hold no secrets: foreign code may put anything into an error."""
        if run.info:
            run.info = self.redactor.data(run.info)
        return run

    def _episode_setup(self, spec: UnitSpec) -> EpisodeSetup:
        def build(simulation_id: str) -> Orchestrator:
            return build_text_orchestrator(
                self.config, spec.task, seed=spec.seed, simulation_id=simulation_id
            )

        return EpisodeSetup(spec, new_id(spec), build)

    async def _grade(self, run: SimulationRun, orchestrator: Orchestrator) -> None:
        """Grade a finished conversation; a judge that fails is asked again, without playing it again."""
        for attempt in count(1):
            try:
                run.reward_info = await agrade_live(
                    run, orchestrator, self.evaluation_type, self.judge
                )
                return
            except ModelError as problem:
                logger.info("grading %s, attempt %s: %s", run.id, attempt, problem, exc_info=True)
                if isinstance(problem, HOPELESS) or attempt > self.config.max_retries:
                    failure = {
                        "error": f"not graded: {problem}",
                        "error_type": type(problem).__name__,
                    }
                    run.info = {**(run.info or {}), **failure}
                    return
                self.sink(SimulationRetried(*run.unit, attempt, f"grading: {problem}"))
                await asyncio.sleep(self.config.retry_delay)


def new_id(spec: UnitSpec) -> str:
    """Return a name for a simulation that can be a file name."""
    return f"{slug(spec.task.id)[:80]}-t{spec.trial}-{uuid.uuid4().hex[:12]}"


def failed(spec: UnitSpec, problem: Exception, attempts: int) -> SimulationRun:
    """Return the record of a simulation that failed for its surroundings: no reward, and why."""
    now = get_now()
    return SimulationRun(
        id=new_id(spec),
        task_id=spec.task.id,
        start_time=now,
        end_time=now,
        duration=0.0,
        termination_reason=TerminationReason.INFRASTRUCTURE_ERROR,
        messages=[],
        trial=spec.trial,
        seed=spec.seed,
        info={
            "error": str(problem),
            "error_type": type(problem).__name__,
            "error_traceback": "".join(traceback.format_tb(problem.__traceback__)),
            "failed_after_attempts": attempts,
        },
    )
