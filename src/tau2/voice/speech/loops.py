"""Loops of a recognizer: it repeats itself instead of listening.

A sequence model that recognizes speech may write the same words again and again, mostly for noise
or for a voice it does not know. What a person cannot have said in the time is cut off.
"""

from __future__ import annotations

import re

LOOP = "loop"
"""The flag of a transcript that was cut off."""

_FASTEST = 28  # characters per second; fast speakers reach 20
_ALLOWANCE = 24  # characters that any utterance may have
_LONGEST_UNIT = 12  # words that repeat together
_MOST_REPEATS = 3  # people repeat themselves, but not more often in a row
_SHORTEST = 8  # words of a repetition that is a loop
_MOST_DIGITS = 12  # in a row, with a period: numbers have them
_DIGIT_WORDS = frozenset(
    {"zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
)
_WORD = re.compile(r"\w[\w'’-]*")


def without_loops(text: str, seconds: float) -> tuple[str, bool]:
    """Return `text` without a loop, and whether there was one.

    Args:
        text: What was recognized.
        seconds: How long the audio is.
    """
    repeated = _first_repetition(text)
    if repeated is not None:
        return text[:repeated].rstrip(" ,;-"), True
    most = round(_ALLOWANCE + _FASTEST * seconds)
    if len(text) > most:
        return text[:most].rpartition(" ")[0], True
    return text, False


def _first_repetition(text: str) -> int | None:
    """Return where the second turn of the first loop begins, as an index of `text`."""
    found = [(match.group().casefold(), match.start()) for match in _WORD.finditer(text)]
    words = [word for word, _ in found]
    for start in range(len(words)):
        for length in range(1, _LONGEST_UNIT + 1):
            if _loops(words, start, length):
                return found[start + length][1]
    return None


def _loops(words: list[str], start: int, length: int) -> bool:
    unit = words[start : start + length]
    turns = 1
    while words[start + turns * length : start + (turns + 1) * length] == unit:
        turns += 1
    if all(word.isdigit() or word in _DIGIT_WORDS for word in unit):
        return turns * length > _MOST_DIGITS and turns > _MOST_REPEATS
    return turns > _MOST_REPEATS and turns * length >= _SHORTEST
