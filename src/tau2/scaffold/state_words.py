"""What a record is after something was done with it: cancelled after `cancel`."""

from __future__ import annotations

from collections.abc import Sequence

from tau2.scaffold.interface import Constant, Member
from tau2.scaffold.names import words_of

_STATES = ("status", "state", "stage", "phase")
_IRREGULAR = {
    "pay": ("paid",), "send": ("sent",), "hold": ("held", "on_hold"),
    "reopen": ("open", "reopened"),
    "deactivate": ("inactive", "deactivated", "disabled"), "disable": ("disabled", "inactive"),
    "enable": ("enabled", "active"), "activate": ("active", "activated"), "ship": ("shipped",),
    "submit": ("submitted", "pending"), "begin": ("begun", "in_progress"),
    "start": ("started", "in_progress", "active"), "finish": ("finished", "completed", "done"),
    "complete": ("completed", "done"), "resolve": ("resolved", "closed"), "sell": ("sold",),
    "resume": ("active", "resumed"), "suspend": ("suspended",), "unfreeze": ("active",),
    "freeze": ("frozen",), "void": ("voided", "void"), "return": ("returned",),
    "book": ("booked", "confirmed"), "buy": ("sold",), "withdraw": ("withdrawn",),
    "check": ("checked_in",), "block": ("blocked",), "unblock": ("active",),
}  # fmt: skip
_ENDING = frozenset(
    {"cancel", "close", "approve", "reject", "confirm", "archive", "pause", "accept", "decline",
     "publish", "refund", "deliver", "verify", "terminate", "expire", "lock", "unlock", "dismiss",
     "acknowledge", "revoke", "fulfill", "escalate"}
)  # fmt: skip
"""Regular verbs of which a state follows."""
_SHORTEST_STEM = 4
_DOUBLED = frozenset({"cancel", "ship", "stop", "submit", "refer", "drop", "plan", "permit", "ban"})


def state_after(action: str, members: Sequence[Member]) -> tuple[str, Constant] | None:
    """Return the field that an action sets and its value then; None where names do not say so.

    Args:
        action: What is done, such as "cancel".
        members: The fields of the record.
    """
    verb = next(iter(words_of(action)), "")
    if not verb:
        return None
    for member in members:
        if member.shape.kind == "choice" and set(_STATES) & set(words_of(member.name)):
            choice = _matching(verb, member.shape.choices)
            if choice is not None:
                return member.name, choice
    for member in members:
        if member.shape.kind == "boolean" and _is_about(verb, words_of(member.name)[-1]):
            return member.name, True
    for member in members:
        is_open = member.shape.kind == "text" and not member.shape.form
        if is_open and words_of(member.name)[-1] in _STATES:
            return member.name, _IRREGULAR.get(verb, (participle(verb),))[0]
    return None


def is_state(action: str) -> bool:
    """Return whether a record is in another state after an action, whatever its fields are."""
    return next(iter(words_of(action)), "") in {*_IRREGULAR, *_ENDING} - {"send", "check"}


def _matching(verb: str, choices: Sequence[str | int]) -> str | None:
    texts = [choice for choice in choices if isinstance(choice, str)]
    for wanted in (*_IRREGULAR.get(verb, ()), participle(verb)):
        for text in texts:
            if "_".join(words_of(text)) == wanted:
                return text
    return next((text for text in texts if any(_is_about(verb, w) for w in words_of(text))), None)


def _is_about(verb: str, word: str) -> bool:
    """Return whether a word has the stem of a verb: "archived" that of "archive"."""
    length = max(_SHORTEST_STEM, len(verb) - 1)
    return len(verb) >= _SHORTEST_STEM - 1 and word[:length] == verb[:length] and word != verb


def participle(verb: str) -> str:
    """Return the participle of a regular verb: "cancelled" of "cancel"."""
    if verb.endswith("e"):
        return f"{verb}d"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return f"{verb[:-1]}ied"
    return f"{verb}{verb[-1]}ed" if verb in _DOUBLED else f"{verb}ed"
