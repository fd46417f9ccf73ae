"""One task: which intents go together, and a customer who has them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from tau2.data_model.tasks import Description, Task
from tau2.domains.airline.factory.draft import AirlineDraft, AirlineIndex
from tau2.domains.airline.factory.intents import all_intents
from tau2.domains.airline.factory.intents.intent import (
    ALL_TRIPS,
    ASKS,
    BOOKS,
    HANDS_OVER,
    REFUSES,
    SENDS,
    AirlineIntent,
)
from tau2.domains.airline.factory.scenario import airline_task
from tau2.domains.airline.tools import AirlineTools
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.soundness import is_sound

LEVELS: dict[str, tuple[tuple[int, ...], ...]] = {
    "easy": ((1,),),
    "medium": ((2,), (2,), (1, 1)),
    "hard": ((3,), (2, 2), (1, 3), (2, 1, 1), (2, 3)),
}
"""Difficulty → the levels of the intents of a task; one of the rows is drawn."""

_BY_LEVEL = {
    level: tuple(intent for intent in all_intents() if intent.level == level) for level in (1, 2, 3)
}
_ALONE = (BOOKS, SENDS, REFUSES, HANDS_OVER)  # at most one intent of each kind in a task
_MOST_REORDERED = 4  # changes of which every order is tried


class DraftedTask(NamedTuple):
    """A task with the customer it is about."""

    task: Task
    user_id: str


def draw_intents(rng: Random, difficulty: str) -> list[AirlineIntent]:
    """Return intents that go together, in the order in which a customer brings them up."""
    levels = rng.choice(LEVELS[difficulty])
    while True:
        intents = [rng.choice(_BY_LEVEL[level]) for level in levels]
        if go_together(intents):
            return in_order(intents)


def go_together(intents: Sequence[AirlineIntent]) -> bool:
    """Return whether one customer can come with all of these at once."""
    tags = [tag for intent in intents for tag in intent.tags]
    names = {intent.name for intent in intents}
    if len(names) < len(intents) or any(tags.count(tag) > 1 for tag in _ALONE):
        return False
    if ALL_TRIPS in tags and len(intents) > 1:
        return False
    if HANDS_OVER in tags and len(intents) == 1:
        return False  # handing over leaves no trace in the database: something else has to
    return not (BOOKS in tags and SENDS in tags)  # which certificate pays would depend on the order


def in_order(intents: Sequence[AirlineIntent]) -> list[AirlineIntent]:
    """Return intents as a customer brings them up: questions late, a hand-over last."""
    return sorted(
        intents,
        key=lambda intent: (
            HANDS_OVER in intent.tags,
            ASKS in intent.tags and REFUSES not in intent.tags,
        ),
    )


def draft_task(
    index: AirlineIndex, user_id: str, intents: Sequence[AirlineIntent], rng: Random, task_id: str
) -> DraftedTask | None:
    """Return the task of a customer with these intents, or None for an unsuitable customer."""
    draft = AirlineDraft(index, user_id, rng)
    try:
        for intent in intents:
            intent.tell(draft)
    except UnsuitableCustomer:
        return None
    sound = is_sound(
        lambda: AirlineTools(index.world.view()),
        draft.calls,
        draft.communicate,
        most_reordered=_MOST_REORDERED,
    )
    if not sound:
        return None
    description = Description(purpose="; ".join(intent.purpose for intent in intents))
    return DraftedTask(airline_task(task_id, draft, description), user_id)
