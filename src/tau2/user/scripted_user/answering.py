"""One turn of a scripted customer: from what was heard to what is said or done."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tau2.participant.wording import in_words
from tau2.user.base_user import STOP, TRANSFER
from tau2.user.scripted_user import facts
from tau2.user.scripted_user.agenda import ConditionalReply, Conversation, Cue, UserAction
from tau2.user.scripted_user.listening import Heard
from tau2.user.scripted_user.speaking import Voice, continued, follow_up
from tau2.user.scripted_user.text import keywords, overlap
from tau2.user.scripted_user.toolbox import Toolbox

PATIENCE = 6  # turns without any progress after which the customer leaves
_MOST_TURNS = 80  # far beyond any real conversation; a bound that no wording of an agent can lift
_REMEMBERED = 12  # latest messages of the agent in which a loop is noticed
_MOST_DEEDS = 4  # things done before the customer reports back
_MOST_FACTS = 4  # facts told in one message
_MOST_AT_ONCE = 3  # sentences of the story told together once there is time for them
_TELLING_LENGTH = 4  # letters that the words of a condition must have to be recognised by
_ENOUGH_WORDS = 2  # words a question must share with a sentence that answers it

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


class ReplyBuilder:
    """Finds the answer to one message of the agent and notes in the state what was answered."""

    def __init__(self, state: Conversation, heard: Heard, toolbox: Toolbox, voice: Voice) -> None:
        self.state = state
        self.heard = heard
        self.toolbox = toolbox
        self.voice = voice
        self.progress = False
        self.looped = heard.checksum in state.heard
        state.heard = [*state.heard, heard.checksum][-_REMEMBERED:]

    def answer(self) -> str:
        """Return what the customer says; empty when it does what now waits in the state's queue."""
        if self.heard.transferred:
            return f"{self.voice.phrase('transferred')} {TRANSFER}"
        words = self._words()
        self.state.stalled = 0 if self.progress else self.state.stalled + 1
        if STOP in words or self.state.queue:
            return words
        if self.state.stalled >= PATIENCE or self.state.turn >= _MOST_TURNS:
            return f"{self.voice.phrase('giving_up')} {STOP}"
        return self.voice.manner(words)

    def _words(self) -> str:
        if not self.state.opened:
            return self._open()
        if self._take_on_deeds():
            return ""
        if self.state.incomplete is not None:
            names = " and ".join(map(in_words, self.state.incomplete.missing))
            return f"Which {names} should I use for that?"
        lines = self._lines()
        return follow_up(*lines) if lines else self._without_question()

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
        agenda = self.state.agenda
        todo = [deed for deed in agenda.reference if deed not in state.done]
        deeds = self.toolbox.asked_in(self.heard.orders, todo)
        if not deeds and not self.heard.kinds and not self.heard.confirm:
            deeds = self.toolbox.looked_up_in(self.heard.orders)
        if not deeds and state.incomplete is not None:
            deeds = [self.toolbox.complete(state.incomplete, self.heard.text, todo)]
        state.incomplete = next((deed for deed in deeds if deed.missing), None)
        state.queue = [deed for deed in deeds if not deed.missing][:_MOST_DEEDS]
        self.progress = bool(state.queue) and not self.looped
        return bool(state.queue)

    def _lines(self) -> list[str]:
        """Return the answers to what the agent asked, and what the customer adds unasked."""
        corrected = self.state.correction
        lines = [*self._correction()]
        rule = self._rule()
        if rule is not None:
            lines.append(rule.reply)
        asked = self._facts(skip=(corrected, *(rule.kinds if rule is not None else ())))
        lines += asked
        if self.heard.confirm and (rule is None or rule.cue is not Cue.CONFIRMATION):
            if not self.looped:
                self.progress = True
            refuses = self.heard.offers_transfer and self.state.agenda.refuses_transfer
            lines.append(self.voice.phrase("no_transfer" if refuses else "agree"))
        elif self.heard.requests and not lines:
            lines.append(self._open_question())
        if lines and self.heard.requests:
            lines += self._next_details(2 if self.voice.talkative else 1)
        return [line for line in lines if line]

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
        for number, rule in enumerate(self.state.agenda.rules):
            if number not in self.state.rules_used and self._applies(rule):
                self.state.rules_used.append(number)
                self.progress = True
                return rule
        return None

    def _applies(self, rule: ConditionalReply) -> bool:
        heard = self.heard
        match rule.cue:
            case Cue.REFUSAL:
                return heard.refused
            case Cue.CONFIRMATION:
                return heard.confirm and not heard.offers_transfer
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
        return overlap(rule.words, keywords(self.heard.text))

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
            lines.append(f"I don't have my {' or '.join(nouns)} at hand.")
        lines += told
        if not told and (unknown or self.heard.asks_who):
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
        return self.voice.fact(kind, values)

    def _indirect(self, kind: str) -> str:
        pattern = _REASON if kind == "reason" else facts.ASKED[kind]
        agenda = self.state.agenda
        line = next((line for line in agenda.statements if pattern.search(line)), "")
        if line:
            return line
        if kind in agenda.facts:
            return self.voice.fact(kind, agenda.facts[kind])
        if kind == "payment":
            return self.voice.phrase("any_payment")
        return "" if kind == "reason" else f"I don't have the {facts.noun(kind)} at hand."

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
            if self.looped:
                return f"{self.voice.phrase('again')} {continued(line)}"
            self.progress = True
            return line
        question = " ".join(self.heard.requests)
        if "?" not in question and self.toolbox:
            return self.voice.phrase("cannot_do")
        return self.voice.phrase("no_preference" if _CHOICE.search(question) else "dont_know")

    def _next_details(self, count: int) -> list[str]:
        """Return the next parts of the scenario that have not been mentioned, at most `count`."""
        state = self.state
        lines = list(state.agenda.details[state.details_told : state.details_told + count])
        state.details_told += len(lines)
        self.progress = self.progress or bool(lines)
        return lines

    def _without_question(self) -> str:
        """Return the answer to a message that asks for nothing in particular."""
        heard = self.heard
        state = self.state
        if heard.greets and not heard.more:
            return f"{self.voice.phrase('again')} {continued(state.agenda.opening)}"
        finished = heard.more or heard.bye or (not heard.going_on and (heard.done or heard.refused))
        if finished:
            wish = self._next_wish()
            return self.voice.more(wish, asked=heard.more) if wish else self._finish()
        return follow_up(self.voice.phrase("wait"), *self._next_details(1))

    def _next_wish(self) -> str:
        """Return what is still to be asked for: the rest of the story, then further wishes."""
        details = self._next_details(_MOST_AT_ONCE)
        if details:
            return follow_up(*details)
        state = self.state
        left = state.agenda.wishes[state.wishes_told :]
        wishes = left[: 2 if len(left) > 2 else 1]  # noqa: PLR2004  -- a long list is told in pairs
        state.wishes_told += len(wishes)
        self.progress = self.progress or bool(wishes)
        return follow_up(*wishes)

    def _finish(self) -> str:
        """Return the goodbye, or what a careful customer does before it."""
        heard = self.heard
        state = self.state
        last = [deed for deed in state.agenda.last if deed not in state.done]
        if last and (heard.done or heard.more or heard.bye) and not state.closing:
            state.queue = last
            state.closing = True
            self.progress = True
            return ""
        if _BROKEN.search(state.last_finding) and not state.pushed_back:
            state.pushed_back = True
            self.progress = True
            return f"But it does not work yet. {self.voice.seen(state.last_finding)}"
        if heard.bye and not heard.more:
            return f"{self.voice.phrase('bye')} {STOP}"
        if heard.more or state.asked_if_all or (heard.refused and state.pushed_back):
            return f"{self.voice.phrase('nothing_more')} {STOP}"
        if heard.done:
            state.asked_if_all = True
            self.progress = True
            return self.voice.phrase("all_done")
        state.pushed_back = True
        self.progress = True
        return "That is a pity. Is there really nothing you can do?"


def _opening(state: Conversation, voice: Voice) -> str:
    state.opened = True
    line = state.agenda.opening or "I need some help, please."
    return voice.opening(line) if state.turn <= 1 else line


def after_actions(
    state: Conversation, voice: Voice, deed: UserAction | None, *, failed: bool
) -> str:
    """Return what the customer says once the tools have answered."""
    if not state.opened:
        return voice.manner(_opening(state, voice))
    if state.closing:
        return f"{voice.phrase('nothing_more')} {STOP}"
    return voice.manner(
        voice.report([deed] if deed is not None else [], state.findings, failed=failed)
    )
