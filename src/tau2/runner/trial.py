"""One unit: its episode is played and graded, and attempted again after an infrastructure failure.

The same code plays units in this process, in worker processes and on Ray.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from tau2.data_model.message import ToolMessage
from tau2.data_model.simulation import (
    SessionUsage,
    SimulationRun,
    TerminationReason,
    VoiceRunConfig,
)
from tau2.errors import (
    CallerCodeError,
    ConfigError,
    DataFileError,
    MissingExtra,
    ModelError,
    ModelRefused,
    NeverAnswered,
    ParticipantError,
    UnknownName,
    VoiceSessionFailed,
)
from tau2.evaluator.evaluator import EvaluationType
from tau2.llm.attempt_context import AttemptContext, use_attempt
from tau2.llm.completion_fn import call_async
from tau2.metrics.outcomes import BUG_PLACE, RAISED_AT, TOOL_BUGS, run_passed
from tau2.orchestrator.full_duplex_orchestrator import AnyOrchestrator
from tau2.orchestrator.tracing import RunTracer
from tau2.runner.build import make_call, make_episode, open_session
from tau2.runner.caller_code import place_of_bug
from tau2.runner.circuit_breaker import FAILED_MODEL
from tau2.runner.containment import Overdue, ParticipantThreads, contained
from tau2.runner.episode_log import EpisodeLogs, EpisodeSetup
from tau2.runner.events import SimulationRetried, Sink
from tau2.runner.middleware import redactor_of, without_known_secrets
from tau2.runner.recordings import keep_recording, taps_of
from tau2.runner.resolve import ResolvedRun, policy_rules
from tau2.runner.simulation import agrade_live, is_long
from tau2.runner.tasks import UnitSpec, slug
from tau2.runner.tracing import traced
from tau2.seeds import derive_seed
from tau2.utils.own_code import place_in_own_code
from tau2.utils.text import error_text, shortened
from tau2.utils.utils import get_now

logger = logging.getLogger(__name__)

PERMANENT_ERRORS = (
    ConfigError,
    DataFileError,
    MissingExtra,
    ModelRefused,
    NeverAnswered,
    ParticipantError,
    UnknownName,
    TypeError,
    AttributeError,
    NameError,
    ImportError,
    NotImplementedError,
    SystemExit,
    KeyboardInterrupt,
    GeneratorExit,
)
"""Wrong settings and wrong code: a second attempt would fail in the same way."""

_MOST_FRAMES = 100
_LONGEST_BUG = 300  # characters of an error of a tool
_MOST_TOOL_BUGS = 5  # of one episode
_MANY_MESSAGES = 100  # the verdict on a failure with more is made in a thread

_REPLAYED = "the simulated user failed; the call is played again"

TIMEOUT_GRACE = 30.0
"""Seconds after its time limit for which an episode is waited for, before it is abandoned."""


class UnitRunner:
    """Plays units of one run on the running event loop.

    Participants with blocking methods share a pool of threads.
    """

    def __init__(
        self,
        run: ResolvedRun,
        evaluation_type: EvaluationType,
        sink: Sink,
        *,
        logs: EpisodeLogs | None = None,
        tracers: Sequence[RunTracer] = (),
        stand_in: Callable[..., Any] | None = None,
        saved: Path | None = None,
    ) -> None:
        """Play units of a run.

        `stand_in` is what a client put in the place of `run_single_task`; recordings of calls are
        kept beside the run that is saved at `saved`.
        """
        self.run = run
        self.config = run.config
        self.evaluation_type = evaluation_type
        self.sink = sink
        self.redactor = redactor_of(run.config)
        self.logs = logs or EpisodeLogs(None)
        self.tracers = tracers
        self.stand_in = stand_in
        self.saved = saved
        self.threads = ParticipantThreads()

    def close(self) -> None:
        """Release the threads, without waiting for one that blocks, and close the tracers."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        for tracer in self.tracers:
            tracer.close()

    async def play(self, spec: UnitSpec) -> SimulationRun:
        """Play one unit. Whatever goes wrong is in its record.

        An infrastructure failure is attempted again, and recorded after the last attempt.
        """
        replays = 0
        for attempt in count(1):
            outcome = await contained(self._attempt(_replay_of(spec, replays)))
            if not isinstance(outcome, BaseException):
                if replays < self._most_replays and user_failed(outcome):
                    replays += 1
                    self.sink(SimulationRetried(*spec.unit, attempt, _REPLAYED))
                    continue
                outcome.hallucination_retries_used = replays
                _note_tool_bugs(outcome)
                return outcome
            text = error_text(outcome)
            where = "%s trial %s, attempt %s: %s"
            logger.info(where, *spec.unit, attempt, text, exc_info=outcome)
            place = place_of_bug(outcome)
            if place is not None:
                return self._failed(run_with_bug(spec, outcome, place))
            if self._is_final(outcome, attempt):
                return self._failed(failed_run(spec, outcome, attempt))
            self.sink(SimulationRetried(*spec.unit, attempt, self.redactor.text(text)))
            await asyncio.sleep(self.config.retry_delay)
        raise AssertionError("count never ends")

    def _failed(self, run: SimulationRun) -> SimulationRun:
        """Return the record of a failure without secrets.

        It says of a participant that needs no model that it has called none.
        """
        is_call = isinstance(self.config, VoiceRunConfig)  # its agent is a speech model
        if self.run.agent_model is None and not is_call:
            run.agent_cost = 0.0
            run.agent_usage = SessionUsage()
        if self.run.user_model is None:
            run.user_cost = 0.0
            run.user_usage = SessionUsage()
        return self._redacted(run)

    @property
    def _most_replays(self) -> int:
        """How often a call is replayed whose user made something up."""
        return self.config.hallucination_retries if self.config.is_voice else 0

    def _is_final(self, problem: BaseException, attempt: int) -> bool:
        is_refused = isinstance(problem, VoiceSessionFailed) and not problem.is_retryable
        is_permanent = is_refused or isinstance(problem, PERMANENT_ERRORS)
        return is_permanent or attempt > self.config.max_retries

    async def _attempt(self, spec: UnitSpec) -> SimulationRun:
        if self.stand_in is not None:
            return await self._stood_in(self.stand_in, spec)
        opened = open_session(self.run, spec.task, trial=spec.trial, seed=spec.seed)
        async with opened as session:
            return await self._attempt_in(spec, session)

    async def _attempt_in(self, spec: UnitSpec, session: object | None) -> SimulationRun:
        # Tracing and the attempt's context stay open for grading and review, which call models too;
        # the episode's log ends with the conversation.
        with ExitStack() as stack:
            with self.logs.episode(self._episode_setup(spec, session)) as orchestrator:
                attempt = AttemptContext(*spec.unit, spec.seed, orchestrator.simulation_id)
                stack.enter_context(use_attempt(attempt))
                ended = stack.enter_context(
                    traced(self.tracers, orchestrator, self.config, spec.trial)
                )
                run = await self._played(orchestrator)
                if self.saved is not None and self.config.is_voice:
                    await asyncio.to_thread(keep_recording, run, self.saved)
            run.policy = orchestrator.environment.get_policy()
            run.trial = spec.trial
            run.seed = spec.seed
            await self._grade(run, orchestrator)
            run = await self._blamed(run, orchestrator)
            if self.config.auto_review:
                from tau2.runner.reviews import (  # noqa: PLC0415  -- only such runs load it
                    review_played,
                )

                await review_played(run, spec.task, self.run)
            run = (
                await asyncio.to_thread(self._redacted, run)
                if is_long(run)
                else self._redacted(run)
            )
            ended(run)
        return run

    async def _stood_in(self, stand_in: Callable[..., Any], spec: UnitSpec) -> SimulationRun:
        """Have a client's own function, plain or asynchronous, play a unit and grade it."""
        options = {"seed": spec.seed, "evaluation_type": self.evaluation_type}
        run: SimulationRun = await call_async(partial(stand_in, self.config, spec.task), options)
        run.trial = spec.trial
        return self._redacted(run)

    async def _played(self, orchestrator: AnyOrchestrator) -> SimulationRun:
        """Play an episode. One that goes on long after its time limit is abandoned."""
        if self.config.timeout is None:
            return await orchestrator.arun(self.threads)
        seconds = self.config.timeout + TIMEOUT_GRACE
        outcome = await contained(orchestrator.arun(self.threads), seconds)
        if isinstance(outcome, Overdue):
            raise ParticipantError(
                f"the episode went on for {TIMEOUT_GRACE:g} seconds after its time limit: "
                "a participant swallows its cancellation"
            )
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _redacted(self, run: SimulationRun) -> SimulationRun:
        """Take secrets out of a record: foreign code may put anything into errors and messages."""
        if run.info:
            run.info = self.redactor.data(run.info)
        return without_known_secrets(run, self.redactor)

    def _episode_setup(self, spec: UnitSpec, session: object | None) -> EpisodeSetup:
        def build(simulation_id: str) -> AnyOrchestrator:
            run, task, seed = self.run, spec.task, spec.seed
            if not isinstance(self.config, VoiceRunConfig):
                return make_episode(
                    run, task, seed=seed, simulation_id=simulation_id, session=session
                )
            taps = taps_of(self.config, self.saved, task.id, simulation_id)
            return make_call(run, task, seed=seed, simulation_id=simulation_id, taps=taps)

        return EpisodeSetup(spec, new_id(spec), build)

    async def _grade(self, run: SimulationRun, orchestrator: AnyOrchestrator) -> None:
        """Grade a finished conversation.

        A judge that fails is asked again, without playing it again.
        """
        for attempt in count(1):
            try:
                run.reward_info = await agrade_live(
                    run, orchestrator, self.evaluation_type, self.run.judge
                )
                return
            except ModelError as problem:
                logger.info("grading %s, attempt %s: %s", run.id, attempt, problem, exc_info=True)
                if self._is_final(problem, attempt):
                    failure = {
                        "error": f"not graded: {problem}",
                        "error_type": type(problem).__name__,
                        FAILED_MODEL: problem.model,
                    }
                    run.info = {**(run.info or {}), **failure}
                    return
                self.sink(SimulationRetried(*run.unit, attempt, f"grading: {problem}"))
                await asyncio.sleep(self.config.retry_delay)

    async def _blamed(self, run: SimulationRun, orchestrator: AnyOrchestrator) -> SimulationRun:
        """Return a simulation with the verdict on its failure; a long one off the event loop."""
        if run_passed(run):
            return run
        from tau2.blame import with_blame  # noqa: PLC0415  -- only failures load it

        setup = orchestrator.task_setup
        rules = policy_rules(self.config.domain)
        if is_long(run) or len(run.get_messages()) > _MANY_MESSAGES:
            return await asyncio.to_thread(with_blame, run, setup, rules)
        return with_blame(run, setup, rules)


def _replay_of(spec: UnitSpec, replays: int) -> UnitSpec:
    """Return a unit with the seed of its n-th replay; the 0th is the unit itself."""
    if not replays:
        return spec
    return spec._replace(seed=derive_seed(spec.seed, "replay", replays))


def user_failed(run: SimulationRun) -> bool:
    """Return whether the monitor found that the simulated user of a simulation failed."""
    found = (run.info or {}).get("user_monitor")
    findings = found.get("findings", []) if isinstance(found, dict) else []
    return any(finding.get("is_decisive") for finding in findings)


def _note_tool_bugs(run: SimulationRun) -> None:
    """Write into the record which tools raised what only wrong code raises, and where."""
    messages = run.get_messages()
    results = [message for message in messages if isinstance(message, ToolMessage)]
    places = [result for result in results if RAISED_AT in (result.metadata or {})]
    if not places:
        return
    names = {call.id: call.name for message in messages for call in message.calls}
    bugs = {
        f"{names.get(m.id, 'a tool')}: {_on_one_line(m.content)}, "
        f"raised at {(m.metadata or {})[RAISED_AT]}"
        for m in places
    }
    run.info = {**(run.info or {}), TOOL_BUGS: "\n".join(sorted(bugs)[:_MOST_TOOL_BUGS])}


def _on_one_line(content: str | None) -> str:
    return shortened(" ".join((content or "").removeprefix("Error: ").split()), _LONGEST_BUG)


def new_id(spec: UnitSpec) -> str:
    """Return a name for a simulation that can be a file name."""
    return f"{slug(spec.task.id)[:80]}-t{spec.trial}-{uuid.uuid4().hex[:12]}"


def failed_run(spec: UnitSpec, problem: BaseException, attempts: int) -> SimulationRun:
    """Return the record of a unit that ended with an infrastructure failure: no reward, and why."""
    now = get_now()
    model = getattr(problem, "model", None)
    place = place_in_own_code(problem)
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
            "error": error_text(problem),
            "error_type": type(problem).__name__,
            "error_traceback": _traceback_of(problem),
            "failed_after_attempts": attempts,
            **({FAILED_MODEL: model} if model is not None else {}),
            **({RAISED_AT: place} if place is not None else {}),
        },
    )


def run_with_bug(spec: UnitSpec, problem: BaseException, place: str) -> SimulationRun:
    """Return the record of a unit that a bug in the caller's code ended: no reward, and where."""
    run = failed_run(spec, problem, 1)
    run.termination_reason = TerminationReason.UNEXPECTED_ERROR
    run.info = {**(run.info or {}), BUG_PLACE: place}
    return run


def bug_in(run: SimulationRun) -> CallerCodeError | None:
    """Return the error for a record of `run_with_bug`; None for any other record."""
    info = run.info or {}
    if BUG_PLACE not in info:
        return None
    return CallerCodeError(
        f"{info['error_type']}: {info['error']}\n  at {info[BUG_PLACE]}\n"
        f"raised while task {run.task_id!r} was played; this is a bug in your code, not a failure "
        "of an endpoint, so the run was stopped. With --keep-going (keep_going=True) such episodes "
        "are recorded without a score"
    )


def _traceback_of(problem: BaseException) -> str:
    """Return the frames of an exception, without its own text; the innermost ones of many."""
    frames = traceback.extract_tb(problem.__traceback__)[-_MOST_FRAMES:]
    return "".join(traceback.format_list(frames))
