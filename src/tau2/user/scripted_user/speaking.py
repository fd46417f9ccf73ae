"""What a scripted customer says, and its manner: terse, plain or talkative."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from typing import Any

from tau2.data_model.persona import PersonaConfig, Verbosity
from tau2.seeds import derive_seed
from tau2.user.scripted_user import facts
from tau2.user.scripted_user.agenda import Agenda, Conversation, UserAction
from tau2.user.scripted_user.phrases import PHRASES
from tau2.user.scripted_user.read_back import spelling
from tau2.user.scripted_user.text import capital, lowered, sentences

_LONGEST_FINDING = 700  # characters of a tool's result that a person would read out

_FACT_FORMS = (
    "My {noun} is {value}.",
    "The {noun} is {value}.",
    "{Noun}: {value}.",
    "That would be {value} for the {noun}.",
    "{value} is my {noun}.",
    "For the {noun}: {value}.",
    "As for the {noun}, it's {value}.",
    "You'll find me under the {noun} {value}.",
    "My {noun}, that's {value}.",
    "The {noun} should be {value}.",
    "I have {value} as my {noun}.",
    "{value}, that's the {noun}.",
)
_NAME_FORMS = (
    "My name is {value}.",
    "I'm {value}.",
    "I am {value}.",
    "The name is {value}.",
    "It's {value}.",
    "This is {value}.",
    "{value} is my name.",
    "Name: {value}.",
    "You are speaking with {value}.",
    "I go by {value}.",
    "{value} here.",
    "The name on the account is {value}.",
)
_PAYMENT_FORMS = (
    "I would like to use my {value}.",
    "Please use my {value}.",
    "My {value}, please.",
    "Please take my {value} for that.",
    "With my {value}.",
    "That goes on my {value}.",
    "It should go through my {value}.",
    "I'd use my {value}.",
    "Put it on my {value}, please.",
    "The {value}, please.",
    "I want to use my {value} for it.",
    "Use the {value}, please.",
)
_REASON_FORMS = (
    "The reason is simple: {value}.",
    "Reason: {value}.",
    "The reason is: {value}.",
    "Because of this: {value}.",
    "Well, {value}.",
    "Simply this: {value}.",
    "My reason: {value}.",
    "Put down as the reason: {value}.",
    "It is this: {value}.",
    "Why? {value}.",
    "The honest reason: {value}.",
    "In short: {value}.",
)
_PLURAL = {
    "email": "email addresses",
    "phone": "phone numbers",
    "order": "order numbers",
    "reservation": "reservation numbers",
}
_MISSING_FORMS = (
    "I don't have my {noun} at hand.",
    "I don't have the {noun} with me.",
    "I can't find my {noun} right now.",
    "The {noun} I don't have here.",
    "I do not remember the {noun}.",
    "My {noun} is not in my head.",
    "I'd have to look up the {noun}; I don't have it here.",
    "Sorry, no {noun} at hand.",
    "I have no {noun} in front of me.",
    "I can't give you the {noun} right now.",
    "The {noun} escapes me.",
    "I haven't got the {noun} here.",
)
_WISH = re.compile(r"^I (?:want|wish|would like) (to|you to) ")
_WISH_FORMS = (
    "I want to ",
    "I'd like to ",
    "I would like to ",
    "I need to ",
    "I was hoping to ",
    "I'm hoping to ",
    "What I want is to ",
    "My request is to ",
    "I'd love to ",
    "I'm trying to ",
    "I wish to ",
    "Would it be possible for me to ",
    "I have decided to ",
    "I'm here to ",
    "I'm looking to ",
    "I intend to ",
    "The plan is to ",
    "It's about this: I want to ",
    "I'm writing because I want to ",
    "Here is my request: I'd like to ",
    "I'm in need of help to ",
    "I've got to ",
    "I wonder if I could get to ",
    "I mean to ",
)
_PLAIN_FORMS = 12
"""The first so many of them also go with what one does not do, but has or knows."""
_NO_DEED = re.compile(r"(?:know|be|have|hear|see|understand|talk|speak|find|learn)\b")
_WISH_FOR_YOU = ("I want", "I'd like", "I would like", "I need", "I'm asking", "I wish for")
_ASKS_FOR_ANSWER = ("Would it be", "I wonder")
_INTRODUCTIONS = (
    "I'm {name}{ids}.",
    "My name is {name}{ids}.",
    "This is {name}{ids}.",
    "{name} here{ids}.",
    "It's {name}{ids}.",
    "I am {name}{ids}.",
    "The name is {name}{ids}.",
    "{name} speaking{ids}.",
    "{name} on the line{ids}.",
    "I go by {name}{ids}.",
    "{name} is my name{ids}.",
    "Name: {name}{ids}.",
    "I can be found under {name}{ids}.",
    "I'm a customer, {name}{ids}.",
    "My account is in the name of {name}{ids}.",
    "To introduce myself: {name}{ids}.",
    "I'm registered as {name}{ids}.",
    "My details first: {name}{ids}.",
    "{name}, a customer of yours{ids}.",
    "It is {name} writing{ids}.",
    "Just so that you can look me up: {name}{ids}.",
    "For your records, I'm {name}{ids}.",
)
_SPECIAL_FORMS = {"name": _NAME_FORMS, "payment": _PAYMENT_FORMS, "reason": _REASON_FORMS}
_IDS = (
    " (user ID {})",
    ", user ID {}",
    ", and my user ID is {}",
    " ({})",
    ", ID {}",
    ", with the user ID {}",
    " - {}",
    ", account {}",
    ", {} in your system",
    " [{}]",
    ", user {}",
    "; my ID: {}",
)
_SHORT_GREETINGS = ("", "Hi.", "Hello.", "Hey.", "Hi there.", "Hello there.")
_INTRODUCED = 0.9
"""Share of the customers with a user id who say who they are in the first message."""


class Voice:
    """Chooses words for one turn: the same seed and turn give the same words."""

    def __init__(self, state: Conversation, persona: PersonaConfig | None) -> None:
        self._state = state
        self._persona = persona or PersonaConfig(verbosity=state.agenda.verbosity)
        seed = derive_seed(state.seed, "turn", state.turn)
        self._rng = random.Random(seed)  # noqa: S311  -- a reproducible choice

    @property
    def terse(self) -> bool:
        """Whether the customer is sparing with words."""
        return self._persona.verbosity is Verbosity.MINIMAL

    @property
    def talkative(self) -> bool:
        """Whether the customer likes to talk."""
        return self._persona.verbosity is Verbosity.TALKATIVE

    def phrase(self, name: str) -> str:
        """Return one of the ways to say this."""
        terse = PHRASES.get(f"{name}_terse") if self.terse else None
        return self._rng.choice(terse or PHRASES[name])

    def manner(self, text: str) -> str:
        """Return the message in the customer's manner."""
        if not self.talkative or not text:
            return text
        remarks = PHRASES["remark"]
        remark = remarks[(self._state.seed + self._state.turn) % len(remarks)]
        before = self._state.turn > 1 and self._rng.random() < 0.5  # noqa: PLR2004  -- either side
        return f"{remark} {text}" if before else f"{text} {remark}"

    def fact(self, kind: str, values: tuple[str, ...]) -> str:
        """Return how a fact is told; an absent-minded customer gets the first number wrong once."""
        state = self._state
        if (
            self._persona.corrects_itself
            and not state.misspoke
            and kind in {"zip", "phone", "email", "order"}
        ):
            wrong = facts.misspelt(values[0], self._rng.randrange(len(values[0]) or 1))
            if wrong != values[0]:
                state.misspoke = True
                state.correction = kind
                values = (wrong, *values[1:])
        if self.terse and len(values) == 1:
            return values[0] if kind in {"payment", "reason"} else f"{values[0]}."
        forms = _SPECIAL_FORMS.get(kind, _FACT_FORMS)
        noun = facts.noun(kind) if len(values) == 1 else _PLURAL.get(kind, facts.noun(kind))
        if len(values) > 1 and kind in _PLURAL:
            return facts.said(kind, values)
        value = " and my ".join(values) if kind == "payment" else facts.listed(values)
        return self._rng.choice(forms).format(noun=noun, Noun=capital(noun), value=value)

    def spelling(self, kind: str, value: str) -> str:
        """Return a sentence that spells a fact, or "" for one that is not spelled.

        Every other time, letters are explained: recognizers mistake bare ones and explained ones in
        different ways.
        """
        self._state.spelled += 1
        letters = spelling(kind, value, alphabet=self._state.spelled % 2 == 0)
        return f"{self.phrase('spelling')} {letters}." if letters else ""

    def not_at_hand(self, nouns: Sequence[str]) -> str:
        """Return that the customer does not have these facts."""
        return self._rng.choice(_MISSING_FORMS).format(noun=" or ".join(nouns))

    def opening(self, line: str, agenda: Agenda) -> str:
        """Return the first message: a greeting, who the customer is (or not), and the reason."""
        wish = " ".join(map(self._wish, sentences(line)))
        introduction = self._introduction(agenda, line)
        if self.terse:
            return follow_up(self._rng.choice(_SHORT_GREETINGS), introduction, wish)
        parts = [self.phrase("hello"), introduction, wish]
        return follow_up(*parts)

    def _introduction(self, agenda: Agenda, line: str) -> str:
        """Return who the customer is, where one knows one's user id and is not shy about it.

        Nothing where the reason for contacting (`line`) says it already.
        """
        values = agenda.facts.get("user_id", ())
        name = agenda.facts.get("name", ())
        if not values or agenda.reserved or self._rng.random() >= _INTRODUCED:
            return ""
        if values[0] in line:
            return ""
        for kind in ("user_id", "name") if name else ("user_id",):
            if kind not in self._state.facts_told:
                self._state.facts_told.append(kind)
        if not name:
            return self.fact("user_id", values)
        ids = self._rng.choice(_IDS)
        return self._rng.choice(_INTRODUCTIONS).format(name=name[0], ids=ids.format(values[0]))

    def _wish(self, line: str) -> str:
        """Return the reason for contacting, with one of many ways to say "I want to"."""
        match = _WISH.match(line)
        if match is None:
            return line
        if match[1] == "you to":
            return f"{self._rng.choice(_WISH_FOR_YOU)} you to {line[match.end() :]}"
        rest = line[match.end() :]
        plain = _NO_DEED.match(rest) is not None
        form = self._rng.choice(_WISH_FORMS[:_PLAIN_FORMS] if plain else _WISH_FORMS)
        if form.startswith(_ASKS_FOR_ANSWER):
            first, stop, more = rest.partition(". ")
            rest = f"{first.removesuffix('.')}? {more}".strip() if stop else f"{first.rstrip('.')}?"
        return f"{form}{rest}"

    def more(self, line: str, *, asked: bool) -> str:
        """Return how a further wish is brought up, `asked` for or not."""
        return line if self.terse else f"{self.phrase('one_more' if asked else 'but_also')} {line}"

    def seen(self, finding: str) -> str:
        """Return what a tool showed as a sentence."""
        return f"It says: {readable(finding)}"

    def report(self, deeds: Sequence[UserAction], findings: Sequence[str], *, failed: bool) -> str:
        """Return what was done and what was to be seen."""
        head = self.phrase("failed" if failed else "did")
        seen = [text for text in map(readable, findings) if text]
        if not seen:
            return head
        asked_to_look = len(deeds) == 1 and deeds[0].tool.startswith(
            ("check", "get", "list", "can", "run", "view")
        )
        lead = "It says" if self.terse or not asked_to_look else "Here is what I see"
        body = " ".join(text if text[-1:] in ".!?" else f"{text}." for text in seen)
        return f"{lead}: {body}" if asked_to_look and not failed else f"{head} {lead}: {body}"


def readable(finding: str) -> str:
    """Return a tool's result as a person would read it out."""
    text = finding.strip()
    if text[:1] in {"{", "["}:
        try:
            text = _spoken(json.loads(text))
        except ValueError:
            text = finding.strip()
    text = " ".join(text.split()).removeprefix("Error: ")
    return text if len(text) <= _LONGEST_FINDING else f"{text[: _LONGEST_FINDING - 1]}…"


def _spoken(value: Any, depth: int = 0) -> str:
    if depth > 4:  # noqa: PLR2004  -- nobody reads out deeper nesting
        return "…"
    if isinstance(value, dict):
        pairs = [
            (key, _spoken(item, depth + 1))
            for key, item in value.items()
            if item not in (None, "", [], {})
        ]
        return ", ".join(f"{str(key).replace('_', ' ')} {text}" for key, text in pairs)
    if isinstance(value, list):
        return "; ".join(_spoken(item, depth + 1) for item in value) if value else "nothing"
    return str(value)


def follow_up(*lines: str) -> str:
    """Return the lines that say something, one after the other."""
    return " ".join(line for line in lines if line)


def continued(line: str) -> str:
    """Return a line as it goes on after "As I said:"."""
    return lowered(line)
