"""What the simulated user is told: all intents as one scenario, and what the customer knows."""

from __future__ import annotations

import json
from pathlib import Path

from tau2.data_model.tasks import Description, StructuredUserInstructions, Task
from tau2.domains.airline.data_model import CreditCard
from tau2.domains.airline.factory.draft import AirlineDraft
from tau2.domains.airline.factory.phrasing import BRANDS
from tau2.domains.airline.factory.travellers import PEOPLE
from tau2.taskgen.phrasing import spaced, uncapitalized
from tau2.taskgen.tasks import make_task
from tau2.taskgen.wording import Turns, Wording

SCENARIO = Wording(Path(__file__).with_suffix(".toml"))

_WITH_PERSONA = 0.75  # share of the scenarios
_AT_ONCE = 0.5  # share of the scenarios with several intents that are all told at the beginning
_NOTHING_SPECIAL = (
    "You are glad about any help.",
    "You end the conversation when that is done.",
    "That is all that you want.",
    "You answer what you are asked.",
    "Nothing else is on your mind.",
    "You have no further questions.",
)


def airline_task(task_id: str, draft: AirlineDraft, description: Description, turns: Turns) -> Task:
    """Return the task of a customer whose intents are in the draft.

    How the customer behaves in a matter follows what is wanted in it: of matters told at once each
    in a line of its own, of the others after their wish.
    """
    rng = draft.rng
    has_persona = rng.random() < _WITH_PERSONA
    first, *others = zip(draft.wishes, draft.manners, strict=True)
    reasons = [first[0]]
    lines = [spaced(first[1])]
    at_once = rng.random() < _AT_ONCE and not any(manners for _, manners in others)
    for wish, manners in others:
        lead = turns.next(SCENARIO.texts("next" if at_once else "later"))
        told = _led(lead, wish)
        if at_once:
            reasons.append(told)
        else:
            lines.append(spaced([told, *manners]))
    instructions = StructuredUserInstructions(
        domain="airline",
        reason_for_call="\n".join(reasons),
        known_info=_known(draft, turns),
        unknown_info=turns.next(SCENARIO.texts("unknown")) if draft.lacks_number else None,
        task_instructions="\n".join(filter(None, lines)) or turns.next(_NOTHING_SPECIAL),
    )
    persona = turns.next(SCENARIO.texts("personas")) if has_persona else None
    return make_task(task_id, description, persona, instructions, draft.calls, draft.communicate)


def _led(lead: str, sentence: str) -> str:
    """Return a sentence after its lead, in lower case where the lead goes on."""
    goes_on = (
        lead.endswith((", ", ": ")) and sentence.split(maxsplit=1)[0] not in PEOPLE.first_names
    )
    return lead + (uncapitalized(sentence) if goes_on else sentence)


def _known(draft: AirlineDraft, turns: Turns) -> str:
    user = draft.user
    form: str = turns.next(SCENARIO.texts("known"))
    told = form.format(
        name=f"{user.name.first_name} {user.name.last_name}",
        user_id=user.user_id,
        membership=user.membership,
        dob=user.dob,
        city=user.address.city,
    )
    used = json.dumps([call.arguments for call in draft.calls])
    cards = [
        turns.next(SCENARIO.texts("card")).format(
            card=BRANDS[method.brand], digits=method.last_four
        )
        for method in draft.methods.values()
        if isinstance(method, CreditCard) and method.id in used
    ]
    return spaced([told, *cards])
