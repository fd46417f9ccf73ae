"""Recipes: a task's id says what is wrong and what the customer is like.

`[mms_issue]airplane_mode_on|bad_wifi_calling[PERSONA:Easy]` is a recipe. Two recipes of the same
parts differ by a suffix, `#2`. The customer and all figures follow from the id and the world.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from tau2.domains.telecom.tasks.issues import ISSUES, Complaint, Issue, Resolution
from tau2.errors import DataFileError, UnknownName
from tau2.seeds import derive_seed

PERSONAS = ("None", "Easy", "Hard")
_ID = re.compile(r"\[(\w+)\]([\w|]+)\[PERSONA:(\w+)\](#[\w.-]+)?")
_TEST_SHARE = 0.35
_ORDER = {name: number for number, name in enumerate(ISSUES)}
_EASY = 2
_MEDIUM = 4  # issues at most
_MOST_KEPT = 8192  # parsed recipes; three times the shipped ones


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a task is made of."""

    kind: Complaint
    issues: tuple[Issue, ...]
    """In the order of the policy."""
    persona: str
    suffix: str = ""

    @property
    def task_id(self) -> str:
        """The id that says all this."""
        names = "|".join(issue.name for issue in self.issues)
        return f"[{self.kind}]{names}[PERSONA:{self.persona}]{self.suffix}"

    @property
    def is_test(self) -> bool:
        """Whether the task, with its customer, belongs to the test split."""
        return derive_seed(0, "telecom test", self.task_id) / 2**32 < _TEST_SHARE

    @property
    def need(self) -> str:
        """The kind of further line that the customer must have."""
        return next((issue.need for issue in self.issues if issue.need), "")

    @property
    def difficulty(self) -> str:
        """Return easy, medium or hard, by what there is to find and how the customer is."""
        weight = (
            len(self.issues)
            + (self.persona == "Hard")
            + any(t.resolution is not Resolution.FIXED for t in self.issues)
        )
        if weight <= _EASY:
            return "easy"
        return "medium" if weight <= _MEDIUM else "hard"


@lru_cache(maxsize=_MOST_KEPT)
def parse_recipe(task_id: str) -> Recipe:
    """Return the recipe that an id spells. Raise UnknownName (a KeyError) when it spells none."""
    match = _ID.fullmatch(task_id)
    if match is None:
        raise UnknownName("telecom task", task_id, ())
    kind, names, persona, suffix = match.groups()
    if kind not in set(Complaint) or persona not in PERSONAS:
        raise UnknownName("kind of telecom task", f"{kind}, {persona}", [*Complaint, *PERSONAS])
    issues = []
    for name in names.split("|"):
        if name not in ISSUES:
            raise UnknownName("issue", name, ISSUES)
        issues.append(ISSUES[name])
    recipe = Recipe(
        Complaint(kind), tuple(sorted(issues, key=lambda t: _ORDER[t.name])), persona, suffix or ""
    )
    if not is_sound(recipe.kind, recipe.issues):
        raise DataFileError(f"task {task_id!r}: these issues do not go together")
    return recipe


def is_sound(kind: Complaint, issues: tuple[Issue, ...]) -> bool:
    """Return whether issues go together: one of a group, all of this complaint, and gradable.

    Where an issue is left, another has to show that work was done. After a hand-over nothing more
    is done, so only a lock may have anything behind it that is not fixed. A further wish comes
    after something that was fixed, and not where a bill stays unpaid or a person took over.
    """
    groups = [issue.group for issue in issues]
    resolutions = [issue.resolution for issue in issues if issue.group != "wish"]
    has_lock = "lock" in groups
    has_wish = "wish" in groups
    unfixed = [resolution for resolution in resolutions if resolution is not Resolution.FIXED]
    return (
        bool(resolutions)
        and len(groups) == len(set(groups))
        and all(kind in issue.kinds for issue in issues)
        and (len(unfixed) <= 1 or has_lock)
        and (Resolution.LEFT not in resolutions or Resolution.FIXED in resolutions or has_lock)
        and (not has_wish or _permits_wish(kind, issues, resolutions))
    )


def _permits_wish(
    kind: Complaint, issues: tuple[Issue, ...], resolutions: list[Resolution]
) -> bool:
    """Return whether a further wish can come up: something was fixed, no bill is unpaid."""
    left = Resolution.LEFT in resolutions
    is_last_straw = left and issues[-1].resolution is Resolution.HANDED_OVER
    return (
        Resolution.FIXED in resolutions
        and Resolution.HANDED_OVER not in resolutions
        and not (left and kind is Complaint.SERVICE)
        and not is_last_straw
    )


def combinations(kind: Complaint, *, wishes: bool) -> Iterator[tuple[Issue, ...]]:
    """Yield every sound combination of issues for a complaint, with or without a further wish."""
    groups: dict[str, list[Issue | None]] = {}
    for issue in ISSUES.values():
        if kind in issue.kinds and (wishes or issue.group != "wish"):
            groups.setdefault(issue.group, [None]).append(issue)
    for chosen in product(*groups.values()):
        issues = tuple(issue for issue in chosen if issue is not None)
        if is_sound(kind, issues):
            yield issues
