"""When each word of an utterance is spoken, estimated from its length."""

from __future__ import annotations

from tau2.voice.speech.protocols import SpokenWord

_PAUSE = 1  # of a word, in letters: the transition to the next
_DIGIT = 4  # letters: as long as the name of a digit is


def estimated_words(text: str, seconds: float, start: float = 0.0) -> list[SpokenWord]:
    """Return the words of `text` with times: each takes a share of `seconds` by its letters.

    Args:
        text: What is spoken.
        seconds: How long it takes together.
        start: When it begins, in seconds.
    """
    words = text.split()
    weights = [_PAUSE + sum(_DIGIT if c.isdigit() else 1 for c in word) for word in words]
    if not weights:
        return []
    scale = seconds / sum(weights)
    timed = []
    at = start
    for word, weight in zip(words, weights, strict=True):
        timed.append(SpokenWord(word, at, at + weight * scale))
        at += weight * scale
    return timed
