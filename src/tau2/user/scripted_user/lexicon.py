"""Which of a customer's tools a request describes: synonyms, and how to choose among tools."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from tau2.environment.tool import Tool
from tau2.user.scripted_user.text import keywords, stem, word_set, words

_SAME = (
    (re.compile(r"\bwi-?\s?fi\b"), "wifi"),
    (re.compile(r"\b(?:data|international|mobile) roaming\b"), "roaming"),
    (re.compile(r"\b(?:mobile|cellular) data\b"), "data"),
    (re.compile(r"\b(?:flight|aeroplane|airplane)[ -]mode\b"), "airplane mode"),
    (re.compile(r"\bdata[ -](?:saving|saver)\b"), "data saver"),
    (re.compile(r"\b(?:picture|photo|multimedia) messages?\b"), "mms"),
    (re.compile(r"\bapplications?\b"), "app"),
    (re.compile(r"\bre-(?=\w)"), "re"),
    (re.compile(r"\bpower[ -]cycle\b"), "reboot"),
    (re.compile(r"\b(?:make|be) sure\b"), "ensure"),
    (re.compile(r"\b(?:phone|handset|tablet)\b(?! (?:number|call))"), "device"),
)
"""Different words for the same thing."""

_SYNONYMS: Mapping[str, frozenset[str]] = {
    verb: frozenset(stem(other) for other in others.split())
    for verb, others in {
        "toggle": "turn switch enable disable activate deactivate flip ensure",
        "check": "look see tell what what's show verify view open read is are does let know "
        "report confirm",
        "run": "perform do start try",
        "set": "change switch select choose adjust update put",
        "reset": "restore",
        "reboot": "restart",
        "reseat": "remove reinsert insert eject take pull",
        "connect": "turn enable activate",
        "disconnect": "turn disable deactivate switch",
        "grant": "allow give enable",
        "make": "pay complete approve",
        "dismiss": "clear mark close remove",
        "can": "try able test check send",
        "submit": "send file",
        "request": "ask",
        "open": "look check",
        "cancel": "stop",
    }.items()
}
_LOOKING = frozenset({"check", "get", "view", "show", "list", "read", "can"})
"""Verbs of tools that only look at something."""

_LOOSE = frozenset(
    stem(word)
    for word in word_set("status setting mode preference device my current info information detail")
)
"""Words of a tool's name that people leave out."""

_SAYS_LITTLE = _LOOSE | frozenset(
    stem(word)
    for word in word_set(
        "on off turned enabled disabled working connected open settings check look phone"
    )
)
_STANDS_FOR = {"payment": frozenset({"pay", "bill"}), "sim": frozenset({"simcard"})}
_REFUSED = re.compile(r"\b(?:do not|don't|no need to|without|instead of|never|rather than)\b")
_OFF = re.compile(r"\b(?:off|disable[ds]?|deactivate[ds]?)\b")
_ON = re.compile(r"\b(?:on|enable[ds]?|activate[ds]?)\b(?! your (?:phone|device|side|end|tablet))")
_NEEDS_DIRECTION = {"connect": _ON, "disconnect": _OFF}
"""Verbs that "turn" stands for only in one direction."""

_MOST_KEPT = 512  # tools whose words are kept; about a kilobyte each
_NAMED = 2  # how strongly a tool's own verb counts, against 1 for a synonym


@dataclass(frozen=True, slots=True)
class Known:
    """One tool and the words by which it is known."""

    name: str
    verb: str
    needed: frozenset[str]
    loose: frozenset[str]
    described: frozenset[str]
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Match:
    tool: Known
    met: frozenset[str]
    strength: int
    place: int

    def beats(self, other: _Match) -> bool:
        """Return whether this is the better reading of the same words."""
        if self.met != other.met:
            return self.met > other.met
        mine = (self.strength, -len(self.tool.loose - self.met), other.tool.name)
        theirs = (other.strength, -len(other.tool.loose - other.met), self.tool.name)
        return mine > theirs


def known(tool: Tool) -> Known:
    """Return the words by which a tool is known; shared by all customers who hold it."""
    return _known(tool.name, tool.description, tool.params)


@lru_cache(maxsize=_MOST_KEPT)
def _known(name: str, description: str, params: type[BaseModel]) -> Known:
    verb, *rest = [part for part in name.lower().split("_") if part] or [""]
    stems = frozenset(stem(word) for word in rest)
    described = keywords(_normal(description.lower())) - _SAYS_LITTLE
    return Known(name, verb, stems - _LOOSE, stems & _LOOSE, described, params.model_json_schema())


def described_in(request: str, tools: Iterable[Known]) -> list[str]:
    """Return the names of the tools that a request describes, in the order in which it does."""
    text = _normal(request.lower())
    refused = _REFUSED.search(text)
    if refused:
        text = text[: refused.start()]
    said = words(text)
    places = {stem(word): place for place, word in reversed(list(enumerate(said)))}
    verbs = frozenset(
        stem(word) for word in said if not word.endswith("ed")
    )  # "is it enabled?" is no order
    matches = [match for tool in tools if (match := _match(tool, text, verbs, places)) is not None]
    best = [
        one for one in matches if not any(other.beats(one) for other in matches if other is not one)
    ]
    return [
        match.tool.name for match in sorted(best, key=lambda match: (match.place, match.tool.name))
    ]


def looked_up_in(request: str, tools: Iterable[Known]) -> str | None:
    """Return the one tool whose description speaks of what a question is about, or None."""
    asked = keywords(_normal(request.lower())) - _SAYS_LITTLE
    scores = {tool.name: len(asked & tool.described) for tool in tools if tool.verb in _LOOKING}
    most = max(scores.values(), default=0)
    best = [name for name, score in scores.items() if score == most]
    return best[0] if most and len(best) == 1 else None


def wanted_position(tool: Known, text: str) -> bool | None:
    """Return whether a switch shall be on or off, where the request says one of them."""
    if tool.verb != "toggle":
        return None
    lower = text.lower()
    off = bool(_OFF.search(lower))
    on = bool(_ON.search(lower))
    return None if off == on else on


def _normal(text: str) -> str:
    for pattern, same in _SAME:
        text = pattern.sub(same, text)
    return text


def _match(
    tool: Known, text: str, verbs: frozenset[str], places: Mapping[str, int]
) -> _Match | None:
    """Return how well a request describes a tool, or None.

    `places` are the request's stems in their order.
    """
    strength = _strength(tool, text, verbs)
    if not strength:
        return None
    met = {
        word
        for word in tool.needed
        if word in places or not _STANDS_FOR.get(word, frozenset()).isdisjoint(places)
    }
    loose = tool.loose & places.keys()
    if len(met) < len(tool.needed) or (not met and not loose and strength < _NAMED):
        return None
    place = min((places[word] for word in met | loose if word in places), default=0)
    return _Match(tool, frozenset(met | loose), strength, place)


def _strength(tool: Known, text: str, verbs: frozenset[str]) -> int:
    """Return 2 when a request uses the tool's own verb, 1 for one that may stand for it, else 0."""
    if stem(tool.verb) in verbs:
        return _NAMED
    if _SYNONYMS.get(tool.verb, frozenset()).isdisjoint(verbs):
        return 0
    direction = _NEEDS_DIRECTION.get(tool.verb)
    return 1 if direction is None or direction.search(text) else 0
