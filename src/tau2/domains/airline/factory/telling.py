"""Puts a customer's goals into the words of one scenario."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tau2.domains.airline.factory.case import Case
from tau2.domains.airline.factory.people import FIRST_NAMES
from tau2.domains.airline.factory.phrasing import PERSONAS

_WITH_PERSONA = 0.75  # share of the scenarios

_NEXT = (
    ("Apart from that, ", "And there is one more thing: "),
    ("There is a second matter. ", "And a third one. "),
    ("Besides, ", "On top of that, "),
    ("Once that is settled, you bring up something else: ", "After that comes your last point: "),
    ("Another thing: ", "And lastly: "),
)
"""How the second and the third goal are brought up."""

_ABOUT = (
    ("On the first point: ", "On the second: ", "On the third: "),
    ("Concerning the first matter: ", "Concerning the second: ", "Concerning the third: "),
    ("As to your first wish: ", "As to the second: ", "As to the third: "),
)
"""How instructions are told apart when there are several goals."""


def instructions_of(case: Case) -> tuple[str | None, dict[str, Any]]:
    """Return the persona and the parts of the instructions."""
    persona = case.rng.choice(PERSONAS) if case.rng.random() < _WITH_PERSONA else None
    return persona, {
        "reason_for_call": _wishes(case),
        "known_info": _known(case),
        "unknown_info": " ".join(case.unknown) or None,
        "task_instructions": _manners(case),
    }


def _wishes(case: Case) -> str:
    told = case.wishes[:1]
    for lead, wish in zip(case.rng.choice(_NEXT), case.wishes[1:], strict=False):
        told.append(_joined(lead, wish))
    return "\n".join(told)


def _manners(case: Case) -> str:
    leads = case.rng.choice(_ABOUT) if len(case.wishes) > 1 else ("",)
    manners = [_joined(lead, text) for lead, text in zip(leads, case.manners, strict=False) if text]
    return (
        "\n".join(manners)
        or "Be cooperative, and end the conversation when your question is answered."
    )


def _joined(lead: str, sentence: str) -> str:
    """Return a sentence after its lead, in lower case where the lead goes on."""
    goes_on = lead.endswith((", ", ": ")) and sentence.split(maxsplit=1)[0] not in FIRST_NAMES
    return lead + (sentence[0].lower() + sentence[1:] if goes_on else sentence)


def _known(case: Case) -> str:
    user = case.user
    name = f"{user.name.first_name} {user.name.last_name}"
    member = "" if user.membership == "regular" else f"You are a {user.membership} member."
    facts: Sequence[str] = case.rng.choice(
        (
            (f"You are {name}.", f"Your user id is {user.user_id}."),
            (f"You are {name}, and your user id is {user.user_id}.",),
            (f"Your name is {name}.", f"Your user id is {user.user_id}.", member),
            (
                f"You are {name}.",
                f"Your user id is {user.user_id}.",
                f"You were born on {user.dob}.",
            ),
        )
    )
    return " ".join(fact for fact in facts if fact)
