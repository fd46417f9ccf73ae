"""Which tasks there are: the shipped splits, and as many fresh ones as wanted."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, cycle, islice, zip_longest

from tau2.data_model.tasks import Task
from tau2.domains.telecom.data_model import TelecomDB
from tau2.domains.telecom.factory.build import build_task
from tau2.domains.telecom.factory.case import Pools, find_subjects
from tau2.domains.telecom.factory.issues import TROUBLES, End, Kind, Trouble
from tau2.domains.telecom.factory.recipes import PERSONAS, Recipe, combinations, is_sound
from tau2.environment.domain import Splits, load_reference_db
from tau2.errors import ConfigError, UnknownName
from tau2.seeds import derive_seed

Troubles = tuple[Trouble, ...]


def _ends_with(end: End) -> Callable[[Troubles], bool]:
    return lambda troubles: (
        not _has_wish(troubles) and any(trouble.end is end for trouble in troubles)
    )


def _has_wish(troubles: Troubles) -> bool:
    return troubles[-1].group == "wish"


def _has(name: str) -> Callable[[Troubles], bool]:
    return lambda troubles: (
        not _has_wish(troubles) and any(trouble.name == name for trouble in troubles)
    )


def _has_lock(troubles: Troubles) -> bool:
    return any(trouble.group == "lock" for trouble in troubles)


def _is_plain(troubles: Troubles) -> bool:
    special = {"data_usage_wants_too_much"}
    return not _has_wish(troubles) and all(
        t.end is End.MENDED and t.name not in special for t in troubles
    )


_QUOTAS: tuple[tuple[Kind, Callable[[Troubles], bool], int, int], ...] = (
    (Kind.SERVICE, _is_plain, 10, 6),
    (Kind.SERVICE, _has_lock, 4, 2),
    (
        Kind.SERVICE,
        lambda troubles: _has("contract_end_suspension")(troubles) and not _has_lock(troubles),
        3,
        2,
    ),
    (
        Kind.SERVICE,
        lambda troubles: _has("overdue_bill_declined")(troubles) and not _has_lock(troubles),
        3,
        1,
    ),
    (Kind.SERVICE, _has_wish, 3, 2),
    (Kind.DATA, _is_plain, 16, 8),
    (Kind.DATA, _has("data_usage_wants_too_much"), 3, 2),
    (Kind.DATA, _ends_with(End.LEFT), 3, 2),
    (Kind.DATA, _has_wish, 4, 2),
    (Kind.PICTURES, _is_plain, 16, 8),
    (Kind.PICTURES, _has("data_usage_wants_too_much"), 3, 1),
    (Kind.PICTURES, _ends_with(End.LEFT), 2, 2),
    (Kind.PICTURES, _has_wish, 4, 2),
)
"""Complaint, kind of story, and how many such tasks train and test hold: 74 and 40."""
_FURTHER = ((Kind.SERVICE, 400), (Kind.DATA, 950), (Kind.PICTURES, 950))
"""How many tasks the full set holds besides."""
_SMALL = 20


def _varied(combos: Iterable[Troubles], *scope: object) -> list[Troubles]:
    """Return combinations in a varied order: sizes and last troubles take turns, the rest is shuffled."""
    drawers: dict[object, list[Troubles]] = {}
    for troubles in sorted(
        combos, key=lambda c: derive_seed(0, *scope, *(trouble.name for trouble in c))
    ):
        wish = troubles[-1].name if _has_wish(troubles) else ""
        drawers.setdefault((len(troubles), wish), []).append(troubles)
    ordered = [drawers[key] for key in sorted(drawers, key=str)]
    return [troubles for row in zip_longest(*ordered) for troubles in row if troubles is not None]


def choose_splits() -> Splits:
    """Return the shipped splits: train, test, base (both), small (the simplest) and full (everything)."""
    combos = {kind: tuple(combinations(kind, wishes=True)) for kind in Kind}
    sides: dict[bool, list[Recipe]] = {False: [], True: []}
    for number, (kind, wanted, train, test) in enumerate(_QUOTAS):
        varied = _varied(filter(wanted, combos[kind]), "base", number)
        for is_test, count in ((False, train), (True, test)):
            chosen = list(islice(_on_side(kind, varied, is_test=is_test), count))
            sides[is_test] += chosen
            varied = [
                troubles
                for troubles in varied
                if all(recipe.troubles != troubles for recipe in chosen)
            ]
    base = [*sides[False], *sides[True]]
    taken = {recipe.task_id for recipe in base}
    plain = sorted(
        (recipe for recipe in base if _is_plain(recipe.troubles)),
        key=lambda recipe: len(recipe.troubles),
    )
    further = chain.from_iterable(
        _further(kind, combos[kind], count, taken) for kind, count in _FURTHER
    )
    return {
        "train": [recipe.task_id for recipe in sides[False]],
        "test": [recipe.task_id for recipe in sides[True]],
        "base": [recipe.task_id for recipe in base],
        "small": [recipe.task_id for recipe in plain[:_SMALL]],
        "full": [*further, *(recipe.task_id for recipe in base)],
    }


def _on_side(kind: Kind, combos: Sequence[Troubles], *, is_test: bool) -> Iterator[Recipe]:
    """Yield recipes of one side of the split; personas take turns as far as the side leaves a choice."""
    for number, troubles in enumerate(combos):
        turns = [PERSONAS[(number + turn) % len(PERSONAS)] for turn in range(len(PERSONAS))]
        recipes = (Recipe(kind, troubles, persona) for persona in turns)
        yield from islice((recipe for recipe in recipes if recipe.is_test == is_test), 1)


def _further(kind: Kind, combos: Iterable[Troubles], count: int, taken: set[str]) -> Iterator[str]:
    personas = cycle(PERSONAS)
    found = (Recipe(kind, troubles, next(personas)).task_id for troubles in _varied(combos, "full"))
    yield from islice((task_id for task_id in found if task_id not in taken), count)


_MOST_ATTEMPTS = 2000  # draws for one task before the request is taken to be unanswerable
_WISH_SHARE = 0.2
_SIZES = {
    None: (1, 2, 2, 3, 3, 4, 4, 5, 6),
    "easy": (1, 2, 2),
    "medium": (2, 3, 3, 4),
    "hard": (3, 4, 5, 6, 7),
}
"""How many troubles are drawn, by difficulty; the wish comes on top."""


def generate_tasks(
    n: int, seed: int, difficulty: str | None = None, db: TelecomDB | None = None
) -> list[Task]:
    """Return `n` different tasks over a world (the domain's own), about nobody of the test side.

    The same arguments give the same tasks. Raise ConfigError when there are not that many of this difficulty.
    """
    from tau2.domains.telecom.utils import TELECOM_DB_PATH  # noqa: PLC0415  -- looked up when it is asked for

    if difficulty not in _SIZES:
        raise UnknownName("difficulty", difficulty, [name for name in _SIZES if name])
    pools = Pools(
        find_subjects(load_reference_db(TelecomDB, TELECOM_DB_PATH) if db is None else db)
    )
    seen: set[str] = set()
    return [_fresh(seed, number, difficulty, pools, seen) for number in range(n)]


def _fresh(seed: int, number: int, difficulty: str | None, pools: Pools, seen: set[str]) -> Task:
    rng = random.Random(derive_seed(seed, "telecom tasks", difficulty, number))  # noqa: S311  -- reproducible
    for attempt in range(_MOST_ATTEMPTS):
        suffix = f"#{seed}.{number}" + (f".{attempt}" if attempt else "")
        recipe = _random_recipe(rng, _SIZES[difficulty], suffix)
        if recipe is None or difficulty not in {None, recipe.difficulty}:
            continue
        task = build_task(recipe, pools, test=False)
        work = _work(task)
        if work not in seen:
            seen.add(work)
            return task
    raise ConfigError(
        f"there are no {number + 1} different telecom tasks of difficulty {difficulty!r}"
    )


def _work(task: Task) -> str:
    """Return what two tasks share when they are the same work again: the scene and the reference."""
    scene = task.initial_state.initialization_actions if task.initial_state else None
    reference = task.evaluation_criteria.actions if task.evaluation_criteria else None
    return "|".join(f"{call.func_name}{call.arguments}" for call in scene or ()) + "".join(
        f"|{action.name}{action.arguments}" for action in reference or ()
    )


def _random_recipe(rng: random.Random, sizes: Sequence[int], suffix: str) -> Recipe | None:
    """Return a random recipe, or None when the draw does not go together."""
    kind = rng.choice(tuple(Kind))
    groups: dict[str, list[Trouble]] = {}
    for trouble in TROUBLES.values():
        if kind in trouble.kinds:
            groups.setdefault(trouble.group, []).append(trouble)
    wishes = groups.pop("wish")
    size = min(rng.choice(sizes), len(groups))
    chosen = set(rng.sample(sorted(groups), size))
    troubles = [rng.choice(members) for name, members in groups.items() if name in chosen]
    if rng.random() < _WISH_SHARE:
        troubles.append(rng.choice(wishes))
    found = tuple(troubles)
    return Recipe(kind, found, rng.choice(PERSONAS), suffix) if is_sound(kind, found) else None
