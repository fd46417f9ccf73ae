"""Replay of a stored run from its recording, without calling a model, to find where it differs.

Code, policy, tools and data are those of today; tasks, seeds, models and their arguments are the
stored ones. Everything in a simulation is compared, except ids, timestamps and durations, which are
new each time; time-outs are taken from the recording. What was redacted in the recording is
redacted on both sides before they are compared.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from tau2.data_model.simulation import SimulationRun, TerminationReason, TextRunConfig
from tau2.errors import ConfigError
from tau2.evaluator.evaluator import EvaluationType
from tau2.llm.clock import SYSTEM_CLOCK, clock
from tau2.llm.middleware import use_middleware
from tau2.llm.middleware.recorded_calls import RecordedCalls, read_header, read_recorded_calls
from tau2.llm.middleware.recording import RECORDING_NAME
from tau2.llm.middleware.replay import AttemptReplay, Divergence, RefusedParams, ReplayMiddleware
from tau2.llm.secrets import PRIVATE_ARGS, Redactor
from tau2.orchestrator.full_duplex_orchestrator import AnyOrchestrator
from tau2.runner.events import ignore_events
from tau2.runner.middleware import redactor_of
from tau2.runner.record_diff import first_difference
from tau2.runner.resolve import ResolvedRun, resolve
from tau2.runner.stored_config import load_config
from tau2.runner.tasks import UnitSpec
from tau2.runner.trial import UnitRunner
from tau2.storage.journal import Opened, read_journal
from tau2.storage.on_demand import results_on_demand
from tau2.storage.results import Results, companion, journal_file
from tau2.storage.stored_simulations import one_by_one
from tau2.utils.json_types import JsonMapping, JsonObject
from tau2.utils.model_json import model_json

_CONFIG_ONLY = (
    "auto_review",
    "review_mode",
    "review_model",
    "text_streaming_config",
)
"""Settings that only the configuration beside a run holds."""

NOT_RECORDED = "this simulation was not recorded"


@dataclass(frozen=True, slots=True)
class Replayed:
    """One simulation, replayed."""

    simulation_id: str
    task_id: str
    trial: int
    calls: int
    """Recorded model calls."""
    divergence: Divergence | None = None
    """None if it is the same."""

    @property
    def is_recorded(self) -> bool:
        """Whether there was a recording to replay it from."""
        return self.divergence is None or self.divergence.what != NOT_RECORDED


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """A run, replayed."""

    entries: list[Replayed] = field(default_factory=list)
    damage: tuple[str, ...] = ()
    """What in the recording is not as it was written."""

    @property
    def identical(self) -> list[Replayed]:
        """The simulations that are the same."""
        return [entry for entry in self.entries if entry.divergence is None]

    @property
    def diverged(self) -> list[Replayed]:
        """The simulations that differ from what is stored."""
        return [
            entry for entry in self.entries if entry.divergence is not None and entry.is_recorded
        ]

    @property
    def unrecorded(self) -> list[Replayed]:
        """The simulations whose model calls were not recorded."""
        return [entry for entry in self.entries if not entry.is_recorded]


def replay(path: Path, *, on_replayed: Callable[[], None] = lambda: None) -> ReplayReport:
    """Replay every stored simulation of a run; nothing is written and no model is called.

    Raises:
        ConfigError: a voice run.
        UnknownName: the run's domain, agent or user is not registered.
    """
    results = results_on_demand(path)
    config, evaluation_type = config_of(results, path)
    run = resolve(config)
    recordings = _Recordings(companion(path, RECORDING_NAME))
    return asyncio.run(_replay_all(results, run, evaluation_type, recordings, on_replayed))


def config_of(results: Results, path: Path) -> tuple[TextRunConfig, EvaluationType]:
    """Return how a stored run was played, as far as recorded: without keys, limits and retries."""
    info = results.info
    if info.audio_native_config is not None:
        raise ConfigError("only text runs can be replayed")
    settings = _settings(path)
    configured = _configured(path)
    agent, user = info.agent_info, info.user_info
    persona = user.persona_config
    fixed_persona = persona.model_dump(exclude_none=True) if persona is not None else None
    values: JsonObject = {
        "domain": info.environment_info.domain_name,
        "agent": agent.implementation,
        "llm_agent": agent.llm,
        "llm_args_agent": _without_places(agent.llm_args),
        "user": user.implementation,
        "llm_user": user.llm,
        "llm_args_user": _without_places(user.llm_args),
        "retrieval_config": info.retrieval_config,
        "retrieval_config_kwargs": _without_places(info.retrieval_config_kwargs),
        "llm_judge": info.judge,
        "llm_args_judge": _without_places(settings.get("llm_args_judge")),
        "user_persona": settings.get("user_persona") or fixed_persona,
        "user_prompt": user.prompt_form,
        # A run of a version without a monitor was played without one.
        "user_monitor": settings.get("user_monitor", "off"),
        **{name: configured[name] for name in _CONFIG_ONLY if name in configured},
        "review_args": _without_places(configured.get("review_args")),
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


def _without_places(args: Any) -> JsonObject | None:
    """Return a model's stored arguments without addresses, headers and files.

    They may be a stranger's, are no part of what was asked, and a replay calls nobody.
    """
    if not isinstance(args, Mapping):
        return None
    return {str(name): value for name, value in args.items() if name not in PRIVATE_ARGS}


def _configured(path: Path) -> JsonObject:
    """Return the configuration that lies beside a run; nothing where none does."""
    try:
        return load_config(path)
    except ConfigError:
        return {}


def _settings(path: Path) -> JsonObject:
    """Return what the journal recorded of the run's settings."""
    journal = read_journal(journal_file(path))
    records = journal.records if journal else []
    opened = [record for record in records if isinstance(record, Opened)]
    return opened[-1].settings if opened else {}


class _Recordings:
    """The recordings of a run, by simulation and by unit."""

    def __init__(self, folder: Path) -> None:
        self.damage: list[str] = []
        files = sorted(folder.glob("*.jsonl"))
        self._by_id = {file.stem: file for file in files}
        headers = sorted(map(read_header, files), key=lambda one: (one.task_id, one.trial, one.at))
        self._by_unit = {
            unit: [recording.path for recording in recordings]
            for unit, recordings in groupby(headers, key=lambda one: (one.task_id, one.trial))
        }
        self.learnt = RefusedParams.of(
            exchange for file in files for exchange in read_recorded_calls(file).exchanges
        )

    def of(self, run: SimulationRun) -> RecordedCalls | None:
        """Return the recording of a simulation; of a failed unit, that of the last attempt."""
        file = self._by_id.get(run.id)
        if file is None and run.termination_reason is TerminationReason.INFRASTRUCTURE_ERROR:
            file = next(reversed(self._by_unit.get(run.unit, [])), None)
        if file is None:
            return None
        recording = read_recorded_calls(file)
        self.damage += recording.damage
        return recording


class _NoWaiting:
    """A clock whose sleeps return at once: back-off was waited for when the run was recorded."""

    now = staticmethod(SYSTEM_CLOCK.now)
    wall = staticmethod(SYSTEM_CLOCK.wall)

    def sleep(self, _seconds: float) -> None:
        """Do not wait."""

    async def asleep(self, _seconds: float) -> None:
        """Let other tasks run, and do not wait."""
        await asyncio.sleep(0)


class _ReplayRunner(UnitRunner):
    """Plays one simulation again. The judge is asked as often as it was when recorded."""

    def __init__(
        self, run: ResolvedRun, evaluation_type: EvaluationType, calls: AttemptReplay
    ) -> None:
        super().__init__(run, evaluation_type, ignore_events)
        self._calls = calls

    async def _grade(self, run: SimulationRun, orchestrator: AnyOrchestrator) -> None:
        before = run.info
        await super()._grade(run, orchestrator)
        while run.reward_info is None and self._calls.repeats and self._calls.divergence is None:
            run.info = before
            await super()._grade(run, orchestrator)


@contextmanager
def _only_recorded(calls: AttemptReplay) -> Iterator[None]:
    """Have every model call of this context answered from the recording, without waiting."""
    token = clock.set(_NoWaiting())
    try:
        with use_middleware(ReplayMiddleware(lambda _: calls).middleware):
            yield
    finally:
        clock.reset(token)


async def _replay_all(
    results: Results,
    run: ResolvedRun,
    evaluation_type: EvaluationType,
    recordings: _Recordings,
    on_replayed: Callable[[], None],
) -> ReplayReport:
    redactor = redactor_of(run.config)
    tasks = {task.id: task for task in results.tasks}
    entries = []
    for recorded in one_by_one(results.simulations):
        if recorded.task_id in tasks:
            seed = recorded.seed if recorded.seed is not None else run.config.seed
            spec = UnitSpec(tasks[recorded.task_id], recorded.unit.trial, seed)
            recording = recordings.of(recorded)
            timed_out = recorded.termination_reason is TerminationReason.TIMEOUT
            calls = AttemptReplay(
                recording.exchanges if recording is not None else (),
                recordings.learnt,
                redactor=redactor,
                timed_out=timed_out,
            )
            again = await _play_again(spec, run, evaluation_type, calls)
            divergence = calls.divergence
            if recording is None and divergence is not None:
                divergence = replace(divergence, what=NOT_RECORDED, details=())
            if divergence is None:
                divergence = _missing_calls(calls) or _other_result(
                    recorded, again, redactor, timed_out=timed_out
                )
            count = len(recording.exchanges) if recording is not None else 0
            entries.append(Replayed(recorded.id, *recorded.unit, count, divergence))
        on_replayed()
    return ReplayReport(entries, tuple(recordings.damage))


async def _play_again(
    spec: UnitSpec, run: ResolvedRun, evaluation_type: EvaluationType, calls: AttemptReplay
) -> SimulationRun:
    runner = _ReplayRunner(run, evaluation_type, calls)
    try:
        with _only_recorded(calls):
            return await runner.play(spec)
    finally:
        runner.close()


def _missing_calls(calls: AttemptReplay) -> Divergence | None:
    if not calls.left:
        return None
    first = calls.left[0]
    others = len(calls.left) - 1
    what = f"a recorded call was not made{f' (nor {others} more)' if others else ''}"
    return Divergence(first.call, what, (f"recorded: {first.model}",), first.call_name)


def _other_result(
    recorded: SimulationRun, again: SimulationRun, redactor: Redactor, *, timed_out: bool
) -> Divergence | None:
    found = first_difference(
        _plain(recorded, redactor), _plain(again, redactor), cut_short=timed_out
    )
    return None if found is None else Divergence(0, found.what, found.details)


def _plain(run: SimulationRun, redactor: Redactor) -> JsonMapping:
    plain: JsonMapping = redactor.data(json.loads(model_json(run)))
    return plain
