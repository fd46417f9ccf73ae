"""One half-duplex episode as a generator without I/O.

It yields an `Ask` (who moves next, and what they heard) and is sent the answer: a message of the agent or the user,
the results of tool calls, or a `Failure`. Who answers is the driver's business: a model, a person, a trainer, an
environment here or far away. The generator knows who is heard when, what ends a conversation, and the limits.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
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
from tau2.orchestrator.limits import Limits


class Role(StrEnum):
    """Who moves."""

    AGENT = "agent"
    USER = "user"
    ENV = "env"


Heard = AssistantMessage | UserMessage | ToolMessage | MultiToolMessage | None


@dataclass(frozen=True, slots=True)
class Ask:
    """What the episode needs next."""

    to: Role
    heard: Heard
    """The message to answer; None opens a solo episode."""

    @property
    def calls(self) -> list[ToolCall]:
        """The tool calls to carry out, when the environment is asked."""
        return list(self.heard.calls) if self.heard is not None else []


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that ends the episode: a participant could not or must not go on."""

    reason: TerminationReason
    text: str


Answer = AssistantMessage | UserMessage | Sequence[ToolMessage] | Failure


@dataclass(frozen=True, slots=True)
class Rules:
    """What an episode has to know of its cast."""

    agent_stops: Callable[[Any], bool]
    user_stops: Callable[[Any], bool]
    limits: Limits = field(default_factory=Limits)
    solo: bool = False
    validate_communication: bool = False
    """Fail a participant that mixes text and tool calls."""
    elapsed: Callable[[], float] = lambda: 0.0
    """Seconds since the episode began."""


@dataclass(slots=True)
class Log:
    """What has happened so far; the generator writes it, everybody may read it."""

    trajectory: list[Message] = field(default_factory=list)
    steps: int = 0
    errors: int = 0
    termination_reason: TerminationReason | None = None
    note: str | None = None
    """Why the episode failed, when it did."""
    from_role: Role | None = None
    to_role: Role | None = None
    message: Heard = None
    _ids: set[str] | None = None

    @property
    def call_ids(self) -> set[str]:
        """The ids of all tool calls so far; whoever records a call adds its id."""
        if self._ids is None:
            self._ids = {call.id for message in self.trajectory for call in message.calls}
        return self._ids

    @property
    def done(self) -> bool:
        """Whether the episode is over."""
        return self.termination_reason is not None

    def end(self, reason: TerminationReason, note: str | None = None) -> None:
        """End the episode; the first reason stays."""
        if self.termination_reason is None:
            self.termination_reason, self.note = reason, note


_FAULT_OF = {Role.AGENT: TerminationReason.AGENT_ERROR, Role.USER: TerminationReason.USER_ERROR}


def episode(log: Log, first: Ask, rules: Rules) -> Generator[Ask, Answer, Log]:
    """Play from `first` until somebody stops or a limit is reached; return the log."""
    ask = first
    while not log.done:
        log.to_role, log.message = ask.to, ask.heard
        answer = yield ask
        log.steps += 1
        if isinstance(answer, Failure):
            log.end(answer.reason, answer.text)
            break
        ask = (
            _take_results(log, ask, answer)
            if ask.to is Role.ENV
            else _take_turn(log, ask.to, answer, rules)
        )
        if not log.done and ask.to is not Role.ENV:
            reached = rules.limits.reached(log.steps, log.errors, rules.elapsed())
            if reached is not None:
                log.end(reached)
    return log


def _take_turn(log: Log, speaker: Role, message: Any, rules: Rules) -> Ask:
    """Record a participant's message and return who is asked next."""
    log.from_role = speaker
    fault = _fault(speaker, message, rules)
    if fault is not None:
        if isinstance(message, AssistantMessage | UserMessage):
            log.trajectory.append(message)
        log.end(_FAULT_OF[speaker], fault)
        return Ask(speaker, None)
    message = _with_own_calls(log, speaker, message)
    log.trajectory.append(message)
    stops = rules.agent_stops if speaker is Role.AGENT else rules.user_stops
    if stops(message):
        log.end(
            TerminationReason.AGENT_STOP if speaker is Role.AGENT else TerminationReason.USER_STOP
        )
        return Ask(speaker, None)
    if message.is_tool_call():
        return Ask(Role.ENV, message)
    if rules.solo:
        log.end(
            TerminationReason.AGENT_ERROR,
            "in solo mode every message is a tool call or the end; this one was text",
        )
    return Ask(Role.USER if speaker is Role.AGENT else Role.AGENT, message)


def _fault(speaker: Role, message: Any, rules: Rules) -> str | None:
    """Return what is wrong with a message, or None."""
    wanted = AssistantMessage if speaker is Role.AGENT else UserMessage
    if not isinstance(message, wanted):
        return f"the {speaker} must answer with {wanted.__name__}, not {type(message).__name__}"
    if not message.has_content() and not message.is_tool_call():
        return f"the {speaker} sent an empty message"
    if rules.validate_communication and message.has_text_content() and message.is_tool_call():
        return f"the {speaker} sent text and tool calls in one message"
    return None


def _with_own_calls(log: Log, speaker: Role, message: Any) -> Any:
    """Give every call an id of its own and its true requestor: a user's call must never reach the agent's tools."""
    if not message.tool_calls:
        return message
    if any(known is message for known in log.trajectory):
        message = message.model_copy()  # said twice; what was recorded first stays as it is
    calls = [
        _own_call(log, speaker, number, call) for number, call in enumerate(message.tool_calls)
    ]
    if any(mine is not given for mine, given in zip(calls, message.tool_calls, strict=True)):
        message.tool_calls = calls
    return message


def _own_call(log: Log, speaker: Role, number: int, call: ToolCall) -> ToolCall:
    """Return a call with an id that no other call of the episode has."""
    own, taken = call.id or f"call_{log.steps}_{number}", log.call_ids
    if own in taken:
        call = call.model_copy()  # it may be the very object that was recorded before
        own = f"call_{log.steps}_{number}"
        while own in taken:
            own += "_"
    if call.id != own:
        call.id = own
    requestor: ToolRequestor = "assistant" if speaker is Role.AGENT else "user"
    if call.requestor != requestor:
        call.requestor = requestor
    taken.add(own)
    return call


def _take_results(log: Log, ask: Ask, results: Any) -> Ask:
    """Record the results of tool calls and return them to whoever asked."""
    log.from_role = Role.ENV
    log.trajectory.extend(results)
    log.errors += sum(result.error for result in results)
    asker = Role.USER if isinstance(ask.heard, UserMessage) else Role.AGENT
    heard = results[0] if len(results) == 1 else MultiToolMessage(tool_messages=list(results))
    return Ask(asker, heard)


def seen_by(role: Role, history: Sequence[Message]) -> list[Message]:
    """Return the part of a history that one participant has lived through."""
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
    """Return who is asked after a recorded history, and how many of its last messages they have yet to hear."""
    last = history[-1]
    if isinstance(last, ToolMessage):
        count = 1
        while count < len(history) and isinstance(history[-count - 1], ToolMessage):
            count += 1
        results = [message for message in history[-count:] if isinstance(message, ToolMessage)]
        asker = Role.USER if last.requestor == "user" else Role.AGENT
        return Ask(asker, last if count == 1 else MultiToolMessage(tool_messages=results)), count
    if isinstance(last, AssistantMessage | UserMessage):
        if last.is_tool_call():
            return Ask(Role.ENV, last), 0
        return Ask(Role.USER if isinstance(last, AssistantMessage) else Role.AGENT, last), 1
    raise ValueError(f"a history cannot end with a {last.role} message")
