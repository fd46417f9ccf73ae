"""What the simulated user is told: several intents as one scenario, and what the customer knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.tasks import Description, StructuredUserInstructions, Task
from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import IntentText
from tau2.taskgen.phrasing import NUMBERS, capitalized, spaced, uncapitalized
from tau2.taskgen.tasks import make_task
from tau2.taskgen.wording import Wording

SCENARIO = Wording(Path(__file__).with_suffix(".toml"))

_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_LOOK_UPS = ("find_user_id", "get_user", "get_order", "list_all", "get_product", "calculate")
"""How the names of reading tools begin, in the order in which a good agent calls them."""

AboutText = tuple[str, IntentText]
"""What the customer calls an intent, and its text."""


def combine(rng: Random, texts: Sequence[AboutText]) -> IntentText:
    """Return one text: some intents are brought up at once, the others one after another."""
    if len(texts) == 1:
        return texts[0][1]
    at_once = rng.randint(1, len(texts))
    first = texts[:at_once]
    later = texts[at_once:]
    reason = [_reasons(rng, first)]
    instructions = _instructions(first)
    if later:
        reason.append(rng.choice(SCENARIO.texts("several", "more_to_come")))
    leads = rng.sample(SCENARIO.texts("several", "later"), len(later))
    for number, ((_, text), lead) in enumerate(zip(later, leads, strict=True)):
        is_end = number == len(later) - 1
        if is_end and (number or rng.random() < 0.5):
            lead = rng.choice(SCENARIO.texts("several", "at_last"))  # noqa: PLW2901  -- its own
        instructions += [lead.format(uncapitalized(text.reason)), text.instructions]
    return IntentText(spaced(reason), spaced(instructions))


def _reasons(rng: Random, texts: Sequence[AboutText]) -> str:
    """Return what the customer says at once."""
    opener = ""
    if len(texts) > 1:
        count = NUMBERS[len(texts)]
        opener = rng.choice(SCENARIO.texts("several", "openers"))
        opener = opener.format(count=count, Count=capitalized(count))
    leads = rng.sample(SCENARIO.texts("several", "also"), len(texts) - 1)
    further = [
        lead.format(uncapitalized(text.reason))
        for lead, (_, text) in zip(leads, texts[1:], strict=True)
    ]
    return spaced([opener, texts[0][1].reason, *further])


def _instructions(texts: Sequence[AboutText]) -> list[str]:
    """Return the instructions of intents brought up at once, each saying which one it is about."""
    if len(texts) == 1:
        return [texts[0][1].instructions]
    times = Counter(about for about, _ in texts)
    seen = Counter[str]()
    found = []
    for about, text in texts:
        name = f"{_ORDINALS[seen[about]]} {about}" if times[about] > 1 else about
        seen[about] += 1
        if text.instructions:
            found.append(f"As for the {name}, {uncapitalized(text.instructions)}")
    return found


def retail_task(
    task_id: str, draft: RetailDraft, text: IntentText, persona: str, description: Description
) -> Task:
    """Return the task of a customer whose intents are in the draft."""
    instructions = StructuredUserInstructions(
        domain="retail",
        reason_for_call=text.reason,
        known_info=_known(draft),
        unknown_info=_unknown(draft),
        task_instructions=text.instructions,
    )
    look_ups = [call for call in draft.calls if call.name.startswith(_LOOK_UPS)]
    look_ups.sort(
        key=lambda call: next(i for i, start in enumerate(_LOOK_UPS) if call.name.startswith(start))
    )
    others = [call for call in draft.calls if not call.name.startswith(_LOOK_UPS)]
    others.sort(key=lambda call: call.name == TRANSFER_TOOL)
    return make_task(
        task_id, description, persona, instructions, [*look_ups, *others], draft.communicate
    )


def _known(draft: RetailDraft) -> str:
    user = draft.user
    facts = {
        "zip": f"your zip code is {user.address.zip}",
        "email": f"your email address is {user.email}",
    }
    known = [fact for kind, fact in facts.items() if draft.identified_by in {kind, "both"}]
    name = f"{user.name.first_name} {user.name.last_name}"
    return f"You are {name}. {capitalized(' and '.join(known))}."


def _unknown(draft: RetailDraft) -> str | None:
    missing = {
        "zip": "You do not remember the email address of your account.",
        "email": "You are not sure which zip code the shop has on file.",
    }
    return spaced([missing.get(draft.identified_by, ""), *draft.unknown]) or None
