"""How agents express their acts in English, sentence by sentence.

Every pattern is applied to one sentence of bounded length. Repetitions inside patterns are bounded
too, so that the time is linear in the text.
"""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=1024)
def _lower(text: str) -> str:
    return text.lower()


class Pattern:
    """A pattern in lower case that is tried only on text that holds one of its hints."""

    __slots__ = ("_hints", "_pattern")

    def __init__(self, pattern: str, hints: str = "") -> None:
        self._pattern = re.compile(pattern, re.DOTALL)
        self._hints = tuple(hints.split("|")) if hints else ()

    def search(self, text: str) -> re.Match[str] | None:
        """Return the first match, whatever the case of the text."""
        lower = _lower(text)
        if not self._hints:
            return self._pattern.search(lower)
        for hint in self._hints:  # most texts hold none; `any` over a generator takes twice as long
            if hint in lower:
                return self._pattern.search(lower)
        return None

    def match(self, text: str) -> re.Match[str] | None:
        """Return the match at the start, whatever the case of the text."""
        return self._pattern.match(_lower(text))


def _any(*alternatives: str, hints: str = "") -> Pattern:
    return Pattern("|".join(f"(?:{alternative})" for alternative in alternatives), hints)


_HUMAN = (
    r"(?:a |an |our |the |one of our |another )?(?:\w+[ -]){0,2}?(?:human|person|supervisor|"
    r"manager|"
    r"colleague|specialist|representative|live agent|agent|someone|somebody|team|department)"
)

GREETING = _any(
    r"\bhow (?:can|may|could) (?:i|we) (?:\w+ )?(?:help|assist|be of)\b",
    r"\bwhat can (?:i|we) (?:do|help)\b",
    r"\bwhat (?:brings you|seems to be the)\b",
    r"\bwhat would you like (?:help|assistance) with\b",
    hints=("how |what "),
)

REQUEST = _any(
    r"\?",
    r"\b(?:please|kindly|could you|can you|would you|will you|may i have|can i have|could i have|"
    r"might i ask|let me know|tell me|give me|send me|i require|we require|"
    r"what i need|you should|you can (?:try|now)|ask you (?:to|for)|go ahead and|then try|now "
    r"try)\b",
    r"\b(?:i|we)(?:'ll|'d| will| would|'m going to| am going to| do| just| still| also| first|"
    r" may| might){0,3} (?:need|ask you)\b",
    r"\bi(?:'d| would) (?:like|love|want|appreciate)\b",
    r"\bi want you to\b|\bneed you to\b",
    r"\byou(?:'ll| will)? need to (?!know)",
    r"\b(?:the )?next step is\b|\blet's\b|\b(?:is|are) (?:needed|required)\b",
    r"\bi(?:'m| am) (?:missing|lacking)\b",
)
IMPERATIVE = Pattern(
    r"^(?:(?:first|now|next|then|so|okay|ok|great|also|finally|lastly|and|after that|afterwards|"
    r"yes|sure|please|once that is done|once done|simply|just)[,:!.]?\s+|"
    r"(?:step )?\d+[:.)]\s*){0,4}(?:turn|toggle|switch|check|restart|"
    r"reboot|reset|run|open|set|enable|disable|connect|disconnect|remove|reseat|re-seat|grant|"
    r"allow|make|pay|execute|call|use|"
    r"send|look|"
    r"press|tap|try|go to|provide|share|supply|tell|let me know|specify|perform|dismiss|confirm|"
    r"select|submit|choose|give|verify|clear|change)\b",
)
AGENT_ACTS = Pattern(
    r"^(?:(?:okay|ok|great|thanks|thank you|alright|now|next|then|first|perfect|sure|yes)[,.!]?\s+)"
    r"{0,3}(?:i(?:'ve| have|'ll| will|'m| am|'d be| would be| can see| see| can confirm)\b"
    r"(?! (?:(?:also |just |still |first )?(?:need|ask|require)|going to need|like))|"
    r"we(?:'ve| have|'ll| will)\b|let me(?! know))",
)
PAUSE = _any(
    r"\b(?:please )?(?:hold on|wait|bear with|stand by)\b(?! (?:a few|for about|\d))",
    r"\b(?:one|a) (?:moment|second)\b|\bplease (?:be patient|note|be aware|keep in mind|remember|"
    r"understand|be advised)\b",
)

CONSENT = _any(
    # May I? Shall I?
    r"\b(?:shall|should|may|can|could|might) (?:i|we) (?:\w+ly |please |now |also |just ){0,2}"
    r"(?!have\b|get\b|know\b|ask\b|help\b|assist\b|see\b|please\b|take a look\b|be of\b|"
    r"confirm your\b|expect\b)\w+",
    r"\b(?:would|do) you (?:\w+ )?(?:like|want|wish|prefer|need) (?:for )?(?:me|us) to\b"
    r"(?! (?:help|assist)\b)",
    r"\bwant me to\b|\b(?:would|do) you (?:\w+ )?(?:like|want|wish) to (?:\w+ )?"
    r"(?:proceed|continue|go ahead|move forward|confirm|finali[sz]e|accept|approve)\b",
    r"\bwish (?:me )?to (?:proceed|continue|go ahead)\b",
    # Do you agree?
    r"\bdo you (?:\w+ )?(?:confirm|agree|accept|approve|consent|authori[sz]e|still want|give)\b",
    r"\byour (?:explicit |final |clear |verbal )?(?:approval|consent|go-ahead|green light|"
    r"permission|"
    r"authori[sz]ation|okay|ok|agreement)\b",
    r"\b(?:need|require|await|awaiting|upon|have|get|with|after|without|until|for|requires?|want) "
    r"your (?:explicit |final |clear |verbal )?confirmation\b(?! (?:number|email|code|id))",
    r"\b(?:can you|could you|will you|would you|do you|kindly|to|once you|when you|after you|if "
    r"you|"
    r"until you|soon as you|you'd|you would|must|you can) (?:please |both |now |also |have |just )"
    r"{0,2}(?:confirm|approve|authori[sz]e|agree|consent)\b",
    r"\bplease (?:explicitly |also |just |now |kindly |then ){0,2}(?:confirm|approve|"
    r"authori[sz]e)\b",
    r"^(?:and |then |just |now ){0,2}confirm\b",
    r"\bwaiting for your\b|\bawait(?:ing)? your\b|\bupon (?:your )?(?:confirmation|approval)\b",
    r"\b(?:would|do) you (?:\w+ )?(?:like|want|need) (?:my |some |any )?(?:help|assistance) "
    r"(?:\w+ing|with "
    r"(?!anything|any|something))",
    # So you want ...
    r"^(?:so,? |okay,? |just ){0,2}(?:to (?:confirm|summari[sz]e|recap|be clear|make sure)[,:]? )?"
    r"you(?:'d like| would like| want| wish) to\b",
    # Is that right?
    r"\bis (?:that|this|everything|it|all of this|all this|all that) (?:all )?(?:\w+ )?(?:correct|"
    r"right|ok|okay|fine|acceptable|accurate|alright|all right|good|what you(?:'d| want| would)|"
    r"to your liking)\b",
    r"\bif (?:that|this|everything|it|all of this|all this|all that|these details|the details|"
    r"these changes) (?:all )?(?:is|are|looks?|sounds?|works?|seems?|suits?|match(?:es)?)\b",
    r"\b(?:that|this|all|everything) (?:is |looks |sounds |look |sound )?(?:correct|right|good|"
    r"okay|"
    r"ok|fine)\?",
    r"\b(?:does|do|would) (?:that|this|these|everything|it)(?: all)? (?:look|sound|work|suit|seem|"
    r"be okay|be fine|match|meet)\b",
    r"\bsounds? (?:good|okay|right|fine)\b.{0,12}\?|\ball good\?",
    r"\bare you (?:\w+ )?(?:sure|ok|okay|happy|comfortable|willing|fine|ready|agreeable|good|"
    r"alright|certain|in agreement)\b",
    r"\b(?:is it|would it be|if it(?:'s| is)|if that(?:'s| is)) (?:\w+ )?(?:ok|okay|alright|fine|"
    r"all "
    r"right|good|acceptable)\b",
    # Say yes.
    r"\byes\b.{0,12}\bno\b|\by/n\b",
    r"\b(?:respond|reply|answer|type|say|saying|write|send|replying|responding|tell me|a simple|"
    r"with an?|enter|a clear|an explicit) .{0,24}\b[\"'(]?(?:yes|confirm|proceed|go|ok|okay|agree|"
    r"i agree|i confirm)\b",
    r"\b(?:say|give me|giving me) (?:me )?(?:the|a) (?:word|go-ahead|green light|nod|thumbs|ok|"
    r"okay)",
    r"\bsay so\b|\bgive (?:me )?the (?:go|word)\b|\bgreen light\b|\bgo-ahead\b",
    # Let me know and I will.
    r"\b(?:proceed|go ahead|move forward|continue|finali[sz]e|complete (?:this|the|your)|carry "
    r"on)\b"
    r".{0,60}\?",
    r"\blet me know (?:if|whether|when|that|once) .{0,50}\b(?:proceed|go ahead|move forward|"
    r"continue|"
    r"finali[sz]e|confirm|should|agree|approve|you'd like me to|you would like me to|you want me "
    r"to|(?:this|that|it|everything) (?:is|looks|sounds|works)|okay|ready)\b",
    r"\b(?:once|when|if|after|as soon as) .{0,30}\b(?:confirm|agree|approve|okay|happy|give|ready)"
    r"[^.?]{0,60}\b(?:i|we)(?:'ll| will| can|'d)\b",
    r"\bready (?:to (?:proceed|go|book|cancel|confirm)|for me to)\b.{0,30}\?",
    r"^(?:ok|okay|correct|right|confirm|agreed|proceed|go ahead|deal|yes)\?$",
    r"\bany objections?\b|\bunless you object\b|\bare we good\b|\bgood to go\?",
    hints=(
        "?|you'd like|you would like|confirm|yes|y/n|proceed|go ahead|go-ahead|let me know|approv|"
        "authori|conse"
        "nt|agree|green light|permission|say so|the word|the nod|thumbs|reply|respond"
        "|answer|type|write|send|say|enter|if that|if this|if it|if every|if all|if t"
        "hese|if the|looks|sounds|would you|do you|shall|should|may i|may we|can i|ca"
        "n we|could i|could we|might|want|wish|objection|unless you|waiting for your|"
        "await|upon|ready|happy|okay|give the|are you|correct|right"
    ),
)
AGREED_THAT = Pattern(
    r"\b(?:once|after|when|as) (?:it|that|this|everything) (?:is|was|has been) confirmed\b",
)
OFFERS_TO_ACT = _any(
    r"\b(?:shall|should|may|can|could) i\b",
    r"\b(?:would|do) you (?:\w+ )?(?:like|want|prefer) (?:for )?me to\b",
    r"\bwant me to\b|\bi can (?:also )?(?:\w+ )?(?:guide|walk|help|send|add|enable|refuel|"
    r"transfer)\b",
    hints=("shall|should i|may i|can i|could i|want|like|prefer|i can"),
)
OPEN_QUESTION = Pattern(
    r"\b(?:which|what|where|how|why|when|who)\b[^.?]{0,60}\b(?:shall|should|may|can|could) "
    r"(?:i|we)\b",
)
CONFIRM_FACT = Pattern(
    r"\bconfirm (?:me )?(?:your|the (?:\w+ ){0,2}(?:id|number|code|name|address|email)\b|which|"
    r"what|"
    r"whether you|if you (?:are|have|see|can)|how|who|that you (?:are|have|can))",
)
TRIES = Pattern(r"\b(?:can|could) (?:i|we) (?:try|check|look|verify|start|see)\b")

CHOICE = _any(
    r"\bwhich\b|\bprefer\b|\boptions?\b|\bchoose\b|\balternatives?\b|\bwhat would you like\b|"
    r"\bhow would you like\b|\bor would you\b|\beither\b|\bwhat .{0,20}\bdecide\b",
)

MORE = _any(
    r"\b(?:anything|something|what) (?:else|more)\b",
    r"\bany(?:thing)? (?:other|further|more|additional) (?:\w+ )?(?:questions?|requests?|issues?|"
    r"concerns?|help|assistance|things?|changes?|needs?|adjustments?|information|details|way|"
    r"matters?)\b",
    r"\bfurther (?:assistance|help|questions|changes|support|adjustments)\b|\bmore help\b",
    r"\bany questions\b|\bfeel free to\b|\bdon't hesitate\b|\bdo not hesitate\b",
    r"\bif you (?:ever )?(?:need|have|run into)\b.{0,120}\b(?:let me know|"
    r"reach out|just ask|say so|tell me|i'm here|i am here|ask|happy to help|glad to help|"
    r"come back|contact|message)\b",
    r"\blet me know if (?:you (?:need|have|require)|there(?:'s| is))\b",
    r"\b(?:i'm|i am|we're|we are) (?:always |still |right )?here (?:to help|for you|if you|"
    r"until)\b",
    r"\byou(?:'re| are) (?:very |most |so |quite )?welcome\b|\bmy pleasure\b|\bde rien\b",
    r"\bhappy to help (?:further|with anything)\b|\bglad i could help\b|\bglad to (?:help|hear)\b",
    r"\bis that (?:all|everything)\b|\bwill that be all\b|\bthat (?:all|everything) for (?:today|"
    r"now)",
    hints=(
        "else|more|other|further|additional|question|feel free|hesitate|if you|let me"
        " know|here|welcome|pleasure|de rien|happy to help|glad|is that|will that|tha"
        "t all|that everything"
    ),
)
IF_YOU_LIKE = Pattern(
    r"\bif (?:you(?:'d| would)?|anything|something|there's|there is|this is not|this "
    r"isn't)\b.{0,200}"
    r"\b(?:let me know|tell me|just ask|say the word|i can|i'll|i will|i'm here|feel free|we can|"
    r"happy to|glad to|just say)\b|"
    r"\b(?:let me know|tell me|feel free|i can|happy to|i'm here)\b.{0,80}\bif you(?:'d| would| "
    r"need|"
    r" want| prefer)\b",
)
"""An offer that may be left without an answer."""
PROCEEDS = Pattern(
    r"\b(?:proceed|go ahead|move forward|confirm|approv|authori[sz]|yes\b|these changes|this "
    r"change|"
    r"you agree|happy with|okay with|ok with|fine with|looks? (?:good|right|correct|fine)|"
    r"correct\b|"
    r"acceptable|works for you)",
)
DO_THAT = Pattern(
    r"\b(?:do|like|want|prefer|with|try) (?:me to (?:do |try )?)?(?:that|this|so|it|either(?: of "
    r"these)?|"
    r"one of these|any of these|these)(?: options?| alternatives?)?\s*(?:[?.,]|now\b|or\b|instead)|"
    r"\bthe transfer\b|\bhow (?:you'd|you would|would you) like to proceed|^what would you "
    r"(?:prefer|like)"
    r"(?: (?:me )?to do)?\s*\?|\bwhich would you prefer\b",
)
KEEPS_AS_IS = Pattern(
    r"\bkeep (?:your|the|this|it|everything|things)\b.{0,70}\b(?:as (?:is|it is|they are)|"
    r"unchanged)\b"
    r".{0,80}\?|\bleave (?:it|everything|things|your reservation) (?:as|unchanged).{0,60}\?",
)
SOMETHING_ELSE = Pattern(
    r"\b(?:other|another|alternative|alternate|different)\b.{0,24}\b(?:dates?|days?|airlines?|"
    r"airports?|destinations?|routes?|travel plans?)\b.{0,80}\?",
)
"""Whether something would do that the customer did not ask for."""
STATES = Pattern(
    r"\b(?:you'll|you will|will|we'll|i'll|i've|i have|is|was|were|has|are|can be|must|may|we)\b",
)
"""A list item that tells something is no request."""
NOT_YET = _any(
    r"\bbefore (?:i|we)\b",
    r"\b(?:else|more|other|further|additional)\b.{0,40}\b(?:to add|should i know|should we know|to "
    r"proceed|to consider|to change|to include|you noticed|you can tell|specific)\b",
    hints=("before|to add|know|to proceed|to consider|to change|to include|notice|tell|specific"),
)

TRANSFER_OFFER = _any(
    rf"\b(?:transfer|connect|escalat|hand|pass|put|refer|forward|speak|talk|reach|be passed)\w*\b"
    rf".{{0,40}}\b{_HUMAN}\b",
    r"\b(?:the|of|with|a|that) transfer\b|\btransfer(?:ring)? (?:you|me|this|your)\b|"
    r"\btransferred\b|\ba transfer\b|\bhuman (?:agent|review)\b",
    hints=("transfer|connect|escalat|hand|pass|put|refer|forward|speak|talk|reach|human"),
)
TRANSFER_DONE = _any(
    r"\b(?:are|you're|is|am|i'm|we're|were) (?:now )?(?:being )?transferr?(?:ed|ing)\b",
    r"\b(?:has|have|'ve) (?:now |just )?(?:been )?transferr?ed\b[^.]{0,40}\b(?:you|agent|person|"
    r"colleague|specialist|team|human|representative|supervisor|request|case|conversation)\b",
    r"\b(?:you|conversation|case|chat|call|request) (?:have|has|'ve|was|were) (?:now )?(?:been )?"
    r"(?:transferred|handed|escalated)\b",
    r"\bhanded you over\b",
    r"\bhand(?:ing|ed) (?:you|this|your \w+) (?:over )?to a\b",
    r"\b(?:person|colleague|human|agent|specialist|supervisor) (?:will|is going to) (?:take over|"
    r"assist you shortly|be with you)\b",
    r"\b(?:am|i'm) (?:now )?(?:connecting|handing|passing) you\b",
    r"\b(?:i(?:'ll| will|'m going to| am going to)|let me) (?:now |go ahead and |immediately |just "
    r")"
    r"{0,2}(?:transfer|connect|hand|pass|put) you\b(?! (?:if|once|after|when|unless))",
    hints=("transfer|hand|connect|pass|put you|take over|assist you shortly|be with you|escalat"),
)
TRANSFER_HELD_BACK = Pattern(
    r"\b(?:if|once|before|after|would|could|when|unless|may|might|should|can|cannot|can't|not|need "
    r"to|have to)\b",
)
"""Words before a transfer that make it no transfer yet."""

REFUSAL = _any(
    r"\bunfortunately\b",
    r"\b(?:cannot|can't|can not|unable|not able|not possible|isn't possible|impossible|not allowed|"
    r"not eligible|ineligible|isn't eligible|aren't eligible|not permitted|not authori[sz]ed|"
    r"not qualify|n't qualify|not covered?|n't cover(?:ed)?|"
    r"do(?:es)? not (?:allow|offer|support|permit)|don't (?:allow|offer|support|permit|have the "
    r"ability)|doesn't (?:allow|offer|support|permit)|not available|isn't available|out of stock|"
    r"not offered|against (?:our|the|company) policy|no way to|must (?:decline|refuse)|"
    r"non-?refundable|won't be able|not be able)\b",
    r"\bthere (?:is|are|were|seem to be) (?:currently |also |still )?no "
    r"(?=.{0,80}\b(?:available|availability|fit|match|meet|accommodate|within your|left)\b)"
    r"(?:\w+[ -]){0,4}(?:flights?|options?|seats?|combinations?|alternatives?)\b",
    r"\bsorry, but\b|\bpolicy (?:does|do)(?: not|n't)\b|\bno (?:exceptions?|refunds?) (?:can|is|"
    r"are)",
    hints=(
        "unfortunately|can't|cannot|can not|unable|not |n't |impossible|ineligible|ou"
        "t of stock|policy|no way|decline|refuse|refundable|sorry|no exception|no ref"
        "und|there "
    ),
)

_PARTICIPLE = (
    r"(?!(?:been|found|looked|located|checked|verified|received|noted|asked|tried|seen|reviewed|"
    r"pulled|retrieved|identified|searched|noticed|listed|summari[sz]ed|gathered|understood|"
    r"attempted|explored|considered|outlined|provided|mentioned|shared|explained|calculated|"
    r"double-checked|double|confirmed that|confirmed your|determined|read|included|completed the "
    r"(?:search|check)|not|requested|accessed|looking|thought|met|heard|analy[sz]ed|compared|"
    r"experienced|selected|chosen|already (?:found|checked)|run out|used|reached|flown|delayed|"
    r"taken place|stated|told|informed|faced|encountered|had|made an? (?:error|mistake)|"
    r"exhausted|suspended)\b)"
)
_ALREADY = r"(?:now |all |already |just |also |both |been |successfully |recently ){0,3}"
DONE = _any(
    rf"\b(?:has|have|was|were|'s) {_ALREADY}been {_ALREADY}{_PARTICIPLE}\w+",
    rf"\b(?:i|we)(?:'ve| have) {_ALREADY}{_PARTICIPLE}\w+(?:ed|nt|de|ne|et|paid)\b",
    r"\b(?:is|are|'s) (?:now |all |fully |officially ){0,2}(?:complete|completed|done|resolved|"
    r"working|set|processed|confirmed|cancelled|canceled|updated|booked|changed|in place|active|"
    r"back|upgraded|finali[sz]ed|taken care of|scheduled to)\b(?! (?:if|only|once|for you to))",
    r"\ball (?:set|done)\b|\bdone!|^done\b|\beverything (?:you asked for )?(?:is|has|we|looks)\b",
    r"\bsuccessfully\b|\bis on (?:your|the) list\b|\bsuccessful(?:ly)?\b.{0,20}$",
    r"^(?:great news|good news)\b",
    r"\b(?:cancelled|canceled|updated|booked|confirmed|upgraded|processed|changed|completed|issued|"
    r"exchanged|modified|submitted) successfully\b|\bbooking (?:is )?confirmed\b|\b(?:flights?|"
    r"reservation|order|address|baggage|booking|return|exchange|items?) (?:cancelled|canceled|"
    r"updated|booked|confirmed|changed|modified|upgraded)\b",
    r"\bhere(?:'s| is| are) (?:your|the|a summary of your|a summary of the) (?:final |new "
    r")?(?:updated|"
    r"final|completed|new|changes? (?:made|completed))\b",
    r"\b(?:will|should) (?:appear|arrive|receive|see|get|be (?:credited|refunded|available|sent|"
    r"shipped|posted))\b.{0,60}\b(?:days?|hours?|shortly|email|mail)\b",
    r"\brefund\w* (?:of .{0,30} )?(?:processed|issued|initiated)\b|\bno (?:other )?changes were "
    r"made",
    r"\b(?:changes?|updates?) (?:have been |has been |were )?(?:made|completed|saved)\b",
    hints=(
        " been |'ve |have |complete|done|resolved|working|set|processed|confirmed|can"
        "cel|updated|booked|changed|in place|active|back|upgraded|finali|taken care|s"
        "cheduled|successful|great news|good news|here's|here is|here are|will |shoul"
        "d |refund|changes|updates|modified|issued|is on |everything|saved"
    ),
)
UNDONE = _any(
    r"\b(?:once|after|if|when|before|until|as soon as|would|unless)\b[^.]{0,50}\b(?:been|be|is|are|"
    r"confirm\w*|done|complete\w*)\b",
    r"\b(?:not|n't|never|no) (?:yet )?(?:been|be)\b",
    hints=("once|after|if|when|before|until|soon|would|unless|not|n't|never|no "),
)

PROMISE = _any(
    r"\blet me (?!know)\w+",
    r"\b(?:i|we)(?:'ll| will) (?!be (?:glad|happy|here|able|more)|need|then need|also need|have to|"
    r"not|keep|ask)\w+",
    r"\b(?:i'm|i am|we're|we are) (?:now )?(?:going to|working|processing|checking|looking|about "
    r"to|"
    r"cancell?ing|booking|updating|submitting|trying)\b",
    r"\b(?:one|a|just a) (?:moment|second|minute)\b|\bplease wait\b|\bhold on\b|\bbear with\b|"
    r"\bnot yet\b",
    r"\bstill (?:check|process|work|look|wait|try|search)ing\b|\bin a moment\b|\bwhile i\b|\bnext,",
    r"\bproceeding (?:with|to|now)\b|\bis being (?:processed|cancelled|canceled|updated)\b",
    hints=(
        "let me|'ll |will |'m |am |'re |are |moment|second|minute|wait|hold on|bear|n"
        "ot yet|still|while i|next,|proceeding|being"
    ),
)
CONDITIONAL = Pattern(
    r"\b(?:if|once|when|after|whenever|as soon as|would you|do you|shall|should you|before i|until|"
    r"upon|unless|or)\b",
)
BYE = _any(
    r"\byou(?:'re| are) (?:very |most |so |quite )?welcome\b",
    r"\bgood ?bye\b|\bbye\b|\btake care\b|\bau revoir\b|###stop###",
    r"\bhave a (?:\w+ ){0,2}(?:day|one|evening|weekend|time|night|afternoon|morning|trip|flight|"
    r"journey|stay|week)\b|\bsafe travels\b|\bbonne journ|\benjoy (?:your|the) \w+",
    r"\bthank(?:s| you) for (?:contacting|calling|choosing|reaching|being|booking|shopping|flying|"
    r"travell?ing)\b",
    hints=("welcome|bye|take care|au revoir|###|have a|safe travels|bonne|enjoy|thank"),
)

AGAIN = _any(
    r"\b(?:could|can|would) you (?:please )?(?:rephrase|repeat|say that again|clarify that|"
    r"restate)",
    r"\b(?:didn't|did not|don't|do not) (?:quite )?(?:catch|understand|get) (?:that|what you)\b",
    r"\bsay (?:that|it) (?:once more|again)\b|\bi beg your pardon\b|^sorry, what\b|^pardon\b",
    hints=(
        "rephrase|repeat|again|clarify|restate|catch|understand|get that|get what|par"
        "don|once more|sorry, what"
    ),
)
GUIDANCE = _any(
    r"\b(?:would|do) you (?:\w+ )?(?:like|want|need) (?:me to )?(?:\w+ ){0,3}(?:step-by-step|"
    r"instructions?|guidance|guide|walk|help (?:on|with) (?:how|checking)|steps)\b",
    r"\bshall i (?:guide|walk)\b|\bwould you like (?:some |more )?(?:instructions|steps|guidance)",
    hints=("step|instruct|guid|walk|help"),
)
ASKS_LISTED = _any(
    r"\b(?:provide|share|give|send|tell|need|confirm|supply|have|know|require|answer|specify|start "
    r"with|include|clarify|missing|required|asking for)\b.{0,60}\b(?:following|these|those|this|"
    r"details?|information|info|below|things?|pieces?|both|questions|items|few more)\b",
    r"\b(?:i|we)(?:'ll| will|'d| would)?(?: also| just| first| still| only){0,2} (?:need|require)"
    r"\b.{0,40}:$",
    r"\b(?:please|could you|can you|to (?:proceed|continue|get started|start|help|assist)).{0,60}"
    r"\b(?:provide|share|give|send|tell me|confirm|let me know|include|specify)\b[^:]{0,60}:$",
    r"\b(?:let me know|tell me|what is needed|needed|required|to confirm|next steps?|please "
    r"provide|questions?)[^:.]{0,30}:$",
    hints=(":|following|these|those|this|detail|info|below|thing|piece|both|question|item"),
)
ASKS_THESE = _any(
    r"\b(?:provide|share|give|send|tell|confirm|have|supply|let me know)\b.{0,20}\b(?:these|this|"
    r"those|them|that|both|the (?:above|details|information))\b",
    hints=("these|this|those|them|that|both|the above|the details|the information"),
)
VALUE_OF_LABEL = re.compile(
    r"^[^:]{1,60}:\s*(?=.*(?:\d|@|\byes\b|\bno\b|\bnone\b|[a-z]+_[a-z]+|[A-Z]{3}|[A-Z][a-z]+ "
    r"[A-Z]))"
    r"(?!\s*(?:\(|e\.g|for example|such as|required|optional|so\b|to\b|this\b|which\b|what\b))"
)
"""A list item such as "User ID: ann_lee_12", which states a value and does not ask for it."""

HELD_BY_AGENT = Pattern(
    r"^(?:but |and |no worries,? |don't worry,? )?if you(?:'re| are)? (?:don't|do not|can't|cannot|"
    r"aren't|not|don't|unsure)\b",
)
"""Sentences that mention a fact without asking for it."""

GIVES = Pattern(
    r"\b(?:provide|share|give|send|tell|supply|have|know|need|require|get)\b.{0,60}\b(?:your|the|"
    r"a)\b",
)
SAYS_YES = Pattern(
    r"\b(?:reply|respond|answer|type|say|confirm)\b.{0,24}\b[\"'(]?(?:yes|proceed|to proceed|that "
    r"you)\b|\byes\b.{0,12}\bno\b|\bdo you (?:confirm|agree|approve|authori[sz]e)\b",
)
STATE_CONFIRMED = Pattern(
    r"\bconfirm (?:for me |with me )?(?:(?:if|whether) (?:you(?:'re|'ve)?\b(?!'d| would| want| "
    r"wish| agree|"
    r" approve| confirm| are (?:ok|fine|happy|sure|ready|willing|in agreement|comfortable))|your|"
    r"there|any)|which|what|how|who|when|where|that you (?:are|have|can|see)\b)",
)
"""A confirmation that is about how things are, and not about going ahead."""
GIVES_FACT = Pattern(
    r"\bplease (?:provide|share|give|send|tell me (?:your|the|which|what)|let me know (?:your|the|"
    r"which|"
    r"what))|\bi(?:'ll| will|'d| would)? need\b",
)
ANSWERED = re.compile(r"\?[\"')\]]*\s+(?:[-:]\s+)?\S.{14,}", re.DOTALL)
"""A question of the customer that the agent repeats and answers."""
YOUR_QUESTIONS = Pattern(r"\byour (?:\w+ )?(?:questions?|request|concerns?)\b|\banswers?\b")
LABEL = re.compile(r"^(?!step\b)[A-Za-z][a-z]*(?: [a-z]+){0,3}: ")
ASKS_PLAINLY = Pattern(
    r"\b(?:please|could you|can you|kindly|i(?:'ll| will| still| also)? need (?:your|the|to "
    r"know))\b",
)
INFORMS = Pattern(
    r"\b(?:next steps?|what (?:happens|you can|i can)|notes?|important|i can|here(?:'s| is| are)|"
    r"summary|"
    r"recap|confirmations?|completed|updates?|timeline|highlights?|reminders?|details?|status|"
    r"window)\b"
    r"[^?]{0,60}$",
)
"""The first line of a list that tells something, whatever its items look like."""
POLITE = Pattern(r"\?|\bplease\b|\bcould you\b|\bcan you\b|\blet me know (?:your|the|which)\b")
CONFIRMS_NEXT = Pattern(r"\b(?:please|once you|you) confirm\b")
