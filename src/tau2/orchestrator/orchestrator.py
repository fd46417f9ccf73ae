"""Drivers of one half-duplex episode: `run()`, `await arun()`, or `step()` by step."""

from __future__ import annotations

import copy
import logging
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from tau2.config import DEFAULT_FIRST_AGENT_MESSAGE_TEXT
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.world import World, set_initial_state
from tau2.errors import ConfigError
from tau2.llm.deadline import deadline
from tau2.orchestrator.episode import Answer, Ask, Log, Role, Rules, episode, next_after, seen_by
from tau2.orchestrator.limits import Limits
from tau2.orchestrator.outcome import EPISODE_FAILURES, cost_of, failure_of, usage_of
from tau2.orchestrator.snapshot import Moment, copied_states
from tau2.orchestrator.tracing import Observer, carried_out, turn_of
from tau2.orchestrator.wiring import check_participant, seed_participants, taken_before_play
from tau2.participant.drive import areply, reply

logger = logging.getLogger(__name__)

DEFAULT_FIRST_AGENT_MESSAGE = AssistantMessage(content=DEFAULT_FIRST_AGENT_MESSAGE_TEXT, cost=0.0)


def greeting() -> AssistantMessage:
    """Return the agent's first message, newly made."""
    return AssistantMessage(content=DEFAULT_FIRST_AGENT_MESSAGE_TEXT, cost=0.0)


class Orchestrator:
    """One episode between an agent, a user and an environment.

    Args:
        domain: A label for the record.
        agent, user: Participants; each has `generate_next_message(message, state)` or its asynchronous twin.
        environment: A fresh environment; the episode plays on it.
        task: What is played.
        max_steps: Hops (messages and tool executions) before the episode is stopped.
        max_errors: Failed tool calls before it is stopped.
        seed: Handed to both participants.
        solo_mode: There is no user; the environment must be in solo mode.
        simulation_id: Id of the record; default: random.
        validate_communication: Fail a participant that sends text together with tool calls.
        timeout: Wall-clock seconds; bounds a model call under way too.
        environment_factory: Makes fresh environments for grading; default: a fork taken before the episode starts.
        now: Clock of the record's timestamps; default: local time.

    Raises:
        ValueError: a participant cannot take turns, or solo mode does not fit the environment.
    """

    mode = "half_duplex"

    def __init__(
        self,
        domain: str,
        agent: Any,
        user: Any,
        environment: Environment,
        task: Task,
        max_steps: int = 100,
        max_errors: int = 10,
        seed: int | None = None,
        solo_mode: bool = False,
        simulation_id: str | None = None,
        validate_communication: bool = False,
        timeout: float | None = None,
        *,
        environment_factory: Callable[[], Environment] | None = None,
        now: Callable[[], str] | None = None,
    ) -> None:
        check_participant("agent", agent)
        check_participant("user", user)
        if solo_mode and not environment.solo_mode:
            raise ConfigError(
                "solo mode needs an environment in solo mode: get_environment(solo_mode=True)"
            )
        self.domain, self.agent, self.user, self.environment, self.task = (
            domain,
            agent,
            user,
            environment,
            task,
        )
        self.limits = Limits(max_steps=max_steps, max_errors=max_errors, timeout=timeout)
        self.seed, self.solo_mode = seed, solo_mode
        self.simulation_id = simulation_id or str(uuid.uuid4())
        self.validate_communication = validate_communication
        self.agent_state: Any = None
        self.user_state: Any = None
        self.world = World(task, environment_factory or taken_before_play(environment, task))
        self.observer: Observer | None = None
        self.recorder: Callable[[Log], None] | None = None
        self._now = now
        self._log = Log()
        self._recorded = 0  # messages of the task's own history
        self._flow: Generator[Ask, Answer, Log] | None = None
        self._pending: Ask | None = None
        self._began = 0.0
        self._start_time = self._stamp()

    # Names under which downstream code reads the progress of an episode.
    step_count = property(lambda self: self._log.steps)
    num_errors = property(lambda self: self._log.errors)
    done = property(lambda self: self._log.done)
    termination_reason = property(lambda self: self._log.termination_reason)
    trajectory = property(lambda self: self._log.trajectory)
    from_role = property(lambda self: self._log.from_role)
    to_role = property(lambda self: self._log.to_role)
    message = property(lambda self: self._log.message)
    max_steps = property(lambda self: self.limits.max_steps)
    max_errors = property(lambda self: self.limits.max_errors)
    timeout = property(lambda self: self.limits.timeout)
    start_time = property(lambda self: self._start_time)
    elapsed = property(lambda self: time.perf_counter() - self._began)

    @property
    def pending(self) -> Ask | None:
        """What the episode waits for; None before it starts and after it ends."""
        return self._pending

    def _stamp(self) -> str:
        return self._now() if self._now is not None else datetime.now().isoformat()  # noqa: DTZ005  -- public format

    def initialize(self) -> None:
        """Bring the world and the participants to the start; the first `pending` ask is there afterwards."""
        self._began, self._start_time = time.perf_counter(), self._stamp()
        history = self._history()
        self._recorded = len(history)
        set_initial_state(self.environment, self.task, history)
        seed_participants(self.seed, self.agent, self.user)
        first, unheard = self._first_ask(history)
        known = history[: len(history) - unheard]
        self.agent_state = self.agent.get_init_state(
            message_history=self._known(Role.AGENT, first, history, known)
        )
        self.user_state = self.user.get_init_state(
            message_history=self._known(Role.USER, first, history, known)
        )
        self._log = Log(trajectory=list(history))
        self._end_if_stopped(history)
        self._go_on(first)

    def _go_on(self, first: Ask) -> None:
        """Start the generator on the log, from `first` on."""
        began = (
            self._began
        )  # a local: a rule that held the orchestrator would keep an abandoned one alive
        rules = Rules(
            agent_stops=self.agent.is_stop,
            user_stops=self.user.is_stop,
            limits=self.limits,
            solo=self.solo_mode,
            validate_communication=self.validate_communication,
            elapsed=lambda: time.perf_counter() - began,
        )
        self._flow = episode(self._log, first, rules)
        self._pending = next(self._flow, None)

    def moment(self) -> Moment:
        """Return where the episode stands, as data that later turns do not change.

        Raise RuntimeError when nothing is pending.
        """
        if self._pending is None:
            raise RuntimeError(
                "nothing is pending: an episode can be taken up again between its start and its end"
            )
        log = self._log
        agent_state, user_state = copied_states(
            log.trajectory, log.trajectory, self.agent_state, self.user_state
        )
        standing = (agent_state, user_state, self.elapsed, self._start_time)
        return Moment(tuple(log.trajectory), log.steps, log.errors, *standing)

    def resume(self, moment: Moment) -> None:
        """Go on from a moment of an episode of the same task: the world is replayed on this, fresh environment.

        Raise ReplayMismatch when the recorded calls do not replay.
        """
        set_initial_state(self.environment, self.task, moment.messages)
        self._recorded = len(self.world.history)
        seed_participants(self.seed, self.agent, self.user)
        self._enter(moment)

    def fork(self) -> Orchestrator:
        """Return an independent episode that stands where this one stands; the participants serve both.

        Raise RuntimeError when nothing is pending.
        """
        moment = self.moment()
        twin = copy.copy(self)
        twin.environment, twin.simulation_id, twin.recorder = (
            self.environment.fork(),
            str(uuid.uuid4()),
            None,
        )
        twin._enter(moment)  # noqa: SLF001  -- one of its own kind
        return twin

    def _enter(self, moment: Moment) -> None:
        self._log, ask, self.agent_state, self.user_state = moment.entered()
        self._began, self._start_time = time.perf_counter() - moment.elapsed, moment.start_time
        self._go_on(ask)

    @staticmethod
    def _known(
        role: Role, first: Ask, history: list[Message], known: list[Message]
    ) -> list[Message]:
        """Return what a participant remembers: all it saw, less what it is about to be told."""
        return seen_by(role, known if first.to is role else history)

    def _first_ask(self, history: list[Message]) -> tuple[Ask, int]:
        if history:
            return next_after(history)
        if self.solo_mode:
            return Ask(Role.AGENT, None), 0
        opening = greeting()
        opening.timestamp = self._stamp()
        history.append(opening)
        return Ask(Role.USER, opening), 1

    def _end_if_stopped(self, history: list[Message]) -> None:
        last = history[-1] if history else None
        if isinstance(last, UserMessage) and self.user.is_stop(last):
            self._log.end(TerminationReason.USER_STOP)
        elif isinstance(last, AssistantMessage) and self.agent.is_stop(last):
            self._log.end(TerminationReason.AGENT_STOP)

    def _history(self) -> list[Message]:
        """Return a copy of the task's history, as if it had happened just now, a second apart."""
        now = datetime.fromisoformat(self._stamp())
        history = [message.model_copy(deep=True) for message in self.task.history]
        for number, message in enumerate(history):
            if not isinstance(message, MultiToolMessage):
                message.turn_idx = None
                message.timestamp = (now - timedelta(seconds=len(history) - number)).isoformat()
        return history

    def answer(self, reply_to_pending: Answer) -> None:
        """Give the pending ask its answer and go on to the next. Raise RuntimeError when nothing is pending."""
        if self._flow is None or self._pending is None:
            raise RuntimeError("nothing is pending: initialize() first, and stop when `done`")
        if self._now is not None:
            self._restamp(reply_to_pending)
        try:
            self._pending = self._flow.send(reply_to_pending)
        except StopIteration:
            self._pending = None
        if self.recorder is not None:
            self.recorder(self._log)

    def _restamp(self, answer: Answer) -> None:
        for message in answer if isinstance(answer, list | tuple) else (answer,):
            if isinstance(message, AssistantMessage | UserMessage | ToolMessage):
                message.timestamp = self._stamp()

    def tool_results(self, ask: Ask) -> list[ToolMessage]:
        """Carry out the tool calls of an ask, in order."""
        results = [
            carried_out(self.observer, call, self.environment.get_response) for call in ask.calls
        ]
        if (
            not results
            or results[-1].error
            or type(self.environment).get_response is not Environment.get_response
        ):
            self.environment.sync_tools()  # a call that worked has done so already
        return results

    def step(self) -> None:
        """Make one hop: have the pending ask answered by whoever it is for. Does nothing once done."""
        if self._flow is None:
            self.initialize()
        elif self._pending is not None:
            with self._deadline():
                self._make_turn(self._pending)

    async def astep(self, executor: Executor | None = None) -> None:
        """Do what `step` does on the running event loop; `executor` runs participants that may block."""
        if self._flow is None:
            self.initialize()
        elif self._pending is not None:
            with self._deadline():
                await self._amake_turn(self._pending, executor)

    def _make_turn(self, ask: Ask) -> None:
        with turn_of(self.observer, ask) as tell:
            answer = self._answered(ask)
            tell(answer)
        self.answer(answer)

    async def _amake_turn(self, ask: Ask, executor: Executor | None) -> None:
        with turn_of(self.observer, ask) as tell:
            answer = await self._aanswered(ask, executor)
            tell(answer)
        self.answer(answer)

    def _answered(self, ask: Ask) -> Answer:
        if ask.to is Role.ENV:
            return self.tool_results(ask)
        left = self._remaining()
        try:
            if ask.to is Role.AGENT:
                message, self.agent_state = reply(self.agent, ask.heard, self.agent_state, left)
            else:
                message, self.user_state = reply(self.user, ask.heard, self.user_state, left)
        except EPISODE_FAILURES as problem:
            return failure_of(ask.to, problem)
        return message  # type: ignore[no-any-return]  # the episode checks what it is

    async def _aanswered(self, ask: Ask, executor: Executor | None) -> Answer:
        if ask.to is Role.ENV:
            return self.tool_results(ask)
        left = self._remaining()
        try:
            if ask.to is Role.AGENT:
                message, self.agent_state = await areply(
                    self.agent, ask.heard, self.agent_state, left, executor
                )
            else:
                message, self.user_state = await areply(
                    self.user, ask.heard, self.user_state, left, executor
                )
        except EPISODE_FAILURES as problem:
            return failure_of(ask.to, problem)
        return message  # type: ignore[no-any-return]  # the episode checks what it is

    def _remaining(self) -> float | None:
        """Return the seconds left, or None without a limit."""
        if self.limits.timeout is None:
            return None
        return max(0.0, self.limits.timeout - float(self.elapsed))

    @contextmanager
    def _deadline(self) -> Iterator[None]:
        """Let model calls know when the episode's time is out."""
        left = self._remaining()
        if left is None:
            yield
            return
        token = deadline.set(time.monotonic() + left)
        try:
            yield
        finally:
            deadline.reset(token)

    def run(self) -> SimulationRun:
        """Play to the end on this thread and return the record (not graded)."""
        try:
            if self._flow is None:
                self.initialize()
            with self._deadline():
                while self._pending is not None:
                    self._make_turn(self._pending)
            return self.finalize()
        finally:
            self.close()

    async def arun(self, executor: Executor | None = None) -> SimulationRun:
        """Play to the end on the running event loop and return the record (not graded).

        `executor` runs participants that may block; default: the loop's own.
        """
        try:
            if self._flow is None:
                self.initialize()
            with self._deadline():
                while self._pending is not None:
                    await self._amake_turn(self._pending, executor)
            return self.finalize()
        finally:
            self.close()

    def close(self) -> None:
        """Break the episode off, wherever it stands; it leaves nothing behind."""
        if self._flow is not None:
            self._flow.close()
        self._pending = None

    def get_trajectory(self) -> list[Message]:
        """Return what was said and done so far, in order."""
        return list(self._log.trajectory)

    get_messages = get_trajectory

    def finalize(self) -> SimulationRun:
        """Tell the participants that it is over and return the record of a finished episode."""
        log = self._log
        if log.termination_reason is None:
            raise RuntimeError("the episode is not over: it has no termination reason yet")
        for name, participant, state in (
            ("agent", self.agent, self.agent_state),
            ("user", self.user, self.user_state),
        ):
            try:
                participant.stop(log.message, state)
            except Exception:  # a participant's farewell must not cost a finished episode
                logger.warning("%s.stop failed", name, exc_info=True)
        # Copies: a participant may say one object twice, or keep what it said.
        messages = [
            message.model_copy(update={"turn_idx": turn})
            for turn, message in enumerate(log.trajectory)
        ]
        played = messages[self._recorded :]  # what the task's history cost was paid before
        agent_turns = [message for message in played if isinstance(message, AssistantMessage)]
        user_turns = [message for message in played if isinstance(message, UserMessage)]
        return SimulationRun(
            id=self.simulation_id,
            task_id=self.task.id,
            timestamp=self._start_time,
            start_time=self._start_time,
            end_time=self._stamp(),
            duration=self.elapsed,
            termination_reason=log.termination_reason,
            agent_cost=cost_of(agent_turns),
            user_cost=cost_of(user_turns),
            agent_usage=usage_of(agent_turns),
            user_usage=usage_of(user_turns),
            messages=messages,
            seed=self.seed,
            mode=self.mode,
            info={"error": log.note} if log.note else None,
        )
