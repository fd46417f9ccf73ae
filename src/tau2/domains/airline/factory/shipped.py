"""The tasks that come with the domain: what customers want, and which split each task is in.

No customer is in two tasks, so no split shares a customer or a reservation with another. A task's
kind is the set of its intents. Every kind of the test split is in the training split, with another
customer; no kind of `test_new` is, nor any intent of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

from tau2.domains.airline.data_model import FlightDB
from tau2.domains.airline.factory.draft import AirlineIndex
from tau2.domains.airline.factory.intents import all_intents
from tau2.domains.airline.factory.intents.intent import (
    ALL_TRIPS,
    HANDS_OVER,
    INSISTS,
    AirlineIntent,
)
from tau2.domains.airline.factory.tasks import DraftedTask, draft_task, go_together, in_order
from tau2.errors import DataFileError
from tau2.seeds import derive_seed
from tau2.taskgen.tasks import ShippedTasks
from tau2.taskgen.wording import Turns

_TEST_SHARE = 3  # one task of so many is a test task
_NEW_SHARE = 6  # for so many tasks of train and test there is one more of a new kind
_INSISTING = 0.3  # share of the tasks in which a customer insists on what is refused
_COMPANY = (0, 1, 1, 1, 2)  # further intents of a task; equally likely entries
_ROUNDS = 5  # times that every intent is tried before the world is taken to have too few customers
_COMPANIES_TRIED = 6  # for one leading intent


def build_tasks(seed: int, world: FlightDB, wanted: int) -> ShippedTasks:
    """Return `wanted` tasks of train and test, and some of new kinds.

    Raises:
        DataFileError: the world has too few fitting customers.
    """
    return _Builder(seed, world).build(wanted)


class _Builder:
    def __init__(self, seed: int, world: FlightDB) -> None:
        self.seed = seed
        self.index = AirlineIndex(world)
        self.used: set[str] = set()
        self.told: Counter[str] = Counter()
        """How often each intent was told."""
        self.purposes: set[str] = set()
        self.drafts: list[tuple[DraftedTask, str]] = []
        """Drafts with the split that each is for."""

    def _rng(self, *scope: object) -> Random:
        derived = derive_seed(self.seed, "airline", "tasks", *scope)
        return Random(derived)  # noqa: S311  -- no secret

    def build(self, wanted: int) -> ShippedTasks:
        test = wanted // _TEST_SHARE
        self._add_new_kinds(wanted // _NEW_SHARE)
        self._add_pairs(train=wanted - test, test=test)
        self._rng("order").shuffle(self.drafts)
        self.drafts.sort(key=lambda pair: pair[1] == "test_new")
        turns = Turns(self._rng("texts"))
        shipped = ShippedTasks()
        for number, (drafted, split) in enumerate(self.drafts):
            task = drafted.written(str(number), turns)
            shipped.add(task, split)
            shipped.temptations[task.id] = drafted.draft.temptations
        return shipped

    def _add_new_kinds(self, wanted: int) -> None:
        """Draft tasks of intents that are held out, each kind once."""
        found = 0
        for drafted in self._drafted([i for i in all_intents() if i.held_out], "new"):
            if found == wanted:
                return
            self._take(drafted, "test_new")
            found += 1
        if found < wanted:
            raise self._too_few()

    def _add_pairs(self, *, train: int, test: int) -> None:
        """Draft tasks of the other intents: a training task each, and a test task where one fits.

        The first training tasks are those with a test task of their kind.
        """
        intents = [intent for intent in all_intents() if not intent.held_out]
        missing = {"train": train, "test": test}
        for drafted in self._drafted(intents, "seen"):
            self._take(drafted, "train")
            missing["train"] -= 1
            twin = self._twin(drafted.intents) if missing["test"] else None
            if twin is not None:
                self._take(twin, "test")
                missing["test"] -= 1
            if not any(missing.values()):
                return
            if missing["train"] < missing["test"]:
                raise self._too_few()
        raise self._too_few()

    def _too_few(self) -> DataFileError:
        return DataFileError(f"the world has customers for {len(self.drafts)} tasks only")

    def _take(self, drafted: DraftedTask, split: str) -> None:
        self.used |= drafted.draft.involved
        self.purposes.add(drafted.purpose)
        self.told.update(intent.name for intent in drafted.intents)
        self.drafts.append((drafted, split))

    def _drafted(self, intents: Sequence[AirlineIntent], scope: str) -> Iterator[DraftedTask]:
        """Yield drafts of different kinds, led by the intents that were told least."""
        for turn in range(_ROUNDS):
            order = self._rng(scope, turn)
            leaders = order.sample(list(intents), len(intents))
            while leaders:
                leader = self._next_leader(leaders)
                leaders.remove(leader)
                drafted = self._led(leader, intents, self._rng(scope, turn, leader.name))
                if drafted is not None:
                    yield drafted

    def _next_leader(self, leaders: Sequence[AirlineIntent]) -> AirlineIntent:
        """Return who leads next: one who insists where there are too few, else one told least."""
        insisting = sum(INSISTS in drafted.intents[0].tags for drafted, _ in self.drafts)
        wants_one = insisting < _INSISTING * len(self.drafts)
        fitting = [i for i in leaders if (INSISTS in i.tags) == wants_one] or leaders
        return min(fitting, key=lambda intent: self.told[intent.name])

    def _led(
        self, leader: AirlineIntent, intents: Sequence[AirlineIntent], rng: Random
    ) -> DraftedTask | None:
        """Return a draft with a leading intent, with company if anybody can have both."""
        count = 0 if {ALL_TRIPS, INSISTS} & set(leader.tags) else rng.choice(_COMPANY)
        count = max(count, int(HANDS_OVER in leader.tags))
        for _ in range(_COMPANIES_TRIED if count else 0):
            shuffled = rng.sample(list(intents), len(intents))
            shuffled.sort(key=lambda intent: self.told[intent.name])
            company: list[AirlineIntent] = []
            for intent in shuffled:
                if len(company) < count and go_together([leader, *company, intent]):
                    company.append(intent)
            found = self._for_new_customer(in_order([leader, *company]), rng)
            if found is not None:
                return found
        return self._for_new_customer([leader], rng) if go_together([leader]) else None

    def _twin(self, intents: Sequence[AirlineIntent]) -> DraftedTask | None:
        names = [intent.name for intent in intents]
        return self._for_new_customer(intents, self._rng("twin", *names), again=True)

    def _for_new_customer(
        self, intents: Sequence[AirlineIntent], rng: Random, *, again: bool = False
    ) -> DraftedTask | None:
        """Return a draft of a kind that is not there yet (or `again`) for an unused customer."""
        for user_id in rng.sample(self.index.user_ids, len(self.index.user_ids)):
            if user_id in self.used:
                continue
            drafted = draft_task(self.index, user_id, intents, rng)
            if drafted is None or drafted.draft.involved & self.used:
                continue
            return drafted if again or drafted.purpose not in self.purposes else None
        return None
