"""The orders and tasks that come with the domain, and their splits.

Each of the ten fields is asked for in ten easy and ten hard tasks. No value is asked for twice, and
no order is about two tasks. The test split holds three of ten tasks of the fields that training
tasks ask for, and all tasks of the fields that are held out, which make up `test_new`.
"""

from __future__ import annotations

from itertools import product
from random import Random

from tau2.data_model.tasks import Task
from tau2.domains.intake.data_model import FIELD_NAMES, Call, FieldName, IntakeDB
from tau2.domains.intake.factory.drafts import IntakeDraft, draft
from tau2.domains.intake.factory.generate import HELD_OUT
from tau2.domains.intake.factory.values import LEVELS, TODAY, Level
from tau2.environment.domain import Splits
from tau2.seeds import derive_seed

TASKS_OF_A_KIND = 10
_TEST_TASKS = 3  # of a field that training tasks ask for, at one level
_FIRST_ORDER = 100_001
_MOST_TRIES = 100


def build(seed: int) -> tuple[IntakeDB, list[Task], Splits]:
    """Return the orders, the tasks and the splits that `seed` gives."""
    kinds = list(product(FIELD_NAMES, LEVELS))
    db = IntakeDB(call=Call(order_id=f"CB{_FIRST_ORDER}", today=TODAY))
    tasks: list[Task] = []
    splits: Splits = {"base": [], "train": [], "test": [], "test_new": [], "small": []}
    for field, level in kinds:
        for number, made in enumerate(_drafts(seed, field, level, _FIRST_ORDER + len(tasks))):
            db.orders[made.order.order_id] = made.order
            task_id = f"{field}_{level}_{number}"
            rng = _rng(seed, "scenario", task_id)
            tasks.append(made.task(task_id, rng, with_order=False))
            for split in _splits_of(field, number):
                splits[split].append(task_id)
    return db, tasks, splits


def _drafts(seed: int, field: FieldName, level: Level, first_order: int) -> list[IntakeDraft]:
    """Return drafts of one kind, each with a value of its own."""
    rng = _rng(seed, "values", field, level)
    found: dict[str, IntakeDraft] = {}
    for _ in range(_MOST_TRIES):
        made = draft(f"CB{first_order + len(found)}", field, level, rng)
        found.setdefault(made.value, made)
        if len(found) == TASKS_OF_A_KIND:
            break
    return list(found.values())


def _splits_of(field: FieldName, number: int) -> list[str]:
    splits = ["base"]
    if field in HELD_OUT:
        splits += ["test", "test_new"]
    else:
        splits.append("test" if number < _TEST_TASKS else "train")
    if number == 0:
        splits.append("small")
    return splits


def _rng(seed: int, *scope: object) -> Random:
    return Random(derive_seed(seed, "intake", *scope))  # noqa: S311  -- no secret
