"""Composes goals into tasks, checks each reference, and picks and splits the tasks that are shipped."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from random import Random
from typing import Any

from tau2.data_model.tasks import (
    Action,
    Description,
    EvaluationCriteria,
    RewardType,
    StructuredUserInstructions,
    Task,
    UserScenario,
)
from tau2.domains.airline.data_model import FlightDB
from tau2.domains.airline.factory.case import Atlas, Case, Unfit
from tau2.domains.airline.factory.goals import all_goals
from tau2.domains.airline.factory.goals.goal import (
    ALL_TRIPS,
    ASKS,
    BOOKS,
    HANDS_OVER,
    REFUSES,
    SENDS,
    Goal,
)
from tau2.domains.airline.factory.telling import instructions_of
from tau2.domains.airline.tools import AirlineTools
from tau2.environment.domain import Splits
from tau2.errors import ConfigError, DataFileError, ToolError
from tau2.seeds import derive_seed

Call = tuple[str, dict[str, Any]]

LEVELS: dict[str, tuple[tuple[int, ...], ...]] = {
    "easy": ((1,),),
    "medium": ((2,), (2,), (1, 1)),
    "hard": ((3,), (2, 2), (1, 3), (2, 1, 1), (2, 3)),
}
"""Difficulty → the levels of the goals of a task; one of the rows is drawn."""

_BY_LEVEL = {
    level: tuple(goal for goal in all_goals() if goal.level == level) for level in (1, 2, 3)
}
_ALONE = (BOOKS, SENDS, REFUSES)  # at most one goal of each kind in a task
_MOST_TRIES = 4000  # customers tried for one task before the world is taken to have none
_MOST_ORDERED = 4  # changes of which every order is tried
_TEST_SHARE = 3  # every third task


@dataclass(frozen=True, slots=True)
class Made:
    """A task with the customer it is about."""

    task: Task
    user_id: str


def generate_tasks(
    db: FlightDB,
    n: int,
    seed: int,
    difficulty: str | None = None,
    *,
    exclude_users: Collection[str] = (),
) -> list[Task]:
    """Return n tasks over a world, no two alike, none about an excluded customer.

    The same arguments give the same tasks, and the first tasks of a longer list are those of a shorter one.

    Raises:
        ConfigError: (a ValueError) for an unknown difficulty.
        DataFileError: (a ValueError) when the world does not hold so many different tasks.
    """
    if difficulty is not None and difficulty not in LEVELS:
        raise ConfigError(f"no difficulty named {difficulty!r}; known: {', '.join(LEVELS)}")
    atlas, seen, made = Atlas(db), set[str](), []
    customers = [user_id for user_id in atlas.user_ids if user_id not in set(exclude_users)]
    for number in range(n):
        task_id = f"airline_{seed}_{difficulty or 'any'}_{number}"
        rng = _rng(seed, "generate", difficulty, number)
        made.append(_one_more(atlas, customers, rng, task_id, difficulty, seen).task)
    return made


def _rng(seed: int, *scope: object) -> Random:
    return Random(derive_seed(seed, "airline", "tasks", *scope))  # noqa: S311  -- reproducible data, no secrets


def _one_more(
    atlas: Atlas,
    customers: Sequence[str],
    rng: Random,
    task_id: str,
    difficulty: str | None,
    seen: set[str],
) -> Made:
    """Return a task that is unlike those seen. Raise DataFileError when none is found."""
    for _ in range(_MOST_TRIES):
        goals = draw_goals(rng, difficulty or rng.choice(tuple(LEVELS)))
        made = make_task(atlas, rng.choice(customers), goals, rng, task_id) if customers else None
        if made is not None and (work := _work(made)) not in seen:
            seen.add(work)
            return made
    raise DataFileError(
        f"no customer of this world fits a task like {task_id}; ask for fewer tasks"
    )


def _work(made: Made) -> str:
    """Return what makes two tasks the same: the customer, what is done and what is told."""
    criteria = made.task.evaluation_criteria
    assert criteria is not None
    actions = [(action.name, action.arguments) for action in criteria.actions or ()]
    return json.dumps([made.user_id, actions, criteria.communicate_info], sort_keys=True)


def draw_goals(rng: Random, difficulty: str) -> list[Goal]:
    """Return goals that go together, in the order in which a customer brings them up."""
    levels = rng.choice(LEVELS[difficulty])
    while True:
        goals = [rng.choice(_BY_LEVEL[level]) for level in levels]
        if go_together(goals):
            return in_order(goals)


def go_together(goals: Sequence[Goal]) -> bool:
    """Return whether one customer can come with all of these at once."""
    tags = [tag for goal in goals for tag in goal.tags]
    if len(set(goals)) < len(goals) or any(tags.count(tag) > 1 for tag in (*_ALONE, HANDS_OVER)):
        return False
    if ALL_TRIPS in tags and len(goals) > 1:
        return False
    if HANDS_OVER in tags and len(goals) == 1:
        return False  # handing over leaves no trace in the database: something else has to
    return not (BOOKS in tags and SENDS in tags)  # which certificate pays would depend on the order


def in_order(goals: Sequence[Goal]) -> list[Goal]:
    """Return goals as a customer brings them up: questions late, what ends the conversation last."""
    return sorted(
        goals,
        key=lambda goal: (HANDS_OVER in goal.tags, ASKS in goal.tags and REFUSES not in goal.tags),
    )


def make_task(
    atlas: Atlas, user_id: str, goals: Sequence[Goal], rng: Random, task_id: str
) -> Made | None:
    """Return the task of a customer who has these goals, or None when this customer cannot have them."""
    case = Case(atlas, user_id, rng)
    try:
        for goal in goals:
            goal.tell(case)
    except Unfit:
        return None
    if not is_sound(atlas.world, case.calls, case.communicate):
        return None
    task = Task(
        id=task_id,
        description=Description(purpose="; ".join(goal.purpose for goal in goals)),
        user_scenario=_scenario(case),
        evaluation_criteria=EvaluationCriteria(
            actions=[
                Action(action_id=f"{task_id}_{number}", name=name, arguments=arguments)
                for number, (name, arguments) in enumerate(case.calls)
            ],
            communicate_info=list(case.communicate),
            reward_basis=[RewardType.DB, RewardType.COMMUNICATE],
        ),
    )
    return Made(task, user_id)


def _scenario(case: Case) -> UserScenario:
    persona, told = instructions_of(case)
    return UserScenario(
        persona=persona, instructions=StructuredUserInstructions(domain="airline", **told)
    )


def is_sound(world: FlightDB, calls: Sequence[Call], communicate: Sequence[str]) -> bool:
    """Return whether a reference is graded by more than inaction and has exactly one outcome.

    It runs, no change in it can be left out, and its changes lead to the same world in every order that works.
    """
    changes = [call for call in calls if AirlineTools.changes(call[0])]
    if not changes:
        return bool(communicate)
    end = _after(world, changes, strict=True)
    if end is None:
        return False
    for index in range(len(changes)):
        shorter = _after(world, changes[:index] + changes[index + 1 :], strict=False)
        if shorter is None or shorter.same_as(end):
            return False
    if len(changes) > _MOST_ORDERED:
        return True
    orders = (_after(world, order, strict=True) for order in list(permutations(changes))[1:])
    return all(other is None or other.same_as(end) for other in orders)


def _after(world: FlightDB, calls: Sequence[Call], *, strict: bool) -> FlightDB | None:
    """Return the world after calls; a refused one is passed over, or, when `strict`, makes it None."""
    tools = AirlineTools(world.view())
    for name, arguments in calls:
        try:
            tools.use_tool(name, **arguments)
        except ToolError:
            if strict:
                return None
    return tools.db


def ship_tasks(seed: int, world: FlightDB, wanted: int) -> tuple[list[Task], Splits]:
    """Return `wanted` tasks and their splits; no customer is in two of them. Raise DataFileError."""
    atlas, used = Atlas(world), set[str]()
    tasks: list[Task] = []
    splits: Splits = {"train": [], "test": [], "base": []}
    for number, plan in enumerate(_plans(seed)):
        if len(tasks) == wanted:
            return tasks, splits
        rng, task_id = _rng(seed, "ship", number), str(len(tasks))
        tries = (_for_new_customer(atlas, goals, rng, task_id, used) for goals in plan)
        found = next((made for made in tries if made is not None), None)
        if found is None:
            continue
        used.add(found.user_id)
        for name in ("test" if len(tasks) % _TEST_SHARE == _TEST_SHARE - 1 else "train", "base"):
            splits[name].append(found.task.id)
        tasks.append(found.task)
    raise DataFileError(f"the world has customers for {len(tasks)} tasks only, not for {wanted}")


_ROUNDS = 5  # times that every goal is tried before the world is taken to have too few customers


def _plans(seed: int) -> Iterator[list[list[Goal]]]:
    """Yield what to try for one task after another: every goal leads once a round, and many of them bring company.

    Where nobody can have a goal together with its company, it comes alone.
    """
    for turn in range(_ROUNDS):
        rng = _rng(seed, "order", turn)
        for leader in rng.sample(all_goals(), len(all_goals())):
            company = (
                0
                if ALL_TRIPS in leader.tags
                else rng.choice((0, 0, 1, 1, 2)) or int(HANDS_OVER in leader.tags)
            )
            together = next(
                goals for goals in _companies(rng, leader, company) if go_together(goals)
            )
            yield [together, [leader]] if company and go_together([leader]) else [together]


def _companies(rng: Random, leader: Goal, company: int) -> Iterator[list[Goal]]:
    while True:
        yield in_order([leader, *rng.sample(all_goals(), company)])


def _for_new_customer(
    atlas: Atlas, goals: Sequence[Goal], rng: Random, task_id: str, used: Collection[str]
) -> Made | None:
    for user_id in rng.sample(atlas.user_ids, len(atlas.user_ids)):
        if (
            user_id not in used
            and (made := make_task(atlas, user_id, goals, rng, task_id)) is not None
        ):
            return made
    return None
