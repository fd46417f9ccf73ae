"""Names of an interface as identifiers of Python, as words, and in the singular and the plural."""

from __future__ import annotations

import builtins
import keyword
import unicodedata
from collections.abc import Container
from functools import lru_cache

from pydantic import BaseModel

from tau2.environment.db import DB
from tau2.environment.toolkit import ToolKitBase

_LONGEST = 48  # characters of an identifier; models accept tool names of 64
_TYPES = frozenset({
    "Any", "BaseModel", "DB", "Event", "Field", "Iterator", "LINKS", "Literal", "Mapping", "R",
    "Sequence", "ToolError", "ToolKitBase", "ToolType", "TypeVar", "ValidationError",
})  # fmt: skip
"""What the modules of a package import or define, and no record may be called."""
_WORDS_OF_PYTHON = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins)}) - {
    "format", "hash", "id", "input", "license", "max", "min", "type",
}  # fmt: skip
"""What an identifier does not hide; the exceptions are frequent, and derived code uses none."""
FIELDS = _WORDS_OF_PYTHON | frozenset(dir(BaseModel)) | {"model_config"}
"""Names that a field of a record cannot have."""
TABLES = FIELDS | frozenset(dir(DB)) | {"events"}
"""Names that a field of the database cannot have."""
TOOLS = _WORDS_OF_PYTHON | frozenset(dir(ToolKitBase)) | {"db"}
"""Names that a method of a toolkit cannot have."""
PARAMETERS = _WORDS_OF_PYTHON | {"self", "is_tool", "record", "R"}
"""Names that an argument of a tool cannot have; `record` is a variable of the methods."""
_IRREGULAR = {
    "people": "person", "children": "child", "men": "man", "women": "woman", "series": "series",
    "news": "news", "status": "status", "address": "address", "species": "species",
    "movies": "movie", "cookies": "cookie", "data": "data", "feet": "foot", "mice": "mouse",
    "indices": "index", "media": "media", "staff": "staff", "equipment": "equipment",
    "inventory": "inventory", "information": "information", "history": "history",
    "aliases": "alias", "caches": "cache", "axes": "axis", "analyses": "analysis", "lens": "lens",
    "gas": "gas", "sms": "sms", "dns": "dns", "os": "os", "gps": "gps",
}  # fmt: skip
_PLURALS = {singular: plural for plural, singular in _IRREGULAR.items()}
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "ø": "o", "Ø": "O", "ł": "l", "đ": "d", "ı": "i"}
)
_ENDS_OF_ES = ("sses", "shes", "ches", "xes", "zzes", "tuses", "buses", "nuses", "ruses", "puses")


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case: "orderItem_ID" is "order", "item", "id"."""
    return list(_words(name))


@lru_cache(maxsize=20_000)
def _words(name: str) -> tuple[str, ...]:
    words: list[str] = []
    before = ""
    name = _ascii(name)
    for at, letter in enumerate(name):
        if not letter.isalnum():
            before = ""
            continue
        following = name[at + 1 : at + 2]
        begins_word = letter.isupper() and (before.islower() or before.isdigit())
        ends_acronym = letter.isupper() and before.isupper() and following.islower()
        if not before or begins_word or ends_acronym:
            words.append("")
        words[-1] += letter.lower()
        before = letter
    return tuple(words)


def _ascii(name: str) -> str:
    """Return a name without accents; letters that ASCII does not have become spaces."""
    name = name[:200].translate(_LETTERS)
    return "".join(
        next((part for part in unicodedata.normalize("NFKD", letter) if part.isascii()), " ")
        for letter in name
    )


def phrase(name: str) -> str:
    """Return a name as words: "orderItem" is "order item"."""
    return " ".join(words_of(name))


def is_plain(name: str) -> bool:
    """Return whether a name is an identifier as it is."""
    return name.isascii() and name.isidentifier() and len(name) <= _LONGEST


def identifier(name: str, reserved: Container[str], fallback: str) -> str:
    """Return a name as an identifier: as it is where it can be, else in snake case.

    Names with a capital in front are put in snake case, too, as those of classes begin so.
    `fallback` is taken where nothing is left of a name.
    """
    if not is_plain(name) or name[0].isupper() or name.startswith("_"):
        name = "_".join(words_of(name))[:_LONGEST].strip("_") or fallback
    if not name[0].isalpha():
        name = f"{fallback}_{name}"
    return f"{name}_" if name in reserved else name


def class_name(name: str, fallback: str = "Record") -> str:
    """Return a name as that of a class: "order_item" is "OrderItem"."""
    made = "".join(word.capitalize() for word in words_of(name))[:_LONGEST]
    if not made or not made[0].isalpha():
        made = f"{fallback}{made}"
    return f"{made}Record" if made in _TYPES or made in dir(builtins) or made == "None" else made


def unique(name: str, taken: Container[str]) -> str:
    """Return a name that is not taken: with a number where it is."""
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def singular(word: str) -> str:
    """Return an English noun in the singular: "boxes" is "box"."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and word not in {"ties", "pies", "lies"}:
        return f"{word[:-3]}y"
    if word.endswith(_ENDS_OF_ES):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and word != "s":
        return word[:-1]
    return word


def plural(word: str) -> str:
    """Return an English noun in the plural: "box" is "boxes"."""
    if word in _PLURALS:
        return _PLURALS[word]
    if singular(word) != word:
        return word
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    return f"{word}s"


def singular_name(name: str) -> str:
    """Return a name in snake case whose last word is in the singular."""
    words = words_of(name)
    return "_".join([*words[:-1], *map(singular, words[-1:])])


def plural_name(name: str) -> str:
    """Return a name in snake case whose last word is in the plural."""
    words = words_of(name)
    return "_".join([*words[:-1], *map(plural, words[-1:])])


def plural_noun(noun: str) -> str:
    """Return what several of a noun are called: "order item" is "order items"."""
    words = words_of(noun) or [noun]
    return " ".join([*words[:-1], plural(words[-1])])


def article(noun: str) -> str:
    """Return a noun with "a" or "an"."""
    is_vowel = noun[:1] in "aeiou" and not noun.startswith(("uni", "use", "eu", "one", "uti"))
    return f"{'an' if is_vowel else 'a'} {noun}"


def key_prefix(noun: str) -> str:
    """Return what texts begin with that number records: "RES" for reservations."""
    return (words_of(noun) or ["rec"])[-1][:3].upper()


def key_of(name: str) -> str:
    """Return what two spellings of one name share: "petId" and "pet_id" are "petid"."""
    return "".join(_words(name))
