"""What the simulated user is told: all intents as one scenario, and what the customer knows."""

from __future__ import annotations

from pathlib import Path

from tau2.data_model.tasks import Description, StructuredUserInstructions, Task
from tau2.domains.airline.factory.draft import AirlineDraft
from tau2.domains.airline.factory.travellers import PEOPLE
from tau2.taskgen.phrasing import spaced, uncapitalized
from tau2.taskgen.tasks import make_task
from tau2.taskgen.wording import Wording

SCENARIO = Wording(Path(__file__).with_suffix(".toml"))

_WITH_PERSONA = 0.75  # share of the scenarios
_NOTHING_SPECIAL = "Be cooperative, and end the conversation when your question is answered."


def airline_task(task_id: str, draft: AirlineDraft, description: Description) -> Task:
    """Return the task of a customer whose intents are in the draft."""
    rng = draft.rng
    persona = rng.choice(SCENARIO.texts("personas")) if rng.random() < _WITH_PERSONA else None
    leads = rng.choice(SCENARIO.texts("next"))
    further = [_led(*pair) for pair in zip(leads, draft.wishes[1:], strict=False)]
    instructions = StructuredUserInstructions(
        domain="airline",
        reason_for_call="\n".join([*draft.wishes[:1], *further]),
        known_info=_known(draft),
        unknown_info=spaced(draft.unknown) or None,
        task_instructions=_manners(draft),
    )
    return make_task(task_id, description, persona, instructions, draft.calls, draft.communicate)


def _manners(draft: AirlineDraft) -> str:
    several = len(draft.wishes) > 1
    leads = draft.rng.choice(SCENARIO.texts("about")) if several else ("",)
    manners = [
        _led(lead, spaced(sentences))
        for lead, sentences in zip(leads, draft.manners, strict=False)
        if sentences
    ]
    return "\n".join(manners) or _NOTHING_SPECIAL


def _led(lead: str, sentence: str) -> str:
    """Return a sentence after its lead, in lower case where the lead goes on."""
    goes_on = (
        lead.endswith((", ", ": ")) and sentence.split(maxsplit=1)[0] not in PEOPLE.first_names
    )
    return lead + (uncapitalized(sentence) if goes_on else sentence)


def _known(draft: AirlineDraft) -> str:
    user = draft.user
    name = f"{user.name.first_name} {user.name.last_name}"
    user_id = f"Your user id is {user.user_id}."
    member = "" if user.membership == "regular" else f"You are a {user.membership} member."
    forms = (
        (f"You are {name}.", user_id),
        (f"You are {name}, and your user id is {user.user_id}.",),
        (f"Your name is {name}.", user_id, member),
        (f"You are {name}.", user_id, f"You were born on {user.dob}."),
    )
    return spaced(draft.rng.choice(forms))
