"""Which tasks there are: the shipped splits, and as many fresh ones as wanted."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, cycle, islice, zip_longest

from tau2.data_model.tasks import Task
from tau2.domains.telecom.data_model import TelecomDB
from tau2.domains.telecom.factory.build import build_task
from tau2.domains.telecom.factory.case import Pools, draw_case, find_subjects
from tau2.domains.telecom.factory.issues import TROUBLES, End, Kind, Trouble
from tau2.domains.telecom.factory.recipes import PERSONAS, Recipe, combinations, is_sound
from tau2.environment.domain import Splits, load_reference_db
from tau2.errors import ConfigError
from tau2.seeds import derive_seed

Troubles = tuple[Trouble, ...]


def _ends_with(end: End) -> Callable[[Troubles], bool]:
    return lambda troubles: not _has_wish(troubles) and any(trouble.end is end for trouble in troubles)


def _has_wish(troubles: Troubles) -> bool:
    return troubles[-1].group == "wish"


def _has(name: str) -> Callable[[Troubles], bool]:
    return lambda troubles: not _has_wish(troubles) and any(trouble.name == name for trouble in troubles)


def _has_lock(troubles: Troubles) -> bool:
    return any(trouble.group == "lock" for trouble in troubles)


def _is_plain(troubles: Troubles) -> bool:
    special = {"data_usage_wants_too_much"}
    return not _has_wish(troubles) and all(t.end is End.MENDED and t.name not in special for t in troubles)


_QUOTAS: tuple[tuple[Kind, Callable[[Troubles], bool], int, int], ...] = (
    (Kind.SERVICE, _is_plain, 10, 6),
    (Kind.SERVICE, _has_lock, 4, 2),
    (Kind.SERVICE, lambda troubles: _has("contract_end_suspension")(troubles) and not _has_lock(troubles), 3, 2),
    (Kind.SERVICE, lambda troubles: _has("overdue_bill_declined")(troubles) and not _has_lock(troubles), 3, 1),
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
_MOST_OF_A_SMALL_ONE = 2  # troubles


def _varied(combos: Iterable[Troubles], *scope: object) -> list[Troubles]:
    """Return combinations in a varied order: sizes and last troubles take turns, the rest is shuffled."""
    drawers: dict[object, list[Troubles]] = {}
    for troubles in sorted(combos, key=lambda c: derive_seed(0, *scope, *(trouble.name for trouble in c))):
        wish = troubles[-1].name if _has_wish(troubles) else ""
        drawers.setdefault((len(troubles), wish), []).append(troubles)
    ordered = [drawers[key] for key in sorted(drawers, key=str)]
    return [troubles for row in zip_longest(*ordered) for troubles in row if troubles is not None]


def choose_splits() -> Splits:
    """Return the shipped splits: train, test, base (both), small (some of train) and full (everything)."""
    combos = {kind: tuple(combinations(kind, wishes=True)) for kind in Kind}
    sides: dict[bool, list[Recipe]] = {False: [], True: []}
    for number, (kind, wanted, train, test) in enumerate(_QUOTAS):
        varied = _varied(filter(wanted, combos[kind]), "base", number)
        for is_test, count in ((False, train), (True, test)):
            sides[is_test] += islice(_on_side(kind, varied, is_test=is_test), count)
    base = [*sides[False], *sides[True]]
    taken = {recipe.task_id for recipe in base}
    small = [r.task_id for r in sides[False] if _is_plain(r.troubles) and len(r.troubles) <= _MOST_OF_A_SMALL_ONE]
    further = chain.from_iterable(_further(kind, combos[kind], count, taken) for kind, count in _FURTHER)
    return {
        "train": [recipe.task_id for recipe in sides[False]],
        "test": [recipe.task_id for recipe in sides[True]],
        "base": [recipe.task_id for recipe in base],
        "small": small[:_SMALL],
        "full": [*further, *(recipe.task_id for recipe in base)],
    }


def _on_side(kind: Kind, combos: Sequence[Troubles], *, is_test: bool) -> Iterator[Recipe]:
    """Yield recipes of one side of the split; personas take turns, and no combination is on both sides."""
    for number, troubles in enumerate(combos):
        recipe = Recipe(kind, troubles, PERSONAS[number % len(PERSONAS)])
        if recipe.is_test == is_test:
            yield recipe


def _further(kind: Kind, combos: Iterable[Troubles], count: int, taken: set[str]) -> Iterator[str]:
    personas = cycle(PERSONAS)
    found = (Recipe(kind, troubles, next(personas)).task_id for troubles in _varied(combos, "full"))
    yield from islice((task_id for task_id in found if task_id not in taken), count)


_MOST_ATTEMPTS = 200  # draws for one task before the request is taken to be unanswerable
_WISH_SHARE = 0.2
_SIZES = (1, 2, 2, 3, 3, 4, 4, 5, 6)  # troubles; a draw of this many


def generate_tasks(n: int, seed: int, difficulty: str | None = None, db: TelecomDB | None = None) -> list[Task]:
    """Return `n` different tasks over a world (the domain's own), about nobody of the test side.

    The same arguments give the same tasks. Raise ConfigError when there are not that many of this difficulty.
    """
    from tau2.domains.telecom.utils import TELECOM_DB_PATH  # noqa: PLC0415  -- looked up when it is asked for

    pools = Pools(find_subjects(load_reference_db(TelecomDB, TELECOM_DB_PATH) if db is None else db))
    seen: set[object] = set()
    return [build_task(_fresh(seed, number, difficulty, pools, seen), pools, test=False) for number in range(n)]


def _fresh(seed: int, number: int, difficulty: str | None, pools: Pools, seen: set[object]) -> Recipe:
    rng = random.Random(derive_seed(seed, "telecom tasks", difficulty, number))  # noqa: S311  -- reproducible
    for attempt in range(_MOST_ATTEMPTS):
        suffix = f"#{seed}.{number}" + (f".{attempt}" if attempt else "")
        recipe = _random_recipe(rng, suffix)
        if recipe is None or difficulty not in {None, recipe.difficulty}:
            continue
        case = draw_case(recipe.task_id, pools, recipe.need, test=False)
        names = tuple(trouble.name for trouble in recipe.troubles)
        content = (recipe.kind, names, recipe.persona, case.subject.customer_id, case.gb, case.excess_gb, case.other)
        if content not in seen:
            seen.add(content)
            return recipe
    raise ConfigError(f"there are no {number + 1} different telecom tasks of difficulty {difficulty!r}")


def _random_recipe(rng: random.Random, suffix: str) -> Recipe | None:
    """Return a random recipe, or None when the draw does not go together."""
    kind = rng.choice(tuple(Kind))
    groups: dict[str, list[Trouble]] = {}
    for trouble in TROUBLES.values():
        if kind in trouble.kinds:
            groups.setdefault(trouble.group, []).append(trouble)
    wishes = groups.pop("wish")
    size = min(rng.choice(_SIZES), len(groups))
    chosen = set(rng.sample(sorted(groups), size))
    troubles = [rng.choice(members) for name, members in groups.items() if name in chosen]
    if rng.random() < _WISH_SHARE:
        troubles.append(rng.choice(wishes))
    found = tuple(troubles)
    return Recipe(kind, found, rng.choice(PERSONAS), suffix) if is_sound(kind, found) else None
