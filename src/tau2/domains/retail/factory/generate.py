"""Thousands of tasks for training: the customers of the shop with one intent or several at once.

Customers of the shipped test splits never appear. The first tasks of a seed are the same whatever
`n` is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from tau2.config import domain_dir, strict_compat
from tau2.data_model.tasks import Task
from tau2.domains.retail.data_model import RetailDB
from tau2.domains.retail.environment import get_tasks, get_tasks_split
from tau2.domains.retail.factory.catalog import PRODUCT_TYPES
from tau2.domains.retail.factory.combining import CombinedDraft, begin, purpose_of, written
from tau2.domains.retail.factory.intents import all_intents
from tau2.domains.retail.factory.intents.intent import RetailIntent
from tau2.domains.retail.factory.scenario import SCENARIO
from tau2.domains.retail.tools import RetailTools
from tau2.environment.domain import load_reference_db
from tau2.errors import ConfigError, DataFileError
from tau2.seeds import derive_seed
from tau2.taskgen.generation import (
    HELD_OUT_SPLITS,
    NEW,
    SEEN,
    Candidate,
    check_request,
    distinct_tasks,
)
from tau2.taskgen.soundness import is_sound, work_key
from tau2.taskgen.wording import Turns

DIFFICULTIES = {"easy": range(3), "medium": range(3, 6), "hard": range(6, 99)}
"""Name → how many wants, changes and hurdles it may have, counted together."""

_MIX = {"easy": 35, "medium": 40, "hard": 25}
"""Percent of the tasks where no difficulty is asked for."""
_INTENTS = {"easy": (1,), "medium": (1, 1, 2, 2, 2), "hard": (1, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4)}
"""Difficulty → how many intents a task has; equally likely entries."""
_CUSTOMERS_TRIED = 60  # with one intent, before another is chosen
_COMPANIONS_TRIED = 14  # for one customer, before another is chosen
_ATTEMPTS = 2000  # at one task, before the shop counts as exhausted
_WITH_MANNER = 0.5  # share of the customers
_WITH_SLIP = 0.06  # share of the customers
_TURNS = 60  # any wording of any intent can have its turn: divisible by 2, 3, 4 and 5


@dataclass(frozen=True, slots=True)
class GenerationWorld:
    """What tasks are generated over; nothing in it is ever changed."""

    world: RetailDB
    customers: dict[int, list[str]]
    """Least number of orders → the customers who may appear."""
    held_out: frozenset[str]
    """The customers of the test splits."""
    shipped: frozenset[str]
    """The work of every shipped task."""

    def fresh_tools(self) -> RetailTools:
        """Return tools over the start of the world."""
        return RetailTools(self.world.view())


def generate_tasks(
    n: int, seed: int, difficulty: str | None = None, kinds: str = SEEN
) -> list[Task]:
    """Return `n` distinct tasks: of one difficulty, or of all of them mixed.

    `kinds` is "seen" for training tasks, none of which holds an intent that is held out; "new" for
    tasks with at least one that is.

    Raises:
        UnknownName: (a ValueError) no such difficulty, or no such kinds.
        ConfigError: (a ValueError) n is negative, or the data directory holds a shop of another
            kind.
        DataFileError: the shop has no further tasks.
    """
    check_request(n, difficulty, DIFFICULTIES, kinds)
    if strict_compat():
        raise ConfigError(
            "tasks are generated for the corrected behaviour; set TAU2_STRICT_COMPAT=0"
        )
    shop = generation_world()

    def candidates(number: int) -> Iterator[Candidate | None]:
        scope = (difficulty or "mixed", number) if kinds == SEEN else (kinds, difficulty, number)
        wanted = difficulty or _rng(seed, *scope).choices(list(_MIX), list(_MIX.values()))[0]
        prefix = "-".join(
            filter(None, ("gen", "" if kinds == SEEN else kinds, str(seed), difficulty))
        )
        for attempt in range(_ATTEMPTS):
            rng = _rng(seed, *scope, attempt)
            combined = _draft(shop, rng, wanted, kinds)
            task_id = f"{prefix}-{number}"
            yield None if combined is None else _candidate(rng, combined, task_id, wanted)

    def exhausted(number: int) -> DataFileError:
        kind = f"{difficulty} task" if difficulty else "task"
        return DataFileError(f"the shop has no further {kind} after {number} of seed {seed}")

    return distinct_tasks(n, candidates, known=shop.shipped, exhausted=exhausted)


# --- the shop ---


def generation_world() -> GenerationWorld:
    """Return the domain's own world, read again when one of its files has changed."""
    folder = domain_dir("retail")
    files = [folder / name for name in ("db.json", "tasks.json", "split_tasks.json")]
    return _loaded(folder, tuple(path.stat().st_mtime_ns for path in files if path.exists()))


@lru_cache(maxsize=4)
def _loaded(folder: Path, _stamps: tuple[int, ...]) -> GenerationWorld:
    world = load_reference_db(RetailDB, folder / "db.json").reference
    assert isinstance(world, RetailDB)
    known_products = {kind.name for kind in PRODUCT_TYPES}
    if not {product.name for product in world.products.values()} <= known_products:
        raise ConfigError(
            f"{folder}: tasks are generated over a shop that `tau2.domains.retail.factory` made"
        )
    splits = get_tasks_split()
    test_tasks = [task for name in HELD_OUT_SPLITS if name in splits for task in get_tasks(name)]
    # Held out are the customers whose id, or an order of whom, occurs in a task of a test split.
    words: set[str] = set()
    for task in test_tasks:
        words.update(re.findall(r"#?\w+", task.model_dump_json()))
    owners = {world.orders[order_id].user_id for order_id in words & world.orders.keys()}
    held_out = frozenset(owners | words & world.users.keys())
    known = [
        user_id for user_id, user in world.users.items() if user_id not in held_out and user.orders
    ]
    most = max(map(max, _INTENTS.values()))
    customers = {
        least: [user_id for user_id in known if len(world.users[user_id].orders) >= least]
        for least in range(1, most + 1)
    }
    return GenerationWorld(world, customers, held_out, frozenset(map(_work, get_tasks(None))))


def _work(task: Task) -> str:
    criteria = task.evaluation_criteria
    calls = [(action.name, action.arguments) for action in task.reference_actions]
    return work_key(calls, criteria.communicate_info if criteria else None, any_order=True)


# --- one task ---


def _rng(seed: int, *scope: object) -> Random:
    return Random(derive_seed(seed, "retail", "generate", *scope))  # noqa: S311  -- no secret


def _candidate(rng: Random, combined: CombinedDraft, task_id: str, difficulty: str) -> Candidate:
    """Return a candidate whose work, and whose intents with their outcome, nobody else may have."""
    draft = combined.draft
    keys = {
        work_key(draft.calls, draft.communicate, any_order=True),
        work_key(combined.changes, draft.communicate, purpose_of(combined.intents), any_order=True),
    }
    return Candidate(frozenset(keys), lambda: _written(rng, combined, task_id, difficulty))


def _draft(shop: GenerationWorld, rng: Random, difficulty: str, kinds: str) -> CombinedDraft | None:
    """Return a customer with intents of the wanted difficulty, or None when the dice fell badly."""
    count = rng.choice(_INTENTS[difficulty])
    intents = [i for i in all_intents() if kinds == NEW or not i.held_out]
    first = rng.choice(
        [i for i in intents if i.held_out == (kinds == NEW) and _can_begin(i, difficulty, count)]
    )
    combined = _begun(shop, rng, first, count)
    if combined is None or not _accompanied(rng, combined, count, intents):
        return None
    combined.slip = _slip(rng, combined, shop.world)
    draft = combined.draft
    if draft.involved & shop.held_out or sum(combined.weight) not in DIFFICULTIES[difficulty]:
        return None
    return combined if is_sound(shop.fresh_tools, draft.calls, draft.communicate) else None


def _can_begin(intent: RetailIntent, difficulty: str, count: int) -> bool:
    if intent.idle:
        return False
    if count > 1:
        return not intent.alone
    if difficulty == "easy":
        return not intent.hurdle
    return intent.wants > 2 or (difficulty == "medium" and (intent.hurdle or intent.wants > 1))


def _begun(
    shop: GenerationWorld, rng: Random, intent: RetailIntent, count: int
) -> CombinedDraft | None:
    """Return a draft for the first of some customers whom the intent fits."""
    pool = shop.customers[max(1, count - 1)]
    for user_id in rng.sample(pool, min(len(pool), _CUSTOMERS_TRIED)):
        combined = begin(shop.world, user_id, intent, rng, rng.randrange(_TURNS))
        if combined is not None:
            return combined
    return None


def _accompanied(
    rng: Random, combined: CombinedDraft, count: int, intents: Sequence[RetailIntent]
) -> bool:
    """Tell more of the intents until there are `count`; return whether that worked."""
    for _ in range(_COMPANIONS_TRIED):
        if len(combined.intents) >= count:
            return True
        intent = rng.choice(intents)
        if combined.takes(intent):
            combined.join(intent, rng.randrange(_TURNS))
    return len(combined.intents) >= count


# --- how the customer goes about it ---


def _slip(rng: Random, combined: CombinedDraft, world: RetailDB) -> str:
    """Return how a few customers mistype what identifies them; others do not: empty text."""
    user = combined.draft.user
    identified_by = combined.draft.identified_by
    if any(intent.alone for intent in combined.intents) or rng.random() > _WITH_SLIP:
        return ""
    if identified_by == "zip":
        wrong = f"{user.address.zip[:3]}{user.address.zip[4]}{user.address.zip[3]}"
        if wrong != user.address.zip:
            return (
                f"When you are asked for your zip code, say {wrong} first. If the agent cannot "
                f"find you, notice that you swapped two digits and say {user.address.zip}."
            )
    name, _, host = user.email.partition("@")
    wrong = f"{name[:-1]}@{host}"
    if identified_by == "email" and all(wrong != other.email for other in world.users.values()):
        return (
            f"When you are asked for your email address, say {wrong} first. If the agent "
            f"cannot find you, notice that you left out a digit and say {user.email}."
        )
    return ""


def _written(rng: Random, combined: CombinedDraft, task_id: str, difficulty: str) -> Task:
    """Return the task with a manner for some customers and a persona."""
    wants, changes, hurdles = combined.weight
    counts = f"matters: {wants}; changes: {changes}; hurdles: {hurdles}"
    personas = SCENARIO.texts("personas") + SCENARIO.texts("more_personas")
    return written(
        rng,
        combined,
        task_id,
        Turns(rng),
        persona=rng.choice(personas),
        manner=rng.choice(SCENARIO.texts("manners")) if rng.random() < _WITH_MANNER else "",
        notes=f"difficulty: {difficulty}; {counts}",
    )
