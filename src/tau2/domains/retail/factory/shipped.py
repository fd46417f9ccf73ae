"""The tasks that come with the domain: what customers want, and which split each task is in.

No customer appears in two tasks, so no split shares a customer or an order with another. A task's
kind is the set of its intents. Every kind of the test split is in the training split, with another
customer; no kind of `test_new` is, nor any intent of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from random import Random

from tau2.domains.retail.data_model import RetailDB
from tau2.domains.retail.factory.combining import CombinedDraft, begin, purpose_of, written
from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents import all_intents
from tau2.domains.retail.factory.intents.intent import RetailIntent
from tau2.domains.retail.factory.scenario import SCENARIO
from tau2.domains.retail.tools import RetailTools
from tau2.errors import DataFileError
from tau2.seeds import derive_seed
from tau2.taskgen.soundness import is_sound
from tau2.taskgen.tasks import ShippedTasks
from tau2.taskgen.wording import Turns

_TEST_SHARE = 3  # one task of so many is a test task
_NEW_SHARE = 6  # for so many tasks of train and test there is one more of a new kind
_COUNTS = (1, 2, 2, 2, 2, 2, 3)  # intents of a task; equally likely entries
_COMPANIONS_TRIED = 20  # for one customer, before the intents told so far have to do
_SINGLE = 1  # orders of a customer who can have one intent only
_IDLE_ROUNDS = 2  # rounds without a new task after which the world is taken to be exhausted


def build_tasks(seed: int, world: RetailDB, wanted: int) -> ShippedTasks:
    """Return `wanted` tasks of train and test, and some of new kinds.

    Raises:
        DataFileError: the world has too few fitting customers.
    """
    return _Builder(seed, world).build(wanted)


class _Builder:
    def __init__(self, seed: int, world: RetailDB) -> None:
        self.seed = seed
        self.world = world
        self.turns = Turns(self._rng("texts"))
        self.told: dict[str, int] = {}
        """Intent → how often it was told: it is worded differently each time."""
        self.used: set[str] = set()
        self.purposes: set[str] = set()
        self.drafts: list[tuple[CombinedDraft, str]] = []
        """Drafts with the split that each is for."""

    def _rng(self, *scope: object) -> Random:
        return Random(derive_seed(self.seed, "retail", "tasks", *scope))  # noqa: S311  -- no secret

    def build(self, wanted: int) -> ShippedTasks:
        test = wanted // _TEST_SHARE
        self._add_new_kinds(wanted // _NEW_SHARE)
        self._add_pairs(train=wanted - test, test=test)
        shipped = ShippedTasks()
        order = self._rng("order")
        order.shuffle(self.drafts)
        self.drafts.sort(key=lambda pair: pair[1] == "test_new")
        for number, (combined, split) in enumerate(self.drafts):
            persona = self.turns.next(SCENARIO.texts("personas"))
            rng = self._rng("write", number)
            task = written(rng, combined, str(number), self.turns, persona=persona)
            shipped.add(task, split)
            shipped.temptations[task.id] = combined.draft.temptations
        return shipped

    def _add_new_kinds(self, wanted: int) -> None:
        """Draft tasks of intents that are held out, one kind once."""
        intents = [intent for intent in all_intents() if intent.held_out]
        found = 0
        for combined in self._drafted(intents, "new"):
            if found == wanted:
                return
            self._take(combined, "test_new")
            found += 1
        if found < wanted:
            raise self._too_few()

    def _add_pairs(self, *, train: int, test: int) -> None:
        """Draft tasks of the other intents: a training task each, and a test task where one fits.

        The first training tasks are those with a test task of their kind.
        """
        intents = [intent for intent in all_intents() if not intent.held_out]
        missing = {"train": train, "test": test}
        for combined in self._drafted(intents, "seen"):
            if not any(missing.values()):
                return
            self._take(combined, "")
            twin = self._twin(combined.intents) if missing["test"] else None
            if twin is None and missing["train"] <= missing["test"]:
                continue  # what is left of the training split is for kinds of the test split
            missing["train"] -= 1
            self.drafts.append((combined, "train"))
            if twin is not None:
                self._take(twin, "test")
                missing["test"] -= 1
        if any(missing.values()):
            raise self._too_few()

    def _too_few(self) -> DataFileError:
        return DataFileError(f"the world has customers for {len(self.drafts)} tasks only")

    def _take(self, combined: CombinedDraft, split: str) -> None:
        """Note that a draft becomes a task of a split (empty: that is still to be seen)."""
        self.used |= combined.draft.involved
        self.purposes.add(purpose_of(combined.intents))
        if split:
            self.drafts.append((combined, split))

    def _drafted(self, intents: Sequence[RetailIntent], scope: str) -> Iterator[CombinedDraft]:
        """Yield drafts of different kinds, each intent leading one before any leads another."""
        leaders = [intent for intent in intents if not intent.idle]
        idle_rounds = 0
        for turn in count():
            found_any = False
            order = self._rng(scope, turn)
            for leader in order.sample(leaders, len(leaders)):
                rng = self._rng(scope, turn, leader.name)
                wanted = 1 if leader.alone else rng.choice(_COUNTS)
                combined = self._first_fitting(leader, intents, wanted, rng)
                if combined is not None:
                    found_any = True
                    yield combined
            idle_rounds = 0 if found_any else idle_rounds + 1
            if idle_rounds == _IDLE_ROUNDS:
                return

    def _customers(self, rng: Random, wanted: int) -> list[str]:
        """Return customers who are not used yet; for one intent, those with one order first."""
        free = [
            user_id
            for user_id, user in self.world.users.items()
            if user_id not in self.used and len(user.orders) >= min(wanted, _SINGLE + 1)
        ]
        rng.shuffle(free)
        if wanted == 1:
            free.sort(key=lambda user_id: len(self.world.users[user_id].orders) > _SINGLE)
        return free

    def _first_fitting(
        self, leader: RetailIntent, intents: Sequence[RetailIntent], wanted: int, rng: Random
    ) -> CombinedDraft | None:
        """Return a draft with a leading intent and company, of a kind that is not there yet."""
        for user_id in self._customers(rng, wanted):
            combined = begin(self.world, user_id, leader, rng, self._turn(leader))
            if combined is None:
                continue
            for intent in rng.sample(intents, _COMPANIONS_TRIED) if wanted > 1 else ():
                if len(combined.intents) < wanted and combined.takes(intent):
                    combined.join(intent, self._turn(intent))
            is_new = purpose_of(combined.intents) not in self.purposes
            if is_new and len(combined.intents) == wanted and self._is_sound(combined):
                self._count(combined)
                return combined
        return None

    def _twin(self, intents: Sequence[RetailIntent]) -> CombinedDraft | None:
        """Return a draft of the same kind for another customer, or None."""
        rng = self._rng("twin", purpose_of(intents))
        for user_id in self._customers(rng, len(intents)):
            draft = RetailDraft(self.world, user_id, rng, 0)
            twin = CombinedDraft(draft)
            joined = all(twin.join(intent, self._turn(intent)) for intent in intents)
            if joined and self._is_sound(twin):
                self._count(twin)
                return twin
        return None

    def _turn(self, intent: RetailIntent) -> int:
        return self.told.get(intent.name, 0)

    def _count(self, combined: CombinedDraft) -> None:
        for intent in combined.intents:
            self.told[intent.name] = self._turn(intent) + 1

    def _is_sound(self, combined: CombinedDraft) -> bool:
        draft = combined.draft
        return not draft.involved & self.used and is_sound(
            lambda: RetailTools(self.world.view()), draft.calls, draft.communicate
        )
