"""The sentences of the oracle, with the details of a task filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tau2.agent.oracle_agent.plan import PlanStep
from tau2.data_model.conventions import STOP
from tau2.participant.wording import (
    action_in_words,
    arguments_in_words,
    in_words,
    joined,
    listing,
    past_action,
    sentence,
    value_in_words,
)

ANYTHING_ELSE = "Is there anything else I can help you with?"
GOODBYE = f"Thank you for contacting us. Goodbye! {STOP}"
_TRANSFER = (
    "I am transferring you to a human agent now, who will take over from here. Please hold on."
)

_QUOTED_TRANSFER = re.compile(
    r"[\"'“]([^\"'“”\n]{10,120}transferr?(?:ed|ing)[^\"'“”\n]{0,80})[\"'”]", re.IGNORECASE
)
_DISTINGUISHING = frozenset({"title", "name"})
_IDENTITIES = frozenset(
    {"user_id", "customer_id", "member_id", "account_id", "payment_method_id", "payment_id"}
)
_NUMBER = re.compile(r"[-+]?\$?\d[\d,.]*%?")


def ask_identity(wanted: Mapping[str, str]) -> str:
    """Ask for what the first look-up needs."""
    return (
        f"I am happy to help. To find your details, could you please tell me your {_names(wanted)}?"
    )


def ask_identity_again(wanted: Mapping[str, str]) -> str:
    """Ask again for what is missing."""
    return (
        "I could not find anything under that. "
        f"Could you please check and tell me your {_names(wanted)} once more?"
    )


def _names(wanted: Mapping[str, str]) -> str:
    return listing([in_words(name) for name in wanted])


def propose(steps: Sequence[PlanStep], notes: Mapping[str, str]) -> str:
    """Say what is about to be done, and ask for consent."""
    if len(steps) == 1:
        return f"I can {_full(steps[0], notes)}. Shall I go ahead?"
    lines = [f"{number}. {sentence(_full(step, notes))}" for number, step in enumerate(steps, 1)]
    return "\n".join(
        ["Here is what I would do for you:", *lines, "Shall I go ahead with all of it?"]
    )


def _full(step: PlanStep, notes: Mapping[str, str]) -> str:
    details = arguments_in_words(step.arguments, notes)
    return f"{action_in_words(step.name)} with {details}" if details else action_in_words(step.name)


def ask_user_to_act(step: PlanStep, *, again: bool) -> str:
    """Ask the customer to take an action of their own."""
    what = _full(step, {})
    if again:
        return (
            f"I need this step before I can go on: please {what} on your side. "
            "Tell me when that is done."
        )
    return f"Please {what} on your side. Tell me when that is done."


def report(
    done: Sequence[PlanStep],
    failures: Sequence[str],
    to_communicate: Sequence[str],
    *,
    worked: bool,
) -> str:
    """Report what was done, what failed, and the information to communicate, word for word."""
    summary = _actions_done(done)
    new = [
        info
        for info in to_communicate
        if not re.search(rf"(?<![\w.]){re.escape(info)}(?!\w)", summary)
    ]
    numbers = [info for info in new if _NUMBER.fullmatch(info)]
    facts = [_number(info, numbers) if info in numbers else _text(info) for info in new]
    if not summary and not failures and not facts:
        summary = (
            "Thank you, that was everything that needed to be done."
            if worked
            else "I am sorry, but that is something I cannot do for you under our policy."
        )
    return joined(
        [
            summary,
            *(sentence(f"This did not go through, though: {failure}") for failure in failures),
            *facts,
        ]
    )


def _actions_done(done: Sequence[PlanStep]) -> str:
    """Return what was done in one sentence; calls of one tool are listed together."""
    by_action: dict[str, dict[str, list[str]]] = {}
    for step in done:
        key = _distinguishing_argument(step)
        values = by_action.setdefault(past_action(step.name), {}).setdefault(in_words(key), [])
        if key and (value := value_in_words(step.arguments[key])) not in values:
            values.append(value)
    actions = []
    for what, named in by_action.items():
        for name, values in named.items():
            plural = "s" if len(values) > 1 else ""
            actions.append(f"{what} ({name}{plural} {listing(values)})" if values else what)
    return f"I have {listing(actions)}." if actions else ""


def _distinguishing_argument(step: PlanStep) -> str:
    """Return the argument that distinguishes this call from others of the tool, or ""."""
    texts = [key for key, value in step.arguments.items() if isinstance(value, str)]
    best = next((key for key in texts if key in _DISTINGUISHING), "")
    return best or next(
        (key for key in texts if key.endswith("_id") and key not in _IDENTITIES), ""
    )


def _text(info: str) -> str:
    """Return a sentence that holds `info` word for word."""
    return sentence(f"To be clear: {info}") if " " in info else f"For your records: {info}."


def _number(info: str, numbers: Sequence[str]) -> str:
    """Return a sentence that holds one of the numbers to communicate."""
    if len(numbers) == 1:
        return f"The number you asked about is {info}."
    which = "The first number you asked about" if info == numbers[0] else "The next number"
    return f"{which} is {info}."


def transfer_sentence(policy: str) -> str:
    """Return the announcement of a transfer, in the policy's words if it quotes any."""
    quoted = _QUOTED_TRANSFER.search(policy)
    return quoted[1].strip() if quoted else _TRANSFER


_STILL_DONE = (
    "That is taken care of as far as I can.",
    "Everything we agreed on is done.",
    "There is nothing left open on my side.",
)


STILL_DONE = _STILL_DONE[0]


def still_done(times: int) -> str:
    """Say once more that nothing is left to do; `times` counts from 1."""
    return f"{_STILL_DONE[(times - 1) % len(_STILL_DONE)]} {ANYTHING_ELSE}"
