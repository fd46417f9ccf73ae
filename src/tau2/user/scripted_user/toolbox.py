"""The customer's own tools, recognised in what somebody says about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tau2.environment.tool import Tool
from tau2.user.scripted_user.agenda import Deed
from tau2.user.scripted_user.arguments import filled, written_out
from tau2.user.scripted_user.text import stem, word_set, words

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
    (re.compile(r"\b(?:phone|handset|tablet)\b(?! (?:number|call))"), "device"),
)
"""Different words for the same thing."""

_SYNONYMS: Mapping[str, frozenset[str]] = {
    verb: frozenset(others.split())
    for verb, others in {
        "toggle": "turn switch enable disable activate deactivate flip",
        "check": "look see tell what what's show shows verify view open read is are does let know report confirm",
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
_LOOSE = word_set("status setting mode preference device my current info information detail")
"""Words of a tool's name that people leave out."""

_STANDS_FOR = {"payment": frozenset({"pay", "bill"}), "sim": frozenset({"simcard"})}
_REFUSED = re.compile(r"\b(?:do not|don't|no need to|without|instead of|never|rather than)\b")
_OFF = re.compile(r"\b(?:off|disable[ds]?|deactivate[ds]?)\b")
_ON = re.compile(r"\b(?:on|enable[ds]?|activate[ds]?)\b(?! your (?:phone|device|side|end|tablet))")


@dataclass(frozen=True, slots=True)
class _Known:
    """One tool and the words by which it is known."""

    name: str
    verb: str
    needed: frozenset[str]
    loose: frozenset[str]
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Match:
    tool: _Known
    met: frozenset[str]
    strength: int
    place: int

    def beats(self, other: _Match) -> bool:
        """Return whether this is the better reading of the same words."""
        if self.met > other.met:
            return True
        if self.met != other.met:
            return False
        mine = (self.strength, -len(self.tool.loose - self.met), other.tool.name)
        theirs = (other.strength, -len(other.tool.loose - other.met), self.tool.name)
        return mine > theirs


class Toolbox:
    """The tools of one customer."""

    def __init__(self, tools: Iterable[Tool] | None) -> None:
        self._known = {tool.name: _known(tool) for tool in tools or ()}

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def __bool__(self) -> bool:
        return bool(self._known)

    def named_in(self, text: str) -> Deed | None:
        """Return the call of the first tool that `text` names outright, or None."""
        lower = text.lower()
        found = [(lower.find(name.lower()), name) for name in self._known if "_" in name and name.lower() in lower]
        return self._deed(min(found)[1], text, ()) if found else None

    def meant_in(self, text: str) -> Deed | None:
        """Return the call of the first tool that `text` describes, or None."""
        return next(iter(self.asked_in([text], ())), None)

    def asked_in(self, requests: Sequence[str], reference: Sequence[Deed]) -> list[Deed]:
        """Return the calls that the requests ask for, in their order; `reference` supplies arguments left open."""
        deeds: list[Deed] = []
        for request in requests if self._known else ():
            for name in self._names_in(request):
                deed = self._deed(name, request, reference)
                if deed not in deeds:
                    deeds.append(deed)
        return deeds

    def complete(self, deed: Deed, text: str, reference: Sequence[Deed]) -> Deed:
        """Return the call with arguments that were missing taken from `text`."""
        fresh = self._deed(deed.tool, text, reference)
        missing = tuple(name for name in deed.missing if name not in fresh.arguments)
        return deed.model_copy(update={"arguments": {**fresh.arguments, **deed.arguments}, "missing": missing})

    def _names_in(self, request: str) -> list[str]:
        lower = request.lower()
        outright = sorted((lower.find(n.lower()), n) for n in self._known if "_" in n and n.lower() in lower)
        if outright:
            return [name for _, name in outright]
        text = _normal(lower)
        refused = _REFUSED.search(text)
        if refused:
            text = text[: refused.start()]
        said = words(text)
        places = {stem(word): place for place, word in reversed(list(enumerate(said)))}
        found = (_match(tool, frozenset(said), places) for tool in self._known.values())
        matches = [match for match in found if match is not None]
        best = [one for one in matches if not any(other.beats(one) for other in matches if other is not one)]
        return [match.tool.name for match in sorted(best, key=lambda match: (match.place, match.tool.name))]

    def _deed(self, name: str, text: str, reference: Sequence[Deed]) -> Deed:
        tool = self._known[name]
        outright = written_out(name, text, tool.schema)
        if outright is not None:
            return Deed(tool=name, arguments=outright)
        arguments, missing = filled(tool.schema, text, [deed.arguments for deed in reference if deed.tool == name])
        return Deed(tool=name, arguments=arguments, missing=tuple(missing), wanted=_wanted(tool, text))


def _known(tool: Tool) -> _Known:
    verb, *rest = [part for part in tool.name.lower().split("_") if part] or [""]
    stems = frozenset(stem(word) for word in rest)
    return _Known(tool.name, verb, stems - _LOOSE, stems & _LOOSE, tool.parameters)


def _normal(text: str) -> str:
    for pattern, same in _SAME:
        text = pattern.sub(same, text)
    return text


def _match(tool: _Known, said: frozenset[str], places: Mapping[str, int]) -> _Match | None:
    """Return how well a request describes a tool, or None when it does not; `places` are its stems in their order."""
    strength = 2 if tool.verb in said else int(not _SYNONYMS.get(tool.verb, frozenset()).isdisjoint(said))
    if not strength:
        return None
    met = {
        word for word in tool.needed if word in places or not _STANDS_FOR.get(word, frozenset()).isdisjoint(places)
    }
    if len(met) < len(tool.needed) or (not tool.needed and not (tool.loose & places.keys() or strength > 1)):
        return None
    all_met = frozenset(met | (tool.loose & places.keys()))
    if not all_met and strength < 2:  # noqa: PLR2004  -- the verb itself
        return None
    return _Match(tool, all_met, strength, min((places[word] for word in all_met if word in places), default=0))


def _wanted(tool: _Known, text: str) -> bool | None:
    """Return whether a switch shall be on or off, where the request says one of them."""
    if tool.verb != "toggle":
        return None
    lower = text.lower()
    off, on = bool(_OFF.search(lower)), bool(_ON.search(lower))
    return None if off == on else on
