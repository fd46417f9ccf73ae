"""The tasks that come with our own bank, and their splits.

Of each kind there are a few, of a kind with more cases more. The test split holds a third of the
tasks of each kind that training tasks are of; the kinds that are held out make up `test_new`.
"""

from __future__ import annotations

from random import Random

from tau2.data_model.tasks import Task
from tau2.domains.banking_knowledge.factory.generate import all_kinds, drafted
from tau2.domains.banking_knowledge.factory.kinds import HARD, Kind
from tau2.errors import DataFileError
from tau2.seeds import derive_seed
from tau2.taskgen.tasks import ShippedTasks

_EASY_TASKS = 3
_HARD_TASKS = 5
_MOST_TRIES = 400
_EVERY_THIRD = 3  # is a test task


def build(seed: int) -> ShippedTasks:
    """Return the tasks and splits that `seed` gives."""
    shipped = ShippedTasks()
    for kind in all_kinds():
        count = kind.shipped or (_HARD_TASKS if kind.level == HARD else _EASY_TASKS)
        for number in range(count):
            shipped.add(_task(kind, seed, number), _split(kind, number))
    return shipped


def _task(kind: Kind, seed: int, number: int) -> Task:
    scope = ("banking_knowledge", "tasks", "shipped", kind.name, number)
    rng = Random(derive_seed(seed, *scope))  # noqa: S311  -- no secret
    for _ in range(_MOST_TRIES):
        task = drafted(kind, rng, f"{kind.name}_{number}")
        if task is not None:
            return task
    raise DataFileError(f"no task of the kind {kind.name} could be made")


def _split(kind: Kind, number: int) -> str:
    if kind.held_out:
        return "test_new"
    return "test" if number % _EVERY_THIRD == 0 else "train"
