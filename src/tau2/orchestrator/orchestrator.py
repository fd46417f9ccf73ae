"""Drivers of one half-duplex episode: `run()`, `await arun()`, or `step()` by step."""

from __future__ import annotations

import copy
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
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
from tau2.environment.history import paired_calls, split_pending
from tau2.environment.task_setup import set_initial_state
from tau2.errors import ConfigError, DeadlineExceeded, NoTimeToRetry
from tau2.llm.answer_count import AnswerCount, answer_count
from tau2.llm.deadline import deadline_in
from tau2.orchestrator.driver import EpisodeDriver
from tau2.orchestrator.episode import (
    Answer,
    Ask,
    EpisodeProgress,
    Limits,
    Role,
    Rules,
    episode,
    message_type,
    next_after,
    seen_by,
)
from tau2.orchestrator.participants import check_participant, seed_participants, stop_participant
from tau2.orchestrator.record import EPISODE_FAILURES, cost_of, failure_of, never_answered, usage_of
from tau2.orchestrator.snapshot import EpisodeSnapshot, copied_states
from tau2.orchestrator.tracing import traced_call, traced_turn
from tau2.orchestrator.user_watch import (
    UserWatch,
    marked,
    refusal,
    taken_back,
    turn_length,
)
from tau2.participant.drive import areply, in_thread, reply
from tau2.participant.monitoring import FindingProtocol, MonitorSetup
from tau2.participant.protocols import AgentProtocol, UserProtocol
from tau2.utils.json_types import JsonObject

DEFAULT_FIRST_AGENT_MESSAGE = AssistantMessage(content=DEFAULT_FIRST_AGENT_MESSAGE_TEXT, cost=0.0)


def greeting() -> AssistantMessage:
    """Return the agent's first message, newly made."""
    return AssistantMessage(content=DEFAULT_FIRST_AGENT_MESSAGE_TEXT, cost=0.0)


class Orchestrator(EpisodeDriver):
    """One episode between an agent, a user and an environment.

    Args:
        domain: A label for the record.
        agent: A participant; it has `generate_next_message(message, state)`, or the asynchronous
            form of it.
        user: The other participant, likewise.
        environment: A fresh environment; the episode changes it.
        task: What is simulated.
        max_steps: Turns (messages and executions of tool calls) after which the episode is stopped.
        max_errors: Failed tool calls of one participant after which it is stopped.
        seed: Given to both participants.
        solo_mode: There is no user; the environment must be in solo mode.
        simulation_id: Id of the record; default: random.
        validate_communication: Fail a participant that sends text together with tool calls.
        timeout: Wall-clock seconds; also bounds a model call in progress.
        environment_factory: Makes fresh environments for grading; default: a fork taken before the
            episode starts.
        now: Clock of the record's timestamps; default: local time.
        user_monitor: How the user's messages are monitored; default: not at all.

    Raises:
        ValueError: a participant cannot take turns, or solo mode does not fit the environment.
    """

    mode = "half_duplex"
    _progress: EpisodeProgress

    def __init__(
        self,
        domain: str,
        agent: AgentProtocol,
        user: UserProtocol,
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
        user_monitor: MonitorSetup | None = None,
    ) -> None:
        check_participant("agent", agent)
        check_participant("user", user)
        if solo_mode and not environment.solo_mode:
            raise ConfigError(
                "solo mode needs an environment in solo mode: get_environment(solo_mode=True)"
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
        self.solo_mode = solo_mode
        self.validate_communication = validate_communication
        self.recorder: Callable[[EpisodeProgress], None] | None = None
        """Called after every turn."""
        self._watch: UserWatch | None = None
        self._progress = EpisodeProgress()
        self._history_length = 0
        self._answers = {Role.AGENT: AnswerCount(), Role.USER: AnswerCount()}
        self._flow: Generator[Ask, Answer, EpisodeProgress] | None = None
        self._pending: Ask | None = None

    # Names under which downstream code reads the progress of an episode.
    step_count = property(lambda self: self._progress.steps)
    trajectory = property(lambda self: self._progress.trajectory)
    from_role = property(lambda self: self._progress.from_role)
    to_role = property(lambda self: self._progress.to_role)
    message = property(lambda self: self._progress.message)

    @property
    def pending(self) -> Ask | None:
        """What the episode needs next; None before it starts and after it ends."""
        return self._pending

    def initialize(self) -> None:
        """Bring environment and participants to the start; then the first ask is `pending`."""
        self._began = time.perf_counter()
        self._start_time = self._stamp()
        history = self._history()
        self._history_length = len(history)
        set_initial_state(self.environment, self.task, history)
        seed_participants(self.seed, self.agent, self.user)
        first, unseen = self._first_ask(history)
        self.agent_state = self.agent.get_init_state(
            message_history=_remembered(Role.AGENT, first, history, unseen)
        )
        self.user_state = self.user.get_init_state(
            message_history=_remembered(Role.USER, first, history, unseen)
        )
        self._progress = EpisodeProgress(
            trajectory=list(history),
            from_role=_sender(history),
            to_role=first.to,
            message=first.observation,
        )
        last = history[-1] if history else None
        if isinstance(last, UserMessage) and self.user.is_stop(last):
            self._progress.end(TerminationReason.USER_STOP)
        elif isinstance(last, AssistantMessage) and self.agent.is_stop(last):
            self._progress.end(TerminationReason.AGENT_STOP)
        self._start_flow(first)

    def _start_flow(self, first: Ask) -> None:
        """Start the generator on the progress so far, from `first` on."""
        self._watch = UserWatch(self.user_monitor) if self.user_monitor is not None else None
        # A local variable: a closure over `self` would keep an abandoned orchestrator alive.
        began = self._began
        rules = Rules(
            agent_stops=self.agent.is_stop,
            user_stops=self.user.is_stop,
            limits=self.limits,
            solo=self.solo_mode,
            validate_communication=self.validate_communication,
            elapsed=lambda: time.perf_counter() - began,
        )
        self._flow = episode(self._progress, first, rules)
        self._pending = next(self._flow, None)

    def snapshot(self) -> EpisodeSnapshot:
        """Return the episode as data that later turns do not change.

        Raise RuntimeError when nothing is pending.
        """
        if self._pending is None:
            raise RuntimeError(
                "nothing is pending: only an episode between its start and its end has a snapshot"
            )
        progress = self._progress
        messages = progress.trajectory
        agent_state, user_state = copied_states(
            messages, messages, self.agent_state, self.user_state
        )
        return EpisodeSnapshot(
            messages=tuple(messages),
            steps=progress.steps,
            errors=progress.errors,
            user_errors=progress.user_errors,
            agent_state=agent_state,
            user_state=user_state,
            elapsed=self.elapsed,
            start_time=self._start_time,
        )

    def resume(self, snapshot: EpisodeSnapshot) -> None:
        """Continue an episode of the same task from a snapshot.

        Its tool calls are replayed on this fresh environment.

        Raise ReplayMismatch when the recorded calls do not replay.
        """
        set_initial_state(self.environment, self.task, snapshot.messages)
        self._history_length = len(self.task_setup.history)
        seed_participants(self.seed, self.agent, self.user)
        self._restore(snapshot)

    def fork(self) -> Orchestrator:
        """Return an independent episode at the same turn.

        Both use the same participants, which keep no state.

        Raise RuntimeError when nothing is pending.
        """
        snapshot = self.snapshot()
        forked = copy.copy(self)
        forked.environment = self.environment.fork()
        forked.simulation_id = str(uuid.uuid4())
        forked.recorder = None
        answers = {role: replace(count) for role, count in self._answers.items()}
        forked._answers = answers  # noqa: SLF001  -- another instance of this class
        forked._restore(snapshot)  # noqa: SLF001  -- another instance of this class
        return forked

    def _restore(self, snapshot: EpisodeSnapshot) -> None:
        self._progress, ask, self.agent_state, self.user_state = snapshot.restored()
        self._began = time.perf_counter() - snapshot.elapsed
        self._start_time = snapshot.start_time
        self._start_flow(ask)

    @staticmethod
    def validate_message_history(message_history: Sequence[Message]) -> None:
        """Raise ValueError when tool calls and their results do not belong together."""
        paired_calls(split_pending(message_history)[0])

    def _first_ask(self, history: list[Message]) -> tuple[Ask, int]:
        if history:
            return next_after(history)
        if self.solo_mode:
            return Ask(Role.AGENT, None), 0
        opening = greeting()
        opening.timestamp = self._stamp()
        history.append(opening)
        return Ask(Role.USER, opening), 1

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
        """Answer the pending ask and advance to the next.

        Raise RuntimeError when nothing is pending.
        """
        if self._flow is None or self._pending is None:
            raise RuntimeError("nothing is pending: initialize() first, and stop when `done`")
        if self._now is not None:
            replies = reply_to_pending
            for message in replies if isinstance(replies, list | tuple) else (replies,):
                if isinstance(message, AssistantMessage | UserMessage | ToolMessage):
                    message.timestamp = self._stamp()
        try:
            self._pending = self._flow.send(reply_to_pending)
        except StopIteration:
            self._pending = None
        if self.recorder is not None:
            self.recorder(self._progress)

    def tool_results(self, ask: Ask) -> list[ToolMessage]:
        """Execute the tool calls of an ask, in order."""
        execute = self.environment.get_response
        results = [traced_call(self.tracer, call, execute) for call in ask.calls]
        # A call that succeeded has synchronised the tools already, unless a subclass executes calls
        # in its own way.
        own_way = type(self.environment).get_response is not Environment.get_response
        if not results or results[-1].error or own_way:
            self.environment.sync_tools()
        return results

    def _results_in_time(self, ask: Ask) -> Answer:
        """Return the results of tool calls; the end of the episode if its time ran out in one."""
        try:
            return self.tool_results(ask)
        except DeadlineExceeded as problem:
            return failure_of(ask.to, problem)

    def step(self) -> None:
        """Take one turn: have the pending ask answered by the role it is for.

        Does nothing after the end.
        """
        if self._flow is None:
            self.initialize()
        elif self._pending is not None:
            with deadline_in(self._remaining()):
                self._take_turn(self._pending)

    async def astep(self, executor: Executor | None = None) -> None:
        """Do what `step` does on the running event loop.

        `executor` runs participants that may block.
        """
        if self._flow is None:
            self.initialize()
        elif self._pending is not None:
            with deadline_in(self._remaining()):
                await self._atake_turn(self._pending, executor)

    def _take_turn(self, ask: Ask) -> None:
        with traced_turn(self.tracer, ask) as notify:
            answer = self._answer_of(ask)
            notify(answer)
        self.answer(answer)

    async def _atake_turn(self, ask: Ask, executor: Executor | None) -> None:
        with traced_turn(self.tracer, ask) as notify:
            answer = await self._aanswer_of(ask, executor)
            notify(answer)
        self.answer(answer)

    def _answer_of(self, ask: Ask) -> Answer:
        if ask.to is Role.ENV:
            return self._results_in_time(ask)
        left = self._remaining()
        length = turn_length(self.user_state)
        try:
            with self._counted(ask.to):
                if ask.to is Role.AGENT:
                    message, self.agent_state = reply(
                        self.agent, ask.observation, self.agent_state, left
                    )
                    return message
                message, self.user_state = reply(self.user, ask.observation, self.user_state, left)
                refused, findings = message, self._objections(message)
                if not findings:
                    return message
                if not self._takes_back(length, findings):
                    return refusal(message, findings)
                message, self.user_state = reply(
                    self.user, ask.observation, self.user_state, self._remaining()
                )
        except EPISODE_FAILURES as problem:
            return failure_of(ask.to, problem)
        return self._second_answer(message, refused, findings)

    async def _aanswer_of(self, ask: Ask, executor: Executor | None) -> Answer:
        if ask.to is Role.ENV:
            if getattr(self.environment, "blocking", False) is not True:
                return self._results_in_time(ask)
            results = partial(self._results_in_time, ask)
            answer: Answer = await in_thread(results, "the environment", executor)
            return answer
        left = self._remaining()
        length = turn_length(self.user_state)
        try:
            with self._counted(ask.to):
                if ask.to is Role.AGENT:
                    message, self.agent_state = await areply(
                        self.agent, ask.observation, self.agent_state, left, executor
                    )
                    return message
                message, self.user_state = await areply(
                    self.user, ask.observation, self.user_state, left, executor
                )
                refused, findings = message, self._objections(message)
                if not findings:
                    return message
                if not self._takes_back(length, findings):
                    return refusal(message, findings)
                message, self.user_state = await areply(
                    self.user, ask.observation, self.user_state, self._remaining(), executor
                )
        except EPISODE_FAILURES as problem:
            return failure_of(ask.to, problem)
        return self._second_answer(message, refused, findings)

    def _objections(self, message: object) -> Sequence[FindingProtocol]:
        """Return why the monitor refuses the user's next message; empty when it does not."""
        if self._watch is None:
            return ()
        return self._watch.objections(self._progress.trajectory, message)

    def _takes_back(self, length: int, findings: Sequence[FindingProtocol]) -> bool:
        """Take the user's last message back, if it can be asked again."""
        state = taken_back(self.user, self.user_state, length, findings)
        if state is None:
            return False
        self.user_state = state
        return True

    def _second_answer(
        self, message: Any, refused: Any, findings: Sequence[FindingProtocol]
    ) -> Answer:
        """Return what the user answered when it was asked again, or the end of the episode."""
        marked(message, refused, findings)
        again = self._objections(message)
        return refusal(message, again) if again else message

    @contextmanager
    def _counted(self, role: Role) -> Iterator[None]:
        """Count the model calls of a participant.

        A time limit that is reached because an endpoint fails, or has never answered, says nothing
        about the participant. Raise ModelUnavailable then.
        """
        count = self._answers[role]
        token = answer_count.set(count)
        try:
            yield
        except DeadlineExceeded as problem:
            if isinstance(problem, NoTimeToRetry):
                raise never_answered(str(problem), count.model) from problem
            if count.never_answered and not self._has_spoken(role):
                seconds = self.limits.timeout
                # A participant of one's own may have a time limit where the episode has none.
                limit = "its time limit" if seconds is None else f"the episode's {seconds:g} s"
                text = (
                    f"the model of the {role}, {count.model!r}, did not answer once within "
                    f"{limit}; check that the endpoint is up, or raise the time limit"
                )
                raise never_answered(text, count.model) from problem
            raise
        finally:
            answer_count.reset(token)

    def _has_spoken(self, role: Role) -> bool:
        """Return whether a participant has sent a message in this episode."""
        kind = message_type(role)
        new = self._progress.trajectory[self._history_length :]
        return any(isinstance(message, kind) and message.usage for message in new)

    def run(self) -> SimulationRun:
        """Play to the end on this thread and return the record (not graded)."""
        try:
            if self._flow is None:
                self.initialize()
            with deadline_in(self._remaining()):
                while self._pending is not None:
                    self._take_turn(self._pending)
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
            with deadline_in(self._remaining()):
                while self._pending is not None:
                    await self._atake_turn(self._pending, executor)
            return self.finalize()
        finally:
            self.close()

    def close(self) -> None:
        """Abandon the episode, at whatever turn it is."""
        if self._flow is not None:
            self._flow.close()
        self._pending = None

    def get_trajectory(self) -> list[Message]:
        """Return the messages so far, in order."""
        return list(self._progress.trajectory)

    get_messages = get_trajectory

    def finalize(self) -> SimulationRun:
        """Call `stop` of both participants and return the record of a finished episode."""
        progress = self._progress
        if progress.termination_reason is None:
            raise RuntimeError("the episode is not over: it has no termination reason yet")
        stop_participant("agent", self.agent, progress.message, self.agent_state)
        stop_participant("user", self.user, progress.message, self.user_state)
        # Copies, because a participant may send one object twice, or keep what it sent.
        messages = [
            message.model_copy(update={"turn_idx": turn})
            for turn, message in enumerate(progress.trajectory)
        ]
        # What the task's own history cost was paid for before this episode.
        new = messages[self._history_length :]
        agent_turns = [message for message in new if isinstance(message, AssistantMessage)]
        user_turns = [message for message in new if isinstance(message, UserMessage)]
        return SimulationRun(
            **self._identity(),
            agent_cost=cost_of(agent_turns),
            user_cost=cost_of(user_turns),
            agent_usage=usage_of(agent_turns),
            user_usage=usage_of(user_turns),
            messages=messages,
            info=self._remarks(self._monitored()) or None,
        )

    def _monitored(self) -> JsonObject | None:
        """Return what the user's monitor found; None for nothing, and without a monitor."""
        return self._watch.record(self._progress.trajectory) if self._watch is not None else None


def _sender(history: Sequence[Message]) -> Role:
    """Return who sent the last message; the environment where nobody has sent any."""
    last = history[-1] if history else None
    if isinstance(last, AssistantMessage):
        return Role.AGENT
    return Role.USER if isinstance(last, UserMessage) else Role.ENV


def _remembered(role: Role, first: Ask, history: list[Message], unseen: int) -> list[Message]:
    """Return what a participant has seen of a history, without its first observation."""
    return seen_by(role, history[: len(history) - unseen] if first.to is role else history)
