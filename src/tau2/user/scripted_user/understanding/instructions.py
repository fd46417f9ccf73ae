"""Which parts of a message ask the customer to do or to look at something.

A step-by-step guide names menus ("Open Settings", "Tap on Network"); what it is about stands in its
first line ("Here's how to turn on mobile data"), and that is what counts.
"""

from __future__ import annotations

import re

from tau2.user.scripted_user.understanding import patterns
from tau2.user.scripted_user.understanding.reading import Unit

_CALL = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b")
"""The name of a tool, written out."""
_HOW_TO = re.compile(
    r"^(?:\w+[!.,] )?(?:here(?:'s| is| are)|these are|follow|below (?:is|are)) (?:the |these |some "
    r"|a few )?"
    r"(?:quick |simple |detailed )?(?:how|steps|instructions|ways?)(?: you can| on how)?(?: to)?\b|"
    r"^to (?=\w+ [^,:]{2,90}(?:[,:]|please|follow|you can))",
    re.IGNORECASE,
)
_MENU = re.compile(
    r"^(?:first,? |then,? |next,? |now,? )?(?:please )?(?:open|go (?:back )?to|tap|select|scroll|"
    r"swipe|look "
    r"for|find|press|hold|navigate|click|choose|access|locate|search|return|power button|you "
    r"should see|"
    r"you can usually)\b",
    re.IGNORECASE,
)
_SETS = re.compile(
    r"\b(?:turn|turned|toggle|switch(?:ed)?|enable|disable|set|reset|restart|reboot|"
    r"disconnect)\b.{0,40}"
    r"\b(?:on|off|it|to|apn|default|your (?:phone|device))\b|\b[2345]g\b.{0,12}\bpreferred\b|"
    r"\b(?:restart|reboot|reset to default|turn off|turn on)\b",
    re.IGNORECASE,
)
_LATER_ON = re.compile(
    r"^(?:and |but )?if (?:you(?:'re| are|'d| would| have| need| still| prefer| can't| cannot| "
    r"encounter|"
    r" see any| run)|it (?:still|doesn't|does not)|(?:the|this|that|your) (?:issue|problem|mms|"
    r"service|"
    r"speed|connection)\b.{0,20}(?:still|persist|isn't|is not|doesn't|does not)|needed|necessary|"
    r"not\b|"
    r"so\b|any\b|either\b.{0,40}\b(?:missing|off)|none)",
    re.IGNORECASE,
)
"""What is to be done only if the step before does not help."""
_CONDITION = re.compile(
    r"^(?:and |but )?if (?P<state>[^,]{3,80}?),? (?:please |then |try |you can |you should |tap |"
    r"turn |toggle "
    r"|switch |change |let )",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"^(?:please )?(?:once|after|when|as soon as|since|because|as|now that) [^,]{3,140}, (?:and )?",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"(?:, which\b|,? (?:as|since|because|so that|so we|so i|in order to|to see if|to make sure|to "
    r"ensure|to "
    r"apply|to refresh|to confirm|to verify|for mms|this will|that will)\b).*$",
    re.IGNORECASE | re.DOTALL,
)
_TELLS = re.compile(
    r"^(?:this|that|these|those|it|your|the|mms|having|sometimes|sending|not having|great|thank|"
    r"i'm|i am|"
    r"we|our|for example|note|unfortunately|currently|yes, (?:not|having|airplane))\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\?|\b(?:please|could you|can you|would you|let me know|tell me|check|share|report|let's|need "
    r"you "
    r"to|i'd like you to|you(?:'ll| will)? need to|next step is|you can (?:try|also|perform|run|"
    r"now)|"
    r"recommend|suggest|try|make sure|ensure|verify)\b",
    re.IGNORECASE,
)


def instructions(units: list[Unit], closing: set[str], *, planned: bool) -> list[str]:
    """Return what the customer is asked to do or look at, one clause each, in order.

    `closing` are sentences that only offer help. Where consent is asked for (`planned`), a bare
    imperative is a line of the agent's own plan: "1. Enable roaming. Shall I?"
    """
    found = []
    for unit in units:
        if unit.text in closing and not _CALL.search(unit.text):
            continue
        clause = _clause(unit, planned=planned)
        if clause:
            found.append(clause)
    return found


def _clause(unit: Unit, *, planned: bool) -> str:
    text = unit.text
    if _CALL.search(text):
        return "" if _done_by_agent(text) else text
    if (
        _done_by_agent(text)
        or patterns.GUIDANCE.search(text)
        or patterns.OFFERS_TO_ACT.search(text)
    ):
        return ""
    if _LATER_ON.match(text):
        return ""
    how_to = _HOW_TO.match(text)
    if how_to is not None:
        return f"please {text[how_to.end() :].strip()}"
    condition = _CONDITION.match(text)
    if condition is not None:
        return f"check {condition['state']}"
    if _MENU.match(text) and not _SETS.search(text):
        return ""
    text = _REASON.sub("", _BEFORE.sub("", text))
    if _TELLS.match(text) and not _ASKS.search(text):
        return ""
    listed = unit.listed and not planned
    imperative = patterns.IMPERATIVE.search(text) and not planned
    return text if listed or imperative or _ASKS.search(text) else ""


def _done_by_agent(text: str) -> bool:
    return "?" not in text and bool(
        patterns.AGENT_ACTS.search(text)
        or patterns.BYE.search(text)
        or (patterns.PAUSE.search(text) and not _ASKS.search(text))
    )
