"""What a message of the agent does: refuses, proposes, promises, reports, asks.

Patterns over single sentences, bounded in length. They are for verdicts after the fact; a message
may do several things.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

_LONGEST = 8_000  # characters of a message that are read


class Act(StrEnum):
    """One thing that a message of the agent may do."""

    REFUSES = "refuses"
    PROPOSES = "proposes"
    PROMISES = "promises"
    REPORTS = "reports"
    ASKS = "asks"
    INVITES = "invites"
    """Asks whether there is anything else, or how it can help."""


_INVITES = re.compile(
    r"(anything|something) (else|more)|any other (question|request|issue|matter|help)"
    r"|how (can|may) i (help|assist|be of)|what (can|may) i (do|help)"
    r"|further (question|assistance|help)|help you with today",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    r"\b(can ?not|can['’]t|could ?n['’]t|won['’]t|am not (able|allowed|permitted)|unable|"
    r"not (possible|allowed|permitted|eligible|available for)|do(es)? not (allow|permit)"
    r"|do(es)?n['’]t (allow|permit)|not be (possible|able)|isn['’]t (possible|allowed|eligible)"
    r"|is not something|against (our|the|company) polic|outside (of )?(our|the|my) polic"
    r"|polic(y|ies) (prevents?|prohibits?|forbids?|do(es)? not|doesn['’]t)"
    r"|nothing (that )?(i|we) can do|have to (decline|refuse)|must (decline|refuse)|"
    r"no longer be (changed|cancelled|canceled|returned|modified))",
    re.IGNORECASE,
)
_PROPOSES = re.compile(
    r"\b(shall i|should i|would you like (me )?to|do you (want|confirm|agree|wish|accept)"
    r"|may i (proceed|go ahead)|can i (proceed|go ahead)|is (it|that|this) (ok|okay|all right|"
    r"alright|fine|correct)|please (confirm|reply|respond|say)|reply\W+(with )?\W*yes"
    r"|(yes|y)\s*/\s*no?\b|yes or no|\(yes\)|confirm (that|if|whether|to|and|the|these|this|you)"
    r"|let me know if you(['’]d| would) like (me )?to|once you (confirm|agree)|say the word"
    r"|like to proceed|want to proceed|want me to|okay (with you )?(if|to) (i|proceed)|"
    r"your (confirmation|consent|approval|go-ahead)|ready to proceed|agree to (this|these|that))",
    re.IGNORECASE,
)
_PROMISES = re.compile(
    r"\b(i['’]?ll|i will|i am going to|i['’]m going to|let me|i shall|we will|we['’]ll|"
    r"i['’]m now|i am now|now i|i would now)\b(?!.{0,20}\b(need|know if)\b)|\b(one|a) moment\b"
    r"|\bplease (hold|wait|stand by)|\bworking on|\b(processing|cancell?ing|updating|booking) "
    r"(it|this|that|your|the)",
    re.IGNORECASE,
)
_REPORTS = re.compile(
    r"\b(has|have|had|is|are|was|were)( now| just| all| both| already| been| successfully)* "
    r"(been )?(now |successfully )?(cancell?ed|changed|updated|modified|booked|refunded|exchanged"
    r"|returned|processed|completed|issued|sent|added|removed|enabled|disabled|submitted|placed"
    r"|resumed|restored|refuelled|refueled|upgraded|downgraded|applied|paid|scheduled|requested"
    r"|initiated|corrected|created|moved|transferred|done|switched|set up|arranged|credited)\b"
    r"|\bi(['’]ve| have|['’]ve just| just| have just| have now|['’]ve now| also)?( successfully| "
    r"now)? (cancell?ed|changed|updated|modified|booked|refunded|exchanged|returned|processed|"
    r"completed|issued|sent|added|removed|enabled|disabled|submitted|placed|resumed|restored|"
    r"refuelled|refueled|upgraded|downgraded|applied|scheduled|requested|initiated|corrected|"
    r"created|moved|switched|arranged|credited)\b"
    r"|\b(successful(ly)?|all (set|done)|taken care of|that is done|that['’]s done|it['’]s done|"
    r"it is done|done!)\b|\bstatus\W{1,8}completed\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]{1,600}[.!?\n]?")
_IS_NEGATED = re.compile(
    r"\b(not|never|n['’]t|once|after|before|when|if|until|will)\b", re.IGNORECASE
)


@lru_cache(maxsize=512)
def acts_in_order(text: str) -> tuple[Act, ...]:
    """Return everything that a message of the agent does, sentence by sentence."""
    found: list[Act] = []
    for match in _SENTENCE.finditer(text[:_LONGEST]):
        found += _acts_of_sentence(match.group())
    return tuple(found)


def acts_of(text: str) -> frozenset[Act]:
    """Return the different things that a message of the agent does."""
    return frozenset(acts_in_order(text))


def _acts_of_sentence(sentence: str) -> list[Act]:
    if _INVITES.search(sentence):
        return [Act.INVITES]
    found: list[Act] = []
    if _PROPOSES.search(sentence):
        found.append(Act.PROPOSES)
    elif _REFUSES.search(sentence):
        found.append(Act.REFUSES)
    elif _REPORTS.search(sentence) and not _IS_NEGATED.search(sentence):
        found.append(Act.REPORTS)
    elif _PROMISES.search(sentence):
        found.append(Act.PROMISES)
    if sentence.rstrip().endswith("?") or re.search(
        r"\b(please (provide|share|give|tell)|i(['’]ll)? (will )?need (your|the|to know|you to)|"
        r"could you|can you)\b",
        sentence,
        re.IGNORECASE,
    ):
        found.append(Act.ASKS)
    return found


_BEGINNING = 200  # characters in which a refusal begins
_MARKS = " \t\r\n\"'“”‘’*_.,;:-–—!¡…("
_NO = re.compile(
    r"(no\b(?! problem)|nope|not (now|that|this|yet)|never ?mind|forget (it|that)|stop\b"
    r"|leave (it|that|everything)|(i(['’]d| would) )?rather not|(please )?(don['’]t|do not)\b"
    r"|i (don['’]t|do not) (want|agree|need)|i(['’]ve| have)? changed my mind|cancel that)",
    re.IGNORECASE,
)


def declines(text: str) -> bool:
    """Return whether a customer's answer to a proposal begins with a refusal."""
    return _NO.match(text[:_BEGINNING].lstrip(_MARKS)) is not None
