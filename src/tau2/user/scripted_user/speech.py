"""How a sentence of a scenario is said aloud, and which sentences never are."""

from __future__ import annotations

import re

from tau2.user.scripted_user.rewrite import first_person
from tau2.user.scripted_user.text import ended, lowered

_I = re.IGNORECASE

_LEAD = re.compile(
    r"^[\s.,;:]*(?:(?:first(?: of all)?|second|third|then|next|finally|lastly|afterwards|after "
    r"that|and then|and|"
    r"but|so|"
    r"also|in addition|additionally|moreover|at the end of the day|at the end|in the end|"
    r"please)\b,?\s+)?", _I
)  # fmt: skip
_MUST = re.compile(
    r"^you\s+(?:(?:also|then|will|should|shall|must|can|first|need to|have to|intend to|are "
    r"to)\s+)*",
    _I,
)
_THEM = (
    r"(?:(?:the\s+)?(?:service |customer service |support )?(?:agent|representative|assistant)|"
    r"them|him|her|it)"
)

_GOAL = re.compile(
    r"^(?:your|the) (?:goal|task|aim|objective|intention) is (?:for|to) (.+)$", _I | re.DOTALL
)
_NOTICE = re.compile(
    r"^you (?:will|should|can|would) (?:see|notice|find|learn|realise|realize)(?: out)?(?: that)? ",
    _I,
)
_ASK = re.compile(
    rf"^(?:ask|request|inquire|enquire)(?:\s+(?:{_THEM}))?(?:\s+(?:once|again|also|politely|"
    r"explicitly|directly))?\s+(to|that|for|if|whether|about|how|what|which|why|when|"
    r"where)\b\s*(.+)$", _I | re.DOTALL
)  # fmt: skip
_REQUEST = re.compile(
    rf"^(?:ask|request)(?:\s+{_THEM}(?=\s))?\s+((?:a|an|the|your|that|these|this)\s.+)$",
    _I | re.DOTALL,
)
_SAY = re.compile(
    rf"^(?:say|mention|tell|explain|state|inform|answer|reply|respond|claim|admit|"
    rf"insist(?=\s+that)|"
    rf"point out(?: once)?|let(?=\s+{_THEM}\s+know)|add|specify|clarify)"
    rf"(?:\s+(?:to\s+)?{_THEM}\b(?:\s+know)?)?(?:\s+that)?[:,]?\s+(.+)$", _I | re.DOTALL
)  # fmt: skip
_GIVE = re.compile(
    r"^(?:provide|give)\s+(?:(?:the\s+)?agent\s+)?(['\"]?#?\w*\d\S*)(.*)$", _I | re.DOTALL
)
_LATER = re.compile(r"(?:it |them |this |that )?only (?:after|when|if|once)\b", _I)
_ASK_INSIDE = re.compile(
    r"(; |, and |,? and |, then )ask (how|what|when|where|why|whether|if|which|for)\b", _I
)
_NOT_SAYING = re.compile(
    r"^(?:add|let|explain|state)\s+(?!(?:the\s+)?(?:agent|them|him|her|that)\b)", _I
)
_AND_ASK = re.compile(rf",?\s+(?:and|so)\s+(?:then\s+)?(?=(?:you\s+)?ask\s+{_THEM}\s+to\b)", _I)
_THEN = re.compile(r",?\s+(?:(?:and\s+)?then|but (?:when|if|once))\b.*$", _I | re.DOTALL)
_SECRET = re.compile(
    r"\b(?:do not|don't|never|not to) (?:share|reveal|mention|tell|disclose|volunteer|"
    r"say)\b.{0,30}\b(?:this|it|"
    r"that|them)\b"
    r".{0,20}\bagent\b", _I
)  # fmt: skip
_PRIVATE_ASIDE = re.compile(
    r"\s*\([^()]*\b(?:not|n't|never)\b[^()]*\b(?:share|reveal|mention|tell|disclose|volunteer|"
    r"say)\b[^()]*\)", _I
)  # fmt: skip
_ASIDE = re.compile(r"\s*\((?!#)[^()]*\)")

_DIRECTION = re.compile(
    r"^(?:do not|don't|never|always|be |stay |act |keep |try |remember |pretend |speak |follow |"
    r"play |"
    r"make (?:sure|up)|"
    r"ensure |whatever |wait |only (?:give|reveal|answer|provide|share|mention)|give only|provide "
    r"only|note that|"
    r"note:|important:|hint:|for example|insist\b.{0,25}$|express |respond |be\b|"
    r"(?:only )?after\b|agree\b|accept(?:\.|$)|bring (?:the|it|this|that|them|up|everything)\b|"
    r"say so\b|"
    r"name the\b|raise\b|"
    r"mention\b.{0,20}\bonly\b|under no\b|swear|curse|yell|shout|hang up|leave the|end the|stop\b|"
    r"pause|"
    r"start |become |get (?:angry|upset|mad)|thank |show )", _I
)  # fmt: skip
_ABOUT_MANNER = re.compile(
    r"^(?:your (?:approach|tone|style|manner|attitude|replies|responses|answers)\b|"
    r"you(?:'re| are)? (?:will |would )?(?:not )?(?:also |always |really |generally |usually |"
    r"tend to )*(?:"
    r"(?:like|love|prefer|want|try|tend) to (?:do|say|talk|speak|reveal|keep things|be(?! (?:"
    r"compensated|refunded|reimbursed|paid|moved|rebooked|told|given|informed)\b)|make "
    r"things|take things)\b|"
    r"(?:speak|talk|act|answer|reply|respond|sound|behave|reveal|insist|get|become)\b|"
    r"(?:don't|do not) (?:like|want) to (?:reveal|share|talk|speak|give)\b|"
    r"(?:won't|will not) (?:reveal|share|give|mention|provide)\b|"
    r"consider (?:the|your) (?:issue|problem|case)\b|follow\b|pretend\b|make up\b))"
    r"|^you(?:'re| are| will be| feel)? (?:(?:a|an|very|quite|rather|so|too|extremely|a bit|a "
    r"little|somewhat|now|"
    r"generally|also|not)\s+)*(?:polite|impatient|angry|upset|sad|shy|rigid|calm|busy|happy|messy|"
    r"rude|terse|brief|"
    r"curt|patient|private|mysterious|cautious|confident|organi[sz]ed|outgoing|pessimistic|"
    r"optimistic|flexible|"
    r"creative|insecure|insisting|insistent|persistent|dependent|independent|curious|direct|"
    r"logical|emotional|"
    r"anxious|stressed|frustrated|friendly|relaxed|detail-oriented|reactive|quiet|chatty|"
    r"talkative|sick|firm|"
    r"stubborn|distraught|devastated|confused|worried|chill|sick|embarrassed|annoyed|easy-?going|"
    r"forgetful|nervous|demanding|cheerful|grumpy|reserved|tired|reluctant)\b"
    r"(?=\s*(?:[.,;!]|$)|\s+(?:and|but|or|though|with|that day|today|right now|to share|to try|"
    r"in)\b)"
    r"|^you(?:'re| are) (?:an? )?(?:[\w-]+[\s,]+){0,4}(?:person|shopper|traveller|traveler)\b", _I
)  # fmt: skip
_SPOKEN_TRAIT = re.compile(
    r"^you(?:'re| are) (?:also )?(?:willing|ok|okay|(?:not )?happy (?:to|with)|fine|open to|unable|"
    r"not sure)",
    _I,
)
_AGREES = re.compile(
    r"^(?:you )?(?:will )?(?:agree|accept|comply|go ahead|proceed|let it go|confirm)\b", _I
)
_IMPERATIVE = re.compile(
    r"^(?:(?:only|just|also)\s+)?(accept|add|apply|arrange|book|buy|call|cancel|change|check|"
    r"choose|close|"
    r"complete|correct|"
    r"create|delete|downgrade|drop|enable|exchange|extend|find|fix|get|give|have|let|increase|"
    r"insist|issue|keep|look|"
    r"make|mark|"
    r"modify|"
    r"move|open|order(?! #)|pay|pick|place|postpone|process|put|rebook|refuel|refund|remove|renew|"
    r"reorder|replace|"
    r"reschedule|"
    r"reset|resume|return|select|send|set|split|suspend|swap|switch|take|transfer|update|upgrade|"
    r"use)\b", _I
)  # fmt: skip
_QUOTED = re.compile(r"(?<!\w)'[^'\n]{1,200}'(?!\w)|\"[^\"\n]{1,200}\"")
_TALK_OF_GAME = re.compile(
    r"\btool(?:s| call)?\b|\brounds? of\b|\binteractions?\b|^after \w+ing it\b|\bscenario\b|"
    r"\bconversation\b|\bsimulat|\bground (?:your|all)\b"
    r"|\bmake up a\b|\bpretend|\bmeant to (?:test|trick)|\btest (?:the )?agent|\btrying to make "
    r"(?:the )?agent\b|"
    r"\btactics\b"
    r"|\bfake\b|\binteracting with\b.{0,30}\bagent\b|\b(?:want|like|need) to[:.]?$",
    _I,
)


_TAIL = re.compile(
    r"[;,]? (?:and )?(?:you )?(?:say so\b|mention it\b|ask twice\b|go on with the next\b|try "
    r"twice\b).*$",
    _I | re.DOTALL,
)
"""What follows a wish as a direction: "both matter to you; say so at the start"."""
_CHANGED_MIND = re.compile(r"^(?:you )?change your mind:", _I)
_FEWEST_WORDS = 2
_DIRECTS = re.compile(
    r"^(?:do (?:on the phone|what|as)\b|everything you say\b|change nothing\b|confirm it\b|talk "
    r"about\b.*\bonly"
    r"\b|take care\b|give\b.*\b(?:only|unless)\b|you (?:tell|say|mention|give|write|"
    r"answer)\b.{0,20}\b(?:no more"
    r"|only|at most|one thing|as little|nothing|short)\b|you check\b.*\bbefore you\b|as soon "
    r"as\b.*\byou thank"
    r"|you (?:grumble|sigh|hesitate|complain|thank)\b|ask\.?$|let the agent\b.*\bconfirm it\b|look "
    r"at it\b|one thing at a time"
    r"|bring up\b|whenever\b|name (?:the|them|it)\b|agree\b|you try (?:something|it) out only\b)",
    _I | re.DOTALL,
)
"""Directions to the customer, which are followed and never said."""
_BE = re.compile(
    r",? and (?:be|stay|remain|act) (?:very |quite )?(?:adamant|firm|insistent|persistent|polite|"
    r"rude|"
    r"upset|angry|stubborn|sure|confident)\b(?: (?:about|on) (?:it|that|this))?",
    _I,
)
_LITERAL = re.compile(r"\{([^{}]*)\}")
_PAIR = re.compile(r"['\"]([^'\"]+)['\"]\s*:\s*['\"]?([^'\",]*)['\"]?")


def _plain(text: str) -> str:
    """Return the text without a bracket around all of it, and data literals as words."""
    if text[:1] == "(" and text.rstrip(".").endswith(")") and text.count("(") == 1:
        text = text[1:].rstrip(".").removesuffix(")")
    return _LITERAL.sub(
        lambda m: f"({', '.join(f'{k} {v}' for k, v in _PAIR.findall(m[1]))})", text
    )


_FORBIDS = re.compile(
    r"^(?:do not|don't) (?:add|book|cancel|change|charge|close|exchange|order|process|remove|"
    r"return|send|"
    r"split|upgrade)\b",
    _I,
)
"""What the customer forbids the agent, where other prohibitions are directions to the customer."""
_NEW_MATTER = re.compile(
    r"^in the middle of [^,]{0,80},\s*|^(?:you )?(?:then )?(?:bring|take) up (?:something|one "
    r"thing|another thing)(?: else)?:\s*|"
    r"^(?:you )?(?:then )?ask for (?:one|another|some) (?:more )?(?:thing|favou?r|matter):\s*|"
    r"^before you (?:say goodbye|hang up|leave|go|end the)[^,]{0,30},\s*|"
    r"^you (?:then |now |also )?(?:remember|recall|go on|continue|proceed|raise|turn to|come to|"
    r"bring "
    r"up|add|mention|have (?:another|one more|a further))\b[^:.]{0,40}:\s*|"
    r"^there is (?:a|one|this)\b[^:.]{0,30}:\s*|"
    r"^there is (?:a|one) (?:second|third|last|further|more|other) (?:matter|thing|point)"
    r"[^:]{0,40}:\s*",
    _I,
)


def aloud(text: str) -> str:
    """Return how the customer says a sentence of the scenario.

    Empty when it is a direction and not a line.
    """
    text = _line(text)
    if not text:
        return ""
    parts = _AND_ASK.split(text, maxsplit=1)
    if len(parts) > 1:
        return " ".join(line for line in map(aloud, parts) if line)
    said = _asked(text) or _told(text)
    if _FORBIDS.match(text):
        return ended("Please " + first_person(lowered(text)))
    if said or _DIRECTION.search(text):
        return said
    goal = _GOAL.match(text)
    if goal:
        return ended(first_person(f"I would like to {goal[1]}"))
    if _NOTICE.match(text):
        return ended(first_person(_NOTICE.sub("I see that ", text)))
    if _IMPERATIVE.match(text):
        return ended("Please " + first_person(lowered(text)).removeprefix("please "))
    return ended(first_person(text))


def _line(text: str) -> str:
    """Return what of a sentence may be said: nothing of secrets, of the game and of manners."""
    if _SECRET.search(text):
        return ""
    text = _NEW_MATTER.sub("", _LEAD.sub("", text.strip()))
    text = _plain(_BE.sub("", _PRIVATE_ASIDE.sub("", text)).strip())
    if _DIRECTS.match(text):
        return ""
    text = _CHANGED_MIND.sub("You have changed your mind:", _TAIL.sub(".", text))
    if len(text.split()) < _FEWEST_WORDS:
        return ""
    text = _ASK_INSIDE.sub(_wish_inside, text)
    # A title such as 'Order the tool cases' is no talk of the game.
    unquoted = _QUOTED.sub("", text)
    if _TALK_OF_GAME.search(unquoted) or (
        _ABOUT_MANNER.search(unquoted) and not _SPOKEN_TRAIT.search(unquoted)
    ):
        return ""
    return text


def _wish_inside(match: re.Match[str]) -> str:
    """Return what "..., and ask how much" becomes in the customer's mouth."""
    link = match[2].lower()
    wish = "" if link == "for" else f"to know {link}"
    return f"{match[1]}I would like {wish}".rstrip()


def _asked(text: str) -> str:
    """Return the line for "ask the agent to ..." and its kin, or nothing."""
    bare = _MUST.sub("", text, count=1)
    match = _ASK.match(bare)
    if match is None:
        thing = _REQUEST.match(bare)
        return ended(first_person(f"I would like {thing[1]}")) if thing else ""
    link = match[1].lower()
    rest = match[2]
    if link == "to":
        own = re.match(r"(?:be|speak|talk|know|see|get|have|keep)\b", rest, _I)
        return ended(("I would like to " if own else "Please ") + first_person(rest))
    if link == "for":
        return ended(first_person(f"I would like {rest}"))
    if link == "that":
        return ended(first_person(f"I would like to request that {rest}"))
    return ended(first_person(f"I would like to ask {link} {rest}"))


def _told(text: str) -> str:
    """Return the line for "say that ..." and its kin, or nothing."""
    bare = _MUST.sub("", text, count=1)
    insisted = re.match(r"insist on (.+)$", bare, _I | re.DOTALL)
    if insisted is not None:
        return ended(first_person(f"I insist on {insisted[1]}"))
    given = _GIVE.match(bare)
    if given is not None:
        return ended(f"It is {given[1]}")
    if _NOT_SAYING.match(bare):
        return ""
    match = _SAY.match(bare)
    if match is None:
        return ""
    if _LATER.match(match[1]):
        return ""
    line = re.sub(r"\band that\b", "and", match[1].strip().strip("\"'"))
    return ended(first_person(line))


def consequence(text: str) -> str:
    """Return the line that follows when a condition of the scenario is met.

    Empty when it is only a mood.
    """
    text = _ASIDE.sub("", text).strip()
    if _AGREES.match(text):
        return "All right, that is fine with me."
    direct = aloud(_THEN.sub("", text))
    if direct:
        return re.sub(r" (?:first|initially)\.$", ".", direct)
    later = re.search(r"\bthen\s+(.+)$", text, _I | re.DOTALL) or re.search(
        r"\b(?:and|but)\s+(.+)$", text, _I | re.DOTALL
    )
    return consequence(later[1]) if later else ""
