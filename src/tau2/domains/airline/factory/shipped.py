"""The tasks that come with the domain: every intent leads some, many bring company."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from random import Random

from tau2.domains.airline.data_model import FlightDB
from tau2.domains.airline.factory.draft import AirlineIndex
from tau2.domains.airline.factory.intents import all_intents
from tau2.domains.airline.factory.intents.intent import ALL_TRIPS, HANDS_OVER, AirlineIntent
from tau2.domains.airline.factory.tasks import DraftedTask, draft_task, go_together, in_order
from tau2.errors import DataFileError
from tau2.seeds import derive_seed
from tau2.taskgen.tasks import ShippedTasks

_EVERY_NTH_IS_TEST = 3
_ROUNDS = 5  # times that every intent is tried before the world is taken to have too few customers


def build_tasks(seed: int, world: FlightDB, wanted: int) -> ShippedTasks:
    """Return `wanted` tasks; no customer is in two of them.

    Raises:
        DataFileError: the world has too few fitting customers.
    """
    index = AirlineIndex(world)
    used: set[str] = set()
    shipped = ShippedTasks()
    for number, plan in enumerate(_plans(seed)):
        if len(shipped.tasks) == wanted:
            return shipped
        rng = _rng(seed, "ship", number)
        task_id = str(len(shipped.tasks))
        tries = (_for_new_customer(index, intents, rng, task_id, used) for intents in plan)
        found = next((drafted for drafted in tries if drafted is not None), None)
        if found is not None:
            used.add(found.user_id)
            is_test = len(shipped.tasks) % _EVERY_NTH_IS_TEST == _EVERY_NTH_IS_TEST - 1
            shipped.add(found.task, is_test=is_test)
    raise DataFileError(
        f"the world has customers for {len(shipped.tasks)} tasks only, not for {wanted}"
    )


def _rng(seed: int, *scope: object) -> Random:
    return Random(derive_seed(seed, "airline", "tasks", *scope))  # noqa: S311  -- no secret


def _plans(seed: int) -> Iterator[list[list[AirlineIntent]]]:
    """Yield what to try for one task after another.

    Where nobody can have an intent together with its company, it comes alone.
    """
    for turn in range(_ROUNDS):
        rng = _rng(seed, "order", turn)
        for leader in rng.sample(all_intents(), len(all_intents())):
            company = 0
            if ALL_TRIPS not in leader.tags:
                company = rng.choice((0, 0, 1, 1, 2)) or int(HANDS_OVER in leader.tags)
            together = in_order([leader, *rng.sample(all_intents(), company)])
            while not go_together(together):
                together = in_order([leader, *rng.sample(all_intents(), company)])
            yield [together, [leader]] if company and go_together([leader]) else [together]


def _for_new_customer(
    index: AirlineIndex,
    intents: Sequence[AirlineIntent],
    rng: Random,
    task_id: str,
    used: Collection[str],
) -> DraftedTask | None:
    for user_id in rng.sample(index.user_ids, len(index.user_ids)):
        if user_id in used:
            continue
        drafted = draft_task(index, user_id, intents, rng, task_id)
        if drafted is not None:
            return drafted
    return None
