"""Who traces the episodes of a run: log files, OpenTelemetry.

Chosen by the configuration; usually nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tau2.data_model.simulation import RunConfig, SimulationRun
from tau2.errors import ConfigError
from tau2.orchestrator.full_duplex_orchestrator import AnyOrchestrator
from tau2.orchestrator.tracing import CombinedTracer, EpisodeInfo, RunTracer
from tau2.runner.middleware import redactor_of


def check_tracing(config: RunConfig, saved: Path | None) -> None:
    """Raise ConfigError when log files are asked for and the run has no folder to keep them in."""
    if config.verbose_logs and saved is None:
        raise ConfigError(
            "verbose_logs keeps its files beside the results: "
            "save the run (save_to, save_path or save_dir)"
        )


def tracers_of(config: RunConfig, saved: Path | None) -> list[RunTracer]:
    """Return what traces, in this process, the run that is saved at `saved`. Raise MissingExtra."""
    tracers: list[RunTracer] = []
    if config.otel:
        from tau2.telemetry import start_tracing  # noqa: PLC0415  -- an optional package

        tracers.append(start_tracing(redactor_of(config)))
    if config.verbose_logs and saved is not None:
        from tau2.runner.task_log import (  # noqa: PLC0415  -- only such runs load it
            TaskLogs,
            artifacts_folder,
        )

        tracers.append(TaskLogs(artifacts_folder(saved), redactor_of(config)))
    return tracers


@contextmanager
def traced(
    tracers: Sequence[RunTracer], orchestrator: AnyOrchestrator, config: RunConfig, trial: int
) -> Iterator[Callable[[SimulationRun], None]]:
    """Trace one attempt at an episode; yields the function that takes its graded record."""
    if not tracers:
        yield lambda _run: None
        return
    from tau2.llm.middleware import use_middleware  # noqa: PLC0415  -- see runner.middleware

    info = EpisodeInfo(
        simulation_id=orchestrator.simulation_id,
        task_id=orchestrator.task.id,
        trial=trial,
        seed=orchestrator.seed or 0,
        domain=config.domain,
        agent=config.effective_agent,
        user=config.effective_user,
    )
    with ExitStack() as stack:
        episodes = [stack.enter_context(tracer.episode(info)) for tracer in tracers]
        orchestrator.tracer = CombinedTracer(episodes)
        # Innermost, because waiting for limits is no part of a call.
        stack.enter_context(use_middleware(*(episode.middleware for episode in episodes)))

        def ended(run: SimulationRun) -> None:
            for episode in episodes:
                episode.ended(run)

        yield ended
