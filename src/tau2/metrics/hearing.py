"""What was heard of what was said: word errors, by which a failure of hearing shows.

A failure of a voice agent may be one of hearing or one of reasoning. What the agent understood is
in the ticks of a call (transcripts of its provider or recognizer); what the user said is there too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from tau2.data_model.simulation import SimulationRun
from tau2.metrics.timeline import Segment, Timeline, timeline_of
from tau2.utils.number_words import NUMBERS

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d")
_DIGITS = {"zero": "0", "oh": "0"} | {word: str(n) for n, word in enumerate(NUMBERS[1:10], 1)}
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


def passages(timeline: Timeline) -> Iterator[Passage]:
    """Yield what the user said and the agent understood, in the order of time.

    A transcript comes after the speech that it is of: all that was said since the last transcript
    belongs to the next ones. Backchannels and what is said after the last transcript are left out.
    """
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


def hearing_of(run: SimulationRun) -> WordErrors | None:
    """Return how well the agent heard the user; None where no transcript is stored."""
    if not run.ticks:
        return None
    found = [word_errors(one.said, one.heard) for one in passages(timeline_of(run.ticks))]
    return total(found) if found else None


def total(parts: Iterable[WordErrors]) -> WordErrors:
    """Return the sum of word errors."""
    return sum(parts, WordErrors(0, 0))


def spoken_words(text: str) -> list[str]:
    """Return the words of a text as they are compared: lower case, and digits one by one.

    So that "W23" and "w two three" are the same.
    """
    words = _WORD.findall(text.casefold())
    return [_DIGITS.get(word, word) for word in words]


def word_errors(said: str, heard: str) -> WordErrors:
    """Return the word errors of a transcript: insertions, deletions and substitutions."""
    first = spoken_words(said)[:_MOST_WORDS]
    second = spoken_words(heard)[:_MOST_WORDS]
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
    shown = heard.split()[:_MOST_WORDS]
    pieces = [(place, piece) for place, word in enumerate(shown) for piece in spoken_words(word)]
    reference = spoken_words(said)[:_MOST_WORDS]
    matcher = SequenceMatcher(None, reference, [piece for _, piece in pieces], autojunk=False)
    right = {
        number
        for block in matcher.get_matching_blocks()
        for number in range(block.b, block.b + block.size)
    }
    wrong = {place for number, (place, _) in enumerate(pieces) if number not in right}
    return [(word, place not in wrong) for place, word in enumerate(shown)]
