"""Layer 3: many simulations at once, each durable before it is counted.

One event loop keeps up to `max_concurrency` units going on an executor: this process, worker processes, or Ray. Seeds
are derived per task and trial, so results do not depend on the executor, concurrency or order.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tau2.data_model.persona import PersonaConfig
from tau2.data_model.simulation import ResultsFormat, RunConfig, SimulationRun, TextRunConfig
from tau2.data_model.tasks import Task
from tau2.errors import BudgetExhausted, ConfigError
from tau2.evaluator.evaluator import EvaluationType
from tau2.registry import registry
from tau2.runner.episode_log import EpisodeLogs, episode_logs_of
from tau2.runner.event_loop import on_a_loop, own_loop
from tau2.runner.events import (
    Event,
    RunDamaged,
    RunEnded,
    RunOutOfMoney,
    RunStarted,
    RunStopping,
    SimulationStored,
    Sink,
)
from tau2.runner.executors import Setup, UnitExecutor, build_executor
from tau2.runner.middleware import MiddlewareStack, cost_so_far, installed_middleware
from tau2.runner.preflight import check_config
from tau2.runner.regrade import regrade_ungraded
from tau2.runner.run_settings import run_settings
from tau2.runner.stored_config import save_config
from tau2.runner.tasks import (
    UnitSpec,
    configured_tasks,
    get_info,
    run_folder,
    unit_seed,
    unit_specs,
)
from tau2.runner.tracing import check_tracing, tracers_of
from tau2.runner.trial import UnitRunner
from tau2.storage.results import SIMULATIONS_NAME, Results, save_simulation
from tau2.storage.store import RunStore

_OF_THE_CONFIG = frozenset({"auto_review", "review_mode", "review_model", "verbose_logs"})
"""Options of one simulation that a configuration has, too."""


def _ignore(_event: Event) -> None:
    """Listen to nothing."""


class _Batch:
    """One run under way."""

    def __init__(
        self,
        store: RunStore,
        executor: UnitExecutor,
        sink: Sink,
        logs: EpisodeLogs,
        *,
        total: int,
        done: int,
    ) -> None:
        self.store, self.executor, self.sink, self.logs = store, executor, sink, logs
        self.total, self.done = total, done
        self.stopping = self.broke = False
        self.playing = 0

    async def play_all(self, specs: Sequence[UnitSpec], at_once: int) -> None:
        """Play the specs, up to `at_once` of them together."""
        waiting = iter(specs)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(at_once, len(specs))):
                    group.create_task(self._work(waiting))
        except BaseExceptionGroup as several:
            raise several.exceptions[
                0
            ] from None  # the others are players that were stopped because of it

    async def _work(self, waiting: Iterator[UnitSpec]) -> None:
        while not self.stopping and not self.broke and (spec := next(waiting, None)) is not None:
            self.playing += 1
            try:
                run = await self.executor.play(spec)
                await self.keep(run)
            finally:
                self.playing -= 1
            self._look_for_money(run)

    def _look_for_money(self, run: SimulationRun) -> None:
        """Start nothing more once a call could not be paid."""
        info = run.info or {}
        if not self.broke and info.get("error_type") == BudgetExhausted.__name__:
            self.broke = True
            self.sink(RunOutOfMoney(str(info.get("error"))))

    async def keep(self, run: SimulationRun) -> None:
        """Save a simulation and count it; whoever cancels waits for it, so that no file is missing from the index."""
        saving = asyncio.ensure_future(asyncio.to_thread(self.store.save, run))
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            await asyncio.gather(saving, return_exceptions=True)
            raise
        self.logs.stored(run)
        self.done += 1
        self.sink(SimulationStored(run, self.done, self.total))

    def stop(self) -> None:
        """Start nothing more; what is being played goes on to its end."""
        self.stopping = True
        self.sink(RunStopping(self.playing))


@contextmanager
def _ctrl_c(batch: _Batch) -> Iterator[None]:
    """Let the first Ctrl-C stop the batch gently and the second one abandon what is being played.

    Only on a loop that `run_tasks` started: on another one, Ctrl-C is its owner's, who cancels this task.
    """
    if not own_loop.get() or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None, "a coroutine runs in a task"

    def pressed() -> None:
        if batch.stopping or not batch.playing:
            batch.stopping = True
            task.cancel()
        else:
            batch.stop()

    before = signal.getsignal(signal.SIGINT)
    try:
        loop.add_signal_handler(signal.SIGINT, pressed)
    except NotImplementedError:  # Windows: the first press already abandons
        yield
        return
    try:
        yield
    except asyncio.CancelledError:
        if batch.stopping:
            raise KeyboardInterrupt from None
        raise
    finally:
        with suppress(ValueError):
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before)
    if batch.stopping:
        raise KeyboardInterrupt


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
    path = (
        Path(save_path)
        if save_path is not None
        else Path(save_dir)
        if save_dir is not None
        else None
    )
    check_tracing(text, path)
    listen = sink if sink is not None else _console(console_display)
    store = RunStore(path, results_format)
    store.open(
        get_info(text),
        tasks,
        resume=config.auto_resume,
        settings=run_settings(text, evaluation_type),
    )
    try:
        if path is not None:
            save_config(path, text)
        return await _played(text, tasks, store, evaluation_type, listen)
    finally:
        store.close()


async def _played(
    config: TextRunConfig,
    tasks: Sequence[Task],
    store: RunStore,
    evaluation_type: EvaluationType,
    listen: Sink,
) -> Results:
    """Play what the store lacks, and return everything."""
    ungraded = store.ungraded()
    # A conversation is never paid for twice, even if its judge still fails.
    finished = {run.unit for run in ungraded}
    specs = [
        spec
        for spec in unit_specs(config, tasks)
        if not store.has(spec.unit) and spec.unit not in finished
    ]
    total = len(tasks) * config.num_trials
    with ExitStack() as stack:
        shared = None
        if config.workers:
            shared = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tau2-run-")))
        layers = stack.enter_context(
            installed_middleware(config, shared, store.path, spent=cost_so_far(store.entries))
        )
        regraded = await asyncio.to_thread(
            regrade_ungraded, ungraded, config, tasks, evaluation_type
        )
        executor = build_executor(Setup(config, evaluation_type, shared, store.path), listen)
        logs = episode_logs_of(config, store.path)
        logs.tidy(store.entries)
        batch = _Batch(
            store, executor, listen, logs, total=total, done=total - len(specs) - len(finished)
        )
        if store.damage:
            listen(RunDamaged(tuple(map(str, store.damage))))
        listen(
            RunStarted(
                total, batch.done, store.folder, f"{config.domain}: {config.agent} x {config.user}"
            )
        )
        return await _through(batch, specs, list(regraded.values()), config.max_concurrency, layers)


async def _through(
    batch: _Batch,
    specs: Sequence[UnitSpec],
    regraded: Sequence[SimulationRun],
    at_once: int,
    layers: MiddlewareStack,
) -> Results:
    interrupted = True
    try:
        with _ctrl_c(batch):
            for run in regraded:
                await batch.keep(run)
            if specs:
                await batch.executor.start()
            await batch.play_all(specs, at_once)
        interrupted = False
    finally:
        await batch.executor.close()
        batch.logs.tidy(batch.store.entries)
        results = batch.store.finish()
        if (counted := layers.counted()) is not None:
            batch.sink(counted)
        batch.sink(RunEnded(results, batch.store.folder, interrupted))
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
    results: Results = on_a_loop(arun_tasks(config, tasks, **options))
    return results


def run_domain(
    config: RunConfig, *, sink: Sink | None = None, console_display: bool = True
) -> Results:
    """Play a domain as configured: load and filter its tasks, save below the simulations folder, return results."""
    tasks = configured_tasks(config)
    return run_tasks(
        config, tasks, save_path=run_folder(config), sink=sink, console_display=console_display
    )


async def arun_single_task(
    config: RunConfig,
    task: Task,
    *,
    seed: int | None = None,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    save_dir: str | Path | None = None,
    user_persona_config: PersonaConfig | None = None,
    **options: Any,
) -> SimulationRun:
    """Play one task on the running event loop; see `run_single_task`."""
    wanted = sorted(name for name, value in options.items() if value and name not in _OF_THE_CONFIG)
    if wanted:
        raise ConfigError(f"{', '.join(wanted)}: not available in this version of run_single_task")
    given = {
        name: value
        for name, value in options.items()
        if name in _OF_THE_CONFIG and value is not None
    }
    if given:
        config = type(config)(**(config.model_dump(exclude_unset=True) | given))
    text = check_config(config, [task], evaluation_type)
    saved = Path(save_dir) if save_dir is not None else None
    check_tracing(text, saved)
    if user_persona_config is not None:
        text = text.model_copy(
            update={"user_persona": user_persona_config.model_dump(exclude_none=True)}
        )
    runner = UnitRunner(text, evaluation_type, _ignore, slots=1, tracers=tracers_of(text, saved))
    spec = UnitSpec(task, 0, unit_seed(config.seed, task.id, 0) if seed is None else seed)
    try:
        with installed_middleware(text, saved=saved):
            run = await runner.play(spec)
    finally:
        runner.close()
    if saved is not None:
        save_simulation(run, saved / SIMULATIONS_NAME)
    return run


def run_single_task(
    config: RunConfig,
    task: Task,
    *,
    seed: int | None = None,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    save_dir: str | Path | None = None,
    user_persona_config: PersonaConfig | None = None,
    **options: Any,
) -> SimulationRun:
    """Play one task once and return the graded simulation.

    With `save_dir`, the record is also written to `<save_dir>/simulations/`. `options` are auto_review, review_mode,
    review_model and verbose_logs, in place of the configuration's. An infrastructure failure, after the
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
        **options,
    )
    run: SimulationRun = on_a_loop(work)
    return run
