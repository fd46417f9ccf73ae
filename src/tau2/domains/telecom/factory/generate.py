"""As many fresh tasks as wanted, over the domain's own world or another one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from tau2.data_model.tasks import Task
from tau2.domains.telecom.data_model import TelecomDB
from tau2.domains.telecom.tasks.builder import build_task
from tau2.domains.telecom.tasks.issues import ISSUES, Complaint, Issue
from tau2.domains.telecom.tasks.recipes import PERSONAS, Recipe, is_sound
from tau2.domains.telecom.tasks.subjects import SubjectPools, find_subjects
from tau2.domains.telecom.utils import path_of
from tau2.environment.domain import load_reference_db
from tau2.errors import ConfigError
from tau2.seeds import derive_seed
from tau2.taskgen.generation import NEW, SEEN, Candidate, check_request, distinct_tasks
from tau2.taskgen.soundness import work_key

_MOST_ATTEMPTS = 2000  # draws for one task before the request is taken to be unanswerable
_WISH_SHARE = 0.2
_SIZES = {
    None: (1, 2, 2, 3, 3, 4, 4, 5, 6),
    "easy": (1, 2, 2),
    "medium": (2, 3, 3, 4),
    "hard": (3, 4, 5, 6, 7),
}
"""How many issues are drawn, by difficulty; the wish comes on top."""


def generate_tasks(
    n: int,
    seed: int,
    difficulty: str | None = None,
    db: TelecomDB | None = None,
    kinds: str = SEEN,
) -> list[Task]:
    """Return `n` different tasks over a world (the domain's own), about nobody of the test splits.

    `kinds` is "seen" for training tasks, none of which has an issue that is held out; "new" for
    tasks with at least one that is. The same arguments give the same tasks.

    Raises:
        UnknownName: (a ValueError) there is no such difficulty, or no such kinds.
        ConfigError: (a ValueError) there are not that many tasks of this difficulty.
        DataFileError: (a ValueError) the world has nobody whom a task could be about.
    """
    check_request(n, difficulty, [name for name in _SIZES if name], kinds)
    if db is None:
        db = load_reference_db(TelecomDB, path_of("TELECOM_DB_PATH"))
    pools = SubjectPools(find_subjects(db))

    def candidates(number: int) -> Iterator[Candidate | None]:
        scope = ("telecom tasks", difficulty, number)
        rng = random.Random(derive_seed(seed, *scope))  # noqa: S311  -- reproducible
        for attempt in range(_MOST_ATTEMPTS):
            suffix = f"#{seed}.{number}" + (f".{attempt}" if attempt else "")
            recipe = _random_recipe(rng, _SIZES[difficulty], suffix)
            if recipe is None or _is_new(recipe) != (kinds == NEW):
                continue
            if difficulty in {None, recipe.difficulty}:
                yield _candidate(build_task(recipe, pools, test=False))

    def exhausted(number: int) -> ConfigError:
        return ConfigError(
            f"there are no {number + 1} different telecom tasks of difficulty {difficulty!r}"
        )

    return distinct_tasks(n, candidates, exhausted=exhausted)


def _is_new(recipe: Recipe) -> bool:
    return any(issue.held_out for issue in recipe.issues)


def _candidate(task: Task) -> Candidate:
    """Return a candidate whose initial state and reference no other task has together."""
    assert task.initial_state is not None
    setup = task.initial_state.initialization_actions or ()
    calls = [(call.func_name, call.arguments) for call in setup]
    calls += [(action.name, action.arguments) for action in task.reference_actions]
    return Candidate(frozenset({work_key(calls, None)}), lambda: task)


def _random_recipe(rng: random.Random, sizes: Sequence[int], suffix: str) -> Recipe | None:
    """Return a random recipe, or None when the draw does not go together."""
    kind = rng.choice(tuple(Complaint))
    groups: dict[str, list[Issue]] = {}
    for issue in ISSUES.values():
        if kind in issue.kinds:
            groups.setdefault(issue.group, []).append(issue)
    wishes = groups.pop("wish")
    size = min(rng.choice(sizes), len(groups))
    chosen = set(rng.sample(sorted(groups), size))
    issues = [rng.choice(members) for name, members in groups.items() if name in chosen]
    if rng.random() < _WISH_SHARE:
        issues.append(rng.choice(wishes))
    found = tuple(issues)
    return Recipe(kind, found, rng.choice(PERSONAS), suffix) if is_sound(kind, found) else None
