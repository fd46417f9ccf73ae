"""Turns the second person of a scenario into the first: "You want X" into "I want X"."""

from __future__ import annotations

import re
from collections.abc import Callable

from tau2.user.scripted_user.text import word_set

_QUOTED = re.compile(r"(?<!\w)(\"[^\"\n]+\"|'[^'\n]+'(?!\w)|'(?:[^'\n]|'(?=\w))+'(?!\w))")
_CONTROL = re.compile(r"[\x00-\x02]")
_HIDDEN = re.compile("\x00(\\d+)\x00")

_ADVERB = (
    r"(?:also|always|already|both|currently|definitely|just|maybe|never|now|often|only|probably|"
    r"really|recently|"
    r"sometimes|still|then|therefore|usually|\w+ly)"
)

_OBJECT_AFTER = word_set(
    "about above across after against allow allowed allows around ask asked asks assist at assure "
    "assured before "
    "behind beside "
    "between bill billed bother bring brought by call cause caused causes called charge charged "
    "charges "
    "compensate compensates contact contacted cost costs "
    "email emailed enable enabled expect expects for force forced forces forward from gave get "
    "gets give given gives "
    "giving guide guided help helped helping helps inform informed informs into keep let lets "
    "lend make makes "
    "mail near "
    "notified notify of off offer offered offers on onto owe owes over pass passed passes pay "
    "pays paid past "
    "promise promised reach "
    "recommend refund refunded refunding refunds remind reminded reminds save saved saves sell "
    "send sending "
    "sends sent serve take takes taking took "
    "show showed showing shown shows suggest suggested suit suits teach tell telling tells thank "
    "the interest interests satisfies satisfy suits to told toward "
    "towards transfer transferred transferring under update updated upon upset walk want wanted "
    "wants "
    "wish wishes wished with without"
)
"""Words after which "you" is an object, where no verb of its own follows."""

_CLAUSE_OPENERS = word_set("after before for on over under with without to")
"""Words that may also open a clause with "you" as its subject: "before you leave"."""

_AUXILIARIES = word_set(
    "are were should will would can could may might must shall won't wouldn't can't couldn't "
    "shouldn't did didn't"
)
"""Words before which "you" is the subject, whatever comes before it."""

_VERBISH = re.compile(
    r"^(?:are|were|have|had|has|do|did|don't|didn't|haven't|hadn't|aren't|weren't|will|would|"
    r"won't|wouldn't|can|"
    r"can't|cannot|could|couldn't|should|must|may|might|want|wanted|need|needed|like|just|also|"
    r"already|only|really|"
    r"never|always|think|thought|know|knew|got|get|received|bought|ordered|made|make|placed|paid|"
    r"pay|leave|left|go|hang|approve|end|sign|decide|finish|"
    r"went|live|use|used|see|saw|say|said|confirm|proceed|agree|decide|decided|feel|felt|\w+ly)$"
)

_AGENT = re.compile(
    r"\b(?:the|your)\s+(?:(?:customer[- ]?)?(?:service|"
    r"support)\s+)?agent\b(?P<own>'s)?(?:\s+(?P<adverb>only|also|"
    r"really|still|already|then|just))?(?:\s+(?P<verb>[a-z]+(?:'t)?))?",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"(?<!to )(?<!you )\b(?:(?:tell|ask) (?:the )?(?:service )?agent (?P<not>not )?to|"
    r"(?:have|let) the (?:service )?agent)(?= [a-z])(?! has| have| is)",
    re.IGNORECASE,
)
_AGREEING = {
    "is": "are", "isn't": "aren't", "was": "were", "wasn't": "weren't", "has": "have",
    "hasn't": "haven't",
    "does": "do", "doesn't": "don't", "denies": "deny", "tries": "try", "goes": "go",
}  # fmt: skip
_THIRD_PERSON = word_set(
    "says tells asks insists offers gives confirms wants suggests refuses provides mentions "
    "transfers allows "
    "needs agrees claims states explains finds thinks requests requires cancels makes"
)

_ENDS_IN_S = re.compile(r"[a-z]{2,}[^siu]s")
"""A verb in the third person, such as "forgets"; not "is", "this" and "less"."""

_Change = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _compiled(pattern: str, change: str | Callable[[re.Match[str]], str]) -> _Change:
    return re.compile(pattern), change


_TYPOS = re.compile(
    r"^You (?=(?:name|mobile data|mobile phone|phone|email|e-mail|zip(?: ?code)?|user id|order|"
    r"address|account)"
    r"(?:'s|\s+(?:is|was|are|has|does|do|isn't|number|address|id))\b)",
    re.IGNORECASE,
)

_FORMS: tuple[_Change, ...] = (
    _compiled(r"\b(?:[Yy])ourself\b", "myself"),
    _compiled(r"\b[Yy]ours\b", "mine"),
    _compiled(r"\bYour\b", "My"),
    _compiled(r"\byour\b", "my"),
    _compiled(r"\b[Yy]ou're\b", "I'm"),
    _compiled(r"\b[Yy]ou(?='(?:ve|d|ll)\b)", "I"),
    _compiled(
        r"(?<=\band )are(?= (?:also|in|not|very|now|willing|happy|unhappy|okay|ok|sad|angry|"
        r"upset)\b)",
        "\x02",
    ),
    _compiled(r"\bAre [Yy]ou\b", "Am I"),
    _compiled(r"\bare you\b(?!\s+(?:who|that))", "am I"),
    _compiled(r"\bWere [Yy]ou\b", "Was I"),
    _compiled(r"\bwere you\b", "was I"),
    _compiled(r"\b[Yy]ou aren't\b", "I'm not"),
    _compiled(r"\baren't you\b", "aren't I"),
    _compiled(rf"\b[Yy]ou(?P<adv>(?:\s+{_ADVERB})*)\s+are\b", lambda m: f"I{m['adv']} am"),
    _compiled(
        rf"\b[Yy]ou(?P<adv>(?:\s+{_ADVERB})*)\s+were(?P<not>n't)?\b",
        lambda m: f"I{m['adv']} was{m['not'] or ''}",
    ),
)

_YOU = re.compile(
    r"(?:(?P<before>[\w'-]+)(?P<gap>[ ,;:(]+))?\b(?P<you>[Yy]ou)\b(?=(?:\s+(?P<after>[\w'-]+))?)"
)


def first_person(text: str) -> str:
    """Return `text` with the customer as "I" and the agent as "you".

    Quoted words stay as they are.
    """
    kept: list[str] = []

    def hide(match: re.Match[str]) -> str:
        kept.append(match.group())
        return f"\x00{len(kept) - 1}\x00"

    text = _CONTROL.sub("", text)
    text = _QUOTED.sub(hide, text)
    text = _TYPOS.sub("Your ", text)
    text = _ORDER.sub(lambda match: "please do not" if match["not"] else "please", text)
    text = _AGENT.sub(_as_addressee, text)
    for pattern, change in _FORMS:
        text = pattern.sub(change, text)
    text = _YOU.sub(_as_speaker, text)
    spoken_of_self = re.match(r"I\b", text)
    text = (
        text.replace("\x01our", "your")
        .replace("\x01", "you")
        .replace("\x02", "am" if spoken_of_self else "are")
    )
    return _HIDDEN.sub(lambda match: kept[int(match[1])], text)


def _as_addressee(match: re.Match[str]) -> str:
    """Return "you" (marked, so that it stays) for the agent, with the verb agreeing."""
    adverb = f" {match['adverb']}" if match["adverb"] else ""
    verb = match["verb"] or ""
    if match["own"]:
        return f"\x01our{adverb} {verb}".rstrip()
    if verb.lower() in _AGREEING:
        verb = _AGREEING[verb.lower()]
    elif verb.lower() in _THIRD_PERSON or _ENDS_IN_S.fullmatch(verb):
        verb = verb.removesuffix("s")
    return f"\x01{adverb} {verb}".rstrip()


def _as_speaker(match: re.Match[str]) -> str:
    before = match["before"] or ""
    gap = match["gap"] or ""
    if before.lower() == "thank":
        return match.group()
    return f"{before}{gap}{'me' if _is_object(before.lower(), gap, match['after']) else 'I'}"


def _is_object(before: str, gap: str, after: str | None) -> bool:
    """Return whether "you" between these words is what something is done to."""
    if not before or "," in gap or ";" in gap or ":" in gap:
        return False
    if after is None:
        return True  # a clause does not end with its subject
    if before not in _OBJECT_AFTER or after.lower() in _AUXILIARIES:
        return False
    return not (before in _CLAUSE_OPENERS and _VERBISH.match(after.lower()))
