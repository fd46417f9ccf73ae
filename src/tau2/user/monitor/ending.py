"""How a user ends: too early, without cause, or not at all."""

from __future__ import annotations

from collections.abc import Iterable

from tau2.data_model.tasks import Action
from tau2.user.monitor.words import any_case, content_stems, sentences, word_set, words

MOST_CLOSINGS = 3
"""Messages in a row that only thank or say goodbye."""
MOST_FAREWELLS = 2
"""Messages in a row that say goodbye."""
_SHORT = 14  # words of a goodbye with a word of another kind in it

_FAREWELL = any_case(
    r"\b(?:bye|goodbye|will be all|take care|so long|farewell|cheerio|see you|signing off|"
    r"talk (?:to you )?(?:later|soon)|"
    r"have (?:a|an) (?:\w+ ){0,2}(?:day|one|evening|afternoon|weekend|night|time|rest of)|"
    r"that(?:'s| is| was| will be) (?:all|everything|it)\b|that would be all|i'm all set|"
    r"i am all set|i'm done|(?:nothing|no, nothing) (?:else|more|further)|no further|good night|"
    r"until next time|all the best)\b"
)
_THANKS = any_case(r"\b(?:thanks?|thank you|appreciate|grateful|cheers|much obliged)\b")
_CLOSING_WORDS = word_set(
    """
    a afternoon again ahead all alright also am amazing and anything appreciate appreciated
    assistance awesome been best big bless bunch by bye care chat cheerfully cheerio cheers
    clarifying clear conversation day dear did doing done else end enjoy enough evening ever
    every everyone everything excellent explaining explanation fantastic farewell fast fine for
    from further glad good goodbye grateful great had happily happy have hear help helped
    helpful helping hi hope hugely i i'm i've info is it job just kind kindness know later
    letting long lot lots lovely many me more much my need needed next nice night no not nothing
    now obliged of off oh ok okay on once one other out patience per perfect pleasant pleasure
    prompt question questions quick quickly really response rest right safe see service set
    signing so soon sorted sorting step such super support sure take talk team thank thanks that
    that'll that's the then thing things this till time to today too truly until very was we
    we're week weekend well were will wonderful work yeah yep yes you you're your yours
    """
)
_AGREES = any_case(
    r"\b(?:yes|yeah|yep|sure|please (?:do|proceed|go|cancel|change|book|update|process)|go ahead|"
    r"proceed|i confirm|i agree|agreed|confirmed|sounds good|do it|do that|that works|you do|"
    r"absolutely|certainly|of course|definitely|that(?:'s| is) (?:all )?(?:correct|right))\b|"
    r"^\W*(?:correct|right|okay|ok)\b"
)
_NO = any_case(r"^\W*(?:no\b|nope|never mind|i don't want|don't|do not|i'd rather not)")
_DECLINES = any_case(
    r"\b(?:no|nope|not|never|keep|instead|hold off|rather|leave it|don't|as it is|as is)\b"
)
_ASKS_CONSENT = any_case(
    r"\b(?:would you like (?:me|us|to)|shall i|should i|do you want me|may i (?:proceed|go)|"
    r"can i (?:proceed|go ahead)|do you (?:confirm|agree|approve)|please confirm|confirm (?:that|"
    r"if|whether|these|this)|(?:to|i'll|i will|i can) proceed|go ahead\?|proceed\?|yes/no|yes or "
    r"no|reply (?:with )?.?yes|say yes|is (?:that|this) (?:ok|okay|correct|right|alright)|"
    r"are you (?:ok|okay|sure|happy)|is it (?:ok|okay|alright|fine) if|(?:okay|ok|fine) to "
    r"proceed|(?:have|with) your (?:permission|approval|consent|confirmation|go-ahead)|sounds? "
    r"good|shall we|ready to (?:book|proceed|go ahead|confirm)|do you accept|want me to|"
    r"let me know if you(?:'d| would) like me to)\b|"
    r"\bproceed\?|go ahead\?"
)
_PROMISES = any_case(
    r"\b(?:i'll|i will|i'm going to|i am going to|let me|i'm now|i am now|we'll|we will)"
    r"(?: now| then| go ahead and| proceed (?:to|with)| start(?: by)?)* (?!transfer|connect|"
    r"be happy|be glad|be able|be here|need)\w+|"
    r"\b(?:one moment|please hold|just a moment|hold on|bear with)\b"
)
_ASKS_FACT = any_case(
    r"\b(?:provide|share|give|tell|let me know|have|confirm|what is|what's|which|need)\b"
    r"[^.?!\n]{0,60}\b(?:your|you)\b[^.?!\n]{0,60}"
    r"\b(?:id|name|email|e-mail|number|zip|code|address|date|birth|reason|payment|method|details|"
    r"phone)\b"
)
_DONE = any_case(
    r"\b(?:has been|have been|is now|are now|was|were|i've|i have|successfully|we've|it's) "
    r"(?:\w+ )?(?:\w+(?:ed|en|et|ut|ought|ade)|done|set)\b|"
    r"\bsuccessfully\b|\bcompleted?\b|\ball set\b"
)
_REFUSES = any_case(
    r"\b(?:can't|cannot|can not|unable|not able|not (?:allowed|possible|permitted|eligible|"
    r"available)|unfortunately|won't|isn't possible|no way to|against|only (?:if|when|for)|"
    r"doesn't allow|does not allow|i'm sorry|i am sorry|apologi[sz]e|don't have|do not have|"
    r"no longer|not qualify|denied|declined?|beyond|outside)\b|n't\b"
)
_TRANSFERS = any_case(
    r"\b(?:transfer|human|representative|specialist|supervisor|escalat|another agent|colleague|"
    r"live agent|hold on|connect you|person)\w*\b"
)
_MORE = any_case(r"\b(?:anything else|something else|further (?:help|assist)|other questions)\b")
_BROKEN = any_case(
    r"\b(?:apologi[sz]e|issue with|technical|error|went wrong|system problem|try again)\b"
)
_GREETS = any_case(r"\bhow (?:can|may) i (?:help|assist)\b|\bwhat can i do for you\b")
_PERSONAL = {
    "birth": any_case(r"\bbirth\b|\bdob\b|\bborn\b"),
    "secret": any_case(r"\b(?:password|passcode|pin|security|ssn|social security|cvv)\b"),
    "document": any_case(r"\b(?:passport|licen[cs]e|government|photo id|loyalty|frequent flyer)\b"),
    "card": any_case(r"\b(?:card number|last four|last 4|expir\w+)\b"),
}
_READS = any_case(r"(?:get|find|search|list|check|calculate|think|transfer|can|run)(?:_|$)")
"""Names of tools that change nothing, where their types are not known."""
_COVERED = word_set(
    """
    account assist bill cancel chang confirm correct data detail device email exchange flight
    help id line method mode name network number order payment phone plan proceed reason refund
    reservation return user zip
    """
)


def is_closing(text: str) -> bool:
    """Return whether a message only thanks or says goodbye; one word may be of any kind."""
    said = words(text)
    if not said or "?" in text or not (_THANKS.search(text) or _FAREWELL.search(text)):
        return False
    others = [word for word in said if word not in _CLOSING_WORDS]
    return not others or (len(others) == 1 and len(said) <= _SHORT and is_farewell(text))


def is_farewell(text: str) -> bool:
    """Return whether a closing message says goodbye, or that nothing is left."""
    return bool(_FAREWELL.search(text))


def agrees(text: str, agent: str) -> bool:
    """Return whether a message agrees to what the agent proposed."""
    return bool(_ASKS_CONSENT.search(agent) and _AGREES.search(text) and not _NO.search(text))


def outstanding(reference: Iterable[Action], called: Iterable[str], writes: frozenset[str] | None
                ) -> list[str]:  # fmt: skip
    """Return the names of the agent's changes in a reference that were not made, in order.

    Arguments are not compared: a change that was made otherwise was made.
    """
    left = [
        action.name
        for action in reference
        if action.requestor == "assistant"
        and (not _READS.match(action.name) if writes is None else action.name in writes)
    ]
    for name in called:
        if name in left:
            left.remove(name)
    return left


def early_end(text: str, agent: str, agreed_before: bool) -> str | None:
    """Return why it is too early to end with `text`, in reply to `agent`; None when it is not.

    To be asked only while a change is outstanding.
    """
    refuses = bool(_REFUSES.search(agent))
    tail = " ".join(sentences(agent)[-3:])
    if _ASKS_CONSENT.search(tail) and not _MORE.search(tail):
        if _AGREES.search(text) and not _NO.search(text):
            return "it agreed to a change and ended in the same message"
        if agreed_before and not refuses and not _DECLINES.search(text):
            return "it ended while the agent was asking whether to go ahead"
        return None
    if refuses:
        return None
    if _PROMISES.search(agent) and not _DONE.search(agent) and not _MORE.search(tail):
        return "it ended although the agent had only announced the change"
    if _ASKS_FACT.search(tail) and not _DONE.search(agent):
        return "it ended while the agent was still asking for details"
    return None


def early_transfer(agent: str, *, handed_over: bool) -> bool:
    """Return whether a user leaves for a person whom nobody has offered."""
    return not handed_over and not _TRANSFERS.search(agent) and not _REFUSES.search(agent)


def in_scope(agent: str, scenario: str, *, loops: bool, first: bool) -> bool:
    """Return whether the scenario covers what the agent said last.

    It does not where the agent repeats itself, hands over, or asks for what the scenario lacks.
    """
    if first or _GREETS.search(agent) or _MORE.search(agent):
        return True
    if loops or _TRANSFERS.search(agent) or _BROKEN.search(agent):
        return False
    asks_consent = bool(_ASKS_CONSENT.search(" ".join(sentences(agent)[-2:])))
    for pattern in () if asks_consent else _PERSONAL.values():
        if pattern.search(agent) and not pattern.search(scenario):
            return False
    stems = content_stems(agent)
    shared = stems & (content_stems(scenario) | _COVERED)
    return len(shared) >= min(2, len(stems))
