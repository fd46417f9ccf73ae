"""Any number of tasks of the intake domain, each with an order of its own."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tau2.data_model.tasks import Task
from tau2.domains.intake.data_model import FIELD_NAMES, FieldName
from tau2.domains.intake.factory.drafts import IntakeDraft, draft
from tau2.domains.intake.factory.values import LEVELS
from tau2.errors import DataFileError
from tau2.seeds import derive_seed
from tau2.taskgen.generation import NEW, SEEN, Candidate, check_request, distinct_tasks

HELD_OUT: frozenset[FieldName] = frozenset({"purchase_date", "serial_number", "license_plate"})
"""Fields that no training task asks for."""
_MOST_TRIES = 100  # drafts of one task before all are taken to exist
_FIRST_ORDER = 500_000  # so that no order number is one of the shipped orders


def generate_tasks(
    n: int, seed: int, difficulty: str | None = None, kinds: str = SEEN
) -> list[Task]:
    """Return `n` tasks of which no two ask for the same value.

    `kinds` is "seen" for fields that training tasks may ask for, or "new" for fields that no
    training task asks for; `difficulty` is "easy" or "hard". The same arguments give the same
    tasks, and the first tasks of a longer list are those of a shorter one.

    Raises:
        ConfigError: (a ValueError) n is negative.
        UnknownName: (a ValueError) there is no such difficulty, or no such kinds.
        DataFileError: (a ValueError) there are not so many different tasks.
    """
    check_request(n, difficulty, LEVELS, kinds)
    fields = [field for field in FIELD_NAMES if (field in HELD_OUT) is (kinds == NEW)]
    levels = [level for level in LEVELS if difficulty in {None, level}]

    def task_id(number: int) -> str:
        kind = "" if kinds == SEEN else f"{kinds}_"
        return f"intake_{seed}_{kind}{difficulty or 'any'}_{number}"

    def candidates(number: int) -> Iterator[Candidate]:
        scope = ("intake", "tasks", "generate", kinds, difficulty, number)
        rng = Random(derive_seed(seed, *scope))  # noqa: S311  -- no secret
        order_id = f"CB{_FIRST_ORDER + number}"
        for _ in range(_MOST_TRIES):
            made = draft(order_id, rng.choice(fields), rng.choice(levels), rng)
            yield _candidate(made, task_id(number), rng)

    def exhausted(number: int) -> DataFileError:
        return DataFileError(f"there is no further task like {task_id(number)}; ask for fewer")

    return distinct_tasks(n, candidates, exhausted=exhausted)


def _candidate(made: IntakeDraft, task_id: str, rng: Random) -> Candidate:
    """Return a candidate whose value no other task asks for."""
    key = f"{made.field} {made.value}"
    return Candidate(frozenset({key}), lambda: made.task(task_id, rng, with_order=True))
