"""Any number of tasks of our own bank, each with a customer of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from random import Random

from tau2.data_model.tasks import Task
from tau2.domains.banking_knowledge.factory.bank_accounts import BANK_ACCOUNT_KINDS
from tau2.domains.banking_knowledge.factory.combined import COMBINED_KINDS
from tau2.domains.banking_knowledge.factory.credit_cards import CREDIT_CARD_KINDS
from tau2.domains.banking_knowledge.factory.debit_cards import DEBIT_CARD_KINDS
from tau2.domains.banking_knowledge.factory.debit_disputes import DEBIT_DISPUTE_KINDS
from tau2.domains.banking_knowledge.factory.draft import Draft, Unsuitable
from tau2.domains.banking_knowledge.factory.kinds import LEVELS, Kind
from tau2.domains.banking_knowledge.factory.refusals import REFUSED_KINDS
from tau2.domains.banking_knowledge.factory.requests import OTHER_KINDS
from tau2.domains.banking_knowledge.factory.tasks import as_task, is_sound
from tau2.errors import DataFileError
from tau2.seeds import derive_seed
from tau2.taskgen.generation import NEW, SEEN, Candidate, check_request, distinct_tasks

_MOST_TRIES = 200  # drafts of one task before the bank counts as exhausted


@cache
def all_kinds() -> tuple[Kind, ...]:
    """Return the kinds of task in a fixed order."""
    return (
        *CREDIT_CARD_KINDS,
        *BANK_ACCOUNT_KINDS,
        *DEBIT_CARD_KINDS,
        *DEBIT_DISPUTE_KINDS,
        *OTHER_KINDS,
        *REFUSED_KINDS,
        *COMBINED_KINDS,
    )


def drafted(kind: Kind, rng: Random, task_id: str) -> Task | None:
    """Return a task of a kind; None when the draws make none, or one that cannot be graded."""
    draft = Draft(rng)
    try:
        kind.act(draft)
    except Unsuitable:
        return None
    task = as_task(draft, task_id, kind.purpose)
    return task if is_sound(task) else None


def generate_tasks(
    n: int, seed: int, difficulty: str | None = None, kinds: str = SEEN
) -> list[Task]:
    """Return `n` tasks, each about a customer of its own, whose records are in its initial state.

    `kinds` is "seen" for kinds that training tasks may be of, or "new" for kinds that no training
    task is of; `difficulty` is "easy" or "hard". The same arguments give the same tasks, and the
    first tasks of a longer list are those of a shorter one.

    Raises:
        ConfigError: (a ValueError) n is negative.
        UnknownName: (a ValueError) there is no such difficulty, or no such kinds.
        DataFileError: (a ValueError) no further task could be made.
    """
    check_request(n, difficulty, LEVELS, kinds)
    chosen = [
        kind
        for kind in all_kinds()
        if kind.held_out is (kinds == NEW) and difficulty in {None, kind.level}
    ]

    def task_id(number: int) -> str:
        group = "" if kinds == SEEN else f"{kinds}_"
        return f"bank_{seed}_{group}{difficulty or 'any'}_{number}"

    def candidates(number: int) -> Iterator[Candidate | None]:
        scope = ("banking_knowledge", "tasks", "generate", kinds, difficulty, number)
        rng = Random(derive_seed(seed, *scope))  # noqa: S311  -- no secret
        for _ in range(_MOST_TRIES):
            task = drafted(rng.choice(chosen), rng, task_id(number))
            yield None if task is None else _candidate(task)

    def exhausted(number: int) -> DataFileError:
        return DataFileError(f"there is no further task like {task_id(number)}; ask for fewer")

    return distinct_tasks(n, candidates, exhausted=exhausted)


def _candidate(task: Task) -> Candidate:
    """Return a candidate whose customer no other task may have."""
    state = task.initial_state
    data = state.initialization_data if state is not None else None
    users = ((data.agent_data if data is not None else None) or {})["users"]["data"]
    return Candidate(frozenset(users), lambda: task)
