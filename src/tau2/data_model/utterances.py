"""Ticks as utterances, and as a conversation of ordinary text messages.

A participant's chunks become utterances. What is joined are the words of the chunks, which are the
words that were really heard: an utterance that was cut off ends where it was cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
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

TICK_SECONDS = 0.2
"""The length of a tick that does not say it."""
_LONGEST_PAUSE = 0.8
"""Seconds of silence within one utterance whose chunks carry no ids."""


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
    words = _words_of(chunk)
    if words:
        current.add(number, words)
    current.end = number + 1
    current.ids |= ids
    if chunk.cost is not None:
        current.cost = (current.cost or 0.0) + chunk.cost


def _is_heard(chunk: Chunk) -> bool:
    return bool(_words_of(chunk)) or (chunk.contains_speech and bool(chunk.utterance_ids))


def _words_of(chunk: Chunk) -> str:
    """Return the words of a chunk; older files hold those of the agent in the raw data."""
    if chunk.content:
        return chunk.content
    words = (chunk.raw_data or {}).get("proportional_transcript")
    return words if isinstance(words, str) else ""


def _continues(current: Utterance, ids: set[str], tick: Tick, number: int, last_call: int) -> bool:
    if ids and current.ids:
        return not ids.isdisjoint(current.ids)
    pause = (number - current.end) * (tick.tick_duration_seconds or TICK_SECONDS)
    return last_call < current.end and pause <= _LONGEST_PAUSE


# Within one tick the user comes first, and speech before tool calls.
_USER_SPEECH, _USER_CALLS, _AGENT_SPEECH, _AGENT_CALLS, LAST = range(5)
SPEECH: dict[Speaker, int] = {"user": _USER_SPEECH, "assistant": _AGENT_SPEECH}


@dataclass(frozen=True, slots=True)
class Entry:
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
        Entry(one.start, SPEECH[one.speaker], [message_of(one, one.text, ticks)]) for one in said
    ]
    return in_order([*entries, *tool_calls(ticks)])


def message_of(said: Utterance, text: str, ticks: Sequence[Tick]) -> Chunk:
    """Return an utterance as a message with `text`."""
    stamp = ticks[said.start].timestamp
    if said.speaker == "user":
        return UserMessage(content=text, timestamp=stamp, cost=said.cost)
    return AssistantMessage(content=text, timestamp=stamp, cost=said.cost)


def in_order(entries: Iterable[Entry]) -> list[Message]:
    """Return messages in the order of time, numbered."""
    ordered = sorted(entries, key=lambda entry: (entry.tick, entry.rank))
    messages = [message for entry in ordered for message in entry.messages]
    for turn, message in enumerate(messages):
        if isinstance(message, AssistantMessage | UserMessage | ToolMessage):
            message.turn_idx = turn
    return messages


def tool_calls(ticks: Sequence[Tick]) -> Iterator[Entry]:
    """Yield the tool calls of both participants, each message of them with its results."""
    results = {
        result.id: result
        for tick in ticks
        for result in (*tick.user_tool_results, *tick.agent_tool_results)
    }
    for number, tick in enumerate(ticks):
        calls = _calls(tick, "user")
        if calls:
            message: Message = UserMessage(tool_calls=calls, timestamp=tick.timestamp)
            yield Entry(number, _USER_CALLS, [message, *_results_of(calls, results)])
        calls = _calls(tick, "assistant")
        if calls:
            message = AssistantMessage(tool_calls=calls, timestamp=tick.timestamp)
            yield Entry(number, _AGENT_CALLS, [message, *_results_of(calls, results)])


def _calls(tick: Tick, speaker: Speaker) -> list[ToolCall]:
    """Return a participant's calls of a tick; older files hold them on its chunk."""
    chunk = tick.user_chunk if speaker == "user" else tick.agent_chunk
    of_tick = tick.user_tool_calls if speaker == "user" else tick.agent_tool_calls
    return list(of_tick) or (list(chunk.calls) if chunk is not None else [])


def _results_of(calls: Sequence[ToolCall], results: dict[str, ToolMessage]) -> list[ToolMessage]:
    found = (results.get(call.id) for call in calls)
    return [result.model_copy() for result in found if result is not None]
