"""Layer 3: many simulations at once, each durable before it is counted.

One event loop plays up to `max_concurrency` episodes; participants that only have blocking methods run in a bounded
thread pool. Seeds are derived per task and trial, so results do not depend on concurrency or order.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import traceback
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from tau2.data_model.persona import PersonaConfig
from tau2.data_model.results_io import SIMULATIONS_NAME, save_simulation
from tau2.data_model.simulation import (
    Results,
    ResultsFormat,
    RunConfig,
    SimulationRun,
    TerminationReason,
    TextRunConfig,
)
from tau2.data_model.tasks import Task
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
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.registry import registry
from tau2.runner.build import build_text_orchestrator
from tau2.runner.events import Event, RunEnded, RunStarted, SimulationRetried, SimulationStored, Sink
from tau2.runner.preflight import check_config, judge_of
from tau2.runner.simulation import agrade_live
from tau2.runner.store import RunStore, Unit
from tau2.runner.tasks import _slug, configured_tasks, get_info, run_folder
from tau2.seeds import derive_seed
from tau2.utils.utils import get_now

logger = logging.getLogger(__name__)

_HOPELESS = (
    ConfigError, DataFileError, MissingExtra, ModelRefused, ParticipantError, UnknownName,
    TypeError, AttributeError, NameError, ImportError, NotImplementedError,
)  # fmt: skip
"""What a second attempt cannot mend: wrong settings and wrong code."""

_ONLY_WITH_REVIEW = frozenset({"review_mode", "review_model"})
"""Options that say how to review; without auto_review there is nothing for them to do."""


class Job(NamedTuple):
    """One unit with what it needs to be played."""

    task: Task
    trial: int
    seed: int

    @property
    def unit(self) -> Unit:
        """What is played once."""
        return self.task.id, self.trial


def _ignore(_event: Event) -> None:
    """Listen to nothing."""


def unit_seed(base: int, task_id: str, trial: int) -> int:
    """Return the seed of one trial of one task."""
    return derive_seed(base, "simulation", task_id, trial)


def _jobs(config: RunConfig, tasks: Sequence[Task]) -> list[Job]:
    """Return every unit, trial by trial."""
    return [
        Job(task, trial, unit_seed(config.seed, task.id, trial))
        for trial in range(config.num_trials)
        for task in tasks
    ]


class _Batch:
    """One run under way."""

    def __init__(
        self, config: TextRunConfig, store: RunStore, evaluation_type: EvaluationType, sink: Sink, total: int
    ) -> None:
        self.config, self.store, self.evaluation_type, self.sink = config, store, evaluation_type, sink
        self.total, self.done = total, 0
        self.judge = judge_of(config)
        self.executor = ThreadPoolExecutor(config.max_concurrency, thread_name_prefix="tau2-participant")

    async def play_all(self, jobs: Sequence[Job]) -> None:
        """Play the jobs, up to `max_concurrency` at once."""
        waiting = iter(jobs)
        players = min(self.config.max_concurrency, len(jobs))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(players):
                    group.create_task(self._player(waiting))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None  # the others are players that were stopped because of it
        finally:
            self.executor.shutdown(wait=False, cancel_futures=True)

    async def _player(self, waiting: Iterator[Job]) -> None:
        for job in waiting:
            run = await self.play(job)
            await self._store(run)
            self.done += 1
            self.sink(SimulationStored(run, self.done, self.total))

    async def _store(self, run: SimulationRun) -> None:
        """Save a simulation; whoever cancels waits for it, so that no file is missing from the index."""
        saving = asyncio.ensure_future(asyncio.to_thread(self.store.save, run))
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            await asyncio.gather(saving, return_exceptions=True)
            raise

    async def play(self, job: Job) -> SimulationRun:
        """Play one job; a failure of the surroundings is attempted again, and finally recorded as what it is."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._attempt(job)
            except Exception as problem:
                hopeless = isinstance(problem, _HOPELESS)
                logger.info("%s trial %s, attempt %s: %s", job.task.id, job.trial, attempt, problem, exc_info=True)
                if hopeless or attempt > self.config.max_retries:
                    return _failed(job, problem, attempt)
                self.sink(SimulationRetried(job.task.id, job.trial, attempt, str(problem)))
                await asyncio.sleep(self.config.retry_delay)

    async def _attempt(self, job: Job) -> SimulationRun:
        identifier = f"{_slug(job.task.id)[:80]}-t{job.trial}-{uuid.uuid4().hex[:12]}"
        orchestrator = build_text_orchestrator(self.config, job.task, seed=job.seed, simulation_id=identifier)
        run = await orchestrator.arun(self.executor)
        run.policy = orchestrator.environment.get_policy()
        run.trial, run.seed = job.trial, job.seed
        await self._grade(run, orchestrator)
        return run

    async def _grade(self, run: SimulationRun, orchestrator: Orchestrator) -> None:
        """Grade a finished conversation; a judge that fails is asked again, without playing it again."""
        for attempt in count(1):
            try:
                run.reward_info = await agrade_live(run, orchestrator, self.evaluation_type, self.judge)
                return
            except ModelError as problem:
                logger.info("grading %s, attempt %s: %s", run.id, attempt, problem, exc_info=True)
                if isinstance(problem, _HOPELESS) or attempt > self.config.max_retries:
                    failure = {"error": f"not graded: {problem}", "error_type": type(problem).__name__}
                    run.info = {**(run.info or {}), **failure}
                    return
                self.sink(SimulationRetried(run.task_id, run.trial or 0, attempt, f"grading: {problem}"))
                await asyncio.sleep(self.config.retry_delay)


def _failed(job: Job, problem: Exception, attempts: int) -> SimulationRun:
    """Return the record of a simulation that failed for its surroundings: no reward, and why."""
    now = get_now()
    return SimulationRun(
        id=f"{_slug(job.task.id)[:80]}-t{job.trial}-{uuid.uuid4().hex[:12]}",
        task_id=job.task.id,
        start_time=now,
        end_time=now,
        duration=0.0,
        termination_reason=TerminationReason.INFRASTRUCTURE_ERROR,
        messages=[],
        trial=job.trial,
        seed=job.seed,
        info={
            "error": str(problem),
            "error_type": type(problem).__name__,
            "error_traceback": "".join(traceback.format_tb(problem.__traceback__)),
            "failed_after_attempts": attempts,
        },
    )


async def arun_tasks(
    config: RunConfig,
    tasks: Sequence[Task],
    *,
    save_path: str | Path | None = None,
    save_dir: str | Path | None = None,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    console_display: bool = True,
    results_format: ResultsFormat = "dir",
    sink: Sink | None = None,
) -> Results:
    """Play tasks on the running event loop; see `run_tasks`."""
    tasks = list(tasks)
    text = check_config(config, tasks, evaluation_type)
    path = Path(save_path) if save_path is not None else Path(save_dir) if save_dir is not None else None
    store = RunStore(path, results_format)
    store.open(get_info(text), tasks, resume=config.auto_resume)
    jobs = [job for job in _jobs(text, tasks) if not store.has(job.unit)]
    total = len(tasks) * config.num_trials
    listen = sink if sink is not None else _console(console_display)
    batch = _Batch(text, store, evaluation_type, listen, total)
    batch.done = total - len(jobs)
    listen(RunStarted(total, batch.done, store.folder, f"{config.domain}: {text.agent} x {text.user}"))
    interrupted = True
    try:
        await batch.play_all(jobs)
        interrupted = False
    finally:
        results = store.finish()
        listen(RunEnded(results, store.folder, interrupted))
    return results


def _console(wanted: bool) -> Sink:
    """Return the sink that shows a run on the terminal; the runner knows it by name only."""
    return registry.displays.get("console").make() if wanted else _ignore


def run_tasks(
    config: RunConfig,
    tasks: Sequence[Task],
    *,
    save_path: str | Path | None = None,
    save_dir: str | Path | None = None,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    console_display: bool = True,
    results_format: ResultsFormat = "dir",
    sink: Sink | None = None,
) -> Results:
    """Play every task `num_trials` times and return all results.

    Args:
        config: Who plays and how.
        tasks: What is played.
        save_path: The results file; simulations lie beside it, each durable as soon as it is finished. None (and no
            `save_dir`) keeps everything in memory.
        save_dir: The folder of the run, when no file is named.
        evaluation_type: Which checks are run.
        console_display: Show progress and a summary on the terminal.
        results_format: `dir` (default) or `json` for one file at the end.
        sink: Receives the run's events instead of the terminal.

    Raises:
        ConfigError: the run cannot work as configured; nothing was played.
        KeyboardInterrupt: Ctrl-C; whatever was finished is stored.
    """
    options: dict[str, Any] = {
        "save_path": save_path,
        "save_dir": save_dir,
        "evaluation_type": evaluation_type,
        "console_display": console_display,
        "results_format": results_format,
        "sink": sink,
    }
    results: Results = _on_a_loop(arun_tasks(config, tasks, **options))
    return results


def _on_a_loop(work: Any) -> Any:
    """Run a coroutine to its end, also where an event loop is running already (a notebook, say)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    return _on_another_thread(work)


def _on_another_thread(work: Any) -> Any:
    """Run a coroutine on a loop of its own; Ctrl-C, which only the main thread hears, cancels it."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = Future()

    async def body() -> Any:
        started.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await work

    with ThreadPoolExecutor(1, thread_name_prefix="tau2-run") as thread:
        outcome = thread.submit(contextvars.copy_context().run, asyncio.run, body())
        try:
            return outcome.result()
        except BaseException:
            if not outcome.done():
                loop, task = started.result()
                if task is not None:
                    loop.call_soon_threadsafe(task.cancel)
            raise


def run_domain(config: RunConfig, *, sink: Sink | None = None, console_display: bool = True) -> Results:
    """Play a domain as configured: load and filter its tasks, save below the simulations folder, return results."""
    tasks = configured_tasks(config)
    return run_tasks(config, tasks, save_path=run_folder(config), sink=sink, console_display=console_display)


async def arun_single_task(
    config: RunConfig,
    task: Task,
    *,
    seed: int | None = None,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    save_dir: str | Path | None = None,
    user_persona_config: PersonaConfig | None = None,
    **unsupported: Any,
) -> SimulationRun:
    """Play one task on the running event loop; see `run_single_task`."""
    wanted = sorted(name for name, value in unsupported.items() if value and name not in _ONLY_WITH_REVIEW)
    if wanted:
        raise ConfigError(f"{', '.join(wanted)}: not available in this version of run_single_task")
    text = check_config(config, [task], evaluation_type)
    if user_persona_config is not None:
        text = text.model_copy(update={"user_persona": user_persona_config.model_dump(exclude_none=True)})
    store = RunStore(None)
    batch = _Batch(text, store, evaluation_type, _ignore, total=1)
    job = Job(task, 0, unit_seed(config.seed, task.id, 0) if seed is None else seed)
    try:
        run = await batch.play(job)
    finally:
        batch.executor.shutdown(wait=False, cancel_futures=True)
    if save_dir is not None:
        save_simulation(run, Path(save_dir) / SIMULATIONS_NAME)
    return run


def run_single_task(
    config: RunConfig,
    task: Task,
    *,
    seed: int | None = None,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    save_dir: str | Path | None = None,
    user_persona_config: PersonaConfig | None = None,
    **unsupported: Any,
) -> SimulationRun:
    """Play one task once and return the graded simulation.

    With `save_dir`, the record is also written to `<save_dir>/simulations/`. An infrastructure failure, after the
    configured retries, is returned as a simulation that says so. Inside a running event loop, await
    `arun_single_task` instead of blocking it.
    """
    work = arun_single_task(
        config,
        task,
        seed=seed,
        evaluation_type=evaluation_type,
        save_dir=save_dir,
        user_persona_config=user_persona_config,
        **unsupported,
    )
    run: SimulationRun = _on_a_loop(work)
    return run
