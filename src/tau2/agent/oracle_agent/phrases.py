"""What an oracle says: every sentence it has, with the case filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tau2.agent.oracle_agent.plan import Step
from tau2.data_model.conventions import STOP
from tau2.participant.wording import (
    arguments_in_words,
    deed,
    done_deed,
    in_words,
    joined,
    listing,
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
_TELLING = frozenset({"title", "name"})
_WHO = frozenset(
    {"user_id", "customer_id", "member_id", "account_id", "payment_method_id", "payment_id"}
)
_NUMBER = re.compile(r"[-+]?\$?\d[\d,.]*%?")


def ask_identity(wanted: Mapping[str, str]) -> str:
    """Ask for what the first look-up needs."""
    return (
        f"I am happy to help. To find your details, could you please tell me your {_names(wanted)}?"
    )


def ask_identity_again(wanted: Mapping[str, str]) -> str:
    """Ask again, because what was said does not lead anywhere."""
    return (
        "I could not find anything under that. "
        f"Could you please check and tell me your {_names(wanted)} once more?"
    )


def _names(wanted: Mapping[str, str]) -> str:
    return listing([in_words(name) for name in wanted])


def propose(steps: Sequence[Step], notes: Mapping[str, str]) -> str:
    """Say what is about to be done and ask for consent."""
    if len(steps) == 1:
        return f"I can {_full(steps[0], notes)}. Shall I go ahead?"
    lines = [f"{number}. {sentence(_full(step, notes))}" for number, step in enumerate(steps, 1)]
    return "\n".join(
        ["Here is what I would do for you:", *lines, "Shall I go ahead with all of it?"]
    )


def _full(step: Step, notes: Mapping[str, str]) -> str:
    details = arguments_in_words(step.arguments, notes)
    return f"{deed(step.name)} with {details}" if details else deed(step.name)


def ask_user_to_act(step: Step, *, again: bool) -> str:
    """Ask the customer to do their part."""
    what = _full(step, {})
    if again:
        return (
            f"I need this step before I can go on: please {what} on your side. "
            "Tell me when that is done."
        )
    return f"Please {what} on your side. Tell me when that is done."


def report(
    done: Sequence[Step], failures: Sequence[str], told: Sequence[str], *, worked: bool
) -> str:
    """Say what was done, what did not work and what the customer has to know."""
    deeds = _deeds(done)
    new = [info for info in told if not re.search(rf"(?<![\w.]){re.escape(info)}(?!\w)", deeds)]
    numbers = [info for info in new if _NUMBER.fullmatch(info)]
    facts = [_number(info, numbers) if info in numbers else _text(info) for info in new]
    if not deeds and not failures and not facts:
        deeds = (
            "Thank you, that was everything that needed to be done."
            if worked
            else "I am sorry, but that is something I cannot do for you under our policy."
        )
    return joined(
        [
            deeds,
            *(sentence(f"This did not go through, though: {failure}") for failure in failures),
            *facts,
        ]
    )


def _deeds(done: Sequence[Step]) -> str:
    """Return what was done, deeds of one kind together."""
    kinds: dict[str, dict[str, list[str]]] = {}
    for step in done:
        key = _telling_argument(step)
        values = kinds.setdefault(done_deed(step.name), {}).setdefault(in_words(key), [])
        if key and (value := value_in_words(step.arguments[key])) not in values:
            values.append(value)
    deeds = [
        f"{what} ({name}{'s' if len(values) > 1 else ''} {listing(values)})" if values else what
        for what, named in kinds.items()
        for name, values in named.items()
    ]
    return f"I have {listing(deeds)}." if deeds else ""


def _telling_argument(step: Step) -> str:
    """Return the argument that tells this deed from others of its kind, or nothing."""
    texts = [key for key, value in step.arguments.items() if isinstance(value, str)]
    best = next((key for key in texts if key in _TELLING), "")
    return best or next((key for key in texts if key.endswith("_id") and key not in _WHO), "")


def _text(info: str) -> str:
    """Return a sentence that holds `info` word for word."""
    return sentence(f"To be clear: {info}") if " " in info else f"For your records: {info}."


def _number(info: str, numbers: Sequence[str]) -> str:
    """Return a sentence that holds one of the numbers to tell."""
    if len(numbers) == 1:
        return f"The number you asked about is {info}."
    which = "The first number you asked about" if info == numbers[0] else "The next number"
    return f"{which} is {info}."


def transfer_sentence(policy: str) -> str:
    """Return what the customer is told on a transfer, in the policy's words if it quotes any."""
    quoted = _QUOTED_TRANSFER.search(policy)
    return quoted[1].strip() if quoted else _TRANSFER


_STILL_DONE = (
    "That is taken care of as far as I can.",
    "Everything we agreed on is done.",
    "There is nothing left open on my side.",
)


def still_done(times: int) -> str:
    """Say once more that nothing is left to do; `times` counts from 1."""
    return f"{_STILL_DONE[(times - 1) % len(_STILL_DONE)]} {ANYTHING_ELSE}"
