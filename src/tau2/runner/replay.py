"""Play a stored run again from its recording, asking no model, and find the first place where it is no longer the same.

Code, policy, tools and data are those of today; tasks, seeds, models and their arguments are the stored ones. All
that a simulation holds is compared, except when and how long: ids of simulations, timestamps and durations are new
each time, time-outs come from the recording. What was hidden on the recording is hidden on both sides before it is compared.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from tau2.data_model.simulation import SimulationRun, TerminationReason, TextRunConfig
from tau2.errors import ConfigError
from tau2.evaluator.evaluator import EvaluationType
from tau2.llm.attempt_context import AttemptContext
from tau2.llm.clock import SYSTEM_CLOCK, clock
from tau2.llm.middleware import use_middleware
from tau2.llm.middleware.recorded_calls import RecordedCalls, read_header, read_recorded_calls
from tau2.llm.middleware.recording import RECORDING_NAME
from tau2.llm.middleware.replay import AttemptReplay, Divergence, RefusedParams, ReplayMiddleware
from tau2.llm.secrets import Redactor
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.runner.events import Event
from tau2.runner.middleware import redactor_of
from tau2.runner.record_diff import first_difference
from tau2.runner.stored_config import load_config
from tau2.runner.tasks import UnitSpec
from tau2.runner.trial import UnitRunner
from tau2.storage.journal import Opened, read_journal
from tau2.storage.results import Results, companion, journal_file

_ALSO = ("auto_review", "review_mode", "review_model", "review_args", "text_streaming_config")
"""What only the configuration beside a run tells."""

NOT_RECORDED = "this simulation was not recorded"


@dataclass(frozen=True, slots=True)
class Replayed:
    """One simulation, played again."""

    simulation_id: str
    task_id: str
    trial: int
    calls: int
    """Recorded model calls."""
    divergence: Divergence | None = None
    """None when it is the same."""

    @property
    def is_recorded(self) -> bool:
        """Whether there was a recording to play it from."""
        return self.divergence is None or self.divergence.what != NOT_RECORDED


@dataclass(frozen=True, slots=True)
class Replaying:
    """A run, played again."""

    entries: list[Replayed] = field(default_factory=list)
    damage: tuple[str, ...] = ()
    """What of the recording is not as it was written."""

    @property
    def identical(self) -> list[Replayed]:
        """Return what is the same."""
        return [entry for entry in self.entries if entry.divergence is None]

    @property
    def diverged(self) -> list[Replayed]:
        """Return what is no longer the same."""
        return [
            entry for entry in self.entries if entry.divergence is not None and entry.is_recorded
        ]

    @property
    def unrecorded(self) -> list[Replayed]:
        """Return what cannot be played again, because its model calls were not recorded."""
        return [entry for entry in self.entries if not entry.is_recorded]


def replay(path: Path, *, on_replayed: Callable[[], None] = lambda: None) -> Replaying:
    """Play every stored simulation of a run again; nothing is written and no model is asked.

    Raises:
        ConfigError: a voice run.
        UnknownName: the run's domain, agent or user is not registered.
    """
    results = Results.load(path)
    config, evaluation_type = config_of(results, path)
    recordings = _Recordings(companion(path, RECORDING_NAME))
    return asyncio.run(_replayed(results, config, evaluation_type, recordings, on_replayed))


def config_of(results: Results, path: Path) -> tuple[TextRunConfig, EvaluationType]:
    """Return how a stored run was played, as far as that is recorded: without keys, limits and retries."""
    info = results.info
    if info.audio_native_config is not None:
        raise ConfigError("only text runs can be played again")
    settings, configured = _settings(path), _configured(path)
    agent, user = info.agent_info, info.user_info
    persona = (
        user.persona_config.model_dump(exclude_none=True)
        if user.persona_config is not None
        else None
    )
    values: dict[str, Any] = {
        "domain": info.environment_info.domain_name,
        "agent": agent.implementation,
        "llm_agent": agent.llm,
        "llm_args_agent": agent.llm_args,
        "user": user.implementation,
        "llm_user": user.llm,
        "llm_args_user": user.llm_args,
        "llm_judge": info.judge,
        "llm_args_judge": settings.get("llm_args_judge"),
        "user_persona": settings.get("user_persona") or persona,
        **{name: configured[name] for name in _ALSO if name in configured},
        "max_steps": info.max_steps,
        "max_errors": info.max_errors,
        "num_trials": info.num_trials,
        "seed": info.seed,
        "enforce_communication_protocol": info.enforce_communication_protocol,
        "max_retries": 0,
        "retry_delay": 0.0,
    }
    config = TextRunConfig.model_validate(
        {name: value for name, value in values.items() if value is not None}
    )
    return config, EvaluationType(settings.get("evaluation_type", EvaluationType.ALL))


def _configured(path: Path) -> dict[str, Any]:
    """Return the configuration that lies beside a run; nothing where none does."""
    try:
        return load_config(path)
    except ConfigError:
        return {}


def _settings(path: Path) -> dict[str, Any]:
    """Return what the journal recorded of the run's settings."""
    reading = read_journal(journal_file(path))
    opened = [
        record for record in (reading.records if reading else ()) if isinstance(record, Opened)
    ]
    return opened[-1].settings if opened else {}


class _Recordings:
    """The recordings of a run, found by simulation, and by unit for one that failed and has no conversation."""

    def __init__(self, folder: Path) -> None:
        self.damage: list[str] = []
        files = sorted(folder.glob("*.jsonl"))
        self._by_id = {file.stem: file for file in files}
        headers = sorted(map(read_header, files), key=_unit_and_time)
        self._by_unit = {
            unit: [recording.path for recording in recordings]
            for unit, recordings in groupby(headers, key=_unit)
        }
        self.learnt = RefusedParams.of(
            exchange for file in files for exchange in read_recorded_calls(file).exchanges
        )

    def of(self, run: SimulationRun) -> RecordedCalls | None:
        """Return the recording of the attempt that a simulation records; of a failure, the last one."""
        file = self._by_id.get(run.id)
        if file is None and run.termination_reason is TerminationReason.INFRASTRUCTURE_ERROR:
            file = next(reversed(self._by_unit.get(run.unit, [])), None)
        if file is None:
            return None
        recording = read_recorded_calls(file)
        self.damage += recording.damage
        return recording


def _unit(recording: RecordedCalls) -> tuple[str, int]:
    return recording.task_id, recording.trial


def _unit_and_time(recording: RecordedCalls) -> tuple[str, int, str]:
    return recording.task_id, recording.trial, recording.at


class _Hurried:
    """A clock that never waits: back-off was waited for when the run was recorded."""

    now = staticmethod(SYSTEM_CLOCK.now)
    wall = staticmethod(SYSTEM_CLOCK.wall)

    def sleep(self, _seconds: float) -> None:
        """Do not wait."""

    async def asleep(self, _seconds: float) -> None:
        """Let others go on, and do not wait."""
        await asyncio.sleep(0)


class _ReplayRunner(UnitRunner):
    """Plays attempts again: once each, but asks the judge as often as the recording says it was asked."""

    attempt_replay: AttemptReplay

    async def _grade(self, run: SimulationRun, orchestrator: Orchestrator) -> None:
        before = run.info
        await super()._grade(run, orchestrator)
        while (
            run.reward_info is None
            and self.attempt_replay.repeats
            and self.attempt_replay.divergence is None
        ):
            run.info = before
            await super()._grade(run, orchestrator)


def _ignore(_event: Event) -> None:
    """Listen to nothing."""


@contextmanager
def _only_recorded_calls(
    replay_of: Callable[[AttemptContext | None], AttemptReplay],
) -> Iterator[None]:
    """Have every model call of this context answered from the recording, without waiting."""
    token = clock.set(_Hurried())
    try:
        with use_middleware(ReplayMiddleware(replay_of).middleware):
            yield
    finally:
        clock.reset(token)


async def _replayed(
    results: Results,
    config: TextRunConfig,
    evaluation_type: EvaluationType,
    recordings: _Recordings,
    on_replayed: Callable[[], None],
) -> Replaying:
    runner, redactor = _ReplayRunner(config, evaluation_type, _ignore, slots=1), redactor_of(config)
    tasks = {task.id: task for task in results.tasks}
    entries = []
    try:
        with _only_recorded_calls(lambda _: runner.attempt_replay):
            for run in results.simulations:
                if run.task_id in tasks:
                    spec = UnitSpec(
                        tasks[run.task_id],
                        run.unit.trial,
                        run.seed if run.seed is not None else config.seed,
                    )
                    entries.append(await _again(run, spec, runner, recordings, redactor))
                on_replayed()
    finally:
        runner.close()
    return Replaying(entries, tuple(recordings.damage))


async def _again(
    run: SimulationRun,
    spec: UnitSpec,
    runner: _ReplayRunner,
    recordings: _Recordings,
    redactor: Redactor,
) -> Replayed:
    recording = recordings.of(run)
    timed_out = run.termination_reason is TerminationReason.TIMEOUT
    exchanges = recording.exchanges if recording is not None else ()
    runner.attempt_replay = AttemptReplay(
        exchanges, recordings.learnt, redactor=redactor, timed_out=timed_out
    )
    again = await runner.play(spec)
    divergence = runner.attempt_replay.divergence
    if recording is None and divergence is not None:
        divergence = Divergence(divergence.call, NOT_RECORDED, call_name=divergence.call_name)
    if divergence is None:
        divergence = _fewer(runner.attempt_replay) or _other_result(
            run, again, redactor, timed_out=timed_out
        )
    return Replayed(run.id, *run.unit, len(exchanges), divergence)


def _fewer(attempt_replay: AttemptReplay) -> Divergence | None:
    if not attempt_replay.left:
        return None
    first, count = attempt_replay.left[0], len(attempt_replay.left)
    more = f" (nor {count - 1} more)" if count > 1 else ""
    what = f"a recorded call was not made{more}"
    return Divergence(first.call, what, (f"recorded: {first.model}",), first.call_name)


def _other_result(
    recorded: SimulationRun, again: SimulationRun, redactor: Redactor, *, timed_out: bool
) -> Divergence | None:
    found = first_difference(
        _plain(recorded, redactor), _plain(again, redactor), cut_short=timed_out
    )
    return None if found is None else Divergence(0, found.what, found.details)


def _plain(run: SimulationRun, redactor: Redactor) -> Mapping[str, Any]:
    plain: Mapping[str, Any] = redactor.data(json.loads(run.model_dump_json()))
    return plain
