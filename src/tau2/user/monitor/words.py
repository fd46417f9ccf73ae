"""Words, sentences and word sequences of what participants say."""

from __future__ import annotations

import re
from functools import lru_cache

from tau2.user.base_user import OUT_OF_SCOPE, STOP, TRANSFER

MOST_READ = 8_000
"""Characters of one message that are looked at; an agent may send anything."""

_SHORT = 3  # letters of a word that keeps its "e": "the"
_PLAIN = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"',
                        "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2014": "-",
                        "\u00a0": " ", "*": " ", "`": " "})  # fmt: skip
_TOKEN = re.compile(r"###[A-Z-]+###")
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_BREAK = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+|(?<!\s)\s+-\s+")
_QUOTED = re.compile(r"\"[^\"\n]{3,300}\"")


def any_case(pattern: str) -> re.Pattern[str]:
    """Return a regular expression that ignores case."""
    return re.compile(pattern, re.IGNORECASE)


def word_set(text: str) -> frozenset[str]:
    """Return the words of a list that is written as one text."""
    return frozenset(text.split())


_FUNCTION_WORDS = word_set(
    """
    a about after again all also am an and any are as ask at be because been before but by can
    cannot could did do does done don't for from get give go going got had has have having he
    hello help her here hey hi him his how i i'd i'll i'm i've if in into is it it's its just
    know let like make may me might more my need no not now of ok okay on once one only or other
    our out over please really right say see she should since so some still such sure tell than
    thank thanks that that's the their them then there these they thing things this those to too
    try up us use very want wants was way we well were what when where whether which while who
    why will with would yes you your you're yours yourself
    """
)


def plain(text: str | None) -> str:
    """Return the text that is looked at: capped, with plain quotes and without markup."""
    return (text or "")[:MOST_READ].translate(_PLAIN)


def spoken(text: str) -> str:
    """Return a plain text without the tokens that end a conversation."""
    return _TOKEN.sub(" ", text)


def ends_with(text: str) -> str | None:
    """Return the token of a text that ends the conversation, or None."""
    return next((token for token in (TRANSFER, OUT_OF_SCOPE, STOP) if token in text), None)


def without_quotes(text: str) -> str:
    """Return a text without what stands in quotation marks: somebody else's words."""
    return _QUOTED.sub(" ", text)


def sentences(text: str) -> list[str]:
    """Return the sentences and lines of a text, without empty ones."""
    return [part.strip() for part in _BREAK.split(text) if part and _WORD.search(part.lower())]


def words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return _WORD.findall(text.lower())


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Return a word without its commonest endings: "orders" and "ordered" meet "order"."""
    word = word.removesuffix("'s")
    for ending, least in (("ation", 8), ("ing", 6), ("ies", 5), ("ied", 5), ("ed", 5), ("es", 5),
                          ("s", 4)):  # fmt: skip
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            base = word.removesuffix(ending)
            if ending in {"ies", "ied"}:
                return base + "y"
            if base[-2:-1] == base[-1:] and base[-1] not in "ls":
                base = base[:-1]
            return base.removesuffix("e")
    return word.removesuffix("e") if len(word) > _SHORT else word


def content_stems(text: str) -> set[str]:
    """Return the stems of the words that carry meaning; no numbers."""
    stems = set(map(_content_stem, words(text)))
    stems.discard("")
    return stems


@lru_cache(maxsize=8192)
def _content_stem(word: str) -> str:
    """Return the stem of a word that carries meaning; nothing for another word or a number."""
    if word in _FUNCTION_WORDS or any(map(str.isdigit, word)):
        return ""
    return stem(word)


def sequences(said: list[str], length: int) -> list[tuple[str, ...]]:
    """Return the runs of `length` consecutive words."""
    return [tuple(said[at : at + length]) for at in range(len(said) - length + 1)]
