"""Sentences and words of plain English text, by rule."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_MOST_READ = 20_000  # characters of one message that are looked at; an agent may send anything

_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|No|vs|approx|Ave|Apt|Inc|Jr|Sr)|\be\.g|\bi\.e|\betc)\.$",
    re.IGNORECASE,
)
_BREAK = re.compile(r"(?<=[.!?…])[\"')\]]*\s+(?=[\"'(\[]?[A-Z#$])|\n+")
_WRAPPED = re.compile(r"(?<![.!?:\s])[ \t]*\n\s*(?=[a-z])")
_WORD = re.compile(r"#?[a-z0-9]+(?:[._@'-][a-z0-9]+)*")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a list written as one text."""
    return frozenset(text.split())


_STOP = word_set(
    "a about after again all also am an and any are as ask asked asks at agent available be "
    "because been before "
    "but by "
    "can cannot could did do does doing done don't for from get give go had has have having he "
    "help her here him "
    "his how "
    "i i'd i'll i'm i've if in into is it it's its just know let like ll make may me might more "
    "my myself need "
    "no not of "
    "on once one only or other our out over own please provide really right say says see shall "
    "she should so "
    "some such "
    "sure tell than thank thanks that the their them then there these they this those to too up "
    "us use very want "
    "wants "
    "was we well were what when where whether which while who why will wish with would yes you "
    "your you'd you're "
    "yours "
    "yourself today there's i'd"
)


def clean(text: str | None) -> str:
    """Return the text that is looked at: capped, with plain quotes and no markup."""
    text = (text or "")[:_MOST_READ].replace("\u2019", "'").replace("\u2018", "'")
    return text.replace("\u201c", '"').replace("\u201d", '"').replace("**", "").replace("`", "")


def sentences(text: str) -> list[str]:
    """Return the sentences of `text`, without list markers and without empty ones."""
    found: list[str] = []
    for piece in _BREAK.split(_WRAPPED.sub(" ", text)):
        part = " ".join(_BULLET.sub("", piece).split())
        if not re.search(r"\w", part):
            continue
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] = f"{found[-1]} {part}"
        else:
            found.append(part)
    return found


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case."""
    return _WORD.findall(text.lower())


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """Return a word without its commonest endings, so that "orders" and "ordering" meet "order"."""
    word = word.removesuffix("'s")
    for ending, least in (("ing", 6), ("ies", 5), ("ied", 5), ("ed", 5), ("es", 5), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            base = word.removesuffix(ending)
            return base + "y" if ending in {"ies", "ied"} else base.removesuffix("e")
    return word.removesuffix("e") if len(word) > 3 else word  # noqa: PLR2004  -- "the" stays whole


def keywords(text: str) -> frozenset[str]:
    """Return the stems of the words that carry meaning."""
    return frozenset(stem(word) for word in words(text) if word not in _STOP)


def overlap(wanted: Iterable[str], given: frozenset[str]) -> int:
    """Return how many of the wanted stems are given."""
    return sum(word in given for word in wanted)


def capital(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def ended(text: str) -> str:
    """Return the text as a sentence: capital first, punctuation last."""
    text = capital(text.strip().rstrip(",;: "))
    return text if not text or text[-1] in ".!?…" or text[-2:] in {'."', ".'", ".)"} else f"{text}."


def lowered(text: str) -> str:
    """Return the text as the rest of a sentence, in lower case except for a name or "I"."""
    first = text.split(" ", 1)[0]
    keep = first in {"I", "I'm", "I'd", "I've", "I'll"} or (
        len(first) > 1 and not first[1:].islower()
    )
    return text if keep or not text else text[0].lower() + text[1:]
