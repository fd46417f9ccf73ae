"""A call as text messages for the context of a model.

Ticks are divided into utterances by `tau2.data_model.utterances`; here it is decided what becomes
of words that were spoken at the same time, and of silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import pairwise

from tau2.data_model.message import AssistantMessage, Message, Tick, UserMessage
from tau2.data_model.utterances import (
    LAST,
    SPEECH,
    TICK_SECONDS,
    Entry,
    Utterance,
    in_order,
    message_of,
    tool_calls,
    utterances,
)

SAME_TIME = "[at the same time]"
"""Before words that were spoken while the other participant spoke, too."""
MEANWHILE = "[meanwhile]"
"""Before an utterance that lies within one of the other participant."""


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
        *tool_calls(ticks),
    ]
    if silence_seconds is not None:
        _mention_silence(entries, [*user, *agent], ticks, silence_seconds)
    return in_order(entries)


def _speech(
    said: Sequence[Utterance],
    by_other: Sequence[Utterance],
    ticks: Sequence[Tick],
    strategy: LinearizationStrategy,
) -> Iterator[Entry]:
    """Yield what one participant said, divided and marked as a strategy has it."""
    for one in said:
        rank = SPEECH[one.speaker]
        overlapping = [other for other in by_other if one.overlaps(other)]
        if strategy is LinearizationStrategy.SIMPLE or not overlapping:
            yield Entry(one.start, rank, [message_of(one, one.text, ticks)])
            continue
        if strategy is LinearizationStrategy.CONTAINMENT_AWARE:
            around = next((other for other in overlapping if one.lies_in(other)), None)
            if around is not None:
                text = f"{MEANWHILE} {one.text}"
                # Behind all of the utterance that it lies in.
                yield Entry(around.start, LAST, [message_of(one, text, ticks)])
                continue
            overlapping = [other for other in overlapping if not other.lies_in(one)]
        for part in _parts(one, overlapping):
            text = part.text
            if any(part.overlaps(other) for other in overlapping):
                text = f"{SAME_TIME} {text}"
            yield Entry(part.start, rank, [message_of(part, text, ticks)])


def _parts(one: Utterance, overlapping: Sequence[Utterance]) -> Iterator[Utterance]:
    """Yield an utterance divided where others begin, without parts in which nothing is said."""
    inner = {other.start for other in overlapping if one.start < other.start < one.end}
    edges = [one.start, *sorted(inner), one.end]
    for start, end in pairwise(edges):
        part = one.part(start, end)
        if part.text:
            yield part


def _mention_silence(
    entries: list[Entry], said: Sequence[Utterance], ticks: Sequence[Tick], at_least: float
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
        message = begun_at.get((one.start, SPEECH[one.speaker]))
        if seconds >= at_least and message is not None:
            message.content = f"[{seconds:.1f} s of silence] {message.content}"
        end = max(end, one.end)


def _seconds(ticks: Iterable[Tick]) -> float:
    return sum(tick.tick_duration_seconds or TICK_SECONDS for tick in ticks)
