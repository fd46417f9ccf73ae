"""Any number of tasks of the mock domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from tau2.data_model.tasks import Task
from tau2.domains.mock.factory.desk import Desk
from tau2.errors import ConfigError, DataFileError
from tau2.seeds import derive_seed
from tau2.taskgen.generation import NEW, SEEN, Candidate, check_request, distinct_tasks
from tau2.taskgen.intents import Intent, collector
from tau2.taskgen.soundness import work_key

EASY, MEDIUM, HARD = "easy", "medium", "hard"
LEVELS = (EASY, MEDIUM, HARD)
_MOST_TRIES = 100  # drafts of one task before all are taken to exist


@dataclass(frozen=True, slots=True, kw_only=True)
class MockIntent(Intent):
    """Something that a person of the team wants of the task desk."""

    act: Callable[[Desk], None]
    """Adds the wish and its reference."""
    level: str


INTENTS, intent = collector(MockIntent)


@intent(level=EASY)
def add(desk: Desk) -> None:
    """A new task, by title alone."""
    desk.introduce()
    desk.wish_for_task()


@intent(level=EASY)
def complete(desk: Desk) -> None:
    """A task that is done."""
    desk.wish_for_status("completed")


@intent(level=EASY)
def reopen(desk: Desk) -> None:
    """A task that is not done after all."""
    desk.wish_for_status("pending")


@intent(level=MEDIUM)
def add_described(desk: Desk) -> None:
    """A new task with a description."""
    desk.introduce()
    desk.wish_for_task(described=True)


@intent(level=MEDIUM)
def reopen_two(desk: Desk) -> None:
    """Two tasks that are not done after all."""
    desk.wish_for_status("pending")
    desk.wish_for_status("pending")


@intent(level=MEDIUM)
def hand_over(desk: Desk) -> None:
    """Something that no tool can do."""
    desk.introduce()
    desk.wish_for_the_impossible()


@intent(level=MEDIUM, held_out=True)
def complete_and_reopen(desk: Desk) -> None:
    """A task that is done, and one that is not done after all."""
    desk.wish_for_status("completed")
    desk.wish_for_status("pending")


@intent(level=MEDIUM, held_out=True)
def complete_two(desk: Desk) -> None:
    """Two tasks that are done."""
    desk.wish_for_status("completed")
    desk.wish_for_status("completed")


@intent(level=HARD)
def reopen_and_add(desk: Desk) -> None:
    """A task that is not done after all, and a new one."""
    desk.introduce()
    desk.wish_for_status("pending")
    desk.wish_for_task()


@intent(level=HARD)
def complete_and_describe(desk: Desk) -> None:
    """A task that is done, and a new one with a description."""
    desk.introduce()
    desk.wish_for_status("completed")
    desk.wish_for_task(described=True)


@intent(level=HARD, held_out=True)
def complete_and_add(desk: Desk) -> None:
    """A task that is done, and the one that follows."""
    desk.introduce()
    desk.wish_for_status("completed")
    desk.wish_for_task()


@intent(level=HARD)
def reopen_and_describe(desk: Desk) -> None:
    """A task that is not done after all, and a new one with a description."""
    desk.introduce()
    desk.wish_for_status("pending")
    desk.wish_for_task(described=True)


def generate_tasks(
    n: int, seed: int, difficulty: str | None = None, kinds: str = SEEN
) -> list[Task]:
    """Return `n` distinct tasks, each with a team of its own.

    `kinds` is "seen" for training tasks, or "new" for tasks of kinds that no training task is of.
    The same arguments give the same tasks, and the first tasks of a longer list are those of a
    shorter one.

    Raises:
        ConfigError: (a ValueError) n is negative, or no kind is that difficult.
        UnknownName: (a ValueError) there is no such difficulty, or no such kinds.
        DataFileError: (a ValueError) there are not so many different tasks.
    """
    check_request(n, difficulty, LEVELS, kinds)
    held_out = kinds == NEW
    wanted = [
        one for one in INTENTS if one.held_out is held_out and difficulty in {None, one.level}
    ]
    if not wanted:
        raise ConfigError(f"no {kinds} kind of task of the mock domain is {difficulty}")

    def task_id(number: int) -> str:
        kind = "" if kinds == SEEN else f"{kinds}_"
        return f"mock_{seed}_{kind}{difficulty or 'any'}_{number}"

    def candidates(number: int) -> Iterator[Candidate]:
        scope = ("mock", "tasks", "generate", kinds, difficulty, number)
        rng = Random(derive_seed(seed, *scope))  # noqa: S311  -- no secret
        for _ in range(_MOST_TRIES):
            yield _candidate(rng.choice(wanted), Desk(rng), task_id(number))

    def exhausted(number: int) -> DataFileError:
        return DataFileError(f"there is no further task like {task_id(number)}; ask for fewer")

    return distinct_tasks(n, candidates, exhausted=exhausted)


def _candidate(wish: MockIntent, desk: Desk, task_id: str) -> Candidate:
    """Return a candidate whose person, calls and lists no other task has together."""
    wish.act(desk)
    key = work_key(desk.calls, None, desk.name)
    return Candidate(frozenset({key}), lambda: desk.task(task_id, wish.name, wish.purpose))
