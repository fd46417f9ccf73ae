"""Thousands of tasks for training: the customers of the shop with one intent or several at once.

Customers of the shipped test split never appear. The first tasks of a seed are the same whatever
`n` is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from tau2.config import domain_dir, strict_compat
from tau2.data_model.tasks import Description, Task
from tau2.domains.retail.data_model import RetailDB
from tau2.domains.retail.environment import get_tasks, get_tasks_split
from tau2.domains.retail.factory.catalog import PRODUCT_TYPES
from tau2.domains.retail.factory.draft import NO_NUMBER, RetailDraft
from tau2.domains.retail.factory.intents import all_intents
from tau2.domains.retail.factory.intents.intent import IntentText, RetailIntent
from tau2.domains.retail.factory.scenario import SCENARIO, combine, retail_task
from tau2.domains.retail.tools import RetailTools
from tau2.environment.domain import load_reference_db
from tau2.errors import ConfigError, DataFileError
from tau2.seeds import derive_seed
from tau2.taskgen.drafts import ReferenceCall, UnsuitableCustomer
from tau2.taskgen.generation import Candidate, check_request, distinct_tasks
from tau2.taskgen.phrasing import spaced
from tau2.taskgen.soundness import is_sound, work_key

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
    """The customers of the test split."""
    shipped: frozenset[str]
    """The work of every shipped task."""

    def fresh_tools(self) -> RetailTools:
        """Return tools over the start of the world."""
        return RetailTools(self.world.view())


@dataclass(slots=True)
class CombinedDraft:
    """A customer with the intents told so far."""

    draft: RetailDraft
    intents: list[RetailIntent]
    texts: list[IntentText]
    uses_card: bool
    slip: str = ""

    def takes(self, intent: RetailIntent) -> bool:
        """Return whether one more intent can be told beside the others."""
        clashes = intent.profile and any(other.profile for other in self.intents)
        idle = sum(other.idle for other in self.intents)
        too_idle = intent.idle and 2 * idle >= len(self.intents)
        excluded = intent.alone or intent.last or clashes or too_idle
        return not excluded and intent not in self.intents

    @property
    def changes(self) -> list[ReferenceCall]:
        """What the ideal agent changes."""
        tools = self.draft.tools
        return [call for call in self.draft.calls if tools.tool_mutates_state(call.name)]

    @property
    def weight(self) -> tuple[int, int, int]:
        """How many wants, changes and hurdles there are."""
        hurdles = sum(intent.hurdle for intent in self.intents) + bool(self.slip)
        return sum(intent.wants for intent in self.intents), len(self.changes), hurdles


def generate_tasks(n: int, seed: int, difficulty: str | None = None) -> list[Task]:
    """Return `n` distinct training tasks: of one difficulty, or of all of them mixed.

    Raises:
        UnknownName: (a ValueError) no such difficulty.
        ConfigError: (a ValueError) n is negative, or the data directory holds a shop of another
            kind.
        DataFileError: the shop has no further tasks.
    """
    check_request(n, difficulty, DIFFICULTIES)
    if strict_compat():
        raise ConfigError(
            "tasks are generated for the corrected behaviour; set TAU2_STRICT_COMPAT=0"
        )
    shop = generation_world()

    def candidates(number: int) -> Iterator[Candidate | None]:
        scope = (difficulty or "mixed", number)
        wanted = difficulty or _rng(seed, *scope).choices(list(_MIX), list(_MIX.values()))[0]
        prefix = f"gen-{seed}" if difficulty is None else f"gen-{seed}-{difficulty}"
        for attempt in range(_ATTEMPTS):
            rng = _rng(seed, *scope, attempt)
            combined = _draft(shop, rng, wanted)
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
    test_tasks = get_tasks("test") if "test" in get_tasks_split() else []
    # Held out are the customers whose id, or an order of whom, occurs in a task of the test split.
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
    purposes = sorted(intent.purpose for intent in combined.intents)
    keys = {
        work_key(draft.calls, draft.communicate, any_order=True),
        work_key(combined.changes, draft.communicate, *purposes, any_order=True),
    }
    return Candidate(frozenset(keys), lambda: _written(rng, combined, task_id, difficulty))


def _draft(shop: GenerationWorld, rng: Random, difficulty: str) -> CombinedDraft | None:
    """Return a customer with intents of the wanted difficulty, or None when the dice fell badly."""
    count = rng.choice(_INTENTS[difficulty])
    first = rng.choice([i for i in all_intents() if _can_begin(i, difficulty, count)])
    combined = _begun(shop, rng, first, count)
    if combined is None or not _accompanied(rng, combined, count):
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
        draft = RetailDraft(shop.world, user_id, rng, rng.randrange(_TURNS))
        start = draft.checkpoint()
        try:
            text = intent.tell(draft)
        except UnsuitableCustomer:
            continue
        return CombinedDraft(draft, [intent], [text], draft.uses_card(start))
    return None


def _accompanied(rng: Random, combined: CombinedDraft, count: int) -> bool:
    """Tell more intents until there are `count`; return whether that worked."""
    intents = all_intents()
    for _ in range(_COMPANIONS_TRIED):
        if len(combined.intents) >= count:
            return True
        intent = rng.choice(intents)
        if combined.takes(intent):
            _join(rng, combined, intent)
    return len(combined.intents) >= count


def _join(rng: Random, combined: CombinedDraft, intent: RetailIntent) -> None:
    """Tell one more intent if it fits the customer and does not meddle with another's gift card."""
    draft = combined.draft
    before = draft.checkpoint()
    draft.begin(rng.randrange(_TURNS))
    try:
        text = intent.tell(draft)
    except UnsuitableCustomer:
        draft.undo(before)
        return
    uses_card = draft.uses_card(before)
    if uses_card and combined.uses_card:
        draft.undo(before)
        return
    combined.intents.append(intent)
    combined.texts.append(text)
    combined.uses_card = combined.uses_card or uses_card


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


_NO_OTHER_NUMBER = "You have no order number at hand besides what you mention here."


def _written(rng: Random, combined: CombinedDraft, task_id: str, difficulty: str) -> Task:
    """Return the task: the intents in random order, a manner for some customers, a persona."""
    draft = combined.draft
    pairs = list(zip(combined.intents, combined.texts, strict=True))
    rng.shuffle(pairs)
    pairs.sort(key=lambda pair: pair[0].last)
    text = combine(rng, [(intent.about, text) for intent, text in pairs])
    manner = rng.choice(SCENARIO.texts("manners")) if rng.random() < _WITH_MANNER else ""
    text = text._replace(instructions=spaced([text.instructions, combined.slip, manner]))
    if "#W" in " ".join(text):
        draft.unknown = [
            _NO_OTHER_NUMBER if sentence == NO_NUMBER else sentence for sentence in draft.unknown
        ]
    wants, changes, hurdles = combined.weight
    counts = f"matters: {wants}; changes: {changes}; hurdles: {hurdles}"
    description = Description(
        purpose=" + ".join(intent.purpose for intent, _ in pairs),
        notes=f"difficulty: {difficulty}; {counts}",
    )
    personas = SCENARIO.texts("personas") + SCENARIO.texts("more_personas")
    return retail_task(task_id, draft, text, rng.choice(personas), description)
