"""Turns stories into tasks: finds a customer for each, checks the reference, and splits the result.

No customer appears in two tasks, so no split shares a customer or an order with another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
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
from tau2.domains.retail.data_model import RetailDB
from tau2.domains.retail.factory.phrasing import PERSONAS, sentence
from tau2.domains.retail.factory.stories import all_stories
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Story, Told, Unfit
from tau2.domains.retail.tools import RetailTools
from tau2.environment.domain import Splits
from tau2.errors import DataFileError, ToolError
from tau2.seeds import derive_seed

_TEST_SHARE = (
    3  # every third story of a round, another third in the next: most stories get into both splits
)

Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """A story that fits a customer."""

    story: Story
    case: Case
    told: Told
    number: int
    """Which story it is."""
    turn: int
    """How often it was told before."""


def build_tasks(seed: int, world: RetailDB, wanted: int) -> tuple[list[Task], Splits]:
    """Return `wanted` tasks and their splits. Raise DataFileError when the world has too few fitting customers."""
    personas = _personas(_rng(seed, "personas"))
    tasks: list[Task] = []
    splits: Splits = {"train": [], "test": [], "base": []}
    for found in _stories_with_customers(seed, world):
        description = Description(purpose=found.story.purpose)
        task = make_task(str(len(tasks)), found.case, found.told, next(personas), description)
        is_test = (found.number + found.turn) % _TEST_SHARE == 0
        for name in ("test" if is_test else "train", "base"):
            splits[name].append(task.id)
        tasks.append(task)
        if len(tasks) == wanted:
            return tasks, splits
    raise DataFileError(f"the world has customers for {len(tasks)} tasks only, not for {wanted}")


def _rng(seed: int, *scope: object) -> Random:
    return Random(derive_seed(seed, "retail", "tasks", *scope))  # noqa: S311  -- reproducible data, no secrets


def _personas(rng: Random) -> Iterator[str]:
    """Yield personas for ever; each is used once before any comes back."""
    while True:
        yield from rng.sample(PERSONAS, len(PERSONAS))


def _stories_with_customers(seed: int, world: RetailDB) -> Iterator[Found]:
    """Yield every story round by round, each time with customers who appear nowhere else."""
    used: set[str] = set()
    stories = list(enumerate(all_stories()))
    for turn in count():
        told_any = False
        _rng(seed, "order", turn).shuffle(stories)  # any first few tasks are of many kinds
        for number, story in stories:
            found = _find_customer(seed, world, story, (number, turn), used)
            if found is not None:
                used |= found.case.involved
                told_any = True
                yield found
        if not told_any:
            return


def _find_customer(
    seed: int, world: RetailDB, story: Story, place: tuple[int, int], used: set[str]
) -> Found | None:
    number, turn = place
    ids = list(world.users)
    _rng(seed, story.purpose, turn).shuffle(ids)
    for user_id in ids:
        if user_id in used or not world.users[user_id].orders:
            continue
        case = Case(world, user_id, _rng(seed, story.purpose, turn, user_id), turn)
        try:
            told = story.tell(case)
        except Unfit:
            continue
        if not case.involved & used and is_sound(world, case.calls, case.communicate):
            return Found(story, case, told, number, turn)
    return None


def is_sound(world: RetailDB, calls: list[Call], communicate: list[str]) -> bool:
    """Return whether a reference runs, is graded by more than inaction, and has no change that could be left out."""
    end, refused = _after(world, calls)
    tools = RetailTools(world)
    changes = [call for call in calls if tools.tool_mutates_state(call[0])]
    partial = (
        _after(world, changes[:index] + changes[index + 1 :])[0] for index in range(len(changes))
    )
    return (
        not refused
        and bool(changes or communicate)
        and not any(end.same_as(other) for other in partial)
    )


def _after(world: RetailDB, calls: list[Call]) -> tuple[RetailDB, int]:
    """Return the world after calls and how many were refused; those change nothing and the rest goes on."""
    tools, refused = RetailTools(world.view()), 0
    for name, arguments in calls:
        try:
            tools.use_tool(name, **arguments)
        except ToolError:
            refused += 1
    return tools.db, refused


def make_task(task_id: str, case: Case, told: Told, persona: str, description: Description) -> Task:
    """Return the task of a customer whose story was told."""
    return Task(
        id=task_id,
        description=description,
        user_scenario=UserScenario(
            persona=persona,
            instructions=StructuredUserInstructions(
                domain="retail",
                reason_for_call=told.reason,
                known_info=_known(case),
                unknown_info=" ".join(_unknown(case)) or None,
                task_instructions=told.instructions,
            ),
        ),
        evaluation_criteria=EvaluationCriteria(
            actions=[
                Action(action_id=f"{task_id}_{number}", name=name, arguments=arguments)
                for number, (name, arguments) in enumerate(_in_order(case.calls))
            ],
            communicate_info=list(case.communicate),
            reward_basis=[RewardType.DB, RewardType.COMMUNICATE],
        ),
    )


_READING = ("find_user_id", "get_user", "get_order", "list_all", "get_product", "calculate")


def _in_order(calls: list[Call]) -> list[Call]:
    """Return the look-ups in the order a good agent makes them, then the changes as made, then a hand-over."""
    reads = [call for call in calls if call[0].startswith(_READING)]
    ranked = sorted(
        reads,
        key=lambda call: next(i for i, start in enumerate(_READING) if call[0].startswith(start)),
    )
    others = [call for call in calls if call not in reads]
    return ranked + sorted(others, key=lambda call: call[0] == "transfer_to_human_agents")


def _known(case: Case) -> str:
    user = case.user
    facts = {
        "zip": f"your zip code is {user.address.zip}",
        "email": f"your email address is {user.email}",
    }
    known = " and ".join(text for kind, text in facts.items() if case.finding in {kind, "both"})
    return f"You are {user.name.first_name} {user.name.last_name}. {sentence(known)}."


def _unknown(case: Case) -> list[str]:
    missing = {
        "zip": "You do not remember the email address of your account.",
        "email": "You are not sure which zip code the shop has on file.",
    }
    return [*([missing[case.finding]] if case.finding in missing else []), *case.unknown]
