"""Ticks as a conversation of text messages, in an order that models and checks can read.

A participant's chunks become utterances. What is joined are the words of the chunks, which are the
words that were really heard: an utterance that was cut off ends where it was cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Literal, TypeAlias

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    Tick,
    ToolCall,
    ToolMessage,
    UserMessage,
)

Speaker: TypeAlias = Literal["user", "assistant"]
Chunk: TypeAlias = AssistantMessage | UserMessage

SAME_TIME = "[at the same time]"
"""Before words that were spoken while the other participant spoke, too."""
MEANWHILE = "[meanwhile]"
"""Before an utterance that lies within one of the other participant."""

_LONGEST_PAUSE = 0.8
"""Seconds of silence within one utterance whose chunks carry no ids."""
_TICK_SECONDS = 0.2


class LinearizationStrategy(StrEnum):
    """What becomes of words that were spoken at the same time."""

    SIMPLE = "simple"
    """Every utterance is one message, in the order in which they began."""
    OVERLAP = "overlap"
    """An utterance is divided where the other participant begins to speak; what was spoken at the
    same time is marked."""
    CONTAINMENT_AWARE = "containment_aware"
    """As `overlap`, but an utterance within one of the other participant, such as "mm-hmm", does
    not divide it: it stands behind it, marked."""


@dataclass(slots=True)
class Utterance:
    """What one participant said in one go."""

    speaker: Speaker
    start: int
    """Tick of its first words."""
    end: int
    """The tick after its last words."""
    ids: set[str] = field(default_factory=set)
    pieces: list[tuple[int, str]] = field(default_factory=list)
    """The words of each tick."""
    cost: float | None = None

    @property
    def text(self) -> str:
        """The words that were heard."""
        return "".join(words for _, words in self.pieces).strip()

    def add(self, tick: int, words: str) -> None:
        """Add the words of a tick; after a pause they are words of their own."""
        if tick > self.end and self.pieces and not self.pieces[-1][1].endswith(" "):
            words = f" {words.lstrip()}"
        self.pieces.append((tick, words))

    def part(self, start: int, end: int) -> Utterance:
        """Return what was said from one tick up to another."""
        pieces = [piece for piece in self.pieces if start <= piece[0] < end]
        return Utterance(self.speaker, start, end, self.ids, pieces)

    def overlaps(self, other: Utterance) -> bool:
        """Return whether there is a tick in which both are spoken."""
        return self.start < other.end and other.start < self.end

    def lies_in(self, other: Utterance) -> bool:
        """Return whether the other one began before and ended later."""
        return other.start < self.start and self.end < other.end


def utterances(ticks: Sequence[Tick], speaker: Speaker) -> list[Utterance]:
    """Return what one participant said, in order.

    Chunks with a common utterance id belong together, whatever lies between them; chunks without
    ids do where the silence between them is short and holds no tool call.
    """
    found: list[Utterance] = []
    last_call = -1
    for number, tick in enumerate(ticks):
        chunk = tick.user_chunk if speaker == "user" else tick.agent_chunk
        if chunk is not None and _is_heard(chunk):
            ids = set(chunk.utterance_ids or ())
            current = found[-1] if found else None
            if current is None or not _continues(current, ids, tick, number, last_call):
                current = Utterance(speaker, number, number)
                found.append(current)
            _extend(current, chunk, ids, number)
        if _calls(tick, speaker):
            last_call = number
    return [utterance for utterance in found if utterance.text]


def _extend(current: Utterance, chunk: Chunk, ids: set[str], number: int) -> None:
    if chunk.content:
        current.add(number, chunk.content)
    current.end = number + 1
    current.ids |= ids
    if chunk.cost is not None:
        current.cost = (current.cost or 0.0) + chunk.cost


def _is_heard(chunk: Chunk) -> bool:
    return bool(chunk.content) or (chunk.contains_speech and bool(chunk.utterance_ids))


def _continues(current: Utterance, ids: set[str], tick: Tick, number: int, last_call: int) -> bool:
    if ids and current.ids:
        return not ids.isdisjoint(current.ids)
    pause = (number - current.end) * (tick.tick_duration_seconds or _TICK_SECONDS)
    return last_call < current.end and pause <= _LONGEST_PAUSE


# Within one tick the user comes first, and speech before tool calls.
_USER_SPEECH, _USER_CALLS, _AGENT_SPEECH, _AGENT_CALLS = range(4)
_SPEECH: dict[Speaker, int] = {"user": _USER_SPEECH, "assistant": _AGENT_SPEECH}


@dataclass(frozen=True, slots=True)
class _Entry:
    """Messages that stand together, and where."""

    tick: int
    rank: int
    messages: list[Message]


def as_conversation(ticks: Sequence[Tick]) -> list[Message]:
    """Return a call as ordinary text messages, for grading and for people.

    An utterance stands where it began; tool calls stand where they were made, each with its
    results behind it.
    """
    said = [*utterances(ticks, "user"), *utterances(ticks, "assistant")]
    entries = [
        _Entry(one.start, _SPEECH[one.speaker], [_message(one, one.text, ticks)]) for one in said
    ]
    return _in_order([*entries, *_tool_calls(ticks)])


def linearized(
    ticks: Sequence[Tick],
    strategy: LinearizationStrategy = LinearizationStrategy.CONTAINMENT_AWARE,
    *,
    silence_seconds: float | None = None,
) -> list[Message]:
    """Return a call as text messages for the context of a model.

    Args:
        ticks: The call so far.
        strategy: What becomes of words that were spoken at the same time.
        silence_seconds: Silence of at least this length is mentioned in front of the next words;
            None: never.
    """
    user, agent = utterances(ticks, "user"), utterances(ticks, "assistant")
    entries = [
        *_speech(user, agent, ticks, strategy),
        *_speech(agent, user, ticks, strategy),
        *_tool_calls(ticks),
    ]
    if silence_seconds is not None:
        _mention_silence(entries, [*user, *agent], ticks, silence_seconds)
    return _in_order(entries)


def _speech(
    said: Sequence[Utterance],
    by_other: Sequence[Utterance],
    ticks: Sequence[Tick],
    strategy: LinearizationStrategy,
) -> Iterator[_Entry]:
    """Yield what one participant said, divided and marked as a strategy has it."""
    for one in said:
        rank = _SPEECH[one.speaker]
        overlapping = [other for other in by_other if one.overlaps(other)]
        if strategy is LinearizationStrategy.SIMPLE or not overlapping:
            yield _Entry(one.start, rank, [_message(one, one.text, ticks)])
            continue
        if strategy is LinearizationStrategy.CONTAINMENT_AWARE:
            around = next((other for other in overlapping if one.lies_in(other)), None)
            if around is not None:
                text = f"{MEANWHILE} {one.text}"
                # Behind all of the utterance that it lies in.
                yield _Entry(around.start, _AGENT_CALLS + 1, [_message(one, text, ticks)])
                continue
            overlapping = [other for other in overlapping if not other.lies_in(one)]
        for part in _parts(one, overlapping):
            text = part.text
            if any(part.overlaps(other) for other in overlapping):
                text = f"{SAME_TIME} {text}"
            yield _Entry(part.start, rank, [_message(part, text, ticks)])


def _parts(one: Utterance, overlapping: Sequence[Utterance]) -> Iterator[Utterance]:
    """Yield an utterance divided where others begin, without parts in which nothing is said."""
    inner = {other.start for other in overlapping if one.start < other.start < one.end}
    edges = [one.start, *sorted(inner), one.end]
    for start, end in pairwise(edges):
        part = one.part(start, end)
        if part.text:
            yield part


def _mention_silence(
    entries: list[_Entry], said: Sequence[Utterance], ticks: Sequence[Tick], at_least: float
) -> None:
    """Put the length of each long silence in front of the words that ended it."""
    begun_at = {
        (entry.tick, entry.rank): message
        for entry in entries
        for message in entry.messages[:1]
        if isinstance(message, AssistantMessage | UserMessage)
    }
    end = 0
    for one in sorted(said, key=lambda utterance: utterance.start):
        seconds = _seconds(ticks[end : one.start])
        message = begun_at.get((one.start, _SPEECH[one.speaker]))
        if seconds >= at_least and message is not None:
            message.content = f"[{seconds:.1f} s of silence] {message.content}"
        end = max(end, one.end)


def _seconds(ticks: Iterable[Tick]) -> float:
    return sum(tick.tick_duration_seconds or _TICK_SECONDS for tick in ticks)


def _message(said: Utterance, text: str, ticks: Sequence[Tick]) -> Chunk:
    stamp = ticks[said.start].timestamp
    if said.speaker == "user":
        return UserMessage(content=text, timestamp=stamp, cost=said.cost)
    return AssistantMessage(content=text, timestamp=stamp, cost=said.cost)


def _in_order(entries: Iterable[_Entry]) -> list[Message]:
    ordered = sorted(entries, key=lambda entry: (entry.tick, entry.rank))
    messages = [message for entry in ordered for message in entry.messages]
    for turn, message in enumerate(messages):
        if isinstance(message, AssistantMessage | UserMessage | ToolMessage):
            message.turn_idx = turn
    return messages


def _tool_calls(ticks: Sequence[Tick]) -> Iterator[_Entry]:
    results = {
        result.id: result
        for tick in ticks
        for result in (*tick.user_tool_results, *tick.agent_tool_results)
    }
    for number, tick in enumerate(ticks):
        calls = _calls(tick, "user")
        if calls:
            message: Message = UserMessage(tool_calls=calls, timestamp=tick.timestamp)
            yield _Entry(number, _USER_CALLS, [message, *_results_of(calls, results)])
        calls = _calls(tick, "assistant")
        if calls:
            message = AssistantMessage(tool_calls=calls, timestamp=tick.timestamp)
            yield _Entry(number, _AGENT_CALLS, [message, *_results_of(calls, results)])


def _calls(tick: Tick, speaker: Speaker) -> list[ToolCall]:
    """Return a participant's calls of a tick; older files hold them on its chunk."""
    chunk = tick.user_chunk if speaker == "user" else tick.agent_chunk
    of_tick = tick.user_tool_calls if speaker == "user" else tick.agent_tool_calls
    return list(of_tick) or (list(chunk.calls) if chunk is not None else [])


def _results_of(calls: Sequence[ToolCall], results: dict[str, ToolMessage]) -> list[ToolMessage]:
    found = (results.get(call.id) for call in calls)
    return [result.model_copy() for result in found if result is not None]
