"""What a recognized text says about the turn it belongs to."""

from __future__ import annotations

import re

from tau2.voice.cascade.settings import TurnWords

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation."""
    return _WORD.findall(text.lower().replace("\u2019", "'"))


def is_backchannel(text: str, words: TurnWords, *, may_go_on: bool = False) -> bool:
    """Return whether a text only shows that the user listens.

    With `may_go_on`, the beginning of such a text counts, too: the user still speaks.
    """
    said = " ".join(words_of(text))
    if not said or said in words.backchannels:
        return True
    return may_go_on and any(phrase.startswith(said) for phrase in words.backchannels)


def is_unfinished(text: str, words: TurnWords) -> bool:
    """Return whether more of the turn is likely to come: it ends as no sentence does, or spells."""
    if text.rstrip().endswith((",", "...", "-", "\u2026")):
        return True
    said = words_of(text)
    if not said:
        return False
    last = said[-1]
    return last in words.openings or last in words.symbols or last.isdecimal() or len(last) == 1
