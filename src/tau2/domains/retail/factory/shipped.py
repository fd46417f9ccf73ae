"""The tasks that come with the domain: a customer for each intent, and the splits.

No customer appears in two tasks, so no split shares a customer or an order with another.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count
from random import Random
from typing import NamedTuple

from tau2.data_model.tasks import Description
from tau2.domains.retail.data_model import RetailDB
from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents import shipped_intents
from tau2.domains.retail.factory.intents.intent import IntentText, RetailIntent
from tau2.domains.retail.factory.scenario import SCENARIO, retail_task
from tau2.domains.retail.tools import RetailTools
from tau2.errors import DataFileError
from tau2.seeds import derive_seed
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.soundness import is_sound
from tau2.taskgen.tasks import ShippedTasks

# Every third intent of a round is a test task, another third in the next round: so most intents get
# into both splits.
_EVERY_NTH_IS_TEST = 3


class Assignment(NamedTuple):
    """A draft for an intent, with a customer whom the intent fits."""

    intent: RetailIntent
    draft: RetailDraft
    text: IntentText


def build_tasks(seed: int, world: RetailDB, wanted: int) -> ShippedTasks:
    """Return `wanted` tasks. Raise DataFileError when the world has too few fitting customers."""
    shipped = ShippedTasks()
    rng = _rng(seed, "personas")
    texts = SCENARIO.texts("personas")
    # Each persona is used once before any comes back.
    personas = chain.from_iterable(rng.sample(texts, len(texts)) for _ in count())
    for found, is_test in _assignments(seed, world):
        description = Description(purpose=found.intent.purpose)
        task_id = str(len(shipped.tasks))
        shipped.add(
            retail_task(task_id, found.draft, found.text, next(personas), description),
            is_test=is_test,
        )
        if len(shipped.tasks) == wanted:
            return shipped
    raise DataFileError(
        f"the world has customers for {len(shipped.tasks)} tasks only, not for {wanted}"
    )


def _rng(seed: int, *scope: object) -> Random:
    return Random(derive_seed(seed, "retail", "tasks", *scope))  # noqa: S311  -- no secret


def _assignments(seed: int, world: RetailDB) -> Iterator[tuple[Assignment, bool]]:
    """Yield every intent round by round with a customer who appears nowhere else.

    The second value says whether the task belongs to the test split.
    """
    used: set[str] = set()
    intents = list(enumerate(shipped_intents()))
    for turn in count():
        found_any = False
        _rng(seed, "order", turn).shuffle(intents)  # any first few tasks are of many kinds
        for number, intent in intents:
            found = _assign(seed, world, intent, turn, used)
            if found is not None:
                used |= found.draft.involved
                found_any = True
                yield found, (number + turn) % _EVERY_NTH_IS_TEST == 0
        if not found_any:
            return


def _assign(
    seed: int, world: RetailDB, intent: RetailIntent, turn: int, used: set[str]
) -> Assignment | None:
    """Return a draft of the intent for some customer who is not used yet, or None."""
    ids = list(world.users)
    _rng(seed, intent.purpose, turn).shuffle(ids)
    for user_id in ids:
        if user_id in used or not world.users[user_id].orders:
            continue
        draft = RetailDraft(world, user_id, _rng(seed, intent.purpose, turn, user_id), turn)
        try:
            text = intent.tell(draft)
        except UnsuitableCustomer:
            continue
        if not draft.involved & used and is_sound(
            lambda: RetailTools(world.view()), draft.calls, draft.communicate
        ):
            return Assignment(intent, draft, text)
    return None
