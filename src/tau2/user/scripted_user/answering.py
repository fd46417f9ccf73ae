"""One turn of a scripted customer: from what was heard to what is said or done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property

from tau2.participant.wording import in_words
from tau2.user.base_user import STOP, TRANSFER
from tau2.user.scripted_user import facts
from tau2.user.scripted_user.agenda import ConditionalReply, Conversation, Cue, Point, UserAction
from tau2.user.scripted_user.proposals import (
    contradicts_status,
    fails_condition,
    lacks_correction,
    objection,
    same_deed,
    speaks_of,
)
from tau2.user.scripted_user.read_back import misread, wants_spelling
from tau2.user.scripted_user.speaking import Voice, continued, follow_up
from tau2.user.scripted_user.text import keywords, overlap
from tau2.user.scripted_user.toolbox import Toolbox
from tau2.user.scripted_user.understanding import Act, Heard

PATIENCE = 16  # turns without any progress after which the customer leaves
_MOST_TURNS = 80  # far beyond any real conversation; a bound that no wording of an agent can lift
_REMEMBERED = 12  # latest messages of the agent in which a loop is noticed
_MOST_DEEDS = 6  # things done before the customer reports back
_MOST_FACTS = 8  # facts told in one message
_TOLD_AT_ONCE = 3  # points told along with an answer
_RAISED_AT_ONCE = 2  # wishes raised together once there is time for them
_TELLING_LENGTH = 4  # letters that the words of a condition must have to be recognised by
_ENOUGH_WORDS = 2  # words a question must share with a sentence that answers it
_DEALT_WITH = 0.5  # share of a wish's words in a message that has dealt with it
_ALL_BUT_SAID = 0.75  # the same of a wish that comes later: another matter may share its words
_NEWS = 60  # characters of a message that tells something
_MOST_RESTATED = 2  # times the reason is repeated to an agent that closes without having acted
_LOOKED_INTO = 2  # turns after which an agent that offers a transfer has looked into the matter
_MOST_QUESTIONED = 2  # refusals that an insistent customer questions

_CHOICE = re.compile(
    r"\bwhich\b|\bprefer|\bor\b|\boptions?\b|\bchoose\b|\bwould you like\b", re.IGNORECASE
)
_REASON = re.compile(
    r"\bbecause\b|\bmistake\b|\bno longer\b|\bdon't need\b|\bonly need\b|\bsince\b", re.IGNORECASE
)
_BROKEN = re.compile(
    r"\bfail(?:ed|s|ure)?\b|\bno (?:service|signal|connection|mobile data)\b|\bnot (?:work|"
    r"connect|respond|send)|"
    r"\bcannot\b|\bunable\b|^Error:",
    re.IGNORECASE,
)
"""Signs that what a tool showed is not how it should be."""
_INDIRECT = {"payment", "reason", "address"}
"""Kinds of fact that a sentence of the scenario tells better than a bare value."""
_SAME_IDEA = {
    "exceed": "used",
    "usag": "used",
    "consum": "used",
    "deplet": "used",
    "unpaid": "overdu",
    "outstand": "overdu",
}
"""Stem of a word → that of the word that scenarios use for it."""
_WANTS_WORDS = re.compile(
    r"\?|\b(?:let me know|tell me|specify|describe|provide|share|send me|choose|confirm|clarify|"
    r"need|give me|which|what|how)\b",
    re.IGNORECASE,
)
_RECORDS = ("order", "reservation")
_RESERVES = re.compile(
    r"\b(?:don't|do not|not) want\b|\bonly (?:if|want)\b|\bunless\b", re.IGNORECASE
)
_ONLY_THEN = re.compile(
    r"\bnot want\b.{1,60}\bif\b.{1,40}\b(?:not|cannot|can't)\b|\bunless\b|\bonly\b.{1,40}\bif\b",
    re.IGNORECASE,
)
"""What a customer does not want at all once its condition is refused."""
_CLOSING = (Act.OFFERS_MORE, Act.OFFERS_OPTION, Act.SAYS_BYE)
"""Acts that leave it to the customer whether the conversation goes on."""
_NO_CARD_NUMBER = re.compile(r"\bnot (?:give|tell|share|name) (?:\w+ )?card number", re.IGNORECASE)


class ReplyBuilder:
    """Finds the answer to one message of the agent and notes in the state what was answered."""

    def __init__(self, state: Conversation, heard: Heard, toolbox: Toolbox, voice: Voice) -> None:
        self.state = state
        self.heard = heard
        self.toolbox = toolbox
        self.voice = voice
        self.progress = False
        self.looped = heard.checksum in state.heard
        self.refused_before = state.refused
        state.heard = [*state.heard, heard.checksum][-_REMEMBERED:]

    def answer(self) -> str:
        """Return what the customer says; empty when it does what now waits in the state's queue."""
        if Act.TRANSFERS in self.heard:
            return f"{self.voice.phrase('transferred')} {TRANSFER}"
        self._notice_what_is_settled()
        words = self._words()
        self.state.stalled = 0 if self.progress else self.state.stalled + 1
        if STOP in words or TRANSFER in words or self.state.queue:
            return words
        if self.state.stalled >= PATIENCE or self.state.turn >= _MOST_TURNS:
            return f"{self.voice.phrase('giving_up')} {STOP}"
        words = self.voice.manner(words)
        self.state.last_words = words
        return words

    def _notice_what_is_settled(self) -> None:
        """Note what the agent has dealt with by itself, and whether it has done what was agreed."""
        state = self.state
        if self.heard.has_any(Act.REPORTS_DONE, Act.REFUSES):
            state.awaiting = False
            state.outcomes += 1
        state.reported = state.reported or Act.REPORTS_DONE in self.heard
        state.refused = state.refused or Act.REFUSES in self.heard
        state.recognised = state.recognised or speaks_of(self.heard.text, state.agenda)
        if not state.opened:
            return
        given = keywords(self.heard.text.replace("astercard", "aster card"))
        for number, point in self._untold():
            if _deals_with(point.stems, given, _ALL_BUT_SAID if point.later else _DEALT_WITH):
                state.points_told.append(number)
        told = keywords(self.heard.settles)
        for number, stems in enumerate(state.agenda.wishes):
            if number not in state.settled and _deals_with(stems, told):
                state.settled.append(number)
            if number not in state.mentioned and _deals_with(stems, given):
                state.mentioned.append(number)
        rules = state.agenda.rules
        state.unheeded = [n for n in state.unheeded if not _deals_with(rules[n].stems, given)]

    def _untold(self) -> list[tuple[int, Point]]:
        told = set(self.state.points_told)
        points = enumerate(self.state.agenda.points)
        return [(number, point) for number, point in points if number not in told]

    def _words(self) -> str:
        if not self.state.opened:
            return self._open()
        if self._take_on_deeds():
            return ""
        if self.state.incomplete is not None:
            names = " and ".join(map(in_words, self.state.incomplete.missing))
            return f"Which {names} should I use for that?"
        lines = [self._parting()] if self._is_over() else self._lines()
        return follow_up(*lines) if lines else self._without_question()

    def _is_over(self) -> bool:
        """Return whether the customer cannot get what it wants and has nothing left to say."""
        state = self.state
        if self.heard.kinds:
            return False
        if fails_condition(self.heard.text, state.agenda):
            return True
        if not self._refuses_for_good() or state.unheeded or self._next_wish_is_open():
            return False
        rules = enumerate(state.agenda.rules)
        return all(n in state.rules_used or not self._applies(rule) for n, rule in rules)

    def _refuses_for_good(self) -> bool:
        """Return whether the agent refuses again and offers only something else."""
        heard = self.heard
        state = self.state
        agenda = state.agenda
        if Act.REFUSES not in heard or Act.REPORTS_DONE in heard or not self.refused_before:
            return False
        objected = any(agenda.rules[n].cue is Cue.REFUSAL for n in state.rules_used)
        if agenda.insists and not state.pushed_back and not objected:
            return False
        if Act.OFFERS_INSTEAD in heard:
            return True
        transfer = Act.OFFERS_TRANSFER in heard and not agenda.refuses_transfer
        return transfer and Act.ASKS_CONSENT not in heard

    def _parting(self) -> str:
        """Return how the customer gives up: with another person, where the agent offers one."""
        if Act.OFFERS_TRANSFER not in self.heard or self.state.agenda.refuses_transfer:
            return f"{self.voice.phrase('leave_it')} {STOP}"
        self.progress = self.progress or not self.looped
        accepted = self.voice.phrase("agree_transfer")
        return accepted if self.state.agenda.transfer_wanted else f"{accepted} {TRANSFER}"

    def _open(self) -> str:
        self.progress = True
        first = [deed for deed in self.state.agenda.first if deed not in self.state.done]
        if first:
            self.state.queue = first
            return ""
        return follow_up(_opening(self.state, self.voice), *self._facts())

    def _take_on_deeds(self) -> bool:
        """Queue what the agent wants done. Return whether there is something to do now."""
        state = self.state
        heard = self.heard
        todo = [deed for deed in state.agenda.reference if deed not in state.done]
        deeds = self.toolbox.given_in(heard.orders, heard.text, todo)
        deeds = deeds or self.toolbox.asked_in(heard.orders, todo)
        if not deeds or any(deed.missing for deed in deeds):
            deeds = self.toolbox.applied_for(heard.orders, heard.text, todo) or deeds
        if not deeds and not heard.kinds and Act.ASKS_CONSENT not in heard:
            deeds = self.toolbox.looked_up_in(heard.orders)
        if heard.has_any(*_CLOSING, Act.REPORTS_DONE):
            state.incomplete = None
        if not deeds and state.incomplete is not None:
            deeds = [self.toolbox.complete(state.incomplete, heard.text, todo)]
        state.incomplete = next((deed for deed in deeds if deed.missing), None)
        state.queue = [deed for deed in deeds if not deed.missing][:_MOST_DEEDS]
        if not state.queue:
            return False
        self.progress = not self.looped
        state.with_report = self._facts() if heard.kinds else []
        return True

    def _lines(self) -> list[str]:
        """Return the answers to what the agent asked, and what the customer adds unasked."""
        heard = self.heard
        if wants_spelling(heard.text) and not heard.kinds and self.state.facts_told:
            kind = self.state.facts_told[-1]
            return [self._tell(kind, self.state.agenda.facts[kind])]
        if Act.ASKS_AGAIN in heard and self.state.last_words and not heard.kinds:
            return [self.state.last_words]
        corrected = self.state.correction
        lines = [*self._correction()]
        rule = self._rule()
        if rule is not None:
            if rule.ends and not heard.kinds and not self._next_wish_is_open():
                return [f"{rule.reply} {self.voice.phrase('bye')} {STOP}"]
            lines.append(rule.reply)
        lines += self._facts(skip=(corrected, *(rule.kinds if rule is not None else ())))
        lines += self._on_offers(rule, answered=bool(lines))
        if Act.ASKS in heard and not lines and self._wants_answer():
            lines.append(self._open_question())
        if lines and (heard.requests or Act.OFFERS_MORE not in heard) and not self._ends(lines):
            lines += self._next_points(_TOLD_AT_ONCE)
        return [line for line in lines if line]

    def _wants_answer(self) -> bool:
        """Return whether a request wants words: "please follow the instructions" does not."""
        requests = self.heard.requests
        return bool(self.toolbox) or any(_WANTS_WORDS.search(request) for request in requests)

    @staticmethod
    def _ends(lines: Iterable[str]) -> bool:
        return any(TRANSFER in line or STOP in line for line in lines)

    def _on_offers(self, rule: ConditionalReply | None, *, answered: bool) -> list[str]:
        """Return the answers to a proposal, to an offer of guidance and to one of a transfer."""
        heard = self.heard
        state = self.state
        if Act.ASKS_CONSENT in heard:
            if rule is not None and rule.cue in {Cue.CONFIRMATION, Cue.READ_BACK}:
                return []
            return [self._consent()]
        if Act.OFFERS_GUIDANCE in heard and not answered:
            return [self.voice.phrase("guide_me" if self.toolbox else "agree")]
        if Act.OFFERS_TRANSFER not in heard or answered or Act.ASKS in heard:
            return []
        # A transfer is no substitute for what the agent has just been told to do.
        agreed = state.awaiting and state.agenda.changes and not state.agenda.transfer_wanted
        if state.agenda.refuses_transfer or (agreed and not state.pushed_back):
            if state.pushed_back >= _MOST_QUESTIONED:
                return [f"{self.voice.phrase('leave_it')} {STOP}"]
            state.pushed_back += 1
            self.progress = True
            return [self.voice.phrase("no_transfer")]
        wish = self._next_wish() or self._unheeded_wish()
        if wish:
            return [wish]
        self.progress = self.progress or not self.looped
        accepted = self.voice.phrase("agree_transfer")
        # After the agent has looked into it nothing is left, unless its task is to hand over.
        looked_into = state.refused or state.turn > _LOOKED_INTO
        waits = state.agenda.transfer_wanted or not looked_into
        return [accepted if waits else f"{accepted} {TRANSFER}"]

    def _consent(self) -> str:
        """Return the answer to a proposal: agreement, or what is wrong with it."""
        if not self.looped:
            self.progress = True
        wrong = misread(self.heard.text, self.state.agenda.facts)
        if wrong is not None:
            kind, value = wrong
            told = f"{self.voice.phrase('disagree')} it is {value}."
            return follow_up(told, self.voice.spelling(kind, value))
        if self._objection:
            return f"{self.voice.phrase('disagree')} {self._objection}."
        self.state.awaiting = True
        return self.voice.phrase("agree")

    @cached_property
    def _objection(self) -> str:
        """What is wrong with the proposal, if the agent speaks of this customer's matter at all."""
        agenda = self.state.agenda
        named = any(kind in agenda.facts for kind in _RECORDS)
        known = self.state.recognised or (named and same_deed(self.heard.proposal, agenda))
        return objection(self.heard, agenda) if known else ""

    def _correction(self) -> Iterable[str]:
        """Put right what was told wrong in the message before."""
        kind = self.state.correction
        if not kind:
            return ()
        self.state.correction = ""
        self.progress = True
        return (self.voice.phrase("sorry"), facts.said(kind, self.state.agenda.facts[kind]))

    def _rule(self) -> ConditionalReply | None:
        """Return the conditional instruction that applies now, once."""
        state = self.state
        for number, rule in enumerate(state.agenda.rules):
            if number not in state.rules_used and self._applies(rule):
                self.progress = True
                if rule.insists and not state.pushed_back:
                    state.pushed_back += 1
                    return rule.model_copy(
                        update={"reply": self.voice.phrase("push_back"), "ends": False}
                    )
                state.rules_used.append(number)
                if rule.stems and "transfer" not in rule.reply:
                    state.unheeded.append(number)
                return rule
        return None

    def _applies(self, rule: ConditionalReply) -> bool:
        heard = self.heard
        match rule.cue:
            case Cue.REFUSAL:
                return Act.REFUSES in heard
            case Cue.CONFIRMATION:
                return Act.ASKS_CONSENT in heard and not self._objection
            case Cue.READ_BACK:
                return Act.ASKS_CONSENT in heard and lacks_correction(heard.text, rule.reply)
            case Cue.QUESTION:
                if rule.kinds:
                    return not set(rule.kinds).isdisjoint(heard.kinds)
                return (
                    bool(heard.requests)
                    and bool(rule.words)
                    and self._shared(rule) * 2 >= len(rule.words)
                )
            case Cue.STATEMENT:
                return (
                    len("".join(rule.words)) > _TELLING_LENGTH
                    and self._shared(rule) * 5 >= len(rule.words) * 3
                )

    def _shared(self, rule: ConditionalReply) -> int:
        given = keywords(self.heard.text)
        return overlap(rule.words, given | {_SAME_IDEA[word] for word in given & _SAME_IDEA.keys()})

    def _facts(self, skip: Iterable[str] = ()) -> list[str]:
        """Return the facts asked for.

        Where none of them is known, what else identifies the customer.
        """
        wanted = [kind for kind in self.heard.kinds if kind not in skip][:_MOST_FACTS]
        told = [line for kind in wanted if (line := self._fact(kind))]
        agenda = self.state.agenda
        unknown = [kind for kind in wanted if kind not in {*agenda.facts, *_INDIRECT}]
        lines = [agenda.unknown[kind] for kind in unknown if kind in agenda.unknown]
        nouns = [facts.noun(kind) for kind in unknown if kind not in agenda.unknown]
        if nouns:
            lines.append(self.voice.not_at_hand(nouns))
        lines = [*told, *lines] if told else lines
        if (not told and unknown) or Act.ASKS_IDENTITY in self.heard:
            lines += self._identity()
        return list(dict.fromkeys(lines))

    def _fact(self, kind: str) -> str:
        if kind in _INDIRECT:
            self.progress = self.progress or not self.looped
            return self._indirect(kind)
        values = self.state.agenda.facts.get(kind)
        if not values:
            return ""
        return self._tell(kind, values)

    def _tell(self, kind: str, values: tuple[str, ...]) -> str:
        if kind not in self.state.facts_told:
            self.state.facts_told.append(kind)
            self.progress = True
        told = self.voice.fact(kind, values)
        if not wants_spelling(self.heard.text):
            return told
        self.progress = self.progress or not self.looped
        return follow_up(told, self.voice.spelling(kind, values[0]))

    def _indirect(self, kind: str) -> str:
        pattern = _REASON if kind == "reason" else facts.ASKED[kind]
        agenda = self.state.agenda
        line = next((line for line in agenda.statements if pattern.search(line)), "")
        if kind == "payment":
            return self._payment(line)
        if kind in agenda.facts and wants_spelling(self.heard.text):
            return self._tell(kind, agenda.facts[kind])
        if line:
            return line
        if kind in agenda.facts:
            return self.voice.fact(kind, agenda.facts[kind])
        return "" if kind == "reason" else self.voice.not_at_hand([facts.noun(kind)])

    def _payment(self, line: str) -> str:
        """Return what is paid with: in the words of the scenario, and which card that is."""
        agenda = self.state.agenda
        here = {card: None for record, card in agenda.cards.items() if record in self.heard.text}
        values = tuple(here) if len(here) == 1 else agenda.facts.get("payment", ())
        if not values:
            return line or self.voice.phrase("any_payment")
        named = self.voice.fact("payment", values)
        secret = any(_NO_CARD_NUMBER.search(statement) for statement in agenda.statements)
        told = all(value in line for value in values)
        if secret or told:
            return line or named
        return follow_up(line, named)

    def _identity(self) -> list[str]:
        agenda = self.state.agenda
        known = [kind for kind in facts.IDENTITY if kind in agenda.facts][:3]
        fresh = [kind for kind in known if kind not in self.state.facts_told] or known
        return [self._tell(kind, agenda.facts[kind]) for kind in fresh]

    def _open_question(self) -> str:
        """Return the sentence of the scenario that fits, or that the customer does not know."""
        asked = keywords(" ".join(self.heard.requests))
        scored = [(overlap(asked, keywords(line)), line) for line in self.state.agenda.statements]
        score, line = max(scored, key=lambda pair: pair[0], default=(0, ""))
        if score >= min(_ENOUGH_WORDS, max(1, len(asked))):
            if Act.REFUSES in self.heard and _RESERVES.search(line) and self.state.pushed_back:
                if line in self.state.lines_said:
                    # It was said and refused: there is nothing to add.
                    return f"{self.voice.phrase('leave_it')} {STOP}"
                if self.refused_before and _ONLY_THEN.search(line):
                    return f"{line} {self.voice.phrase('bye')} {STOP}"
            self.state.lines_said.append(line)
            self.state.pushed_back += Act.REFUSES in self.heard
            if self.looped:
                return f"{self.voice.phrase('again')} {continued(line)}"
            self.progress = True
            return line
        if Act.OFFERS_INSTEAD in self.heard and Act.REFUSES in self.heard:
            if self.state.pushed_back:
                return f"{self.voice.phrase('leave_it')} {STOP}"
            return self._push_back()
        question = " ".join(self.heard.requests)
        if "?" not in question and self.toolbox:
            return self.voice.phrase("cannot_do")
        return self.voice.phrase("no_preference" if _CHOICE.search(question) else "dont_know")

    def _next_points(self, most: int) -> list[str]:
        """Return what is told early and has not been mentioned, at most `most` sentences."""
        if self.state.agenda.reserved:
            return []
        return self._told([number for number, point in self._untold() if not point.later][:most])

    def _told(self, numbers: list[int]) -> list[str]:
        self.state.points_told += numbers
        self.progress = self.progress or bool(numbers)
        lines = [self.state.agenda.points[number].line for number in numbers]
        self.state.lines_said += lines
        return lines

    def _without_question(self) -> str:
        """Return the answer to a message that asks for nothing in particular."""
        heard = self.heard
        state = self.state
        if Act.GREETS in heard and Act.OFFERS_MORE not in heard:
            return f"{self.voice.phrase('again')} {continued(state.agenda.opening)}"
        claim = contradicts_status(heard.text, state.agenda)
        if claim and claim not in state.lines_said:
            state.lines_said.append(claim)
            state.pushed_back += 1
            self.progress = True
            return claim
        if self._nothing_happened_yet():
            state.restated += 1
            self.progress = True
            return f"{self.voice.phrase('again')} {continued(state.agenda.opening)}"
        promises = Act.PROMISES in heard and not heard.has_any(Act.REPORTS_DONE, Act.REFUSES)
        if promises and (state.awaiting or not heard.has_any(*_CLOSING)):
            return follow_up(self.voice.phrase("wait"), *self._next_points(_TOLD_AT_ONCE))
        if Act.OFFERS_OPTION in heard and self._leads_on():
            self.progress = self.progress or not self.looped
            return self.voice.phrase("agree")
        going_on = Act.PROMISES in heard and not heard.has_any(*_CLOSING)
        settled = heard.has_any(Act.REPORTS_DONE, Act.REFUSES) and not going_on
        if settled or heard.has_any(*_CLOSING):
            wish = self._next_wish() or self._left_out()
            asked = Act.OFFERS_MORE in heard
            return self.voice.more(wish, asked=asked) if wish else self._finish()
        return self._on_statement()

    def _nothing_happened_yet(self) -> bool:
        """Return whether the agent would close without having done or refused anything."""
        heard = self.heard
        state = self.state
        closes = Act.OFFERS_MORE in heard and not heard.has_any(Act.PROMISES, Act.SAYS_BYE)
        settled = state.reported or state.pushed_back or Act.REFUSES in heard
        open_ = not settled and state.restated < _MOST_RESTATED
        acts = state.agenda.changes and not self.toolbox
        return closes and open_ and acts and not self._next_wish_is_open()

    def _leads_on(self) -> bool:
        """Return whether what is offered leads to what the customer wants: nothing is done yet."""
        heard = self.heard
        state = self.state
        if not state.agenda.changes or heard.has_any(Act.REPORTS_DONE, Act.REFUSES):
            return False
        if heard.has_any(Act.OFFERS_MORE, Act.SAYS_BYE):
            # Everything was refused so far: what is offered is better than nothing.
            return state.refused and not (state.reported or self.looped)
        return not state.settled

    def _on_statement(self) -> str:
        """Return the answer to a message that only tells something."""
        state = self.state
        news = not self.looped and len(self.heard.text) > _NEWS
        self.progress = self.progress or news
        told = self._next_points(_TOLD_AT_ONCE)
        if state.agenda.changes or told or state.awaiting or not news or self._next_wish_is_open():
            return follow_up(self.voice.phrase("wait"), *told)
        return f"{self.voice.phrase('nothing_more')} {STOP}"

    def _next_wish(self) -> str:
        """Return what is still to be asked for: the rest of the story, then what comes later."""
        wanted = [(number, point) for number, point in self._untold() if point.wanted]
        soon = [number for number, point in wanted if not point.later]
        later = [number for number, point in wanted if point.later]
        most = _RAISED_AT_ONCE if len(soon) > _RAISED_AT_ONCE else 1
        return follow_up(*self._told(soon[:most] or later[:1]))

    def _unheeded_wish(self) -> str:
        """Return once more a wish that the agent has not taken up."""
        state = self.state
        if not state.unheeded:
            return ""
        self.progress = True
        return state.agenda.rules[state.unheeded.pop(0)].reply

    def _left_out(self) -> str:
        """Return once more, a single time, what of the first message the agent has passed over."""
        state = self.state
        wishes = state.agenda.wishes
        left = [number for number in range(len(wishes)) if number not in state.settled]
        refused = Act.REFUSES in self.heard and Act.REPORTS_DONE not in self.heard
        if not refused:
            return ""
        unheeded = self._unheeded_wish() if self.heard.has_any(*_CLOSING) else ""
        if unheeded or state.reminded or not (state.settled and left and state.agenda.changes):
            return unheeded
        state.reminded = True
        self.progress = True
        return state.agenda.asked[left[0]]

    def _next_wish_is_open(self) -> bool:
        return any(point.wanted for _, point in self._untold())

    def _finish(self) -> str:
        """Return the goodbye, or what a careful customer does before it."""
        heard = self.heard
        state = self.state
        closing = heard.has_any(*_CLOSING)
        last = [deed for deed in state.agenda.last if deed not in state.done]
        if last and (Act.REPORTS_DONE in heard or closing) and not state.closing:
            state.queue = last
            state.closing = True
            self.progress = True
            return ""
        if _BROKEN.search(state.last_finding) and not state.pushed_back:
            state.pushed_back += 1
            self.progress = True
            return f"But it does not work yet. {self.voice.seen(state.last_finding)}"
        if Act.REFUSES in heard and Act.REPORTS_DONE not in heard and self._questions_refusal():
            return self._push_back()
        if Act.SAYS_BYE in heard and Act.OFFERS_MORE not in heard:
            return f"{self.voice.phrase('bye')} {STOP}"
        wishes = len(state.agenda.wishes)
        settled = len(state.mentioned) >= wishes or state.outcomes >= max(wishes, 2)
        if closing or settled or state.asked_if_all or Act.REFUSES in heard:
            return f"{self.voice.phrase('nothing_more')} {STOP}"
        state.asked_if_all = True
        self.progress = True
        return self.voice.phrase("all_done")

    def _questions_refusal(self) -> bool:
        """Return whether the customer does not yet take this refusal for an answer."""
        state = self.state
        if state.agenda.insists:
            leaves = self.looped or Act.SAYS_BYE in self.heard
            return state.pushed_back < _MOST_QUESTIONED and not leaves
        return not state.pushed_back and not self.heard.has_any(*_CLOSING)

    def _push_back(self) -> str:
        self.state.pushed_back += 1
        self.progress = True
        return self.voice.phrase("push_back")


def _deals_with(stems: Sequence[str], given: frozenset[str], share: float = _DEALT_WITH) -> bool:
    """Return whether a message with the words `given` is about what these stems stand for."""
    return bool(stems) and overlap(stems, given) >= share * len(stems)


def _opening(state: Conversation, voice: Voice) -> str:
    state.opened = True
    agenda = state.agenda
    line = agenda.opening or "I need some help, please."
    return voice.opening(line, agenda) if state.turn <= 1 else line


def after_actions(
    state: Conversation, voice: Voice, deed: UserAction | None, *, failed: bool
) -> str:
    """Return what the customer says once the tools have answered."""
    if not state.opened:
        return voice.manner(_opening(state, voice))
    if state.closing:
        return f"{voice.phrase('nothing_more')} {STOP}"
    report = voice.report([deed] if deed is not None else [], state.findings, failed=failed)
    words = voice.manner(follow_up(*state.with_report, report))
    state.with_report = []
    state.last_words = words
    return words
