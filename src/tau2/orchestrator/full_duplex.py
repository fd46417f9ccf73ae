"""One call as a generator without I/O: both participants may speak in every tick.

It yields a `ChunkAsk` (whose chunk is wanted, what it hears, the results of its tool calls) or, for
the environment, tool calls to execute, and is sent the answer. In every tick the user is asked
first, then the agent; each hears the other's chunk of the tick before. Tool calls are executed
within the tick; their results are delivered in the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    Tick,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.orchestrator.episode import (
    ERROR_OF,
    STOP_OF,
    Failure,
    Limits,
    Progress,
    Role,
    message_type,
    own_calls,
    type_problem,
)
from tau2.orchestrator.volume import excess_of, recorded_part

Chunk: TypeAlias = AssistantMessage | UserMessage


@dataclass(frozen=True, slots=True)
class ChunkAsk:
    """What the call needs next."""

    to: Role
    tick: int
    heard: Chunk | None = None
    """The other participant's chunk of the tick before; None in the first."""
    results: list[ToolMessage] = field(default_factory=list)
    """Of the tool calls that this participant made in the tick before."""
    calls: list[ToolCall] = field(default_factory=list)
    """The tool calls to execute, when the environment is asked."""


ChunkAnswer: TypeAlias = Chunk | Sequence[ToolMessage] | Failure


@dataclass(frozen=True, slots=True)
class CallRules:
    """What the generator has to know of the participants and of the configuration."""

    agent_stops: Callable[[Any], bool]
    user_stops: Callable[[Any], bool]
    limits: Limits = field(default_factory=Limits)
    """`max_steps` counts ticks."""
    tick_seconds: float = 0.2
    bytes_per_tick: int | None = None
    """How much audio a chunk has at most; None: any amount."""
    stamp: Callable[[float], str] = str
    """The date and time at so many seconds of the call."""
    elapsed: Callable[[], float] = lambda: 0.0
    """Seconds of wall clock since the call began."""


@dataclass(slots=True)
class CallProgress(Progress):
    """What has happened so far. Written by the generator alone."""

    ticks: list[Tick] = field(default_factory=list)
    said: list[Message] = field(default_factory=list)
    """Everything that takes up space: words, tool calls and results."""
    call_ids: set[str] = field(default_factory=set)


CallFlow: TypeAlias = Generator[ChunkAsk, ChunkAnswer, CallProgress]
_Part: TypeAlias = Generator[ChunkAsk, ChunkAnswer, None]


def full_duplex_call(progress: CallProgress, rules: CallRules) -> CallFlow:
    """Play tick by tick until a participant or a limit ends the call; return the progress."""
    before = Tick(tick_id=-1, timestamp="")
    while not progress.done:
        number = len(progress.ticks)
        tick = Tick(
            tick_id=number,
            timestamp=rules.stamp(number * rules.tick_seconds),
            tick_duration_seconds=rules.tick_seconds,
        )
        for ask in (
            ChunkAsk(Role.USER, number, before.agent_chunk, list(before.user_tool_results)),
            ChunkAsk(Role.AGENT, number, before.user_chunk, list(before.agent_tool_results)),
        ):
            yield from _part(progress, ask, tick, rules)
            if progress.done:
                return progress
        progress.check_limits(rules.limits, len(progress.ticks), rules.elapsed())
        before = tick
    return progress


def _part(progress: CallProgress, ask: ChunkAsk, tick: Tick, rules: CallRules) -> _Part:
    """Take one participant's chunk and have its tool calls executed."""
    answer: Any = yield ask
    if ask.to is Role.USER:
        progress.ticks.append(tick)
    if _is_end(progress, ask, tick, answer, rules):
        return
    calls = own_calls(progress.call_ids, ask.tick, ask.to, answer.calls)
    # The calls are the tick's; a chunk is what is heard.
    chunk = answer.model_copy(update={"timestamp": tick.timestamp, "tool_calls": None})
    _record(tick, chunk)
    if chunk.content:
        progress.said.append(chunk)
    if calls:
        (tick.agent_tool_calls if ask.to is Role.AGENT else tick.user_tool_calls).extend(calls)
        progress.said.append(message_type(ask.to)(tool_calls=calls, timestamp=tick.timestamp))
        results = yield ChunkAsk(Role.ENV, ask.tick, calls=calls)
        _take_results(progress, ask.to, tick, results)
    stops = rules.agent_stops if ask.to is Role.AGENT else rules.user_stops
    if stops(answer):  # as it was sent, with its tool calls
        progress.end(STOP_OF[ask.to])
    progress.check_volume(progress.said, "words")


def _is_end(
    progress: CallProgress, ask: ChunkAsk, tick: Tick, answer: Any, rules: CallRules
) -> bool:
    """Return whether a participant could not or must not continue, after recording why."""
    if isinstance(answer, Failure):
        if answer.message is not None:
            _record(tick, answer.message)
        progress.end(answer.reason, answer.text)
        return True
    problem = _problem_with(ask.to, answer, rules)
    if problem is None:
        return False
    if isinstance(answer, Chunk):
        _record(tick, recorded_part(answer))
    progress.end(ERROR_OF[ask.to], problem)
    return True


def _record(tick: Tick, chunk: Chunk) -> None:
    if isinstance(chunk, AssistantMessage):
        tick.agent_chunk = chunk
        tick.user_transcript = _understood(chunk)
    else:
        tick.user_chunk = chunk


def _understood(chunk: AssistantMessage) -> str | None:
    """Return what the agent's provider understood of the user, as far as it reports it."""
    activity = (chunk.raw_data or {}).get("user_activity")
    reports = activity if isinstance(activity, list) else []
    texts = [
        report["text"]
        for report in reports
        if isinstance(report, dict)
        and report.get("kind") == "transcript"
        and isinstance(report.get("text"), str)
    ]
    return " ".join(texts) or None


def _problem_with(speaker: Role, chunk: Any, rules: CallRules) -> str | None:
    """Return what is wrong with a chunk, or None. An empty one is silence."""
    wrong_type = type_problem(speaker, chunk)
    if wrong_type is not None:
        return wrong_type
    excess = excess_of(chunk)
    if excess is not None:
        return f"the {speaker} {excess}"
    audio = chunk.audio_content
    if rules.bytes_per_tick is None or not isinstance(audio, bytes):
        return None
    if len(audio) > rules.bytes_per_tick:
        return (
            f"the {speaker} sent {len(audio):,} bytes of audio in one tick, "
            f"which holds {rules.bytes_per_tick:,}"
        )
    return None


def _take_results(progress: CallProgress, caller: Role, tick: Tick, answer: Any) -> None:
    """Record the results of tool calls; the caller gets them in the next tick."""
    results: list[ToolMessage] = list(answer)
    for result in results:
        result.timestamp = tick.timestamp
    into = tick.agent_tool_results if caller is Role.AGENT else tick.user_tool_results
    into.extend(progress.take_results(caller, results))
    if not progress.done:
        progress.said.extend(results)
