"""One half-duplex episode as a generator without I/O.

It yields an `Ask` (whose turn it is, and the observation) and is sent the answer: a message of the
agent or the user, the results of tool calls, or a `Failure`. Drivers decide who answers: a model, a
person, a trainer, an environment in this process or another. The generator decides the order of
turns, who observes what, and when the episode ends.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Any

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    ToolRequestor,
    UserMessage,
)
from tau2.data_model.simulation import TerminationReason
from tau2.orchestrator.volume import (
    RESULT_TOO_LONG,
    Volume,
    excess_of,
    is_too_long,
    recorded_part,
    recorded_result,
)
from tau2.seeds import numbered_call_id
from tau2.utils.sizes import LONGEST_CONVERSATION


class Role(StrEnum):
    """Whose turn it is."""

    AGENT = "agent"
    USER = "user"
    ENV = "env"


Observation = AssistantMessage | UserMessage | ToolMessage | MultiToolMessage | None


@dataclass(frozen=True, slots=True)
class Ask:
    """What the episode needs next."""

    to: Role
    observation: Observation
    """The message to answer; None opens a solo episode."""

    @property
    def calls(self) -> list[ToolCall]:
        """The tool calls to execute, when the environment is asked."""
        return list(self.observation.calls) if self.observation is not None else []


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that ends the episode: a participant could not or must not continue."""

    reason: TerminationReason
    text: str
    message: AssistantMessage | UserMessage | None = None
    """The message for which it must not; recorded as the last one."""


Answer = AssistantMessage | UserMessage | Sequence[ToolMessage] | Failure


ERROR_OF = {Role.AGENT: TerminationReason.AGENT_ERROR, Role.USER: TerminationReason.USER_ERROR}
STOP_OF = {Role.AGENT: TerminationReason.AGENT_STOP, Role.USER: TerminationReason.USER_STOP}
_NOTES = {TerminationReason.USER_ERROR: "the user's own tool calls failed too often"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one episode. `timeout` is in seconds of wall clock; None is unbounded."""

    max_steps: int = 100
    max_errors: int = 10
    timeout: float | None = None

    def reached(
        self, steps: int, errors: int, elapsed: float, user_errors: int = 0
    ) -> TerminationReason | None:
        """Return which bound is reached, or None.

        Failed calls are counted for each participant by itself: those of the user are no reason to
        charge the agent.
        """
        if self.timeout is not None and elapsed >= self.timeout:
            return TerminationReason.TIMEOUT
        if errors - user_errors >= self.max_errors:
            return TerminationReason.TOO_MANY_ERRORS
        if user_errors >= self.max_errors:
            return TerminationReason.USER_ERROR
        return TerminationReason.MAX_STEPS if steps >= self.max_steps else None


@dataclass(frozen=True, slots=True)
class Rules:
    """What the generator has to know of the participants and of the configuration."""

    agent_stops: Callable[[Any], bool]
    user_stops: Callable[[Any], bool]
    limits: Limits = field(default_factory=Limits)
    solo: bool = False
    validate_communication: bool = False
    """Fail a participant that mixes text and tool calls."""
    elapsed: Callable[[], float] = lambda: 0.0
    """Seconds since the episode began."""


@dataclass(slots=True)
class Progress:
    """What is counted of an episode or a call, and how it ended."""

    errors: int = 0
    """Failed tool calls of both participants."""
    user_errors: int = 0
    """How many of them were the user's."""
    termination_reason: TerminationReason | None = None
    note: str | None = None
    """Why it failed, when it did."""
    volume: Volume = field(default_factory=Volume)
    """How many characters there are, and who brought them in."""

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self.termination_reason is not None

    def end(self, reason: TerminationReason, note: str | None = None) -> None:
        """End it; the first reason stays."""
        if self.termination_reason is None:
            self.termination_reason = reason
            self.note = note

    def take_results(self, caller: Role, results: Sequence[ToolMessage]) -> list[ToolMessage]:
        """Count the tool calls that failed, and return what is recorded of the results.

        A result that is too long ends the episode: the tool's doing, which says nothing about the
        participant that called it.
        """
        if any(is_too_long(result) for result in results):
            self.end(TerminationReason.INFRASTRUCTURE_ERROR, RESULT_TOO_LONG)
            return [recorded_result(result) for result in results]
        failed = sum(result.error for result in results)
        self.errors += failed
        if caller is Role.USER:
            self.user_errors += failed
        return list(results)

    def check_limits(self, limits: Limits, steps: int, elapsed: float) -> None:
        """End it when a limit is reached."""
        reached = limits.reached(steps, self.errors, elapsed, self.user_errors)
        if reached is not None:
            self.end(reached, _NOTES.get(reached))

    def check_volume(self, messages: Sequence[Message], called: str) -> None:
        """End it when the messages are too long, through the fault of who brought most of them in.

        `called` is the note's word for what a participant itself brought in.
        """
        of = self.volume.measure(messages)
        if of["assistant"] + of["user"] > LONGEST_CONVERSATION:
            larger = Role.AGENT if of["assistant"] >= of["user"] else Role.USER
            self.end(
                ERROR_OF[larger],
                f"the conversation has more than {LONGEST_CONVERSATION:,} characters, most of them "
                f"in the {larger}'s {called} and in the results of the {larger}'s tool calls",
            )


@dataclass(slots=True)
class EpisodeProgress(Progress):
    """What has happened so far. Written by the generator alone."""

    trajectory: list[Message] = field(default_factory=list)
    steps: int = 0
    from_role: Role | None = None
    to_role: Role | None = None
    message: Observation = None
    _ids: set[str] | None = None

    @property
    def call_ids(self) -> set[str]:
        """The ids of all tool calls so far; a driver that records a call adds its id."""
        if self._ids is None:
            self._ids = {call.id for message in self.trajectory for call in message.calls}
        return self._ids


def episode(
    progress: EpisodeProgress, first: Ask, rules: Rules
) -> Generator[Ask, Answer, EpisodeProgress]:
    """Play from `first` until a participant or a limit ends the episode; return the progress."""
    ask = first
    while not progress.done:
        progress.to_role = ask.to
        progress.message = ask.observation
        answer = yield ask
        progress.steps += 1
        if isinstance(answer, Failure):
            if answer.message is not None:
                progress.from_role = ask.to
                progress.trajectory.append(answer.message)
            progress.end(answer.reason, answer.text)
            break
        if ask.to is Role.ENV:
            ask = _take_results(progress, ask, answer)
        else:
            ask = _take_turn(progress, ask.to, answer, rules)
        progress.check_volume(progress.trajectory, "messages")
        if not progress.done and ask.to is not Role.ENV:
            progress.check_limits(rules.limits, progress.steps, rules.elapsed())
    return progress


def _take_turn(progress: EpisodeProgress, speaker: Role, message: Any, rules: Rules) -> Ask:
    """Record a participant's message and return who is asked next."""
    progress.from_role = speaker
    problem = _problem_with(speaker, message, rules)
    if problem is not None:
        if isinstance(message, AssistantMessage | UserMessage):
            progress.trajectory.append(recorded_part(message))
        progress.end(ERROR_OF[speaker], problem)
        return Ask(speaker, None)
    message = _with_own_calls(progress, speaker, message)
    progress.trajectory.append(message)
    stops = rules.agent_stops if speaker is Role.AGENT else rules.user_stops
    if stops(message):
        progress.end(STOP_OF[speaker])
        return Ask(speaker, None)
    if message.is_tool_call():
        return Ask(Role.ENV, message)
    if rules.solo:
        progress.end(
            TerminationReason.AGENT_ERROR,
            "in solo mode every message is a tool call or the end; this one was text",
        )
    return Ask(Role.USER if speaker is Role.AGENT else Role.AGENT, message)


def _problem_with(speaker: Role, message: Any, rules: Rules) -> str | None:
    """Return what is wrong with a message, or None."""
    wrong_type = type_problem(speaker, message)
    if wrong_type is not None:
        return wrong_type
    if not message.has_content() and not message.is_tool_call():
        return f"the {speaker} sent an empty message"
    if rules.validate_communication and message.has_text_content() and message.is_tool_call():
        return f"the {speaker} sent text and tool calls in one message"
    excess = excess_of(message)
    return f"the {speaker} {excess}" if excess is not None else None


def message_type(speaker: Role) -> type[AssistantMessage | UserMessage]:
    """Return the type of what a participant says."""
    return AssistantMessage if speaker is Role.AGENT else UserMessage


def type_problem(speaker: Role, message: object) -> str | None:
    """Return what is wrong with the type of a participant's message, or None."""
    wanted = message_type(speaker)
    if isinstance(message, wanted):
        return None
    return f"the {speaker} must answer with {wanted.__name__}, not {type(message).__name__}"


def _with_own_calls(progress: EpisodeProgress, speaker: Role, message: Any) -> Any:
    """Return a participant's message with the calls that `own_calls` returns."""
    if not message.tool_calls:
        return message
    if progress.volume.has_seen(message, progress.trajectory):
        # One object sent twice; what was recorded first stays as it is.
        message = message.model_copy()
    calls = own_calls(progress.call_ids, progress.steps, speaker, message.tool_calls)
    if any(own is not given for own, given in zip(calls, message.tool_calls, strict=True)):
        message.tool_calls = calls
    return message


def own_calls(
    taken: set[str], turn: int, speaker: Role, calls: Sequence[ToolCall]
) -> list[ToolCall]:
    """Return the calls of a turn, each with an id of its own and its true requestor.

    A user's call must never reach the agent's tools. Ids that are used are added to `taken`.
    """
    return [_own_call(taken, turn, speaker, number, call) for number, call in enumerate(calls)]


def _own_call(taken: set[str], turn: int, speaker: Role, number: int, call: ToolCall) -> ToolCall:
    """Return call `number` of a turn with an id that is not taken yet, and take it."""
    own = call.id or numbered_call_id(turn, number)
    if own in taken:
        call = call.model_copy()  # it may be the very object that was recorded before
        made = (numbered_call_id(turn, number, clash) for clash in count())
        own = next(identifier for identifier in made if identifier not in taken)
    if call.id != own:
        call.id = own
    requestor: ToolRequestor = "assistant" if speaker is Role.AGENT else "user"
    if call.requestor != requestor:
        call.requestor = requestor
    taken.add(own)
    return call


def _take_results(progress: EpisodeProgress, ask: Ask, results: Any) -> Ask:
    """Record the results of tool calls and return them to the participant that made the calls."""
    progress.from_role = Role.ENV
    caller = Role.USER if isinstance(ask.observation, UserMessage) else Role.AGENT
    progress.trajectory.extend(progress.take_results(caller, results))
    if progress.done:
        return ask
    return Ask(caller, _as_one(results))


def _as_one(results: Sequence[ToolMessage]) -> ToolMessage | MultiToolMessage:
    return results[0] if len(results) == 1 else MultiToolMessage(tool_messages=list(results))


def seen_by(role: Role, history: Sequence[Message]) -> list[Message]:
    """Return the part of a history that one participant has seen."""
    return [message for message in history if _sees(role, message)]


def _sees(role: Role, message: Message) -> bool:
    if isinstance(message, ToolMessage):
        return message.requestor == ("assistant" if role is Role.AGENT else "user")
    mine, theirs = (
        (AssistantMessage, UserMessage) if role is Role.AGENT else (UserMessage, AssistantMessage)
    )
    if isinstance(message, mine):
        return True
    return isinstance(message, theirs) and not message.is_tool_call()


def next_after(history: Sequence[Message]) -> tuple[Ask, int]:
    """Return the ask after a history, and how many of its last messages are observed."""
    last = history[-1]
    if isinstance(last, ToolMessage):
        results: list[ToolMessage] = []
        for message in reversed(history):
            if not isinstance(message, ToolMessage):
                break
            results.insert(0, message)
        caller = Role.USER if last.requestor == "user" else Role.AGENT
        return Ask(caller, _as_one(results)), len(results)
    if isinstance(last, AssistantMessage | UserMessage):
        if last.is_tool_call():
            return Ask(Role.ENV, last), 0
        return Ask(Role.USER if isinstance(last, AssistantMessage) else Role.AGENT, last), 1
    raise ValueError(f"a history cannot end with a {last.role} message")
