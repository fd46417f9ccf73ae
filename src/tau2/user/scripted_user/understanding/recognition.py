"""Recognises the acts of a message: each sentence by itself, then the message as a whole."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from tau2.user.scripted_user import facts
from tau2.user.scripted_user.understanding import patterns
from tau2.user.scripted_user.understanding.acts import Act, Heard
from tau2.user.scripted_user.understanding.instructions import instructions
from tau2.user.scripted_user.understanding.reading import Unit, plain_text, units

_LONGEST_UNIT = 700
"""Characters of a sentence that are looked at; a longer one is no sentence."""


def understand(content: str | None, *, with_orders: bool = True) -> Heard:
    """Return what a message means; any text is accepted.

    A customer who has no tools has no use for orders; without them a message is read faster.
    """
    text = plain_text(content)
    return _Reader(text, [_bounded(unit) for unit in units(text)]).heard(with_orders)


def _bounded(unit: Unit) -> Unit:
    if len(unit.text) <= _LONGEST_UNIT:
        return unit
    return Unit(f"{unit.text[: _LONGEST_UNIT // 2]} {unit.text[-_LONGEST_UNIT // 2 :]}")


class _Reader:
    """One message while it is being understood."""

    def __init__(self, text: str, found: list[Unit]) -> None:
        self.text = text
        self.units = found
        self.acts: set[Act] = set()
        self.requests: list[str] = []
        self.consenting: list[str] = []
        self.closing: set[str] = set()

    def heard(self, with_orders: bool) -> Heard:
        """Return the message understood."""
        for unit in self.units:
            self._read(unit)
        kinds = self._kinds()
        if Act.PROMISES in self.acts and not self.consenting:
            # "I will now book it. Please confirm your user id."
            self.consenting += [
                part for part in self.requests if patterns.CONFIRM_FACT.search(part)
            ]
        self._settle_offers()
        confirming = bool(self.consenting)
        if kinds:
            self.acts.add(Act.ASKS_FACTS)
        elif facts.asks_who(self.requests):
            self.acts.add(Act.ASKS_IDENTITY)
        open_requests = [part for part in self.requests if part not in self.consenting]
        if open_requests:
            self.acts.add(Act.ASKS)
            if any(patterns.CHOICE.search(part) for part in open_requests):
                self.acts.add(Act.ASKS_CHOICE)
        if confirming:
            self.acts.add(Act.ASKS_CONSENT)
        planned = confirming
        orders = instructions(self.units, self.closing, planned=planned) if with_orders else []
        if orders:
            self.acts.add(Act.INSTRUCTS)
        return Heard(
            text=self.text,
            units=tuple(self.units),
            acts=frozenset(self.acts),
            requests=tuple(self.requests),
            orders=tuple(orders),
            kinds=tuple(kinds),
            settles=self._settles(),
            proposal=self.text if confirming else "",
            checksum=zlib.crc32(self.text.encode("utf-8", "replace")),
        )

    def _read(self, unit: Unit) -> None:
        if _is_answer(unit):
            self._note_statement(unit.text.partition("?")[2] or unit.text)
        elif _informs(unit):
            self._note_statement(unit.text)
        else:
            self._note(unit.text)

    def _note(self, part: str) -> None:
        """Note what one sentence does."""
        if patterns.GREETING.search(part):
            self.acts.add(Act.GREETS)
            self.closing.add(part)
            return
        self._note_statement(part)
        if patterns.SOMETHING_ELSE.search(part):
            self.acts.add(Act.OFFERS_INSTEAD)
        if patterns.KEEPS_AS_IS.search(part):
            self.acts |= {Act.OFFERS_MORE, Act.OFFERS_INSTEAD}
            self.closing.add(part)
            return
        if _offers_more(part) or _offers_option(part):
            self.acts.add(Act.OFFERS_MORE if _offers_more(part) else Act.OFFERS_OPTION)
            self.closing.add(part)
            if not _offers_something(part):
                return
        if patterns.AGAIN.search(part):
            self.acts.add(Act.ASKS_AGAIN)
            return
        if self._note_offer(part):
            return
        consents = _asks_consent(part)
        if consents:
            self.consenting.append(part)
        if consents or _wants(part):
            self.requests.append(part)

    def _settle_offers(self) -> None:
        """Read "would you like me to do that?" after the offer of a transfer as about the transfer.

        A transfer that is only mentioned after a report (
            "if it is not right, I can ...") is no offer.

        After a report, "if everything looks good, let me know" asks for nothing.
        """
        if Act.REPORTS_DONE in self.acts and Act.OFFERS_TRANSFER in self.acts:
            offers = [u.text for u in self.units if patterns.TRANSFER_OFFER.search(u.text)]
            if not any("?" in part for part in offers):
                self.acts.discard(Act.OFFERS_TRANSFER)
                self.acts.add(Act.OFFERS_MORE)
        if Act.OFFERS_TRANSFER in self.acts:
            about_it = {part for part in self.requests if patterns.DO_THAT.search(part)}
            self._drop(lambda part: part in about_it)
            self.requests = [part for part in self.requests if part not in about_it]
        if Act.REPORTS_DONE in self.acts and self.acts & {Act.OFFERS_MORE, Act.OFFERS_OPTION}:
            self._drop(lambda part: "?" not in part and not _asks_plainly(part))
            self.requests = [
                part
                for part in self.requests
                if "?" in part
                or part in self.consenting
                or (patterns.ASKS_PLAINLY.search(part) and facts.asked_in([part]))
            ]

    def _drop(self, is_none: Callable[[str], bool]) -> None:
        dropped = {part for part in self.consenting if is_none(part)}
        self.consenting = [part for part in self.consenting if part not in dropped]
        self.requests = [part for part in self.requests if part not in dropped]

    def _note_offer(self, part: str) -> bool:
        """Return whether a sentence offers a transfer or guidance, and note it."""
        if patterns.GUIDANCE.search(part):
            self.acts.add(Act.OFFERS_GUIDANCE)
            return True
        offered = (
            patterns.TRANSFER_OFFER.search(part)
            and Act.TRANSFERS not in self.acts
            and (
                "?" in part
                or patterns.OFFERS_TO_ACT.search(part)
                or patterns.CONDITIONAL.search(part)
            )
        )
        if offered:
            self.acts.add(Act.OFFERS_TRANSFER)
        return bool(offered)

    def _note_statement(self, part: str) -> None:
        """Note what a sentence tells, whatever it asks besides."""
        if patterns.REFUSAL.search(part):
            self.acts.add(Act.REFUSES)
        if patterns.BYE.search(part):
            self.acts.add(Act.SAYS_BYE)
        if "?" in part:
            return
        if patterns.DONE.search(part) and not patterns.UNDONE.search(part):
            self.acts.add(Act.REPORTS_DONE)
        if patterns.PROMISE.search(part) and not patterns.CONDITIONAL.search(part):
            self.acts.add(Act.PROMISES)
        transfers = patterns.TRANSFER_DONE.search(part)
        if transfers and not patterns.TRANSFER_HELD_BACK.search(part[: transfers.end()]):
            self.acts.add(Act.TRANSFERS)

    def _settles(self) -> str:
        """Return what of the message says that something was done or cannot be done."""
        if Act.REPORTS_DONE in self.acts:
            return self.text
        return " ".join(unit.text for unit in self.units if patterns.REFUSAL.search(unit.text))

    def _kinds(self) -> list[str]:
        """Return the kinds of fact that are asked for, in sentences and in lists."""
        asking = [
            part
            for part in self.requests
            if (part not in self.consenting or _asks_fact(part))
            and not patterns.HELD_BY_AGENT.search(part)
            and not patterns.VALUE_OF_LABEL.match(part)
        ]
        return facts.asked_in([*asking, *self._listed()])

    def _listed(self) -> list[str]:
        """Return the items of lists that say what is needed."""
        these = any(patterns.ASKS_THESE.search(part) for part in self.requests)
        return [
            _before_reason(unit.text)
            for unit in self.units
            if unit.listed
            and (these or _asks_for_list(unit.lead) or self._needs(unit))
            and not patterns.VALUE_OF_LABEL.match(unit.text)
            and unit.text not in self.closing
            and ("?" in unit.text or not patterns.STATES.search(_before_reason(unit.text)))
        ]

    def _needs(self, unit: Unit) -> bool:
        """Return whether a list whose first line is not understood says what is needed."""
        told = self.acts & {Act.REPORTS_DONE, Act.REFUSES, Act.OFFERS_MORE, Act.OFFERS_OPTION}
        return unit.lead.endswith(":") and not (self.consenting or self.requests or told)


def _asks_plainly(part: str) -> bool:
    return bool(patterns.SAYS_YES.search(part) or patterns.CONFIRMS_NEXT.search(part))


def _informs(unit: Unit) -> bool:
    """Return whether a list item tells something, as its list does."""
    return (
        unit.listed
        and patterns.INFORMS.search(unit.lead) is not None
        and not patterns.POLITE.search(unit.text)
        and not patterns.SAYS_YES.search(unit.text)
        and not _wants(unit.lead)
    )


def _asks_for_list(lead: str) -> bool:
    return bool(patterns.ASKS_LISTED.search(lead)) and _wants(lead)


def _is_answer(unit: Unit) -> bool:
    """Return whether a unit answers a question of the customer, repeating it."""
    quoted = unit.listed and patterns.ANSWERED.search(unit.text) is not None
    return quoted or (unit.listed and patterns.YOUR_QUESTIONS.search(unit.lead) is not None)


def _offers_more(part: str) -> bool:
    return bool(patterns.MORE.search(part)) and not patterns.NOT_YET.search(part)


def _offers_option(part: str) -> bool:
    """Return whether a sentence offers something that may be left without an answer."""
    return (
        "?" not in part
        and patterns.IF_YOU_LIKE.search(part) is not None
        and not patterns.PROCEEDS.search(part)
        and not patterns.GIVES_FACT.search(part)
    )


def _offers_something(part: str) -> bool:
    """Return whether a sentence that offers more help asks for something else as well."""
    first = part.partition(", or ")[0]
    return bool(
        patterns.TRANSFER_OFFER.search(part)
        or (first != part and patterns.CONSENT.search(first))
        or (_asks_consent(part) and "proceed" in part.lower())
    )


def _before_reason(item: str) -> str:
    """Return a list item without what it is needed for: "Your user id - so I can look it up"."""
    return item.split(" - ", 1)[0] if " - " in item else item.split(" so ", 1)[0]


def _tells_of_agent(part: str) -> bool:
    return "?" not in part and bool(
        patterns.AGENT_ACTS.search(part) or patterns.BYE.search(part) or patterns.PAUSE.search(part)
    )


def _wants(part: str) -> bool:
    if _tells_of_agent(part):
        return False
    imperative = patterns.IMPERATIVE.search(part) and not patterns.LABEL.match(part)
    return bool(patterns.REQUEST.search(part) or imperative)


def _asks_consent(part: str) -> bool:
    if not patterns.CONSENT.search(part):
        return False
    if patterns.AGREED_THAT.search(part) or patterns.TRIES.search(part):
        return False
    if patterns.SAYS_YES.search(part):
        return True
    asks_to_tell = patterns.GIVES.search(part) and facts.asked_in([part])
    return not (asks_to_tell or _asks_fact(part) or patterns.STATE_CONFIRMED.search(part))


def _asks_fact(part: str) -> bool:
    """Return whether a question that looks like one for consent asks for a fact ("Which card?")."""
    return bool(
        patterns.OPEN_QUESTION.search(part)
        or (patterns.CONFIRM_FACT.search(part) and facts.asked_in([part]))
    )
