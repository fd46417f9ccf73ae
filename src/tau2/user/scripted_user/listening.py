"""What an agent's message asks for and says, by rule."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from tau2.user.scripted_user import facts
from tau2.user.scripted_user.text import clean, sentences

_I = re.IGNORECASE

_REQUEST = re.compile(
    r"\?|\b(?:please|kindly|could you|can you|would you|will you|may i have|can i have|could i "
    r"have|let me know|"
    r"tell me|i(?:'ll| will)? need|i(?:'d| would) need|i require|we need|i(?:'ll| will) ask you|"
    r"provide|share|"
    r"you(?:'ll| will)? need to (?!know)|you should|you can (?:try|now)|try|i(?:'d| would) like "
    r"you to|i want you to|"
    r"ask you (?:to|for)|the next step is|go ahead and|go to)\b", _I
)  # fmt: skip
_IMPERATIVE = re.compile(
    r"^(?:(?:first|now|next|then|so|okay|ok|great|also|finally|lastly|and|after that|once that is "
    r"done)[,:]?\s+|"
    r"(?:step )?\d+[:.)]\s*)*(?:turn|toggle|switch|check|restart|"
    r"reboot|reset|run|open|set|enable|disable|connect|disconnect|remove|reseat|re-seat|grant|"
    r"allow|make|pay|"
    r"send|look|"
    r"press|tap|perform|dismiss|confirm|select|submit|choose|give|verify|clear|change)\b", _I
)  # fmt: skip
_AGENT_ACTS = re.compile(
    r"^(?:(?:okay|ok|great|thanks|thank you|alright|now|next|then|first)[,.!]?\s+)*(?:i(?:'ve| "
    r"have|'ll| will|"
    r" am|'m| can"
    r" see)\b(?! (?:need|ask|going to need|like))|we(?:'ve| have|'ll| will)\b|let me(?! know))", _I
)  # fmt: skip
_CONFIRM = re.compile(
    r"\b(?:shall|should|may|can|could) (?:i|we) (?!have\b|get\b|know\b|ask\b|help\b|assist\b|"
    r"see\b|please have)\w+"
    r"|\bwould you like (?:me|us) to\b|\bdo you want (?:me|us) to\b|\bwant me to\b"
    r"|\bdo you (?:confirm|agree|accept|approve|consent|authori[sz]e|wish to|still want)\b|\byour "
    r"(?:approval|"
    r"consent|"
    r"go-ahead)\b|\b(?:please|can you|could you|kindly|to) confirm\b|\bis (?:that|this|everything|"
    r"it) (?:all )?(?:correct|right|"
    r"ok|okay|fine|acceptable|accurate)\b|\byes\b.{0,12}\bno\b|\bare you (?:sure|ok|okay|happy|"
    r"comfortable|"
    r"willing|fine|"
    r"ready)\b|\b(?:does|do) (?:that|this|these) (?:look|sound|work)|\bsounds? good\b|\b(?:go "
    r"ahead|"
    r"proceed)\b[^.]{0,30}\?"
    r"|\brespond .{0,10}\byes\b|\breply .{0,10}\byes\b|\bwould you like to (?:proceed|continue|go "
    r"ahead)", _I
)  # fmt: skip
_OFFERS_TO_ACT = re.compile(
    r"\b(?:shall|should|may|can|could) i\b|\bwould you like me to\b|\b(?:do you )?want me to\b", _I
)  # fmt: skip
_PAUSE = re.compile(
    r"\bhold on\b|\bone moment\b|\bplease wait\b|\bbear with\b|\bplease (?:be patient|note)\b", _I
)
_OPEN_QUESTION = re.compile(
    r"\b(?:which|what|where|how|why|when|who)\b[^.?]{0,60}\b(?:shall|should|may|can|could) (?:i|"
    r"we)\b", _I
)  # fmt: skip
_CONFIRM_FACT = re.compile(r"\bconfirm (?:your|the|me your)\b", _I)
_MORE = re.compile(
    r"\b(?:anything|something) (?:else|more)\b|\bany(?:thing)? (?:other|further|more|additional) "
    r"(?:questions?|"
    r"requests?|"
    r"issues?|concerns?|help|assistance|things?)\b|\bfurther assistance\b|\bany questions\b", _I
)  # fmt: skip
_GREETING = re.compile(
    r"\b(?:how (?:can|may|could) (?:i|we) (?:help|assist)|what can (?:i|we) (?:do|help))\b", _I
)
_NOT_YET = re.compile(
    r"\bbefore (?:i|we)\b|\bto add\b|\bshould (?:i|we) know\b|\bto (?:proceed|consider|change)\b",
    _I,
)
_REFUSAL = re.compile(
    r"\bunfortunately\b|\b(?:cannot|can't|can not|unable|not able|not possible|isn't possible|"
    r"impossible|not allowed|"
    r"not eligible|ineligible|not permitted|do(?:es)? not (?:allow|offer|support|permit)|don't "
    r"(?:allow|offer|"
    r"support)|"
    r"doesn't (?:allow|offer|support)|not available|isn't available|out of stock|not offered|"
    r"against (?:our|"
    r"the) policy)\b"
    r"|\bsorry, but\b|\bpolicy (?:does|do)(?: not|n't)\b", _I
)  # fmt: skip
_PARTICIPLE = (
    r"(?!been\b|found\b|looked\b|located\b|checked\b|verified\b|received\b|noted\b|asked\b|"
    r"tried\b|seen\b|reviewed\b)"
)
_DONE = re.compile(
    rf"\b(?:has|have|was|were) (?:now |all |already |just |also |"
    rf"successfully )*been (?:successfully )?{_PARTICIPLE}\w+"
    rf"|\b(?:i|we)(?:'ve| have) (?:now |just |also |already |successfully )*{_PARTICIPLE}\w+(?:ed|"
    rf"nt|de|ne|et|paid)\b"
    r"|\b(?:is|are) (?:now |all )?(?:complete|completed|done|resolved|working|set|processed|"
    r"confirmed|"
    r"taken care of)\b"
    r"|\ball (?:set|done)\b|\beverything (?:you asked for )?(?:is|has|we)\b|\bsuccessfully\b|\bis "
    r"on (?:your|"
    r"the) list\b", _I
)  # fmt: skip
_GOING_ON = re.compile(
    r"\blet me (?!know)\w+|\bi(?:'ll| will) (?!be (?:glad|happy))\w+|\b(?:i'm|i am|we're|"
    r"we are) (?:now )?(?:going to|working|"
    r"processing|checking|looking)\b|\bone moment\b|\bplease wait\b|\bhold on\b|\bbear with\b|"
    r"\bnot yet\b|"
    r"\bstill \w+ing\b"
    r"|\bnext,|\bin a moment\b|\bwhile i\b", _I
)  # fmt: skip
_BYE = re.compile(
    r"\bgood ?bye\b|\bbye\b|\bhave a (?:\w+ )?(?:day|one|evening|weekend|time|night|afternoon|"
    r"morning)\b|"
    r"\btake care\b"
    r"|\bthank(?:s| you) for (?:contacting|calling|choosing|reaching|being)\b|###STOP###", _I
)  # fmt: skip
_TRANSFER_DONE = re.compile(
    r"\b(?:are|you're|is|am|i'm|we're) (?:now )?(?:being )?transferr?(?:ed|ing)\b|\b(?:has|have|"
    r"'ve) (?:now |"
    r"just )?(?:been )?"
    r"transferr?ed\b[^.]{0,40}\b(?:you|agent|person|colleague|specialist|team|human|"
    r"representative|supervisor)\b|"
    r"\b(?:you|conversation|case|chat|call) (?:have|has|'ve) (?:now )?been (?:transferred|handed|"
    r"escalated)\b|"
    r"\bhanded you over\b|"
    r"\bhand(?:ing|ed) (?:you|this|your \w+) (?:over )?to a\b|\b(?:person|colleague|human|agent|"
    r"specialist) will take over\b"
    r"|\b(?:am|i'm) (?:now )?(?:connecting|handing) you\b", _I
)  # fmt: skip
_TRANSFER_OFFER = re.compile(
    r"\b(?:transfer|hand)\b.{0,20}\byou\b|\btransfer to a\b|\bhuman agent\b", _I
)


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of the agent, understood."""

    text: str
    requests: tuple[str, ...]
    """Sentences that want something from the customer."""
    orders: tuple[str, ...]
    """Those that may want something done: not the ones in which the agent offers to do it."""
    kinds: tuple[str, ...]
    """Facts they ask for."""
    asks_who: bool
    confirm: bool
    offers_transfer: bool
    more: bool
    """The agent asks whether there is anything else."""
    greets: bool
    """The agent asks how it can help."""
    refused: bool
    done: bool
    going_on: bool
    bye: bool
    transferred: bool
    checksum: int


def listen(content: str | None) -> Heard:
    """Return what a message means; any text is accepted."""
    text = clean(content)
    parts = sentences(text)
    greets = [part for part in parts if _GREETING.search(part)]
    more = [
        part
        for part in parts
        if part not in greets and _MORE.search(part) and not _NOT_YET.search(part)
    ]
    requests = [part for part in parts if part not in more and part not in greets and _wants(part)]
    confirming = [part for part in requests if _CONFIRM.search(part) and not _asks_fact(part)]
    return Heard(
        text=text,
        requests=tuple(requests),
        orders=tuple(_orders(requests, planned=bool(confirming))),
        kinds=tuple(facts.asked_in([part for part in requests if part not in confirming])),
        asks_who=facts.asks_who(requests),
        confirm=bool(confirming),
        offers_transfer=any(_TRANSFER_OFFER.search(part) for part in confirming),
        more=bool(more),
        greets=bool(greets),
        refused=bool(_REFUSAL.search(text)),
        done=bool(_DONE.search(text)),
        going_on=bool(_GOING_ON.search(text)),
        bye=bool(_BYE.search(text)),
        transferred=any(_TRANSFER_DONE.search(part) for part in parts if not part.endswith("?")),
        checksum=zlib.crc32(text.encode("utf-8", "replace")),
    )


def _orders(requests: list[str], *, planned: bool) -> list[str]:
    """Return the requests that may want something done.

    Where the agent asks for consent, a bare imperative is a line of its own plan: "1. Enable
    roaming. Shall I?"
    """
    return [
        part
        for part in requests
        if not _OFFERS_TO_ACT.search(part)
        and (_REQUEST.search(part) or not (planned and _IMPERATIVE.search(part)))
    ]


def _wants(part: str) -> bool:
    if "?" not in part and (_AGENT_ACTS.search(part) or _BYE.search(part) or _PAUSE.search(part)):
        return False
    return bool(_REQUEST.search(part) or _IMPERATIVE.search(part))


def _asks_fact(part: str) -> bool:
    """Return whether a question that looks like one for consent asks for a fact ("Which card?")."""
    return bool(
        _OPEN_QUESTION.search(part) or (_CONFIRM_FACT.search(part) and facts.asked_in([part]))
    )
