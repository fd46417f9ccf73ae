"""Who watches the episodes of a run: log files, traces. Chosen by the configuration; usually nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tau2.data_model.simulation import SimulationRun, TextRunConfig
from tau2.errors import ConfigError
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.orchestrator.tracing import Observers, Staged, Watch, Watcher
from tau2.runner.middleware import redactor_of


def check_watching(config: TextRunConfig, saved: Path | None) -> None:
    """Raise ConfigError when log files are asked for and the run has no folder to keep them in."""
    if config.verbose_logs and saved is None:
        raise ConfigError(
            "verbose_logs keeps its files beside the results: save the run (save_to, save_path or save_dir)"
        )


def watchers_of(config: TextRunConfig, saved: Path | None) -> list[Watcher]:
    """Return who watches, in this process, the run that is saved at `saved`. Raise MissingExtra."""
    watchers: list[Watcher] = []
    if config.otel:
        from tau2.telemetry import start_tracing  # noqa: PLC0415  -- an optional package

        watchers.append(start_tracing(redactor_of(config)))
    if config.verbose_logs and saved is not None:
        from tau2.runner.task_log import TaskLogs, artifacts_folder  # noqa: PLC0415  -- only such runs load it

        watchers.append(TaskLogs(artifacts_folder(saved), redactor_of(config)))
    return watchers


@contextmanager
def watched(
    watchers: Sequence[Watcher], orchestrator: Orchestrator, config: TextRunConfig, trial: int
) -> Iterator[Callable[[SimulationRun], None]]:
    """Let everybody watch one attempt at an episode; yields whom to tell how it ended."""
    if not watchers:
        yield lambda _run: None
        return
    from tau2.llm.middleware import use_middleware  # noqa: PLC0415  -- see layers

    staged = _staged(orchestrator, config, trial)
    with ExitStack() as stack:
        watches = [stack.enter_context(watcher.episode(staged)) for watcher in watchers]
        orchestrator.observer = Observers(watches)
        # Innermost, because waiting for limits is no part of a call.
        stack.enter_context(use_middleware(*(watch.around for watch in watches)))
        yield lambda run: _tell(watches, run)


def _staged(orchestrator: Orchestrator, config: TextRunConfig, trial: int) -> Staged:
    return Staged(
        simulation_id=orchestrator.simulation_id,
        task_id=orchestrator.task.id,
        trial=trial,
        seed=orchestrator.seed or 0,
        domain=config.domain,
        agent=config.agent,
        user=config.user,
    )


def _tell(watches: Sequence[Watch], run: SimulationRun) -> None:
    for watch in watches:
        watch.ended(run)
