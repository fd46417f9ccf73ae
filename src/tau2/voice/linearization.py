"""Ticks as a conversation of text messages, in an order that models and checks can read.

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
    pieces: list[str] = field(default_factory=list)
    cost: float | None = None

    @property
    def text(self) -> str:
        """The words that were heard."""
        return "".join(self.pieces).strip()

    def add(self, words: str, *, is_after_pause: bool) -> None:
        """Add the words of a chunk; after a pause they are words of their own."""
        if is_after_pause and self.pieces and not self.pieces[-1].endswith(" "):
            words = f" {words.lstrip()}"
        self.pieces.append(words)


def utterances(ticks: Sequence[Tick], speaker: Speaker) -> list[Utterance]:
    """Return what one participant said, in order.

    Chunks with a common utterance id belong together, whatever lies between them; chunks without
    ids do where the silence between them is short.
    """
    found: list[Utterance] = []
    for number, tick in enumerate(ticks):
        chunk = tick.user_chunk if speaker == "user" else tick.agent_chunk
        if chunk is None or not _is_heard(chunk):
            continue
        ids = set(chunk.utterance_ids or ())
        current = found[-1] if found else None
        if current is None or not _continues(current, ids, number, tick.tick_duration_seconds):
            current = Utterance(speaker, number, number)
            found.append(current)
        if chunk.content:
            current.add(chunk.content, is_after_pause=number > current.end)
        current.end = number + 1
        current.ids |= ids
        if chunk.cost is not None:
            current.cost = (current.cost or 0.0) + chunk.cost
    return [utterance for utterance in found if utterance.text]


def _is_heard(chunk: Chunk) -> bool:
    return bool(chunk.content) or (chunk.contains_speech and bool(chunk.utterance_ids))


def _continues(current: Utterance, ids: set[str], number: int, seconds: float | None) -> bool:
    if ids and current.ids:
        return not ids.isdisjoint(current.ids)
    pause = (number - current.end) * (seconds or 0.2)
    return pause <= _LONGEST_PAUSE


# Within one tick the user comes first, and speech before tool calls.
_USER_SPEECH, _USER_CALLS, _AGENT_SPEECH, _AGENT_CALLS = range(4)


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
    entries = sorted(_entries(ticks), key=lambda entry: (entry.tick, entry.rank))
    messages = [message for entry in entries for message in entry.messages]
    for turn, message in enumerate(messages):
        if isinstance(message, AssistantMessage | UserMessage | ToolMessage):
            message.turn_idx = turn
    return messages


def _entries(ticks: Sequence[Tick]) -> Iterator[_Entry]:
    for said in utterances(ticks, "user"):
        stamp = ticks[said.start].timestamp
        user = UserMessage(content=said.text, timestamp=stamp, cost=said.cost)
        yield _Entry(said.start, _USER_SPEECH, [user])
    for said in utterances(ticks, "assistant"):
        stamp = ticks[said.start].timestamp
        agent = AssistantMessage(content=said.text, timestamp=stamp, cost=said.cost)
        yield _Entry(said.start, _AGENT_SPEECH, [agent])
    results = _results(ticks)
    for number, tick in enumerate(ticks):
        calls = _calls(tick.user_tool_calls, tick.user_chunk)
        if calls:
            message: Message = UserMessage(tool_calls=calls, timestamp=tick.timestamp)
            yield _Entry(number, _USER_CALLS, [message, *_results_of(calls, results)])
        calls = _calls(tick.agent_tool_calls, tick.agent_chunk)
        if calls:
            message = AssistantMessage(tool_calls=calls, timestamp=tick.timestamp)
            yield _Entry(number, _AGENT_CALLS, [message, *_results_of(calls, results)])


def _calls(of_tick: list[ToolCall], chunk: Chunk | None) -> list[ToolCall]:
    """Return the calls of a tick; older files hold them on the chunk."""
    return list(of_tick) or (list(chunk.calls) if chunk is not None else [])


def _results(ticks: Iterable[Tick]) -> dict[str, ToolMessage]:
    return {
        result.id: result
        for tick in ticks
        for result in (*tick.user_tool_results, *tick.agent_tool_results)
    }


def _results_of(calls: Sequence[ToolCall], results: dict[str, ToolMessage]) -> list[ToolMessage]:
    found = (results.get(call.id) for call in calls)
    return [result.model_copy() for result in found if result is not None]
