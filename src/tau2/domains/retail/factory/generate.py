"""Thousands of tasks for training: the stories of the shop, told for its customers singly and several at once.

Customers of the shipped test split never appear. The first tasks of a seed are the same whatever `n` is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from tau2.config import domain_dir, strict_compat
from tau2.data_model.tasks import Action, Description, Task
from tau2.domains.retail.data_model import RetailDB
from tau2.domains.retail.environment import get_tasks, get_tasks_split
from tau2.domains.retail.factory.catalog import PRODUCT_TYPES
from tau2.domains.retail.factory.phrasing import MANNERS, MORE_PERSONAS
from tau2.domains.retail.factory.stories import more_stories
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Story, Told, Unfit
from tau2.domains.retail.factory.tasks import Call, is_sound, make_task
from tau2.domains.retail.factory.weaving import Matter, weave
from tau2.environment.domain import load_reference_db
from tau2.errors import ConfigError, DataFileError, UnknownName
from tau2.seeds import derive_seed

DIFFICULTIES = {"easy": range(3), "medium": range(3, 6), "hard": range(6, 99)}
"""Name → how many matters, changes and hurdles it may have, counted together."""

_MIX = {
    "easy": 35,
    "medium": 40,
    "hard": 25,
}  # percent of the tasks where no difficulty is asked for
_STORIES = {"easy": (1,), "medium": (1, 1, 2, 2, 2), "hard": (1, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4)}
"""Difficulty → how many stories are told together; equally likely entries."""
_CUSTOMERS_TRIED = 60  # with one story, before another is chosen
_COMPANIONS_TRIED = 14  # for one customer, before another is chosen
_ATTEMPTS = 2000  # at one task, before the shop counts as exhausted
_WITH_MANNER, _WITH_SLIP = 0.5, 0.06  # shares of the customers
_TURNS = 60  # any wording of any story can have its turn: divisible by 2, 3, 4 and 5


@dataclass(frozen=True, slots=True)
class Shop:
    """What tasks are generated over; nothing in it is ever changed."""

    world: RetailDB
    customers: dict[int, list[str]]
    """Least number of orders → the customers who may appear."""
    held_out: frozenset[str]
    """The customers of the test split."""
    shipped: frozenset[str]
    """The work of every shipped task."""


@dataclass(slots=True)
class Draft:
    """A customer with the stories told so far."""

    case: Case
    stories: list[Story]
    told: list[Told]
    uses_card: bool
    slip: str = ""

    def takes(self, story: Story) -> bool:
        """Return whether one more story can be told beside the others."""
        clashes = story.profile and any(other.profile for other in self.stories)
        idle = sum(other.idle for other in self.stories)
        too_idle = story.idle and 2 * idle >= len(self.stories)
        return not (story.alone or story.last or clashes or too_idle) and story not in self.stories

    @property
    def changes(self) -> list[Call]:
        """What the ideal agent changes."""
        return [call for call in self.case.calls if self.case.tools.tool_mutates_state(call[0])]

    @property
    def weight(self) -> tuple[int, int, int]:
        """How many matters, changes and hurdles there are."""
        hurdles = sum(story.hurdle for story in self.stories) + bool(self.slip)
        return sum(story.matters for story in self.stories), len(self.changes), hurdles


def generate_tasks(n: int, seed: int, difficulty: str | None = None) -> list[Task]:
    """Return `n` distinct training tasks: of one difficulty, or of all of them mixed.

    Raises:
        UnknownName: (a ValueError) no such difficulty.
        ConfigError: (a ValueError) n is negative, or the data directory holds a shop of another kind.
        DataFileError: the shop has no further tasks.
    """
    if n < 0:
        raise ConfigError(f"n must not be negative: {n}")
    if difficulty is not None and difficulty not in DIFFICULTIES:
        raise UnknownName("difficulty", difficulty, DIFFICULTIES)
    if strict_compat():
        raise ConfigError(
            "tasks are generated for the corrected behaviour; set TAU2_STRICT_COMPAT=0"
        )
    shop = _shop()
    seen = set(shop.shipped)
    return [_fresh_task(shop, seed, difficulty, number, seen) for number in range(n)]


# --- the shop ---


def _shop() -> Shop:
    folder = domain_dir("retail")
    files = [folder / name for name in ("db.json", "tasks.json", "split_tasks.json")]
    return _opened(folder, tuple(path.stat().st_mtime_ns for path in files if path.exists()))


@lru_cache(maxsize=4)
def _opened(folder: Path, _stamps: tuple[int, ...]) -> Shop:
    world = load_reference_db(RetailDB, folder / "db.json").reference
    assert isinstance(world, RetailDB)
    if not {product.name for product in world.products.values()} <= {
        kind.name for kind in PRODUCT_TYPES
    }:
        raise ConfigError(
            f"{folder}: tasks are generated over a shop that `tau2.domains.retail.factory` made"
        )
    held_out = _customers_in(world, get_tasks("test") if "test" in get_tasks_split() else [])
    known = [
        user_id for user_id, user in world.users.items() if user_id not in held_out and user.orders
    ]
    most = max(map(max, _STORIES.values()))
    customers = {
        least: [u for u in known if len(world.users[u].orders) >= least]
        for least in range(1, most + 1)
    }
    shipped = (
        _work([(a.name, a.arguments) for a in _actions(task)], _figures(task))
        for task in get_tasks(None)
    )
    return Shop(world, customers, held_out, frozenset(shipped))


def _customers_in(world: RetailDB, tasks: Sequence[Task]) -> frozenset[str]:
    """Return the customers whose id, or an order of whom, occurs in tasks."""
    words = {word for task in tasks for word in re.findall(r"#?\w+", task.model_dump_json())}
    owners = {world.orders[order_id].user_id for order_id in words & world.orders.keys()}
    return frozenset(owners | words & world.users.keys())


def _actions(task: Task) -> Sequence[Action]:
    return (task.evaluation_criteria.actions if task.evaluation_criteria else None) or ()


def _figures(task: Task) -> list[str]:
    return (task.evaluation_criteria.communicate_info if task.evaluation_criteria else None) or []


def _work(calls: Sequence[Call], communicate: Sequence[str]) -> str:
    """Return what two tasks share when one is the other's work again."""
    return f"{sorted(f'{name}{sorted(arguments.items())}' for name, arguments in calls)}{sorted(communicate)}"


# --- one task ---


def _rng(seed: int, *scope: object) -> Random:
    return Random(derive_seed(seed, "retail", "generate", *scope))  # noqa: S311  -- reproducible data, no secrets


def _fresh_task(shop: Shop, seed: int, difficulty: str | None, number: int, seen: set[str]) -> Task:
    """Return a task whose work was not seen before, and note it. Raise DataFileError when none is left."""
    scope = (difficulty or "mixed", number)
    wanted = difficulty or _rng(seed, *scope).choices(list(_MIX), list(_MIX.values()))[0]
    for attempt in range(_ATTEMPTS):
        rng = _rng(seed, *scope, attempt)
        draft = _draft(shop, rng, wanted)
        if draft is None or not _is_new(draft, seen):
            continue
        prefix = f"gen-{seed}" if difficulty is None else f"gen-{seed}-{difficulty}"
        return _written(rng, draft, f"{prefix}-{number}", wanted)
    raise DataFileError(f"the shop has no further {wanted} task after {number} of seed {seed}")


def _is_new(draft: Draft, seen: set[str]) -> bool:
    """Return whether nobody has this work, nor these stories with this outcome; then note both."""
    case = draft.case
    purposes = sorted(story.purpose for story in draft.stories)
    keys = {
        _work(case.calls, case.communicate),
        f"{purposes}{_work(draft.changes, case.communicate)}",
    }
    if keys & seen:
        return False
    seen |= keys
    return True


def _draft(shop: Shop, rng: Random, difficulty: str) -> Draft | None:
    """Return a customer with stories of the wanted difficulty, or None when the dice fell badly."""
    count = rng.choice(_STORIES[difficulty])
    first = rng.choice([story for story in more_stories() if _can_begin(story, difficulty, count)])
    draft = _begun(shop, rng, first, count)
    if draft is None or not _accompanied(rng, draft, count):
        return None
    draft.slip = _slip(rng, draft, shop.world)
    case = draft.case
    if case.involved & shop.held_out or sum(draft.weight) not in DIFFICULTIES[difficulty]:
        return None
    return draft if is_sound(shop.world, case.calls, case.communicate) else None


def _can_begin(story: Story, difficulty: str, count: int) -> bool:
    if story.idle:
        return False
    if count > 1:
        return not story.alone
    if difficulty == "easy":
        return not story.hurdle
    return story.matters > 2 or (difficulty == "medium" and (story.hurdle or story.matters > 1))


def _begun(shop: Shop, rng: Random, story: Story, count: int) -> Draft | None:
    """Return the first of some customers whom the story fits."""
    pool = shop.customers[max(1, count - 1)]
    for user_id in rng.sample(pool, min(len(pool), _CUSTOMERS_TRIED)):
        case = Case(shop.world, user_id, rng, rng.randrange(_TURNS))
        mark = case.mark()
        try:
            told = story.tell(case)
        except Unfit:
            continue
        return Draft(case, [story], [told], case.uses_card(mark))
    return None


def _accompanied(rng: Random, draft: Draft, count: int) -> bool:
    """Tell more stories until there are `count`; return whether that worked."""
    stories = more_stories()
    for _ in range(_COMPANIONS_TRIED):
        if len(draft.stories) >= count:
            return True
        story = rng.choice(stories)
        if draft.takes(story):
            _join(rng, draft, story)
    return len(draft.stories) >= count


def _join(rng: Random, draft: Draft, story: Story) -> None:
    """Tell one more story if it fits the customer and does not meddle with the gift card of another."""
    case = draft.case
    mark = case.mark()
    case.begin(rng.randrange(_TURNS))
    try:
        told = story.tell(case)
    except Unfit:
        case.undo(mark)
        return
    uses_card = case.uses_card(mark)
    if uses_card and draft.uses_card:
        case.undo(mark)
        return
    draft.stories.append(story)
    draft.told.append(told)
    draft.uses_card = draft.uses_card or uses_card


# --- how the customer goes about it ---


def _slip(rng: Random, draft: Draft, world: RetailDB) -> str:
    """Return how a few customers mistype what identifies them; others do not: empty text."""
    user, finding = draft.case.user, draft.case.finding
    if any(story.alone for story in draft.stories) or rng.random() > _WITH_SLIP:
        return ""
    if finding == "zip":
        wrong = f"{user.address.zip[:3]}{user.address.zip[4]}{user.address.zip[3]}"
        if wrong != user.address.zip:
            return (
                f"When you are asked for your zip code, say {wrong} first. If the agent cannot find you, notice that "
                f"you swapped two digits and say {user.address.zip}."
            )
    name, _, host = user.email.partition("@")
    wrong = f"{name[:-1]}@{host}"
    if finding == "email" and all(wrong != other.email for other in world.users.values()):
        return (
            f"When you are asked for your email address, say {wrong} first. If the agent cannot find you, notice "
            f"that you left out a digit and say {user.email}."
        )
    return ""


_NO_NUMBER = "You do not have the order number at hand."
_NO_OTHER_NUMBER = "You have no order number at hand besides what you mention here."


def _written(rng: Random, draft: Draft, task_id: str, difficulty: str) -> Task:
    case = draft.case
    pairs = list(zip(draft.stories, draft.told, strict=True))
    rng.shuffle(pairs)
    pairs.sort(key=lambda pair: pair[0].last)
    told = weave(rng, [Matter(story.about, told) for story, told in pairs])
    manner = rng.choice(MANNERS) if rng.random() < _WITH_MANNER else ""
    told = Told(
        told.reason, " ".join(text for text in (told.instructions, draft.slip, manner) if text)
    )
    if "#W" in " ".join(told):
        case.unknown = [_NO_OTHER_NUMBER if text == _NO_NUMBER else text for text in case.unknown]
    matters, changes, hurdles = draft.weight
    description = Description(
        purpose=" + ".join(story.purpose for story, _ in pairs),
        notes=f"difficulty: {difficulty}; matters: {matters}; changes: {changes}; hurdles: {hurdles}",
    )
    return make_task(task_id, case, told, rng.choice(MORE_PERSONAS), description)
