"""The functions of the original's `tau2.runner.checkpoint`, over this package's results files.

`tau2.runner.run_tasks` does not use them: its store writes a journal. They are for programs that
schedule simulations themselves and want them saved one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from tau2.data_model.simulation import ResultsFormat, SimulationRun, TerminationReason
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError
from tau2.storage.compatibility import refuse_differences, task_digest
from tau2.storage.results import Results, indexed, results_file, simulations_folder

SaveFn = Callable[[SimulationRun], None]
RunKey = tuple[int, str, int | None]
"""Trial, task id and seed: what is stored once."""


def key_of(run: SimulationRun) -> RunKey:
    """Return the key of a simulation."""
    return run.unit.trial, run.task_id, run.seed


def try_resume(
    save_path: Path,
    simulation_results: Results,
    tasks: list[Task],
    num_trials: int,
    auto_resume: bool = False,
    results_format: ResultsFormat = "json",
) -> tuple[Results, set[RunKey], list[Task]]:
    """Return the results to go on with, the keys that are done, and all tasks.

    Without a file, `simulation_results` is saved and nothing is done yet. Simulations with an
    infrastructure failure are not kept; new tasks are added.

    Raises:
        FileExistsError: there are results and `auto_resume` is off; nobody is asked.
        ConfigError: (a ValueError) they were made with other settings, or tasks were removed or
            modified.
    """
    if not results_file(save_path).exists():
        simulation_results.save(save_path, results_format)
        return simulation_results, set(), tasks
    if not auto_resume:
        raise FileExistsError(f"{save_path} exists already; auto_resume=True continues it")
    stored = Results.load(save_path)
    known = {task.id: task_digest(task) for task in stored.tasks}
    given = {task.id: task_digest(task) for task in tasks}
    removed = sorted(known.keys() - given.keys())
    if removed:
        raise ConfigError(f"{save_path}: tasks were removed: {', '.join(removed)}")
    modified = [name for name, digest in known.items() if given[name] != digest]
    refuse_differences(
        save_path,
        stored=stored.info,
        now=simulation_results.info,
        stored_settings={},
        settings={},
        changed_tasks=modified,
    )
    failed = TerminationReason.INFRASTRUCTURE_ERROR
    stored.simulations = [run for run in stored.simulations if run.termination_reason is not failed]
    stored.info.num_trials = max(stored.info.num_trials, num_trials)
    stored.tasks = tasks
    stored.save(save_path, results_format)
    return stored, set(map(key_of, stored.simulations)), tasks


def create_checkpoint_fns(
    save_path: Path | None, lock: AbstractContextManager[object] | None = None
) -> tuple[SaveFn, SaveFn]:
    """Return what saves a simulation unless its key is stored, and what replaces the one stored.

    Both rewrite the results atomically; without a path they do nothing.
    """
    if save_path is None:
        return _nothing, _nothing
    guard = nullcontext() if lock is None else lock

    def save(run: SimulationRun) -> None:
        with guard:
            results = Results.load(save_path)
            if key_of(run) not in map(key_of, results.simulations):
                _write(results, [*results.simulations, run], save_path)

    def replace(run: SimulationRun) -> None:
        with guard:
            results = Results.load(save_path)
            others = (other for other in results.simulations if key_of(other) != key_of(run))
            _write(results, [*others, run], save_path)

    return save, replace


def create_checkpoint_saver(
    save_path: Path | None, lock: AbstractContextManager[object] | None = None
) -> SaveFn:
    """Return the first function of `create_checkpoint_fns`."""
    return create_checkpoint_fns(save_path, lock)[0]


def create_checkpoint_replacer(
    save_path: Path | None, lock: AbstractContextManager[object] | None = None
) -> SaveFn:
    """Return the second function of `create_checkpoint_fns`."""
    return create_checkpoint_fns(save_path, lock)[1]


def _nothing(_run: SimulationRun) -> None:
    pass


def _write(results: Results, runs: Iterable[SimulationRun], path: Path) -> None:
    results.simulations = list(runs)
    is_folder = simulations_folder(path).is_dir()
    indexed(results).save(path, "dir" if is_folder else "json")
