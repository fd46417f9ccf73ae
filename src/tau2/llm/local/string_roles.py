"""What a string argument holds, as its schema, name and description say: a date, a code, a text.

A role is a bounded piece of grammar between the quotes of a JSON string.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from tau2.utils.json_types import JsonMapping
from tau2.utils.number_words import NUMBERS

_NUMBER_WORDS = {word: number for number, word in enumerate(NUMBERS) if number}
_COUNTED = re.compile(
    rf"\b(\d{{1,2}}|{'|'.join(_NUMBER_WORDS)})[ -](capital |upper-?case )?"
    r"(letters and digits|letters|digits)\b"
)
_QUOTED_CHOICES = re.compile(
    r'(?:[^":]{0,80}:\s*)?("[^"]{1,60}"(?:(?:, or |, and |, | or | and )"[^"]{1,60}")*)[.;]?'
)
_QUOTED = re.compile(r'"([^"]*)"')
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LONGEST_UNCHANGED = 3  # letters of a word such as "bus"
_KEPT_PLURALS = ("ss", "us", "is", "as")

_CLASSES = {
    "letters and digits": "[A-Z0-9]",
    "letters": "[A-Za-z]",
    "capital letters": "[A-Z]",
    "digits": "[0-9]",
}

_SHORT_MONTHS = '"0" [469] | "11"'
_LONG_MONTHS = '"0" [13578] | "1" [02]'
DATE = (
    '( "19" | "20" ) [0-9]{2} "-" '
    f'( ( {_LONG_MONTHS} ) "-" ( "0" [1-9] | [12] [0-9] | "3" [01] ) '
    f'| ( {_SHORT_MONTHS} ) "-" ( "0" [1-9] | [12] [0-9] | "30" ) '
    '| "02-" ( "0" [1-9] | "1" [0-9] | "2" [0-8] ) )'
)
TIME = '( [01] [0-9] | "2" [0-3] ) ":" [0-5] [0-9] ":" [0-5] [0-9]'
EMAIL = (
    '[a-z0-9] [a-z0-9._-]{0,30} [a-z0-9] "@" [a-z0-9] [a-z0-9-]{0,24} [a-z0-9] '
    '( "." [a-z]{2,6} ){1,2}'
)
UUID = "[0-9a-f]{8} " + '( "-" [0-9a-f]{4} ){3} ' + '"-" [0-9a-f]{12}'
URI = '"http" "s"? "://" [a-z0-9] [a-z0-9-]{0,30} "." [a-z]{2,6} ( "/" [A-Za-z0-9._-]{1,30} ){0,4}'
PHONE = '"+"? [0-9] [0-9-]{5,16} [0-9]'
ZIP = "[0-9]{5}"
_OPERAND = '( "-"? [0-9]{1,7} ( "." [0-9]{1,4} )? )'
_TERM = f'( {_OPERAND} | "(" {_OPERAND} ( " " [-+*/] " " {_OPERAND} ){{1,4}} ")" )'
EXPRESSION = f'{_TERM} ( " " [-+*/] " " {_TERM} ){{1,8}}'


class Kind(Enum):
    """How the text of a role comes about."""

    CODE = "code"
    """A form of its own, which the model fills in."""
    TOLD = "told"
    """Something that only the customer or a record can say: an e-mail address, a zip code."""
    PERSON = "person"
    """A part of a person's name."""
    SHORT = "short"
    """A text of a line, such as a title."""
    LONG = "long"
    """A text of a few sentences, such as a summary."""
    CHOICE = "choice"
    """One of the values that the description lists."""


class Role(NamedTuple):
    """What a string holds."""

    kind: Kind
    body: str = ""
    choices: tuple[str, ...] = ()
    told_as: str = ""
    """For TOLD: which kind of thing, a key of `seen.SHAPES`."""


_FORMATS = {
    "date": Role(Kind.CODE, DATE),
    "time": Role(Kind.CODE, TIME),
    "date-time": Role(Kind.CODE, f'{DATE} "T" {TIME} "Z"'),
    "email": Role(Kind.TOLD, EMAIL, told_as="email"),
    "uuid": Role(Kind.CODE, UUID),
    "uri": Role(Kind.CODE, URI),
}
_PERSON = frozenset({"first", "last", "full", "given", "family", "middle", "sur"})
_LONG = frozenset(
    [
        "summary",
        "reason",
        "description",
        "note",
        "message",
        "comment",
        "details",
        "explanation",
        "feedback",
        "instruction",
        "content",
        "body",
        "text",
        "query",
        "thought",
    ]
)


def name_words(name: str) -> tuple[str, ...]:
    """Return the words of an argument, key or tool name: lower case, singular."""
    return tuple(_singular(word.lower()) for word in _WORD.findall(name))


def _singular(word: str) -> str:
    if len(word) <= _LONGEST_UNCHANGED and word != "ids":
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(_KEPT_PLURALS) else word


def role_of(name: str, schema: JsonMapping) -> Role:
    """Return what a string argument holds, as its schema and name say."""
    given = _FORMATS.get(str(schema.get("format")))
    if given is not None:
        return given
    words = set(name_words(name))
    description = str(schema.get("description") or "")
    if "email" in words:
        return _FORMATS["email"]
    if words & {"date", "dob", "birthday"} or "YYYY-MM-DD" in description:
        return _FORMATS["date"]
    if words & {"zip", "postcode", "zipcode"}:
        return Role(Kind.TOLD, ZIP, told_as="zip")
    if words & {"phone", "mobile", "telephone"} and not words & {"model", "type", "plan"}:
        return Role(Kind.TOLD, PHONE, told_as="phone")
    if "expression" in words:
        return Role(Kind.CODE, EXPRESSION)
    if ("name" in words and words & _PERSON) or "surname" in words:
        return Role(Kind.PERSON)
    return _described(description) or Role(Kind.LONG if words & _LONG else Kind.SHORT)


def _described(description: str) -> Role | None:
    counted = _COUNTED.search(description.lower())
    if counted is not None:
        number, capital, kind = counted.groups()
        length = _NUMBER_WORDS.get(number) or int(number)
        is_code = capital or "code" in description.lower()
        of = _CLASSES["capital letters" if kind == "letters" and is_code else kind]
        return Role(Kind.CODE, f"{of}{{{length}}}") if length else None
    listed = _QUOTED_CHOICES.match(description)
    if listed is not None and "example" not in description and listed.end() == len(description):
        return Role(Kind.CHOICE, choices=tuple(_QUOTED.findall(listed.group(1))))
    return None
