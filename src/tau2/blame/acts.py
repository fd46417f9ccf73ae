"""What a message of the agent does, as verdicts need it, and whether the customer declines it."""

from __future__ import annotations

import re
from functools import lru_cache

from tau2.user.scripted_user.understanding import Act, understand

_BEGINNING = 200  # characters in which a refusal begins
_MARKS = " \t\r\n\"'“”‘’*_.,;:-–—!¡…("
_NO = re.compile(
    r"(no\b(?! problem)|nope|not (now|that|this|yet)|never ?mind|forget (it|that)|stop\b"
    r"|leave (it|that|everything)|(i(['’]d| would) )?rather not|(please )?(don['’]t|do not)\b"
    r"|i (don['’]t|do not) (want|agree|need)|i(['’]ve| have)? changed my mind|cancel that)",
    re.IGNORECASE,
)

QUESTIONS = frozenset({Act.ASKS, Act.ASKS_FACTS, Act.ASKS_IDENTITY, Act.ASKS_CHOICE})
INVITATIONS = frozenset({Act.OFFERS_MORE, Act.GREETS})


@lru_cache(maxsize=512)
def acts_of(text: str) -> frozenset[Act]:
    """Return the dialogue acts of a message of the agent."""
    return understand(text, with_orders=False).acts


def declines(text: str) -> bool:
    """Return whether a customer's answer to a proposal begins with a refusal."""
    return _NO.match(text[:_BEGINNING].lstrip(_MARKS)) is not None
