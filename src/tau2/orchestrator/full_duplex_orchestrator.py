"""Drivers of one call: `run()`, `await arun()`, or `step()` tick by tick."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, TypeAlias

from pydantic import BaseModel

from tau2.data_model.message import AssistantMessage, Message, Tick, ToolMessage, UserMessage
from tau2.data_model.simulation import SessionUsage, SimulationRun
from tau2.data_model.tasks import Task
from tau2.data_model.utterances import as_conversation
from tau2.environment.environment import Environment
from tau2.environment.task_setup import set_initial_state
from tau2.errors import ConfigError, DeadlineExceeded
from tau2.llm.deadline import deadline_in
from tau2.orchestrator.driver import EpisodeDriver
from tau2.orchestrator.episode import Limits, Role
from tau2.orchestrator.full_duplex import (
    CallFlow,
    CallProgress,
    CallRules,
    ChunkAnswer,
    ChunkAsk,
    full_duplex_call,
)
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.orchestrator.participants import check_methods, seed_participants, stop_participant
from tau2.orchestrator.record import EPISODE_FAILURES, cost_of, failure_of, usage_of
from tau2.orchestrator.tracing import traced_call
from tau2.orchestrator.user_watch import UserWatch
from tau2.participant.drive import in_thread
from tau2.participant.full_duplex import FullDuplexProtocol
from tau2.participant.monitoring import MonitorSetup
from tau2.utils.json_types import JsonObject
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.clock import Clock, VirtualClock
from tau2.voice.usage import SessionUsage as VoiceUsage
from tau2.voice.usage import UsageRecord

VOICE = "voice"
"""The entry of `SimulationRun.info` about a call."""

_NEEDED = ("get_next_chunk", "get_init_state", "is_stop")
"""The methods of a participant without which there is no call."""
_MS_PER_SECOND = 1000
_TICKS_AT_ONCE = 20  # played on an event loop before others have their turn


class FullDuplexOrchestrator(EpisodeDriver):
    """One call between an agent, a user and an environment.

    Args:
        domain: A label for the record.
        agent, user: Participants; each has `get_next_chunk(state, participant_chunk,
            tool_results)`, see `FullDuplexParticipant`.
        environment: A fresh environment; the call changes it.
        task: What is simulated; it must not begin in the middle of a conversation.
        max_steps: Ticks after which the call is stopped.
        max_errors: Failed tool calls of one participant after which it is stopped.
        seed: Given to both participants.
        simulation_id: Id of the record; default: random.
        tick_duration_seconds: Length of a tick.
        timeout: Wall-clock seconds; also bounds a model call in progress.
        environment_factory: Makes fresh environments for grading; default: a fork taken before the
            call starts.
        clock: How time passes; default: as fast as the machine allows.
        now: Clock of the record's own time stamps; default: local time.
        user_monitor: How what the user said is judged when the call is over; default: not at all.

    Raises:
        ConfigError: a participant lacks a method, or the task has a message history.
    """

    mode = "full_duplex"
    _progress: CallProgress

    def __init__(
        self,
        domain: str,
        agent: FullDuplexProtocol,
        user: FullDuplexProtocol,
        environment: Environment,
        task: Task,
        max_steps: int = 100,
        max_errors: int = 10,
        seed: int | None = None,
        simulation_id: str | None = None,
        tick_duration_seconds: float = 0.2,
        timeout: float | None = None,
        *,
        environment_factory: Callable[[], Environment] | None = None,
        clock: Clock | None = None,
        now: Callable[[], str] | None = None,
        user_monitor: MonitorSetup | None = None,
    ) -> None:
        check_methods("agent", agent, _NEEDED)
        check_methods("user", user, _NEEDED)
        if task.history:
            raise ConfigError(
                f"task {task.id!r} begins in the middle of a conversation, which a call cannot"
            )
        super().__init__(
            domain,
            environment,
            task,
            Limits(max_steps=max_steps, max_errors=max_errors, timeout=timeout),
            seed=seed,
            simulation_id=simulation_id,
            environment_factory=environment_factory,
            now=now,
            user_monitor=user_monitor,
        )
        self.agent = agent
        self.user = user
        self.tick_duration_seconds = tick_duration_seconds
        self.clock = clock or VirtualClock()
        self.on_tick: Callable[[Tick], None] | None = None
        """Called after every tick."""
        self.on_close: Callable[[], None] | None = None
        """Called when the call is over or abandoned."""
        self._progress = CallProgress()
        self._flow: CallFlow | None = None
        self._pending: ChunkAsk | None = None
        self._is_abandoned = False

    # Names under which downstream code reads the progress of a call.
    step_count = property(lambda self: len(self._progress.ticks))
    ticks = property(lambda self: self._progress.ticks)
    solo_mode = False

    @property
    def pending(self) -> ChunkAsk | None:
        """What the call needs next; None before it starts and after it ends."""
        return self._pending

    @property
    def simulated_seconds(self) -> float:
        """How long the call has lasted so far, in its own time."""
        return len(self._progress.ticks) * self.tick_duration_seconds

    def initialize(self) -> None:
        """Bring environment and participants to the start; then the first ask is `pending`."""
        self._began = time.perf_counter()
        self._start_time = self._stamp()
        set_initial_state(self.environment, self.task, [])
        seed_participants(self.seed, self.agent, self.user)
        self._progress = CallProgress()
        try:
            self.agent_state = self.agent.get_init_state()
            self.user_state = self.user.get_init_state()
        except BaseException:
            # No call begins that `close` would end, and one side may have opened a session.
            stop_participant("agent", self.agent, None, None)
            stop_participant("user", self.user, None, None)
            raise
        self.clock.start()
        # A local variable: a closure over `self` would keep an abandoned orchestrator alive.
        began = self._began
        rules = CallRules(
            agent_stops=self.agent.is_stop,
            user_stops=self.user.is_stop,
            limits=self.limits,
            tick_seconds=self.tick_duration_seconds,
            bytes_per_tick=TELEPHONE.bytes_of(self.tick_duration_seconds * _MS_PER_SECOND),
            stamp=self.clock.stamp,
            elapsed=lambda: time.perf_counter() - began,
        )
        self._flow = full_duplex_call(self._progress, rules)
        self._pending = next(self._flow)

    def answer(self, reply_to_pending: ChunkAnswer) -> None:
        """Answer the pending ask and advance to the next.

        Raise RuntimeError when nothing is pending.
        """
        if self._flow is None or self._pending is None:
            raise RuntimeError("nothing is pending: initialize() first, and stop when `done`")
        before = self._pending.tick
        try:
            self._pending = self._flow.send(reply_to_pending)
        except StopIteration:
            self._pending = None
        if self.on_tick is not None and (self._pending is None or self._pending.tick > before):
            self.on_tick(self._progress.ticks[before])

    def step(self) -> None:
        """Play one tick. Does nothing after the end."""
        if self._flow is None:
            self.initialize()
        if self._pending is None:
            return
        number = self._pending.tick
        with deadline_in(self._remaining()):
            while self._pending is not None and self._pending.tick == number:
                self.answer(self._answer_of(self._pending))

    def _answer_of(self, ask: ChunkAsk) -> ChunkAnswer:
        if ask.to is Role.ENV:
            try:
                return self._tool_results(ask)
            except DeadlineExceeded as problem:  # in a tool that asked a model
                return failure_of(ask.to, problem)
        try:
            if ask.to is Role.AGENT:
                chunk, self.agent_state = self.agent.get_next_chunk(
                    self.agent_state, ask.heard, ask.results
                )
            else:
                chunk, self.user_state = self.user.get_next_chunk(
                    self.user_state, ask.heard, ask.results
                )
        except EPISODE_FAILURES as problem:
            return failure_of(ask.to, problem)
        answer: ChunkAnswer = chunk
        return answer

    def _tool_results(self, ask: ChunkAsk) -> list[ToolMessage]:
        execute = self.environment.get_response
        results = [traced_call(self.tracer, call, execute) for call in ask.calls]
        self.environment.sync_tools()
        return results

    def run(self) -> SimulationRun:
        """Play to the end on this thread and return the record (not graded)."""
        try:
            if self._flow is None:
                self.initialize()
            while self._pending is not None and not self._is_abandoned:
                self.step()
                wait = self.clock.seconds_until(self.simulated_seconds)
                if wait and self._pending is not None:
                    time.sleep(wait)
            return self.finalize()
        finally:
            self.close()

    async def arun(self, executor: Executor | None = None) -> SimulationRun:
        """Play to the end and return the record (not graded), without blocking the event loop.

        `executor` runs participants that may block; default: the loop's own.
        """
        if any(getattr(side, "blocking", True) for side in (self.agent, self.user)):
            try:
                run: SimulationRun = await in_thread(self.run, type(self).__name__, executor)
            except asyncio.CancelledError:
                self._is_abandoned = True  # the thread ends with the tick that it plays
                raise
            return run
        try:
            if self._flow is None:
                self.initialize()
            while self._pending is not None:
                self.step()
                wait = self.clock.seconds_until(self.simulated_seconds)
                if wait or not self.step_count % _TICKS_AT_ONCE:
                    await asyncio.sleep(wait)
            return self.finalize()
        finally:
            self.close()

    def close(self) -> None:
        """Abandon the call, at whatever tick it is, and let both participants clean up."""
        if self._flow is None:
            return
        self._flow.close()
        self._pending = None
        last = self._progress.ticks[-1] if self._progress.ticks else None
        stop_participant("agent", self.agent, last.user_chunk if last else None, self.agent_state)
        stop_participant("user", self.user, last.agent_chunk if last else None, self.user_state)
        if self.on_close is not None:
            self.on_close()
        self._flow = None

    def get_trajectory(self) -> list[Message]:
        """Return the call so far as text messages, in order."""
        return as_conversation(self._progress.ticks)

    get_messages = get_trajectory

    def finalize(self) -> SimulationRun:
        """Return the record of a finished call; its ticks still hold their audio."""
        progress = self._progress
        if progress.termination_reason is None:
            raise RuntimeError("the call is not over: it has no termination reason yet")
        agent_chunks = _paid([tick.agent_chunk for tick in progress.ticks if tick.agent_chunk])
        user_chunks = _paid([tick.user_chunk for tick in progress.ticks if tick.user_chunk])
        messages = as_conversation(progress.ticks)
        reports = self._usage_reports()
        session = VoiceUsage.of(reports) if reports else None
        return SimulationRun(
            **self._identity(),
            agent_cost=cost_of(agent_chunks) if session is None else session.cost,
            user_cost=cost_of(user_chunks),
            agent_usage=usage_of(agent_chunks) if session is None else _counts_of(reports),
            user_usage=usage_of(user_chunks),
            messages=messages,
            ticks=progress.ticks,
            speech_environment=_dumped(getattr(self.user, "speech_environment", None)),
            effect_timeline=self._effect_timeline(),
            info={VOICE: self._about_call(session), **self._remarks(self._monitored(messages))},
        )

    def _usage_reports(self) -> list[UsageRecord]:
        """Return what the agent used of its provider; nothing if it does not say."""
        reports: Sequence[object] = getattr(self.agent, "get_usage_records", list)()
        return [report for report in reports if isinstance(report, UsageRecord)]

    def _effect_timeline(self) -> JsonObject | None:
        timeline = getattr(self.user, "effect_timeline", None)
        return _dumped(timeline(self.user_state)) if timeline is not None else None

    def _monitored(self, messages: Sequence[Message]) -> JsonObject | None:
        """Return what the user's monitor finds; None for nothing, and without a monitor."""
        return UserWatch(self.user_monitor).record(messages) if self.user_monitor else None

    def _about_call(self, usage: VoiceUsage | None) -> JsonObject:
        """Return what `info` of the record says under `VOICE`."""
        return {
            "clock": "virtual" if self.clock.is_virtual else "wall",
            "simulated_seconds": round(self.simulated_seconds, 3),
            "usage": _dumped(usage),
        }


AnyOrchestrator: TypeAlias = Orchestrator | FullDuplexOrchestrator
"""What plays one simulation to its end, in text or by voice."""


def _paid(
    chunks: Sequence[AssistantMessage] | Sequence[UserMessage],
) -> list[AssistantMessage | UserMessage]:
    """Return the chunks for which a model was called; the others cost nothing."""
    return [chunk for chunk in chunks if chunk.usage or chunk.cost is not None]


def _dumped(model: Any) -> JsonObject | None:
    """Return a record as JSON data; None for what is none."""
    if not isinstance(model, BaseModel):
        return None
    return model.model_dump(mode="json", exclude_none=True)


def _counts_of(reports: Sequence[UsageRecord]) -> SessionUsage:
    """Return the tokens and model calls of a provider as those of a text agent are stored."""
    of_models = [report for report in reports if report.component in {"llm", "realtime"}]
    total = VoiceUsage.of(of_models).records
    return SessionUsage(
        prompt_tokens=sum(record.input_tokens or 0 for record in total),
        completion_tokens=sum(record.output_tokens or 0 for record in total),
        model_calls=len(of_models),
    )
