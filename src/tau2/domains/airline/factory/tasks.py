"""One task: which intents go together, and a customer who has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tau2.data_model.tasks import Description, Task
from tau2.domains.airline.factory.draft import AirlineDraft, AirlineIndex
from tau2.domains.airline.factory.intents import all_intents
from tau2.domains.airline.factory.intents.intent import (
    ALL_TRIPS,
    ASKS,
    BOOKS,
    HANDS_OVER,
    INSISTS,
    REFUSES,
    SENDS,
    AirlineIntent,
)
from tau2.domains.airline.factory.scenario import airline_task
from tau2.domains.airline.tools import AirlineTools
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.generation import NEW, SEEN
from tau2.taskgen.soundness import is_sound
from tau2.taskgen.wording import Turns

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


@dataclass(frozen=True, slots=True)
class DraftedTask:
    """A sound draft, not yet put into words."""

    draft: AirlineDraft
    intents: tuple[AirlineIntent, ...]

    @property
    def purpose(self) -> str:
        """The kind of the task: what its intents are for, whatever order they come in."""
        return "; ".join(sorted(intent.purpose for intent in self.intents))

    def written(self, task_id: str, turns: Turns) -> Task:
        """Return the task in words."""
        description = Description(purpose=self.purpose)
        return airline_task(task_id, self.draft, description, turns)


def draw_intents(rng: Random, difficulty: str, kinds: str = SEEN) -> list[AirlineIntent]:
    """Return intents that go together, in the order in which a customer brings them up.

    Of the kinds "new" at least one is held out; of the others none is.
    """
    levels = rng.choice(LEVELS[difficulty])
    while True:
        intents = [rng.choice(_BY_LEVEL[level]) for level in levels]
        is_new = any(intent.held_out for intent in intents)
        if is_new == (kinds == NEW) and go_together(intents):
            return in_order(intents)


def go_together(intents: Sequence[AirlineIntent]) -> bool:
    """Return whether one customer can come with all of these at once."""
    tags = [tag for intent in intents for tag in intent.tags]
    names = {intent.name for intent in intents}
    if len(names) < len(intents) or any(tags.count(tag) > 1 for tag in _ALONE):
        return False
    if not {ALL_TRIPS, INSISTS}.isdisjoint(tags) and len(intents) > 1:
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
    index: AirlineIndex, user_id: str, intents: Sequence[AirlineIntent], rng: Random
) -> DraftedTask | None:
    """Return the draft of a customer with these intents, or None for an unsuitable customer."""
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
    return DraftedTask(draft, tuple(intents)) if sound else None
