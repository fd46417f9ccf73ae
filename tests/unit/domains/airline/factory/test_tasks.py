"""Tasks: one clean reference each, nobody in two splits, and thousands more can be made."""

from __future__ import annotations

import contextlib
import copy
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tau2.data_model.message import ToolCall
from tau2.data_model.tasks import Task
from tau2.domains.airline.data_model import FlightDB
from tau2.domains.airline.environment import get_environment, get_tasks, get_tasks_split
from tau2.domains.airline.factory.draft import AirlineDraft, AirlineIndex
from tau2.domains.airline.factory.generate import generate_tasks
from tau2.domains.airline.factory.intents import all_intents
from tau2.domains.airline.factory.intents.fallbacks import FALLBACK_WORDING
from tau2.domains.airline.factory.intents.intent import (
    ALL_TRIPS,
    BOOKS,
    HANDS_OVER,
    AirlineIntent,
)
from tau2.domains.airline.factory.phrasing import FORMATTER
from tau2.domains.airline.factory.tasks import LEVELS, draw_intents, go_together, in_order
from tau2.domains.airline.factory.world import AirlineScale, build_world
from tau2.domains.airline.rules import POLICY_RULES
from tau2.domains.airline.tools import AirlineTools
from tau2.environment.environment import Environment
from tau2.errors import DataFileError, UnknownName
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.soundness import is_sound

Call = tuple[str, dict[str, Any]]

TASKS = get_tasks(None)


@pytest.fixture(scope="module")
def small():
    return build_world(7, AirlineScale(users=60, reservations=260))


def calls(task: Task) -> list[Call]:
    return [(action.name, action.arguments) for action in task.evaluation_criteria.actions]


def writes(task: Task) -> list[Call]:
    return [call for call in calls(task) if AirlineTools.changes(call[0])]


def played(reference: list[Call], *, strict: bool = True) -> Environment:
    """Return the world after a reference; when not strict, refused calls are passed over."""
    world = get_environment()
    for name, arguments in reference:
        result = world.get_response(ToolCall(id="c", name=name, arguments=copy.deepcopy(arguments)))
        assert not (strict and result.error), result.content
    return world


def sound(world: FlightDB, reference: list[Call], communicate: list[str]) -> bool:
    return is_sound(lambda: AirlineTools(world.view()), reference, communicate, most_reordered=4)


def said(task: Task) -> str:
    return str(task.user_scenario)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_the_reference_runs_and_no_change_can_be_left_out_or_made_otherwise(task):
    reference, end = calls(task), played(calls(task))
    for index, (name, arguments) in enumerate(reference):
        if not AirlineTools.changes(name):
            continue
        assert not played([*reference[:index], *reference[index + 1 :]], strict=False).same_state(
            end
        ), name
        for other in altered(name, arguments, reference[index:]):
            twin = played(
                [*reference[:index], (name, other), *reference[index + 1 :]], strict=False
            )
            assert not twin.same_state(end), (name, other)


def altered(name: str, arguments: dict[str, Any], rest: list[Call]) -> Iterator[dict[str, Any]]:
    """Yield the arguments of a call with each of them changed in turn.

    What pays for a free bag does not matter.
    """
    free = name == "update_reservation_baggages"
    for key, value in arguments.items():
        if key == "payment_id" and free:
            continue
        if isinstance(value, int):
            yield arguments | {key: value + 1}
        elif isinstance(value, list):
            yield arguments | {key: value[1:]}
        else:
            yield arguments | {
                key: {"yes": "no", "no": "yes", "economy": "business"}.get(value, "economy")
            }


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_doing_nothing_is_never_enough(task):
    criteria = task.evaluation_criteria
    assert [basis.value for basis in criteria.reward_basis] == ["DB", "COMMUNICATE"]
    assert writes(task) or criteria.communicate_info


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_the_reference_begins_with_the_profile_and_looks_before_it_changes(task):
    names = [name for name, _ in calls(task)]
    assert names[0] == "get_user_details"
    assert said(task).count(calls(task)[0][1]["user_id"]) >= 1
    for index, (name, arguments) in enumerate(calls(task)):
        if "reservation_id" in arguments and AirlineTools.changes(name):
            look = ("get_reservation_details", {"reservation_id": arguments["reservation_id"]})
            assert look in calls(task)[:index]
    assert "transfer_to_human_agents" not in names[:-1]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_the_customer_names_no_flight_number_no_payment_id_and_no_cabin_code(task):
    hidden = (
        "LKA",
        "credit_card_",
        "gift_card_",
        "certificate_",
        "basic_economy",
        "one_way",
        "round_trip",
        "None",
    )
    assert not any(word in said(task) for word in hidden)
    assert "  " not in said(task)
    for sentence in (".,", "..", ",.", " ,", " ."):
        assert sentence not in said(task)


def test_no_customer_is_in_two_tasks_and_no_split_shares_anything():
    customers = [calls(task)[0][1]["user_id"] for task in TASKS]
    assert len(customers) == len(set(customers)) == len(TASKS)
    splits = get_tasks_split()
    sizes = {name: len(ids) for name, ids in splits.items()}
    assert sizes == {"train": 67, "test": 33, "base": 100, "test_new": 16}
    assert sorted(splits["base"]) == sorted(splits["train"] + splits["test"])
    assert {*splits["base"], *splits["test_new"]} == {task.id for task in TASKS}
    trips = {
        task.id: {a["reservation_id"] for _, a in calls(task) if "reservation_id" in a}
        for task in TASKS
    }
    train, test, new = (
        set().union(*(trips[task_id] for task_id in splits[name]))
        for name in ("train", "test", "test_new")
    )
    assert train.isdisjoint(test)
    assert new.isdisjoint(train | test)


def kinds(split: str) -> set[str]:
    return {task.description.purpose for task in get_tasks(split)}


def test_kinds_of_the_test_split_are_trained_and_new_kinds_are_not():
    assert kinds("test") <= kinds("train")
    held_out = {intent.purpose for intent in all_intents() if intent.held_out}
    assert not any(purpose in kind for purpose in held_out for kind in kinds("train"))
    assert all(any(purpose in kind for purpose in held_out) for kind in kinds("test_new"))


def test_a_quarter_of_the_tasks_is_nothing_but_a_refusal_and_insistence():
    base = get_tasks()
    pure = [t for t in base if "however often the customer insists" in t.description.purpose]
    assert len(pure) >= len(base) / 4
    for task in pure:
        assert not writes(task)
        told = task.user_scenario.instructions.task_instructions
        assert len(re.findall(r", say that ", told)) == 2, told


def test_the_tasks_are_of_many_kinds_and_often_about_refusing():
    purposes = Counter(task.description.purpose for task in TASKS)
    assert len(purposes) >= 60
    refusing = sum(
        "refused" in purpose or "human agent" in purpose for purpose in purposes.elements()
    )
    assert 0.5 <= refusing / len(TASKS) <= 0.85
    assert sum(not writes(task) for task in TASKS) <= 0.4 * len(TASKS)
    assert sum(task.user_scenario.persona is None for task in TASKS) >= 10


def test_every_intent_is_shipped():
    told = " ".join(task.description.purpose for task in TASKS)
    assert [intent.name for intent in all_intents() if intent.purpose not in told] == []


def test_every_wording_of_every_intent_has_what_fills_its_slots(monkeypatch):
    section_text = AirlineDraft.section_text
    filled = set()

    def fill_all(draft, section, part, /, **slots):
        texts = draft._wording.texts(section, part)
        filled.update(FORMATTER.fill(text, slots) and text for text in texts)
        return section_text(draft, section, part, **slots)

    monkeypatch.setattr(AirlineDraft, "section_text", fill_all)
    index = AirlineIndex(get_environment().tools.db)
    for intent in all_intents():
        told = 0
        for number, user_id in enumerate(index.user_ids):
            with contextlib.suppress(UnsuitableCustomer):
                intent.tell(AirlineDraft(index, user_id, random.Random(number)))
                told += 1
            if told == 12:  # some sentences are said by half of the customers only
                break
    wordings = {id(i.wording): i.wording for i in all_intents()}.values()
    known = set(strings_of([wording._content for wording in (*wordings, FALLBACK_WORDING)]))
    assert known == filled


def strings_of(content: Any) -> Iterator[str]:
    for part in content.values() if isinstance(content, dict) else content:
        if isinstance(part, str):
            yield part
        else:
            yield from strings_of(part)


def test_generated_tasks_are_different_reproducible_and_quick(small):
    start = time.process_time()
    made = generate_tasks(400, 5, db=small)
    assert time.process_time() - start < 400 / 200  # the promise is 200 a second
    assert [task.model_dump() for task in generate_tasks(25, 5, db=small)] == [
        t.model_dump() for t in made[:25]
    ]
    works = {str((calls(task), task.evaluation_criteria.communicate_info)) for task in made}
    assert len(works) == len({task.id for task in made}) == 400


def test_training_tasks_hold_no_held_out_intent_and_new_ones_do(small):
    held_out = {intent.purpose for intent in all_intents() if intent.held_out}
    for kinds_, is_new in (("seen", False), ("new", True)):
        for task in generate_tasks(40, 5, kinds=kinds_, db=small):
            assert any(purpose in task.description.purpose for purpose in held_out) == is_new
    with pytest.raises(UnknownName, match="did you mean 'new'"):
        generate_tasks(1, 1, kinds="knew", db=small)


def test_generated_tasks_are_sound(small):
    for task in generate_tasks(60, 6, db=small):
        assert sound(small, calls(task), task.evaluation_criteria.communicate_info)


@pytest.mark.parametrize("difficulty", list(LEVELS))
def test_difficulty_decides_how_much_there_is_to_do(small, difficulty):
    made = generate_tasks(30, 8, db=small, difficulty=difficulty)
    assert len(made) == 30
    mean = sum(len(calls(task)) for task in made) / 30
    assert mean < {"easy": 5, "medium": 7, "hard": 11}[difficulty]


def test_excluded_customers_are_left_alone(small):
    excluded = list(small.users)[:30]
    made = generate_tasks(30, 9, db=small, exclude_users=excluded)
    assert {calls(task)[0][1]["user_id"] for task in made}.isdisjoint(excluded)


def test_an_unknown_difficulty_and_an_exhausted_world_are_errors(small):
    with pytest.raises(UnknownName, match="known: easy, hard, medium"):
        generate_tasks(1, 1, db=small, difficulty="cruel")
    with pytest.raises(DataFileError, match="ask for fewer"):
        generate_tasks(1, 1, db=small, exclude_users=list(small.users))


def test_intents_that_cannot_go_together_do_not():
    intents = {intent.name: intent for intent in all_intents()}
    books = [intent for intent in all_intents() if BOOKS in intent.tags]
    assert not go_together(books[:2])
    assert not go_together([intents["beyond_tools"]])
    assert not go_together([intents["cancel_what_can_be"], intents["add_free_bags"]])
    last = in_order([intents["beyond_tools"], intents["ask_fare"], intents["upgrade"]])
    assert [intent.name for intent in last] == ["upgrade", "ask_fare", "beyond_tools"]
    rng = random.Random(1)
    for _ in range(200):
        drawn: list[AirlineIntent] = draw_intents(rng, "hard")
        tags = [tag for intent in drawn for tag in intent.tags]
        assert tags.count(BOOKS) <= 1
        assert tags.count(HANDS_OVER) <= len(drawn) - 1
        assert ALL_TRIPS not in tags or len(drawn) == 1


def test_a_reference_that_changes_nothing_and_tells_nothing_is_not_sound(small):
    user_id = next(iter(small.users))
    look = ("get_user_details", {"user_id": user_id})
    give = ("send_certificate", {"user_id": user_id, "amount": 100})
    assert not sound(small, [look], [])
    assert sound(small, [look], ["120"])
    assert sound(small, [look, give], [])
    assert not sound(small, [look, ("send_certificate", {"user_id": "nobody", "amount": 100})], [])
    assert not sound(
        small, [give, ("send_certificate", {"user_id": user_id, "amount": 50})], []
    )  # order decides


def test_there_are_rules_for_the_tasks_to_obey():
    assert len(POLICY_RULES) >= 12
