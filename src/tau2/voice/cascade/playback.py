"""What of the agent's utterances was heard: a queue of speech, and the account of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tau2.errors import needs_extra
from tau2.voice.audio.formats import Samples
from tau2.voice.cascade.utterance import Utterance

with needs_extra("voice", "numpy"):
    import numpy as np

_PAUSE_SECONDS = 0.3  # between two utterances
_SETTLED_SECONDS = 0.8  # of an answer that is more than a false start


@dataclass(frozen=True, slots=True)
class Cut:
    """An utterance that was stopped, and what was heard of it."""

    utterance: Utterance
    played_seconds: float
    said: str
    """The words that were said to their end."""

    @property
    def dropped_seconds(self) -> float:
        """How much was not played."""
        return self.utterance.seconds - self.played_seconds


@dataclass(slots=True)
class Played:
    """A piece of the agent's side of the call."""

    samples: Samples
    words: str = ""
    """Joined, the words of all pieces are a text: one utterance is set off from the next."""
    utterances: list[str] = field(default_factory=list)
    """The ids of what was heard."""
    settled: list[str] = field(default_factory=list)
    """The ids of utterances of which enough was heard for the first time to be an answer."""
    finished: list[str] = field(default_factory=list)
    """The ids of utterances that were played to their end."""

    @property
    def contains_speech(self) -> bool:
        """Whether any utterance was heard."""
        return bool(self.utterances)


@dataclass(slots=True)
class _Queued:
    utterance: Utterance
    not_before: float
    played: int = 0
    """In samples."""
    has_words: bool = False
    is_settled: bool = False


class Playback:
    """Plays utterances one after the other, on a clock that its caller moves."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._queue: list[_Queued] = []
        self._has_space = True
        self._pause_until = 0.0

    @property
    def is_talking(self) -> bool:
        """Whether an utterance is being played and is not over."""
        return bool(self._queue) and self._queue[0].played > 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to play."""
        return not self._queue

    @property
    def remaining_seconds(self) -> float:
        """How much is left of the utterance that is being played."""
        if not self._queue:
            return 0.0
        first = self._queue[0]
        return (len(first.utterance.samples) - first.played) / self._rate

    def add(self, utterance: Utterance, not_before: float = 0.0) -> None:
        """Play an utterance after the others, and not before a time in seconds."""
        self._queue.append(_Queued(utterance, not_before))

    def play(self, start: float, length: int) -> Played:
        """Return what is heard from `start` (in seconds) on, in `length` samples."""
        played = Played(np.zeros(length, np.float32))
        place = 0
        while self._queue and place < length:
            first = self._queue[0]
            if not first.played:
                begin = max(first.not_before, self._pause_until)
                place = max(place, round((begin - start) * self._rate))
            if place >= length:
                break
            place += self._play_into(played, first, place)
            if first.played >= len(first.utterance.samples):
                played.finished.append(first.utterance.id)
                self._pause_until = start + place / self._rate + _PAUSE_SECONDS
                self._queue.pop(0)
        return played

    def _play_into(self, played: Played, queued: _Queued, place: int) -> int:
        """Play one utterance from `place` on; return how many samples that took."""
        utterance = queued.utterance
        count = min(len(played.samples) - place, len(utterance.samples) - queued.played)
        before = queued.played
        queued.played = before + count
        played.samples[place : place + count] = utterance.samples[before : queued.played]
        is_over = queued.played >= len(utterance.samples)
        end = float("inf") if is_over else queued.played / self._rate
        words = utterance.said_between(before / self._rate, end)
        if words:
            played.words += words if self._has_space else f" {words}"
            self._has_space = words[-1].isspace()
        played.utterances.append(utterance.id)
        queued.has_words |= bool(words)
        is_long = queued.played >= _SETTLED_SECONDS * self._rate
        if queued.has_words and is_long and not queued.is_settled:
            queued.is_settled = True
            played.settled.append(utterance.id)
        return count

    def stop(self) -> list[Cut]:
        """Drop everything, and return what was cut off or never played, in order."""
        cuts = [_cut(queued, self._rate) for queued in self._queue]
        self._queue.clear()
        return cuts


def _cut(queued: _Queued, rate: int) -> Cut:
    seconds = queued.played / rate
    said = queued.utterance.said_between(0.0, seconds) if queued.played else ""
    return Cut(queued.utterance, seconds, said.rstrip())
