"""The tasks that come with the domain: which ids are in which split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle, islice, zip_longest

from tau2.domains.telecom.tasks.issues import Complaint, Issue, Resolution
from tau2.domains.telecom.tasks.recipes import PERSONAS, Recipe, combinations
from tau2.environment.domain import Splits
from tau2.seeds import derive_seed

Issues = tuple[Issue, ...]


def _ends_with(end: Resolution) -> Callable[[Issues], bool]:
    return lambda issues: not _has_wish(issues) and any(issue.resolution is end for issue in issues)


def _has_wish(issues: Issues) -> bool:
    return issues[-1].group == "wish"


def _is_new(issues: Issues) -> bool:
    return any(issue.held_out for issue in issues)


def _has(name: str) -> Callable[[Issues], bool]:
    return lambda issues: not _has_wish(issues) and any(issue.name == name for issue in issues)


def _has_lock(issues: Issues) -> bool:
    return any(issue.group == "lock" for issue in issues)


def _is_plain(issues: Issues) -> bool:
    special = {"data_usage_wants_too_much"}
    return not _has_wish(issues) and all(
        t.resolution is Resolution.FIXED and t.name not in special for t in issues
    )


_QUOTAS: tuple[tuple[Complaint, Callable[[Issues], bool], int, int], ...] = (
    (Complaint.SERVICE, _is_plain, 10, 6),
    (Complaint.SERVICE, _has_lock, 4, 2),
    (
        Complaint.SERVICE,
        lambda issues: _has("contract_end_suspension")(issues) and not _has_lock(issues),
        3,
        2,
    ),
    (
        Complaint.SERVICE,
        lambda issues: _has("overdue_bill_declined")(issues) and not _has_lock(issues),
        3,
        1,
    ),
    (Complaint.SERVICE, _has_wish, 3, 2),
    (Complaint.DATA, _is_plain, 16, 8),
    (Complaint.DATA, _has("data_usage_wants_too_much"), 3, 2),
    (Complaint.DATA, _ends_with(Resolution.LEFT), 3, 2),
    (Complaint.DATA, _has_wish, 4, 2),
    (Complaint.PICTURES, _is_plain, 16, 8),
    (Complaint.PICTURES, _has("data_usage_wants_too_much"), 3, 1),
    (Complaint.PICTURES, _ends_with(Resolution.LEFT), 2, 2),
    (Complaint.PICTURES, _has_wish, 4, 2),
)
"""Complaint, kind of task, and how many such tasks train and test hold: 74 and 40."""
_FURTHER = ((Complaint.SERVICE, 400), (Complaint.DATA, 950), (Complaint.PICTURES, 950))
"""How many tasks the full set holds besides, at most."""
_FULL = 2302
"""How many tasks the full set holds."""
_NEW = ((Complaint.SERVICE, 6), (Complaint.DATA, 7), (Complaint.PICTURES, 7))
"""How many tasks with an issue that is held out are in the split `test_new`."""
_SMALL = 20


def _varied(combos: Iterable[Issues], *scope: object) -> list[Issues]:
    """Return combinations with sizes and last issues taking turns; the rest is shuffled."""
    drawers: dict[object, list[Issues]] = {}
    for issues in sorted(
        combos, key=lambda c: derive_seed(0, *scope, *(issue.name for issue in c))
    ):
        wish = issues[-1].name if _has_wish(issues) else ""
        drawers.setdefault((len(issues), wish), []).append(issues)
    ordered = [drawers[key] for key in sorted(drawers, key=str)]
    return [issues for row in zip_longest(*ordered) for issues in row if issues is not None]


def choose_splits() -> Splits:
    """Return the splits: train, test, base (both), small (the simplest) and full (everything).

    `test_new` is about customers of the test split with issues that neither train nor test has.
    """
    everything = {kind: tuple(combinations(kind, wishes=True)) for kind in Complaint}
    combos = {kind: [i for i in found if not _is_new(i)] for kind, found in everything.items()}
    sides: dict[bool, list[Recipe]] = {False: [], True: []}
    for number, (kind, wanted, train, test) in enumerate(_QUOTAS):
        varied = _varied(filter(wanted, combos[kind]), "base", number)
        for is_test, count in ((False, train), (True, test)):
            chosen = list(islice(_on_side(kind, varied, is_test=is_test), count))
            sides[is_test] += chosen
            varied = [
                issues for issues in varied if all(recipe.issues != issues for recipe in chosen)
            ]
    base = [*sides[False], *sides[True]]
    new = [
        recipe
        for kind, count in _NEW
        for recipe in islice(
            _on_side(kind, _varied(filter(_is_new, everything[kind]), "new"), is_test=True), count
        )
    ]
    taken = {recipe.task_id for recipe in (*base, *new)}
    plain = sorted(
        (recipe for recipe in base if _is_plain(recipe.issues)),
        key=lambda recipe: len(recipe.issues),
    )
    further: list[str] = []
    for kind, count in _FURTHER:
        drawn = zip(_varied(everything[kind], "full"), cycle(PERSONAS), strict=False)
        task_ids = (Recipe(kind, issues, persona).task_id for issues, persona in drawn)
        further += islice((task_id for task_id in task_ids if task_id not in taken), count)
    return {
        "train": [recipe.task_id for recipe in sides[False]],
        "test": [recipe.task_id for recipe in sides[True]],
        "base": [recipe.task_id for recipe in base],
        "small": [recipe.task_id for recipe in plain[:_SMALL]],
        "full": [
            *further[: _FULL - len(new) - len(base)],
            *(recipe.task_id for recipe in (*new, *base)),
        ],
        "test_new": [recipe.task_id for recipe in new],
    }


def _on_side(kind: Complaint, combos: Sequence[Issues], *, is_test: bool) -> Iterator[Recipe]:
    """Yield recipes of one side of the split; personas take turns where there is a choice."""
    for number, issues in enumerate(combos):
        turns = [PERSONAS[(number + turn) % len(PERSONAS)] for turn in range(len(PERSONAS))]
        recipes = (Recipe(kind, issues, persona) for persona in turns)
        yield from islice((recipe for recipe in recipes if recipe.is_test == is_test), 1)
