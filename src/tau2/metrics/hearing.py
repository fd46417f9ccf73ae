"""What was heard of what was said: word errors, and values that were lost.

A failure of a voice agent may be one of hearing or one of reasoning. What the agent understood is
in the ticks of a call (transcripts of its provider or recognizer), and so is what the user said and
what it understood of the agent. Values are what a task depends on: ids, numbers, addresses, names.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from tau2.metrics.timeline import Heard, Segment, Timeline
from tau2.utils.text import plural

_MOST_CHARS = 10_000  # of one exchange that is read
_MOST_WORDS = 400  # of one exchange that is compared; the time grows with the square


@dataclass(frozen=True, slots=True)
class Passage:
    """Something that was said, and what was understood of it."""

    segments: tuple[Segment, ...]
    heard: str
    """Empty when nothing was understood."""

    @property
    def said(self) -> str:
        """The words of all segments."""
        return " ".join(segment.text.strip() for segment in self.segments)


@dataclass(frozen=True, slots=True)
class WordErrors:
    """How many words were missed, added or replaced, of how many."""

    errors: int
    words: int

    @property
    def rate(self) -> float | None:
        """The word error rate; None where nothing was said."""
        return self.errors / self.words if self.words else None

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(self.errors + other.errors, self.words + other.words)


def passages(timeline: Timeline) -> list[Passage]:
    """Return what the user said and the agent understood, in the order of time.

    Backchannels are left out, and what is said after the last transcript: the call may have ended
    before it was recognized. Where it is recorded when a transcript was said, the user's segment at
    that time is meant; else all that was said since the transcript before.
    """
    if any(one.span is not None for one in timeline.heard):
        texts, _ = _by_segment(timeline)
        last = max((start for start in texts), default=-1)
        return [
            Passage((segment,), " ".join(texts.get(segment.start, ())))
            for segment in timeline.user
            if not segment.is_backchannel and segment.start <= last
        ]
    return list(_since_the_last(timeline))


def strays(timeline: Timeline) -> list[Heard]:
    """Return what the agent understood where the user said nothing to it: noise, asides."""
    return _by_segment(timeline)[1]


def _by_segment(timeline: Timeline) -> tuple[dict[int, list[str]], list[Heard]]:
    """Return the texts that were heard by the start of their segment, and those without one."""
    starts = [segment.start for segment in timeline.user]
    texts: dict[int, list[str]] = {}
    lost = []
    for one in timeline.heard:
        if one.span is None:
            continue
        begin, end = one.span
        best: Segment | None = None
        most = 0.0
        place = bisect_right(starts, end) - 1
        while place >= 0 and timeline.user[place].end > begin:
            segment = timeline.user[place]
            overlap = min(end, segment.end) - max(begin, segment.start)
            if overlap > most:
                best = segment
                most = overlap
            place -= 1
        if best is None:
            lost.append(one)
        else:
            texts.setdefault(best.start, []).append(one.text)
    return texts, lost


def _since_the_last(timeline: Timeline) -> Iterator[Passage]:
    segments: list[Segment] = []
    texts: list[str] = []
    events: list[tuple[int, Segment | str]] = [
        *((segment.start, segment) for segment in timeline.user if not segment.is_backchannel),
        *((one.tick, one.text) for one in timeline.heard),
    ]
    for _, event in sorted(events, key=lambda one: one[0]):
        if isinstance(event, str):
            texts.append(event)
            continue
        if texts and segments:
            yield Passage(tuple(segments), " ".join(texts))
            segments = []
            texts = []
        segments.append(event)
    if texts and segments:
        yield Passage(tuple(segments), " ".join(texts))


@dataclass(frozen=True, slots=True)
class Hearing:
    """How well one participant heard the other."""

    words: WordErrors = WordErrors(0, 0)
    values: int = 0
    """Ids, numbers, addresses and names that were said."""
    misheard_values: int = 0
    """How many of them are not in what was understood."""

    def __add__(self, other: Hearing) -> Hearing:
        return Hearing(
            self.words + other.words,
            self.values + other.values,
            self.misheard_values + other.misheard_values,
        )

    def __str__(self) -> str:
        if self.words.rate is None:
            return "nothing was said"
        text = f"{self.words.rate:.1%} of {plural(self.words.words, 'word')} wrong"
        if not self.values:
            return text
        right = self.values - self.misheard_values
        return f"{text}, {right:,} of {plural(self.values, 'value')} right"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "word_error_rate": self.words.rate,
            "words": self.words.words,
            "values": self.values,
            "misheard_values": self.misheard_values,
        }


def heard_by_agent(timeline: Timeline) -> Hearing | None:
    """Return how well the agent heard the user; None where no transcript is stored."""
    return total(hearing(one.said, one.heard) for one in passages(timeline))


def heard_by_user(timeline: Timeline) -> Hearing | None:
    """Return how well the user heard the agent; None where that is not stored."""
    return total(hearing(one.transcript, one.text) for one in timeline.user_heard if one.transcript)


def total(parts: Iterable[Hearing | None]) -> Hearing | None:
    """Return the sum of what is known; None where nothing is."""
    known = [part for part in parts if part is not None]
    return sum(known, Hearing()) if known else None


def hearing(said: str, heard: str) -> Hearing:
    """Return how well a text was heard; of a long one the beginning is compared."""
    from tau2.voice.speech.accuracy import (  # noqa: PLC0415  -- only runs with calls load it
        values_heard,
    )

    said = said[:_MOST_CHARS]
    heard = heard[:_MOST_CHARS]
    values = values_heard(said, heard)
    return Hearing(word_errors(said, heard), len(values.said), len(values.missed))


def _spoken_words() -> Callable[[str], list[str]]:
    """Return what knows the words of a text as they are spoken."""
    from tau2.voice.speech.accuracy import spoken_words  # noqa: PLC0415  -- see `hearing`

    return spoken_words


def word_errors(said: str, heard: str) -> WordErrors:
    """Return the word errors of a transcript: insertions, deletions and substitutions together.

    `tau2.voice.speech.accuracy` counts as many, tells them apart, and needs an extra for it. Here
    the beginning of a long text is compared.
    """
    words = _spoken_words()
    said = said[:_MOST_CHARS]
    heard = heard[:_MOST_CHARS]
    first = words(said)[:_MOST_WORDS]
    second = words(heard)[:_MOST_WORDS]
    return WordErrors(_distance(first, second), len(first))


def _distance(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the edit distance of two lists."""
    before = list(range(len(second) + 1))
    for row, word in enumerate(first, start=1):
        current = [row]
        for column, other in enumerate(second, start=1):
            replaced = before[column - 1] + (word != other)
            current.append(min(replaced, before[column] + 1, current[-1] + 1))
        before = current
    return before[-1]


def marked_words(said: str, heard: str) -> list[tuple[str, bool]]:
    """Return the words that were heard, and whether each is one of those that were said."""
    said = said[:_MOST_CHARS]
    shown = heard[:_MOST_CHARS].split()[:_MOST_WORDS]
    words = _spoken_words()
    pieces = [(place, piece) for place, word in enumerate(shown) for piece in words(word)]
    reference = words(said)[:_MOST_WORDS]
    matcher = SequenceMatcher(None, reference, [piece for _, piece in pieces], autojunk=False)
    right = {
        number
        for block in matcher.get_matching_blocks()
        for number in range(block.b, block.b + block.size)
    }
    wrong = {place for number, (place, _) in enumerate(pieces) if number not in right}
    return [(word, place not in wrong) for place, word in enumerate(shown)]
