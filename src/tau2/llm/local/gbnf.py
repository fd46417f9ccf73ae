"""GBNF, the grammar notation of llama.cpp: a writer of rules, and the pieces they are made of.

A body is the right side of a rule. Every piece that this module makes is bounded, so a model that
follows the grammar always comes to an end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby

from tau2.utils.json_types import JsonValue

_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPACE = 0x20
_DELETE = 0x7F
_LAST_OF_FOUR_DIGITS = 0xFFFF
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9]+")
_LONGEST_NAME = 40

BLANK = '" "'
BLANK_OR_BREAK = '( " " | "\\n" "\\n"? )'
"""What stands between two words."""


class Characters:
    """A set of characters, as ranges of code points in their order."""

    def __init__(self, *ranges: tuple[int, int]) -> None:
        """Make the set of all characters in these ranges, both ends included."""
        self.ranges = tuple(sorted(ranges))

    def __contains__(self, character: str) -> bool:
        return any(low <= ord(character) <= high for low, high in self.ranges)

    def without(self, excluded: Iterable[str]) -> Characters:
        """Return the set without some characters."""
        ranges = self.ranges
        for character in excluded:
            code = ord(character)
            ranges = tuple(
                part
                for low, high in ranges
                for part in ((low, min(high, code - 1)), (max(low, code + 1), high))
                if part[0] <= part[1]
            )
        return Characters(*dict.fromkeys(ranges))

    @property
    def body(self) -> str:
        """The class in brackets."""
        return "[" + "".join(_range(low, high) for low, high in self.ranges) + "]"


def _range(low: int, high: int) -> str:
    return _in_class(low) if low == high else f"{_in_class(low)}-{_in_class(high)}"


def _in_class(code: int) -> str:
    character = chr(code)
    if character.isascii() and (character.isalnum() or character == " "):
        return character
    return f"\\U{code:08X}" if code > _LAST_OF_FOUR_DIGITS else f"\\u{code:04X}"


_PRINTED = Characters((0x20, 0x7E)).without('"\\<{}`')
LATIN = Characters(
    *_PRINTED.ranges, (0xA1, 0x24F), (0x2010, 0x2015), (0x2018, 0x201E), (0x20AC, 0x20AC)
)
"""Letters, digits and punctuation that need no escape in JSON.

Without `<`, so that no text looks like a tag, and without braces and backticks.
"""
ANY_SCRIPT = Characters(
    *_PRINTED.ranges, (0xA1, 0x1FFF), (0x2010, 0x2027), (0x2030, 0x205E), (0x2070, 0xD7FF),
    (0xF900, 0xFDCF), (0xFDF0, 0xFEFE), (0xFF01, 0xFFEF), (0x10000, 0x1FFFD),
)  # fmt: skip
"""The same in all scripts, without line separators, private and unassigned planes."""


class Grammar:
    """Rules under names; a body that was added already keeps its rule."""

    def __init__(self) -> None:
        self._bodies: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def add(self, hint: str, body: str) -> str:
        """Return the name of the rule with this body; `hint` makes the name legible."""
        if body in self._names:
            return self._names[body]
        stem = _NOT_IN_A_NAME.sub("-", hint).strip("-")[:_LONGEST_NAME] or "rule"
        name = stem
        number = 1
        while name in self._bodies or name == "root":
            number += 1
            name = f"{stem}-{number}"
        self._bodies[name] = body
        self._names[body] = name
        return name

    def words(
        self, characters: Characters, longest_word: int, most: int, between: str = BLANK
    ) -> str:
        """Return the name of a rule of 1 to `most` words with one separator between them.

        Unlike a run of any characters, it cannot be filled with blanks. Words are rules of their
        own, because llama.cpp limits repetitions of repetitions.
        """
        word = self.add("word", times(characters.without(" ").body, 1, longest_word))
        following = self.add("next", f"{between} {word}")
        return self.add("words", f"{word} {times(following, 0, most - 1)}")

    def text(self, root: str) -> str:
        """Return the grammar whose root has this body."""
        rules = {"root": root, **self._bodies}
        return "".join(f"{name} ::= {body}\n" for name, body in rules.items())


def literal(text: str) -> str:
    """Return a body that stands for this text alone."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPED:
        return _ESCAPED[character]
    code = ord(character)
    return f"\\x{code:02X}" if code < _SPACE or code == _DELETE else character


def json_text(value: JsonValue) -> str:
    """Return a value as `tau2.actions.plain_chat` writes it into a call."""
    return json.dumps(value, ensure_ascii=False).replace("</", "<\\/")


def sequence(*parts: str) -> str:
    """Return a body of several bodies in a row; empty ones say nothing."""
    return " ".join(filter(None, parts)) or '""'


def one_of(bodies: Iterable[str]) -> str:
    """Return a body that stands for any one of the bodies. There must be one."""
    distinct = list(dict.fromkeys(bodies))
    return distinct[0] if len(distinct) == 1 else "( " + " | ".join(distinct) + " )"


def times(body: str, least: int, most: int) -> str:
    """Return a body of `least` to `most` repetitions of one item."""
    return f"{body}{{{least},{most}}}"


def choice(texts: Collection[str]) -> str:
    """Return a body that stands for any one of the texts, with common beginnings written once.

    llama.cpp follows all alternatives that are still possible, so few of them are fast.
    """
    return _choice(sorted(set(texts)))


def _choice(texts: Sequence[str]) -> str:
    parts = []
    for first, same_start in groupby(texts, key=lambda text: text[:1]):
        group = list(same_start)
        if len(group) == 1 or not first:
            parts.append(literal(group[0]))
            continue
        shared = _shared_start(group[0], group[-1])
        parts.append(f"{literal(shared)} {_choice([text[len(shared) :] for text in group])}")
    return one_of(parts)


def _shared_start(one: str, other: str) -> str:
    length = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    return one[:length]


def other_than(texts: Collection[str], characters: Characters, rest: str) -> str:
    """Return a body of texts over some characters that are none of `texts`.

    Args:
        texts: What is excluded.
        characters: What the texts are made of; they do not begin with a blank.
        rest: The name of a rule for any further characters, which may be none.
    """
    possible = {
        text
        for text in texts
        if text and not text.startswith(" ") and all(one in characters for one in text)
    }
    return _other_than(sorted(possible), 0, characters, rest)


def _other_than(texts: Sequence[str], at: int, characters: Characters, rest: str) -> str:
    """Return the body for what follows the first `at` characters, which all texts share."""
    longer = [text for text in texts if len(text) > at]
    parts = []
    if at and len(longer) == len(texts):
        parts.append('""')  # it may end here: none of the texts does
    followed = {
        character: list(among) for character, among in groupby(longer, key=lambda text: text[at])
    }
    here = characters if at else characters.without(" ")
    parts.append(f"{here.without(followed).body} {rest}")
    for character, among in followed.items():
        parts.append(f"{literal(character)} {_other_than(among, at + 1, characters, rest)}")
    return one_of(parts)
