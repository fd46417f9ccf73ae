"""Recipes: a task's id says what is wrong and who the customer is like, and the task is built from it when needed.

`[mms_issue]airplane_mode_on|bad_wifi_calling[PERSONA:Easy]` is a recipe. Two recipes of the same parts differ by a
suffix, `#2`. The customer and all figures follow from the id and the world.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from tau2.domains.telecom.factory.issues import TROUBLES, End, Kind, Trouble
from tau2.errors import DataFileError, UnknownName
from tau2.seeds import derive_seed

PERSONAS = ("None", "Easy", "Hard")
_ID = re.compile(r"\[(\w+)\]([\w|]+)\[PERSONA:(\w+)\](#[\w.-]+)?")
_TEST_SHARE = 0.35
_ORDER = {name: number for number, name in enumerate(TROUBLES)}
_EASY, _MEDIUM = 2, 4  # troubles at most
_MOST_KEPT = 8192  # parsed recipes; three times the shipped ones


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a task is made of."""

    kind: Kind
    troubles: tuple[Trouble, ...]
    """In the order of the policy."""
    persona: str
    suffix: str = ""

    @property
    def task_id(self) -> str:
        """The id that says all this."""
        names = "|".join(trouble.name for trouble in self.troubles)
        return f"[{self.kind}]{names}[PERSONA:{self.persona}]{self.suffix}"

    @property
    def is_test(self) -> bool:
        """Whether the task, with its customer, is on the test side."""
        return derive_seed(0, "telecom test", self.task_id) / 2**32 < _TEST_SHARE

    @property
    def need(self) -> str:
        """The kind of further line that the customer must have."""
        return next((trouble.need for trouble in self.troubles if trouble.need), "")

    @property
    def difficulty(self) -> str:
        """Return easy, medium or hard, by what there is to find and how the customer is."""
        weight = (
            len(self.troubles)
            + (self.persona == "Hard")
            + any(t.end is not End.MENDED for t in self.troubles)
        )
        return "easy" if weight <= _EASY else "medium" if weight <= _MEDIUM else "hard"


@lru_cache(maxsize=_MOST_KEPT)
def parse_recipe(task_id: str) -> Recipe:
    """Return the recipe that an id spells. Raise UnknownName (a KeyError) when it spells none."""
    match = _ID.fullmatch(task_id)
    if match is None:
        raise UnknownName("telecom task", task_id, ())
    kind, names, persona, suffix = match.groups()
    if kind not in set(Kind) or persona not in PERSONAS:
        raise UnknownName("kind of telecom task", f"{kind}, {persona}", [*Kind, *PERSONAS])
    troubles = []
    for name in names.split("|"):
        if name not in TROUBLES:
            raise UnknownName("trouble", name, TROUBLES)
        troubles.append(TROUBLES[name])
    recipe = Recipe(
        Kind(kind), tuple(sorted(troubles, key=lambda t: _ORDER[t.name])), persona, suffix or ""
    )
    if not is_sound(recipe.kind, recipe.troubles):
        raise DataFileError(f"task {task_id!r}: these troubles do not go together")
    return recipe


def is_sound(kind: Kind, troubles: tuple[Trouble, ...]) -> bool:
    """Return whether troubles go together: one of a group, all of this kind, and something to grade by its end.

    Where a trouble is left, another has to show that work was done. After a hand-over nothing more is done, so only a
    lock may have anything behind it that is not mended. A further wish comes after something that was mended, and not
    where a bill stays unpaid or a person took over.
    """
    groups = [trouble.group for trouble in troubles]
    ends = [trouble.end for trouble in troubles if trouble.group != "wish"]
    has_lock, has_wish = "lock" in groups, "wish" in groups
    unmended = [end for end in ends if end is not End.MENDED]
    return (
        bool(ends)
        and len(groups) == len(set(groups))
        and all(kind in trouble.kinds for trouble in troubles)
        and (len(unmended) <= 1 or has_lock)
        and (End.LEFT not in ends or End.MENDED in ends or has_lock)
        and (not has_wish or _permits_wish(kind, troubles, ends))
    )


def _permits_wish(kind: Kind, troubles: tuple[Trouble, ...], ends: list[End]) -> bool:
    """Return whether a further wish can come up: something was mended, nobody took over, no bill stays unpaid."""
    left = End.LEFT in ends
    is_last_straw = left and troubles[-1].end is End.HANDED_OVER
    return (
        End.MENDED in ends
        and End.HANDED_OVER not in ends
        and not (left and kind is Kind.SERVICE)
        and not is_last_straw
    )


def combinations(kind: Kind, *, wishes: bool) -> Iterator[tuple[Trouble, ...]]:
    """Yield every sound combination of troubles for a complaint, with or without a further wish."""
    groups: dict[str, list[Trouble | None]] = {}
    for trouble in TROUBLES.values():
        if kind in trouble.kinds and (wishes or trouble.group != "wish"):
            groups.setdefault(trouble.group, [None]).append(trouble)
    for chosen in product(*groups.values()):
        troubles = tuple(trouble for trouble in chosen if trouble is not None)
        if is_sound(kind, troubles):
            yield troubles
