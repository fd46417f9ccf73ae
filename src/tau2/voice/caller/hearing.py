"""What a caller hears of the agent: its transcript, or what is recognized in its audio."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from tau2.data_model.conventions import TOKEN
from tau2.data_model.message import AssistantMessage
from tau2.utils.json_types import JsonObject


@dataclass(frozen=True, slots=True)
class HeardTurn:
    """What was heard since the last time."""

    text: str
    """What the caller understood."""
    transcript: str
    """What the agent said, by its own account."""
    start_tick: int
    end_tick: int
    """The tick after the last in which the agent spoke."""
    is_recognized: bool = False
    """Whether the text comes from the audio, and not from the transcript."""
    word_error_rate: float | None = None
    """Of the text against the transcript; None if it is not recognized, or nothing was said."""

    def record(self) -> JsonObject:
        """Return what is stored of it."""
        record: JsonObject = {
            "text": self.text,
            "transcript": self.transcript,
            "start_tick": self.start_tick,
            "end_tick": self.end_tick,
        }
        if self.is_recognized:
            record["word_error_rate"] = self.word_error_rate
        return record


class Ear(Protocol):
    """Listens to the agent. It holds what was heard and not answered yet."""

    def hear(self, chunk: AssistantMessage | None, tick: int) -> bool:
        """Hear the chunk of a tick; return whether the agent speaks in it."""

    @property
    def has_heard(self) -> bool:
        """Whether there is anything to answer."""

    def so_far(self) -> str:
        """Return what has been understood up to now."""

    def take(self) -> HeardTurn:
        """Return what was heard and forget it. Raise SpeechFailed."""

    def put_back(self, turn: HeardTurn) -> None:
        """Hear once more what was taken, before everything that was heard since."""


@dataclass(slots=True)
class TranscriptEar:
    """Hears the agent's own transcript, without a mistake."""

    pieces: list[str] = field(default_factory=list)
    start_tick: int | None = None
    end_tick: int = 0

    def hear(self, chunk: AssistantMessage | None, tick: int) -> bool:
        """Hear the words of a chunk."""
        if chunk is None:
            return False
        speaks = speaks_in(chunk)
        if chunk.content:
            if tick > self.end_tick:
                self.pieces.append(" ")  # what comes after a pause are words of their own
            self.pieces.append(chunk.content)
        if speaks:
            if self.start_tick is None:
                self.start_tick = tick
            self.end_tick = tick + 1
        return speaks

    @property
    def has_heard(self) -> bool:
        """Whether there are words to answer."""
        return bool(self.so_far())

    def so_far(self) -> str:
        """Return the words up to now."""
        return as_heard("".join(self.pieces))

    def take(self) -> HeardTurn:
        """Return the words and forget them."""
        text = self.so_far()
        start = self.end_tick if self.start_tick is None else self.start_tick
        turn = HeardTurn(text, text, start, self.end_tick)
        self.pieces = []
        self.start_tick = None
        return turn

    def put_back(self, turn: HeardTurn) -> None:
        """Put words before those that were heard since."""
        self.pieces.insert(0, f"{turn.transcript or turn.text} ")
        self.start_tick = turn.start_tick
        self.end_tick = max(self.end_tick, turn.end_tick)


def speaks_in(chunk: AssistantMessage) -> bool:
    """Return whether the agent speaks in a chunk. A chunk of nothing says nothing of itself."""
    return chunk.contains_speech and (bool(chunk.audio_content) or bool(chunk.content))


def as_heard(text: str) -> str:
    """Return words without tokens for machines, and with single spaces."""
    return " ".join(TOKEN.sub(" ", text).split())
