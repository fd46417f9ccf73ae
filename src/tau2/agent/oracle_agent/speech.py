"""What the oracle says: sentences of one manner, drawn from a seed, with the details of a task.

The wording is in `sentences.toml`. The same seed, turn and details give the same words.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

from tau2.agent.oracle_agent.details import Details, arguments_of_unknown
from tau2.agent.oracle_agent.plan import PlanStep
from tau2.environment.db import read_data_file
from tau2.participant.wording import (
    action_in_words,
    in_words,
    joined,
    listing,
    past_action,
    sentence,
)
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonMapping, JsonObject

MANNERS = ("warm", "plain", "formal", "friendly")
MONEY_KINDS = ("balance", "refund", "difference", "lowest", "paid", "money")
"""Kinds of amounts; which of them a number is, what the customer asked tells."""
_ASKED_KINDS = (*MONEY_KINDS, "count", "zip", "tracking")
"""Kinds of facts that a question names, the most telling first."""
_QUESTION = re.compile(
    r"\?|\b(?:how (?:much|many|was|often)|what|which|know|hear|tell me|need the|want the|like the|"
    r"follow|ask|wonder|name the|curious|amount|figure)\b",
    re.IGNORECASE,
)

_QUOTED_TRANSFER = re.compile(
    r"[\"'“]([^\"'“”]{10,120}transferr?(?:ed|ing)[^\"'“”]{0,80})[\"'”]|"
    r"this sentence[^:]{0,40}: ?([^\"]{10,120}transferr?(?:ed|ing)[^\".]{0,60}\."
    r"(?: Please [\w ]{4,40}\.)?)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?\$?\d[\d,]*(?:\.\d+)?%?")
_LONG_WORD = re.compile(r"[a-z]{4,}")
_STEM = 6  # letters by which a word of a summary is recognised
_SUMMARISING = re.compile(
    r"customer|wants?|needs?|person|user|everything|else|done|problem|about|which|that|with|from|"
    r"tools?|cannot|agent|human|been|were|have|this|their|other"
)
"""Words of a summary that say nothing about what the customer wants."""
_ORDER = re.compile(r"W\d{6,}")
_CENTS = re.compile(r"\d+\.\d\d?")
_IS_A_LIST = 3  # changes from which on a proposal is laid out as a list by every manner


@lru_cache(maxsize=1)
def _wording() -> Mapping[str, Any]:
    content: Mapping[str, Any] = read_data_file(Path(__file__).with_name("sentences.toml"))
    return content


def _groups(texts: Any) -> Sequence[Sequence[str]]:
    return texts if texts and isinstance(texts[0], list) else [texts]


@lru_cache(maxsize=1024)
def _slots_of(text: str) -> tuple[str, ...]:
    return tuple(name for _, name, _, _ in Formatter().parse(text) if name)


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


def is_wanted(step: PlanStep, user_text: str) -> bool:
    """Return whether the customer has spoken of what a step does. True for an unknown tool."""
    if step.is_transfer:
        return _summary_is_known(str(step.arguments.get("summary", "")), user_text)
    asks = _wording()["tools"].get(step.deed.name, {}).get("asks")
    return asks is None or _pattern(asks).search(user_text) is not None


def _summary_is_known(summary: str, user_text: str) -> bool:
    words = {
        word for word in _LONG_WORD.findall(summary.lower()) if not _SUMMARISING.fullmatch(word)
    }
    known = [word for word in words if word[:_STEM] in user_text]
    return len(known) * 3 >= len(words)


def field_in_words(name: str) -> str:
    """Return what people call a field of a form."""
    return str(_wording()["words"].get(f"field_{name}") or in_words(name))


def is_number(info: str) -> bool:
    """Return whether information to communicate is a number."""
    return _NUMBER.fullmatch(info) is not None


def asked_kind(line: str) -> str:
    """Return which kind of fact a message of the customer asks for, or ""."""
    if not _QUESTION.search(line):
        return ""
    kinds = _wording()["facts"]
    return next((kind for kind in _ASKED_KINDS if _pattern(kinds[kind]["asks"]).search(line)), "")


def is_asked_for(fact: str, kind: str, user_text: str) -> bool:
    """Return whether the customer has asked for a fact; `kind` is "" for an amount or a count.

    `user_text` holds what the customer has said, a message a line.
    """
    if not kind and not is_number(fact):
        return True
    names = [kind] if kind in _ASKED_KINDS else [*MONEY_KINDS, "count"]
    patterns = [_pattern(_wording()["facts"][name]["asks"]) for name in names]
    questions = [line for line in user_text.split("\n") if _QUESTION.search(line)]
    return any(pattern.search(line) for line in questions for pattern in patterns)


class Speaker:
    """Writes the messages of one episode in one manner."""

    def __init__(self, seed: int) -> None:
        """Draw the manner."""
        self._seed = seed
        self._rng = random.Random(seed)  # noqa: S311  -- a reproducible choice
        self.tone: str = self._rng.choice(MANNERS)
        self._bullet = self._rng.choice(("{number}. ", "- "))

    def turn(self, number: int) -> None:
        """Draw the words of a turn from its own seed."""
        self._rng = random.Random(derive_seed(self._seed, number))  # noqa: S311  -- as above

    def say(self, name: str, **slots: str) -> str:
        """Return a sentence of this manner, or one of all manners."""
        texts = _wording()["manners"][self.tone].get(name) or _wording()["always"][name]
        return str(self._rng.choice(texts)).format(**slots)

    def deed(self, step: PlanStep, details: Details, notes: Mapping[str, str]) -> str:
        """Return what a step does, as it follows "I can" or "please"."""
        worded = self._about(step, "deed", details)
        if step.by_user and step.arguments and not worded:
            return self.say("use_tool", call=step.written_out)
        return worded or _plainly(action_in_words, step, notes)

    def terms(self, step: PlanStep, details: Details) -> str:
        """Return what a step costs or gives back, or ""."""
        return self._about(step, "terms", details)

    def done(self, step: PlanStep, details: Details) -> str:
        """Return what a step has done, as it follows "I have"."""
        return self._about(step, "done", details) or _plainly(past_action, step, {})

    def after(self, step: PlanStep, details: Details) -> str:
        """Return what happens next, once a step is done, or ""."""
        return self._about(step, "after", details)

    def _about(self, step: PlanStep, what: str, details: Details) -> str:
        texts = _wording()["tools"].get(step.deed.name, {}).get(what, ())
        for group in _groups(texts):
            fitting = [text for text in group if all(details[slot] for slot in _slots_of(text))]
            if fitting:
                return self._rng.choice(fitting).format_map(details)
        return ""

    def ask(self, wanted: Iterable[str], *, again: bool = False) -> str:
        """Ask for what the first look-up needs."""
        names = listing([f"your {in_words(name)}" for name in wanted])
        text = self.say("ask_again" if again else "ask", wanted=names)
        return text.replace("What's your", "What are your") if " and your " in text else text

    def ask_fields(self, names: Iterable[str], *, again: bool = False) -> str:
        """Ask for fields of a form."""
        wanted = listing([f"your {field_in_words(name)}" for name in names])
        return self.say("ask_field_again" if again else "ask_field", wanted=wanted)

    def propose(
        self, changes: Sequence[tuple[str, str]], *, before: str = "", again: bool = False
    ) -> str:
        """Say what is about to be done, each (deed, terms), and ask for consent."""
        if again:
            return self.say("consent_again")
        if len(changes) == 1:
            deed, terms = changes[0]
            plan = sentence(self.say("plan_one", deed=deed))
            return joined([before, plan, terms, self.say("consent")])
        lines = [
            joined([self._bullet.format(number=number) + sentence(deed), terms])
            for number, (deed, terms) in enumerate(changes, 1)
        ]
        lead = joined([before, self.say("plan_many")])
        return "\n".join([lead, *lines, self.say("consent_all")])

    def step(self, deed: str, *, before: str = "", again: bool = False) -> str:
        """Ask the customer to take an action of their own."""
        return joined([before, self.say("step_again" if again else "step", deed=deed)])

    def go_on(self, text: str) -> str:
        """Return `text` and ask whether to turn to the customer's next request."""
        return joined([text, self.say("go_on")])

    def close(self, text: str, *, good: bool) -> str:
        """Return `text` and ask whether there is anything else; `good` says that it is news."""
        del good
        return joined([text, self.say("more")])

    def transfer(self, text: str) -> str:
        """Return the announcement of a transfer."""
        return text

    def report(self, done: Sequence[str], after: Sequence[str]) -> str:
        """Return what was done, as sentences; "" for nothing."""
        if not done:
            return ""
        first, *others = done
        also = [f"I have also {one}." for one in others]
        return joined([self.say("report", done=first), *also, *dict.fromkeys(after)])

    def facts(self, facts: Mapping[str, str], question: str) -> str:
        """Return sentences that hold facts (text → kind, "" if not known) word for word.

        `question` is what the customer asked last.
        """
        by_kind: dict[str, list[str]] = {}
        asked = asked_kind(question)
        for fact, kind in facts.items():
            by_kind.setdefault(kind or _kind_of(fact, asked), []).append(fact)
        low = by_kind.pop("price_low", [])
        high = by_kind.pop("price_high", [])
        lines = []
        if low and high:
            texts = _wording()["facts"]["price_range"]["many"]
            ends = {"low": f"${low[0]}", "high": f"${high[0]}"}
            lines.append(str(self._rng.choice(texts)).format(**ends))
        elif low or high:
            by_kind.setdefault(asked or "money", []).extend([*low, *high])
        for kind, values in by_kind.items():
            written = [f"${value}" if kind in MONEY_KINDS else value for value in values]
            texts = _wording()["facts"][kind]["one" if len(values) == 1 else "many"]
            lines.append(sentence(str(self._rng.choice(texts)).format(facts=listing(written))))
        return joined(lines)


def _kind_of(fact: str, asked: str) -> str:
    """Return the kind of a fact that no tool has shown as it is."""
    if _ORDER.fullmatch(fact):
        return "order"
    if not is_number(fact):
        return "text"
    if asked in MONEY_KINDS and not fact.startswith("$"):
        return asked
    if _CENTS.fullmatch(fact):
        return "money"
    return "count" if asked == "count" else "number"


def _plainly(words: Any, step: PlanStep, notes: Mapping[str, str]) -> str:
    deed = step.deed
    on, others = arguments_of_unknown(deed.arguments, notes)
    return joined([words(deed.plain_name), on, f"({others})" if others else ""])


def transfer_sentence(policy: str) -> str:
    """Return the announcement of a transfer, in the policy's words if it quotes any."""
    quoted = _QUOTED_TRANSFER.search(" ".join(policy.split()))
    if quoted:
        return str(quoted[1] or quoted[2]).strip()
    return str(_wording()["always"]["transfer"][0])


def details_of(
    step: PlanStep,
    records: Mapping[str, JsonObject],
    notes: Mapping[str, str],
    result: JsonMapping | None = None,
) -> Details:
    """Return the slots of a step, given what was seen."""
    return Details(
        step.deed, records=records, notes=notes, words=_wording()["words"], result=result
    )
