"""Whether the agent asked the customer for a step on the phone."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tau2.blame.acts import acts_of
from tau2.blame.conversation import Conversation
from tau2.data_model.tasks import Action
from tau2.user.scripted_user.understanding import Act

_GENERIC = frozenset(
    """
    toggle set check turn get on off the a mode status run make settings preference test
    can device phone
    """.split()  # noqa: SIM905  -- a list of these would take a line per word
)
_ALSO = {
    "reboot": ("restart", "reboot", "power off", "power cycle", "turn it off and on"),
    "reseat": ("reseat", "re-seat", "reinsert", "re-insert", "take out", "remove", "eject"),
    "apn": ("apn", "access point"),
    "data": ("data",),
    "vpn": ("vpn", "private network"),
    "wifi": ("wi-fi", "wifi"),
    "roaming": ("roaming",),
    "payment": ("pay",),
    "saver": ("saver", "saving"),
    "permission": ("permission", "access"),
    "sim": ("sim",),
    "airplane": ("airplane", "flight mode"),
    "network": ("network mode", "network preference", "preferred network", "4g", "5g", "network"),
    "app": ("app",),
    "disconnect": ("disconnect", "turn off", "disable", "switch off"),
    "grant": ("grant", "allow", "permission", "enable"),
    "reset": ("reset", "default", "restore"),
    "card": ("card", "sim"),
    "calling": ("calling",),
}
_ENOUGH = 0.6  # share of a tool's telling words that a request names


def instructed(
    conversation: Conversation, action: Action, *, after: int = -1, before: int | None = None
) -> int | None:
    """Return the first message of the agent that asks for a step on the phone, or None.

    Only messages after `after` and before `before` are read.
    """
    words = [word for word in action.name.split("_") if word not in _GENERIC]
    words = words or action.name.split("_")
    for said in conversation.agent:
        if before is not None and said.turn >= before:
            return None
        proposes = Act.ASKS_CONSENT in acts_of(said.text)
        if said.turn <= after or proposes:
            continue
        if any(_asks_for(part, action, words) for part in _SENTENCE.findall(said.text[:_LONGEST])):
            return said.turn
    return None


_SENTENCE = re.compile(r"[^.!?\n]{1,600}")
_LONGEST = 8_000  # characters of a message that are read
_CHANGES = re.compile(
    r"\b(turn|switch|toggle|disable|enable|deactivate|activate|set|change|select|choose|put)\b",
    re.IGNORECASE,
)


def _asks_for(sentence: str, action: Action, words: Iterable[str]) -> bool:
    """Return whether a sentence asks for a step; one that only asks for a state does not."""
    is_switch = action.name.startswith(("toggle_", "set_"))
    if is_switch and _CHANGES.search(sentence) is None:
        return False
    return _names_step(sentence, words)


def _names_step(text: str, words: Iterable[str]) -> bool:
    lowered = text.lower()
    wanted = list(words)
    named = sum(
        any(re.search(rf"\b{re.escape(form)}", lowered) for form in _ALSO.get(word, (word,)))
        for word in wanted
    )
    return named / len(wanted) >= _ENOUGH
