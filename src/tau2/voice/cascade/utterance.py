"""What the agent says, as audio, and when each word of its message is over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from tau2.errors import needs_extra
from tau2.voice.audio.formats import Samples
from tau2.voice.cascade.turn_end import words_of
from tau2.voice.speech.protocols import Speech, SpokenWord

with needs_extra("voice", "numpy"):
    import numpy as np

_TOKEN = re.compile(r"\S+\s*")
_MOST_COMPARED = 2000  # words; the comparison is quadratic at worst


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text with its speech."""

    id: str
    text: str
    """As the agent wrote it."""
    samples: Samples
    sample_rate: int
    ends: Sequence[float]
    """When each word of the text has been said, in seconds; a word is what stands between white
    space."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.sample_rate

    def said_between(self, start: float, end: float) -> str:
        """Return the words that were completed after `start` and up to `end`, in seconds.

        All such pieces together are the whole text.
        """
        tokens = _TOKEN.findall(self.text)
        return "".join(
            token
            for token, at in zip(tokens, self.ends, strict=True)
            if (start < at or (start == 0 == at)) and at <= end
        )


def utterance_of(
    identifier: str, text: str, speech: Speech, samples: Samples, sample_rate: int
) -> Utterance:
    """Return an utterance; `samples` are the speech at `sample_rate` Hz."""
    text = text.strip()
    seconds = len(samples) / sample_rate
    ends = word_ends(text, speech.words, seconds)
    return Utterance(identifier, text, samples, sample_rate, ends)


def word_ends(text: str, spoken: Sequence[SpokenWord], seconds: float) -> list[float]:
    """Return when each word of a written text has been said, in seconds.

    A written word may be spoken as several ("W12": "w one two"), and several as one. Words that
    both have are matched; what lies between is divided by length. Never decreasing, and at most
    `seconds`.
    """
    written = _TOKEN.findall(text)
    if not written:
        return []
    if not spoken:
        spoken = _evenly(written, seconds)
    ends = [min(word.end, seconds) for word in spoken]
    places = _last_spoken(written, spoken)
    result: list[float] = []
    latest = 0.0
    for place in places:
        latest = max(latest, ends[place])
        result.append(latest)
    result[-1] = max(result[-1], min(ends[-1], seconds))
    return result


def _evenly(written: Sequence[str], seconds: float) -> list[SpokenWord]:
    lengths = np.cumsum([len(token) for token in written])
    ends = (lengths / lengths[-1] * seconds).tolist()
    starts = [0.0, *ends[:-1]]
    words = zip(written, starts, ends, strict=True)
    return [SpokenWord(token.strip(), start, end) for token, start, end in words]


def _last_spoken(written: Sequence[str], spoken: Sequence[SpokenWord]) -> list[int]:
    """Return for each written word the index of the last spoken word that belongs to it."""
    mine = ["".join(words_of(token)) for token in written]
    theirs = ["".join(words_of(word.text)) for word in spoken]
    places = [0] * len(written)
    blocks = [(0, len(mine), 0, len(theirs))]
    if len(mine) <= _MOST_COMPARED and len(theirs) <= _MOST_COMPARED:
        matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
        blocks = [block[1:] for block in matcher.get_opcodes()]
    for first, last, start, stop in blocks:
        lengths = [len(token) for token in written[first:last]]
        whole = sum(lengths)
        so_far = 0
        for place, length in zip(range(first, last), lengths, strict=True):
            so_far += length
            count = round((stop - start) * so_far / whole)
            places[place] = max(0, start + count - 1)
    return places
