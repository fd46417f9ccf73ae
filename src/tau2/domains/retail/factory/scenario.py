"""What the simulated user is told: several intents as one scenario, and what the customer knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.tasks import Description, StructuredUserInstructions, Task
from tau2.domains.retail.data_model import CreditCard
from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import IntentText
from tau2.domains.retail.factory.words import method_name
from tau2.taskgen.phrasing import capitalized, spaced, uncapitalized
from tau2.taskgen.tasks import make_task
from tau2.taskgen.wording import Turns, Wording
from tau2.utils.number_words import NUMBERS

SCENARIO = Wording(Path(__file__).with_suffix(".toml"))

_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_LOOK_UPS = ("find_user_id", "get_user", "get_order", "list_all", "get_product", "calculate")
"""How the names of reading tools begin, in the order in which a good agent calls them."""

_ONE_BY_ONE = 0.6  # share of the customers with several intents who bring up one after another

AboutText = tuple[str, IntentText]
"""What the customer calls an intent, and its text."""


def combine(rng: Random, turns: Turns, texts: Sequence[AboutText]) -> IntentText:
    """Return one text: some intents are brought up at once, the others one after another.

    What is to be said on an intent follows it, so that the instructions need no titles; only those
    of intents that are brought up at once have some.
    """
    if len(texts) == 1:
        return texts[0][1]
    at_once = 1 if rng.random() < _ONE_BY_ONE else rng.randint(2, len(texts))
    first = texts[:at_once]
    later = texts[at_once:]
    reason = [_reasons(turns, first)]
    instructions = _instructions(turns, first)
    if later:
        reason.append(turns.next(SCENARIO.texts("several", "more_to_come")))
    for number, (_, text) in enumerate(later):
        is_end = number == len(later) - 1
        part = "at_last" if is_end and (number or rng.random() < 0.5) else "later"
        lead = turns.next(SCENARIO.texts("several", part))
        instructions.append(spaced([lead.format(uncapitalized(text.reason)), text.instructions]))
    return IntentText(spaced(reason), "\n".join(filter(None, instructions)))


def _reasons(turns: Turns, texts: Sequence[AboutText]) -> str:
    """Return what the customer says at once."""
    opener = ""
    if len(texts) > 1:
        count = NUMBERS[len(texts)]
        opener = turns.next(SCENARIO.texts("several", "openers"))
        opener = opener.format(count=count, Count=capitalized(count))
    further = [
        turns.next(SCENARIO.texts("several", "also")).format(uncapitalized(text.reason))
        for _, text in texts[1:]
    ]
    return spaced([opener, texts[0][1].reason, *further])


def _instructions(turns: Turns, texts: Sequence[AboutText]) -> list[str]:
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
            form = turns.next(SCENARIO.texts("several", "about"))
            found.append(form.format(about=name, text=uncapitalized(text.instructions)))
    return found


def retail_task(
    task_id: str,
    draft: RetailDraft,
    text: IntentText,
    persona: str,
    description: Description,
    turns: Turns,
) -> Task:
    """Return the task of a customer whose intents are in the draft."""
    instructions = StructuredUserInstructions(
        domain="retail",
        reason_for_call=text.reason,
        known_info=_known(draft, turns),
        unknown_info=_unknown(draft, text, turns),
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


def _known(draft: RetailDraft, turns: Turns) -> str:
    user = draft.user
    form: str = turns.next(SCENARIO.texts("known", draft.identified_by))
    told = form.format(
        name=f"{user.name.first_name} {user.name.last_name}",
        zip=user.address.zip,
        city=user.address.city,
        email=user.email,
    )
    used = {call.arguments.get("payment_method_id") for call in draft.calls}
    cards = [
        turns.next(SCENARIO.texts("known", "card")).format(
            card=method_name(method).removeprefix("your "), digits=method.last_four
        )
        for method in user.payment_methods.values()
        if isinstance(method, CreditCard) and method.id in used
    ]
    return spaced([told, *cards])


_MISSING = {"zip": "email", "email": "zip"}
"""What customers cannot say who identify themselves in one way only."""


def _unknown(draft: RetailDraft, text: IntentText, turns: Turns) -> str | None:
    found = []
    if draft.identified_by in _MISSING:
        missing = _MISSING[draft.identified_by]
        found.append(turns.next(SCENARIO.texts("unknown", missing)))
    if draft.lacks_number:
        part = "other_order" if "#W" in " ".join(text) else "order"
        found.append(turns.next(SCENARIO.texts("unknown", part)))
    return spaced(found) or None
