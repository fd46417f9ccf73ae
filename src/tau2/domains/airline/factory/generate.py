"""Thousands of tasks for training, over the airline's own world or another one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from random import Random

from tau2.config import domain_dir
from tau2.data_model.tasks import Task
from tau2.domains.airline.data_model import FlightDB
from tau2.domains.airline.environment import get_tasks, get_tasks_split
from tau2.domains.airline.factory.draft import AirlineIndex
from tau2.domains.airline.factory.tasks import LEVELS, DraftedTask, draft_task, draw_intents
from tau2.environment.cow import peek_values
from tau2.environment.domain import load_reference_db
from tau2.errors import DataFileError
from tau2.seeds import derive_seed
from tau2.taskgen.generation import (
    HELD_OUT_SPLITS,
    SEEN,
    Candidate,
    check_request,
    distinct_tasks,
)
from tau2.taskgen.soundness import work_key
from tau2.taskgen.wording import Turns

_MOST_TRIES = 4000  # customers tried for one task before the world is taken to have none


def generate_tasks(
    n: int,
    seed: int,
    difficulty: str | None = None,
    kinds: str = SEEN,
    *,
    db: FlightDB | None = None,
    exclude_users: Collection[str] | None = None,
) -> list[Task]:
    """Return `n` distinct tasks about nobody of `exclude_users`.

    `kinds` is "seen" for training tasks, none of which holds an intent that is held out; "new" for
    tasks with at least one that is. Without `db` they are over the domain's own world and about
    nobody of its test splits. The same arguments give the same tasks, and the first tasks of a
    longer list are those of a shorter one.

    Raises:
        ConfigError: (a ValueError) n is negative.
        UnknownName: (a ValueError) there is no such difficulty, or no such kinds.
        DataFileError: (a ValueError) the world does not hold so many different tasks.
    """
    check_request(n, difficulty, LEVELS, kinds)
    if db is None:
        db = load_reference_db(FlightDB, domain_dir("airline") / "db.json")
        if exclude_users is None:
            exclude_users = _held_out_users(db)
    index = AirlineIndex(db)
    excluded = frozenset(exclude_users or ())
    customers = [user_id for user_id in index.user_ids if user_id not in excluded]

    def task_id(number: int) -> str:
        kind = "" if kinds == SEEN else f"{kinds}_"
        return f"airline_{seed}_{kind}{difficulty or 'any'}_{number}"

    def candidates(number: int) -> Iterator[Candidate | None]:
        scope = ("airline", "tasks", "generate", *(() if kinds == SEEN else (kinds,)))
        rng = Random(derive_seed(seed, *scope, difficulty, number))  # noqa: S311  -- no secret
        for _ in range(_MOST_TRIES if customers else 0):
            intents = draw_intents(rng, difficulty or rng.choice(tuple(LEVELS)), kinds)
            drafted = draft_task(index, rng.choice(customers), intents, rng)
            fits = drafted is not None and drafted.draft.involved.isdisjoint(excluded)
            yield _candidate(drafted, task_id(number)) if drafted is not None and fits else None

    def exhausted(number: int) -> DataFileError:
        return DataFileError(
            f"no customer of this world fits a task like {task_id(number)}; ask for fewer tasks"
        )

    return distinct_tasks(n, candidates, known=_shipped_work(), exhausted=exhausted)


def _held_out_users(db: FlightDB) -> set[str]:
    """Return everybody whom a task of the test splits is about, or a reservation of whom."""
    splits = get_tasks_split()
    held_out = [task for name in HELD_OUT_SPLITS if name in splits for task in get_tasks(name)]
    words = set(re.findall(r"\w+", " ".join(task.model_dump_json() for task in held_out)))
    owners = {t.user_id for t in peek_values(db.reservations) if t.reservation_id in words}
    return owners | {user.user_id for user in peek_values(db.users) if user.user_id in words}


def _shipped_work() -> set[str]:
    """Return the keys of the domain's own tasks, which are not made again."""
    keys = set()
    for task in get_tasks(None):
        criteria = task.evaluation_criteria
        calls = [(action.name, action.arguments) for action in task.reference_actions]
        user_id = str(calls[0][1].get("user_id")) if calls else ""
        keys.add(work_key(calls, criteria.communicate_info if criteria else None, user_id))
    return keys


def _candidate(drafted: DraftedTask, task_id: str) -> Candidate:
    """Return a candidate whose customer, calls and figures no other task has together."""
    draft = drafted.draft
    key = work_key(draft.calls, draft.communicate, draft.user.user_id)
    return Candidate(frozenset({key}), lambda: drafted.written(task_id, Turns(draft.rng)))
