"""Layer 3: many simulations at once, each durable before it is counted.

One event loop keeps up to `max_concurrency` units going on an executor: this process, worker
processes, or Ray. Seeds are derived per task and trial, so results do not depend on the executor,
the concurrency or the order.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tau2._compat.patching import patch_point
from tau2.data_model.persona import PersonaConfig
from tau2.data_model.simulation import ResultsFormat, RunConfig, SimulationRun
from tau2.data_model.tasks import Task
from tau2.errors import SAID_IN_ONE_SENTENCE, BudgetExhausted, ConfigError
from tau2.evaluator.evaluator import EvaluationType
from tau2.runner.circuit_breaker import CircuitBreaker
from tau2.runner.containment import interrupts_are_handled
from tau2.runner.episode_log import EpisodeLogs, episode_logs_of
from tau2.runner.event_loop import own_loop, run_copies, run_on_loop
from tau2.runner.events import (
    FallibleSink,
    RunDamaged,
    RunEnded,
    RunHalted,
    RunOutOfMoney,
    RunStarted,
    RunStopping,
    SimulationStarted,
    SimulationStored,
    Sink,
    ignore_events,
)
from tau2.runner.executors import Setup, UnitExecutor, build_executor
from tau2.runner.executors.main_guard import check_main_guard
from tau2.runner.middleware import (
    MiddlewareStack,
    check_recording,
    cost_so_far,
    installed_middleware,
)
from tau2.runner.preflight import check_run, costs_nothing
from tau2.runner.regrade import regrade_ungraded
from tau2.runner.resolve import ResolvedRun, console_sink, resolve
from tau2.runner.run_settings import run_settings
from tau2.runner.shared_folder import shared_folder
from tau2.runner.stored_config import save_config
from tau2.runner.tasks import (
    UnitSpec,
    configured_tasks,
    run_folder,
    run_info,
    unit_seed,
    unit_specs,
)
from tau2.runner.tracing import check_tracing, tracers_of
from tau2.runner.trial import UnitRunner, bug_in, failed_run
from tau2.storage.results import SIMULATIONS_NAME, Results, save_simulation
from tau2.storage.store import RunStore

logger = logging.getLogger(__name__)

_FEWEST_PROBED = 2  # units of a run whose models are asked first
_CONFIG_OPTIONS = frozenset({"auto_review", "review_mode", "review_model", "verbose_logs"})
"""Options of `run_single_task` that are fields of a configuration, too."""
_VOICE_OPTIONS = frozenset({"user_voice_settings", "audio_debug", "audio_taps"})
"""The same, of a voice run."""


class _Halted(Exception):
    """A model failed too often in a row; the text says which and how."""


class _Batch:
    """The units of one run, while they are played."""

    def __init__(
        self,
        store: RunStore,
        executor: UnitExecutor,
        sink: Sink,
        logs: EpisodeLogs,
        config: RunConfig,
        *,
        total: int,
        done: int,
        abandons: bool = False,
    ) -> None:
        self.store = store
        self.executor = executor
        self.sink = sink
        self.logs = logs
        self.total = total
        self.done = done
        self.playing = 0
        self.stopping = False
        self.abandons = abandons
        """Whether units in progress are given up at the first Ctrl-C."""
        self.out_of_money = False
        self.breaker = CircuitBreaker(config.stop_after_failures)
        self.keeps_going = config.keep_going

    async def play_all(self, specs: Sequence[UnitSpec], at_once: int) -> None:
        """Play units, up to `at_once` of them together.

        Raise CallerCodeError when the caller's code has a bug, unless the run is to keep going.
        """
        waiting = iter(specs)
        copies = min(at_once, len(specs))
        try:
            await run_copies(lambda: self._play_one_after_another(waiting), copies)
        except _Halted as halted:  # the other copies were cancelled
            self.sink(RunHalted(str(halted)))

    async def _play_one_after_another(self, waiting: Iterator[UnitSpec]) -> None:
        while not self.stopping and not self.out_of_money:
            spec = next(waiting, None)
            if spec is None:
                return
            self.playing += 1
            self.sink(SimulationStarted(*spec.unit))
            try:
                run = await self._played(spec)
                if not self.keeps_going and (bug := bug_in(run)) is not None:
                    raise bug
                await self._keep_some_record(run, spec)
            finally:
                self.playing -= 1
            # Nothing more starts after a call that could not be paid.
            info = run.info or {}
            if not self.out_of_money and info.get("error_type") == BudgetExhausted.__name__:
                self.out_of_money = True
                self.sink(RunOutOfMoney(str(info.get("error"))))
            elif (why := self.breaker.reason_to_stop(run)) is not None:
                raise _Halted(why)

    async def _played(self, spec: UnitSpec) -> SimulationRun:
        try:
            return await self.executor.play(spec)
        except Exception as problem:  # whatever it is, the other units go on
            logger.warning("%s trial %s failed", *spec.unit, exc_info=True)
            return failed_run(spec, problem, 1)

    async def _keep_some_record(self, run: SimulationRun, spec: UnitSpec) -> None:
        """Save a simulation, or why it cannot be saved. Raise OSError when the disk fails."""
        try:
            await self.keep(run)
        except OSError:
            raise
        except Exception as problem:  # its content is foreign, and any of it may not serialise
            logger.warning("%s trial %s cannot be saved", *spec.unit, exc_info=True)
            await self.keep(failed_run(spec, problem, 1))

    async def keep(self, run: SimulationRun) -> None:
        """Save a simulation and count it."""
        saving = asyncio.ensure_future(asyncio.to_thread(self.store.save, run))
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            # The thread cannot be stopped. If it were not waited for, the index could be written
            # without its file.
            await asyncio.gather(saving, return_exceptions=True)
            raise
        self.logs.stored(run)
        self.done += 1
        self.sink(SimulationStored(run, self.done, self.total))

    def stop(self) -> bool:
        """Start nothing more; return whether units in progress are to be waited for."""
        is_first = not self.stopping
        self.stopping = True
        if not is_first or not self.playing:
            return False
        self.sink(RunStopping(self.playing, self.abandons))
        return not self.abandons


_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def _ctrl_c(batch: _Batch) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM stop the batch, and the second one abandon what is played.

    Where a conversation costs nothing, the first one abandons it.

    Only on a loop that `run_tasks` started. Another loop's owner handles Ctrl-C, and cancels this
    task.
    """
    if not own_loop.get() or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None, "a coroutine runs in a task"

    def pressed() -> None:
        if not batch.stop():
            task.cancel()

    before = {number: signal.getsignal(number) for number in _STOP_SIGNALS}
    try:
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, pressed)
    except NotImplementedError:  # Windows: the first press already abandons
        yield
        return
    token = interrupts_are_handled.set(True)
    try:
        yield
    except asyncio.CancelledError:
        if batch.stopping:
            raise KeyboardInterrupt from None
        raise
    finally:
        interrupts_are_handled.reset(token)
        with suppress(ValueError):
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)
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
    check_main_guard()
    tasks = list(tasks)
    run = resolve(config)
    check_run(run, tasks, evaluation_type)
    where = save_path if save_path is not None else save_dir
    path = Path(where) if where is not None else None
    check_tracing(run.config, path)
    check_recording(run.config, path)
    if sink is None:
        sink = console_sink() if console_display else ignore_events
    sink = FallibleSink(sink)
    environment = run.make_environment()
    store = RunStore(path, results_format)
    spent = 0.0
    if not store.exists():
        # Before the run's folder is made: nothing is left of a run that could not start.
        units = len(tasks) * run.config.num_trials
        spent = await _probed(run, tasks, evaluation_type, sink, units)
    store.open(
        run_info(run.config, environment),
        tasks,
        resume=run.config.auto_resume,
        settings=run_settings(run.config, evaluation_type, environment),
    )
    try:
        if path is not None:
            save_config(path, run.config)
        return await _play_missing(run, tasks, store, evaluation_type, sink, spent)
    finally:
        store.close()


async def _probed(
    run: ResolvedRun,
    tasks: Sequence[Task],
    evaluation_type: EvaluationType,
    sink: Sink,
    units: int,
) -> float:
    """Ask each model once, and return the cost.

    A single unit finds out by itself, and a run with a cache may need no endpoint at all.
    """
    if units < _FEWEST_PROBED or not run.config.probe or run.config.cache:
        return 0.0
    from tau2.runner.probe import probe_models  # noqa: PLC0415  -- loads the model layer

    return await probe_models(run, tasks, evaluation_type, sink)


async def _play_missing(
    run: ResolvedRun,
    tasks: Sequence[Task],
    store: RunStore,
    evaluation_type: EvaluationType,
    sink: Sink,
    spent: float,
) -> Results:
    """Play what the store lacks, and return everything; `spent` are US dollars of this run."""
    config = run.config
    ungraded = store.ungraded()
    # A conversation is never paid for twice, even if its judge still fails.
    played = {simulation.unit for simulation in ungraded}
    specs = unit_specs(config, tasks, lambda unit: store.has(unit) or unit in played)
    total = len(tasks) * config.num_trials
    if store.entries:  # a run that is resumed was not probed before it was opened
        spent += await _probed(run, tasks, evaluation_type, sink, len(specs))
    with ExitStack() as stack:
        shared = None
        if config.workers or config.executor == "ray":
            shared = stack.enter_context(shared_folder())
        middleware = stack.enter_context(
            installed_middleware(
                config, shared, store.path, spent=spent + cost_so_far(store.entries)
            )
        )
        regraded = await asyncio.to_thread(regrade_ungraded, ungraded, run, tasks, evaluation_type)
        logs = episode_logs_of(run, store.path)
        logs.tidy(store.entries)
        executor = build_executor(Setup(run, evaluation_type, shared, store.path), sink)
        done = total - len(specs) - len(played)
        batch = _Batch(
            store,
            executor,
            sink,
            logs,
            config,
            total=total,
            done=done,
            abandons=costs_nothing(run),
        )
        if store.damage:
            sink(RunDamaged(tuple(map(str, store.damage))))
        if specs:
            await _start(executor)
        sink(RunStarted(total, done, store.folder, run.title))
        return await _finish(
            batch, specs, list(regraded.values()), config.max_concurrency, middleware
        )


async def _start(executor: UnitExecutor) -> None:
    try:
        await executor.start()
    except BaseException:
        await executor.close()
        raise


async def _finish(
    batch: _Batch,
    specs: Sequence[UnitSpec],
    regraded: Sequence[SimulationRun],
    at_once: int,
    middleware: MiddlewareStack,
) -> Results:
    """Keep what was graded now and play the rest; write the index even if interrupted."""
    interrupted = True
    try:
        with _ctrl_c(batch):
            for simulation in regraded:
                await batch.keep(simulation)
            await batch.play_all(specs, at_once)
        interrupted = False
    finally:
        await batch.executor.close()
        batch.logs.tidy(batch.store.entries)
        results = batch.store.finish()
        if (counted := middleware.counted()) is not None:
            batch.sink(counted)
        batch.sink(RunEnded(results, batch.store.folder, interrupted))
    return results


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
        save_path: The results file; simulations lie beside it, each durable as soon as it is
            finished. None (and no `save_dir`) keeps everything in memory.
        save_dir: The folder of the run, when no file is named.
        evaluation_type: Which checks are run.
        console_display: Show progress and a summary on the terminal.
        results_format: `dir` (default) or `json` for one file at the end.
        sink: Receives the run's events instead of the terminal.

    Raises:
        ConfigError: the run cannot work as configured, or a model cannot be reached; nothing was
            played.
        CallerCodeError: an agent, user or backend of the caller has a bug; whatever was finished is
            stored.
        KeyboardInterrupt: Ctrl-C; whatever was finished is stored.
    """
    try:
        return run_on_loop(
            arun_tasks(
                config,
                tasks,
                save_path=save_path,
                save_dir=save_dir,
                evaluation_type=evaluation_type,
                console_display=console_display,
                results_format=results_format,
                sink=sink,
            )
        )
    except SAID_IN_ONE_SENTENCE as problem:
        # Frames of the event loop would bury what the message says.
        raise problem.with_traceback(None) from None


def run_domain(
    config: RunConfig, *, sink: Sink | None = None, console_display: bool = True
) -> Results:
    """Play the configured tasks of a domain and save the run below the simulations folder."""
    check_main_guard()
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
    check_main_guard()
    known = _CONFIG_OPTIONS | _VOICE_OPTIONS if config.is_voice else _CONFIG_OPTIONS
    unknown = sorted(name for name in options if options[name] and name not in known)
    if unknown:
        raise ConfigError(f"{', '.join(unknown)}: not available in this version of run_single_task")
    changes = {
        name: value for name, value in options.items() if name in known and value is not None
    }
    if changes:
        config = type(config)(**(config.model_dump(exclude_unset=True) | changes))
    if user_persona_config is not None:
        persona = user_persona_config.model_dump(exclude_none=True)
        config = config.model_copy(update={"user_persona": persona})
    run = resolve(config)
    check_run(run, [task], evaluation_type)
    saved = Path(save_dir) if save_dir is not None else None
    check_tracing(run.config, saved)
    if saved is not None:
        saved.mkdir(parents=True, exist_ok=True)
    tracers = tracers_of(run.config, saved)
    runner = UnitRunner(run, evaluation_type, ignore_events, tracers=tracers, saved=saved)
    spec = UnitSpec(task, 0, unit_seed(config.seed, task.id, 0) if seed is None else seed)
    try:
        with installed_middleware(run.config, saved=saved):
            simulation = await runner.play(spec)
    finally:
        runner.close()
    if not run.config.keep_going and (bug := bug_in(simulation)) is not None:
        raise bug
    if saved is not None:
        save_simulation(simulation, saved / SIMULATIONS_NAME)
    return simulation


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

    With `save_dir`, the record is also written to `<save_dir>/simulations/`. `options` are
    auto_review, review_mode, review_model and verbose_logs, and for a voice run
    user_voice_settings, audio_debug and audio_taps, in place of the configuration's. An
    infrastructure failure, after the configured retries, is returned as a simulation that says so.
    Inside a running event loop, await `arun_single_task` instead of blocking it.
    """
    return run_on_loop(
        arun_single_task(
            config,
            task,
            seed=seed,
            evaluation_type=evaluation_type,
            save_dir=save_dir,
            user_persona_config=user_persona_config,
            **options,
        )
    )


# `run_tasks` plays every unit with the function that a client puts here.
patch_point(__name__, "run_single_task", run_single_task)
