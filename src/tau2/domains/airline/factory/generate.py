"""Thousands of tasks for training, over the airline's own world or another one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain
from random import Random

from tau2.config import domain_dir
from tau2.data_model.tasks import Task
from tau2.domains.airline.data_model import FlightDB
from tau2.domains.airline.environment import get_tasks
from tau2.domains.airline.factory.draft import AirlineIndex
from tau2.domains.airline.factory.tasks import LEVELS, DraftedTask, draft_task, draw_intents
from tau2.environment.domain import load_reference_db
from tau2.errors import DataFileError
from tau2.seeds import derive_seed
from tau2.taskgen.generation import Candidate, check_request, distinct_tasks
from tau2.taskgen.soundness import work_key

_MOST_TRIES = 4000  # customers tried for one task before the world is taken to have none


def generate_tasks(
    n: int,
    seed: int,
    difficulty: str | None = None,
    *,
    db: FlightDB | None = None,
    exclude_users: Collection[str] | None = None,
) -> list[Task]:
    """Return `n` distinct tasks about nobody of `exclude_users`.

    Without `db` they are over the domain's own world and about nobody of its test split. The same
    arguments give the same tasks, and the first tasks of a longer list are those of a shorter one.

    Raises:
        ConfigError: (a ValueError) n is negative.
        UnknownName: (a ValueError) there is no such difficulty.
        DataFileError: (a ValueError) the world does not hold so many different tasks.
    """
    check_request(n, difficulty, LEVELS)
    if db is None:
        db = load_reference_db(FlightDB, domain_dir("airline") / "db.json")
        if exclude_users is None:
            actions = chain.from_iterable(task.reference_actions for task in get_tasks("test"))
            looked_up = [action for action in actions if action.name == "get_user_details"]
            exclude_users = {action.arguments["user_id"] for action in looked_up}
    index = AirlineIndex(db)
    excluded = frozenset(exclude_users or ())
    customers = [user_id for user_id in index.user_ids if user_id not in excluded]

    def task_id(number: int) -> str:
        return f"airline_{seed}_{difficulty or 'any'}_{number}"

    def candidates(number: int) -> Iterator[Candidate | None]:
        scope = ("airline", "tasks", "generate", difficulty, number)
        rng = Random(derive_seed(seed, *scope))  # noqa: S311  -- no secret
        for _ in range(_MOST_TRIES if customers else 0):
            intents = draw_intents(rng, difficulty or rng.choice(tuple(LEVELS)))
            drafted = draft_task(index, rng.choice(customers), intents, rng, task_id(number))
            yield drafted and _candidate(drafted)

    def exhausted(number: int) -> DataFileError:
        return DataFileError(
            f"no customer of this world fits a task like {task_id(number)}; ask for fewer tasks"
        )

    return distinct_tasks(n, candidates, exhausted=exhausted)


def _candidate(drafted: DraftedTask) -> Candidate:
    """Return a candidate whose customer, calls and figures no other task has together."""
    criteria = drafted.task.evaluation_criteria
    assert criteria is not None
    calls = [(action.name, action.arguments) for action in drafted.task.reference_actions]
    key = work_key(calls, criteria.communicate_info, drafted.user_id)
    return Candidate(frozenset({key}), lambda: drafted.task)
