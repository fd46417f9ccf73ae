"""When each word of an utterance is spoken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tau2.voice.speech.protocols import Speech, SpokenWord
from tau2.voice.speech.spoken import spoken_tokens

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


def speech_of_written(text: str, speak: Callable[[str], Speech]) -> Speech:
    """Return the speech of a written text, with its words as they are written.

    Args:
        text: In written form: "W23 costs $5".
        speak: Speaks what it is given: "W, 2 3 costs 5 dollars".
    """
    tokens = spoken_tokens(text)
    speech = speak(" ".join(token.said for token in tokens))
    counts = [len(token.said.split()) for token in tokens]
    if sum(counts) != len(speech.words):
        written = " ".join(token.written for token in tokens)
        return replace(speech, words=estimated_words(written, speech.seconds))
    words = []
    at = 0
    for token, count in zip(tokens, counts, strict=True):
        first = speech.words[at]
        at += count
        words.append(SpokenWord(token.written, first.start, speech.words[at - 1].end))
    return replace(speech, words=words)
