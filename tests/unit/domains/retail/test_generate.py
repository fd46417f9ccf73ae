"""Generated tasks: many, distinct, provable, and never about a customer of the test split."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys

import pytest
from tests.reference import REFERENCE, needs_reference

from tau2.audit.audit import audit_domain
from tau2.audit.checks import work_of
from tau2.data_model.tasks import Task
from tau2.domains import retail
from tau2.domains.retail.environment import get_environment, get_tasks
from tau2.domains.retail.factory import generate
from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.generate import generate_tasks
from tau2.domains.retail.factory.intents import all_intents
from tau2.domains.retail.factory.intents.intent import IntentText
from tau2.domains.retail.factory.scenario import SCENARIO, combine
from tau2.domains.retail.factory.words import method_name
from tau2.domains.retail.tools import RetailTools
from tau2.errors import DataFileError
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.wording import Turns

COUNT = 150


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return generate_tasks(COUNT, 3)


@pytest.fixture(scope="module")
def world():
    return get_environment().tools.db.reference


def changes(task: Task) -> list[str]:
    return [
        action.name
        for action in task.evaluation_criteria.actions
        if RetailTools._marks[action.name].mutates
    ]


def parts(task: Task) -> list[str]:
    told = task.user_scenario.instructions
    return [told.reason_for_call, told.known_info, told.task_instructions]


# --- soundness ---


@pytest.mark.slow
def test_every_generated_task_passes_the_audit(tasks):
    report = audit_domain(retail.DOMAIN, tasks)
    assert report.ok, report.findings[:3]


@pytest.mark.parametrize("difficulty", ["easy", "medium", "hard"])
def test_every_difficulty_passes_the_audit(difficulty):
    made = generate_tasks(30, 8, difficulty)
    report = audit_domain(retail.DOMAIN, made)
    assert report.ok, report.findings[:3]
    assert all(f"difficulty: {difficulty};" in task.description.notes for task in made)


def test_no_task_is_told_twice_or_was_shipped(tasks):
    assert (
        len({work_of(task) for task in tasks})
        == len({str(task.user_scenario) for task in tasks})
        == COUNT
    )
    assert not {work_of(task) for task in tasks} & {work_of(task) for task in get_tasks(None)}


def test_the_customers_of_the_test_split_do_not_appear(tasks, world):
    shop = generate.generation_world()
    told = " ".join(task.model_dump_json() for task in get_tasks("test"))
    assert {user_id for user_id in world.users if user_id in told} <= shop.held_out
    made = " ".join(task.model_dump_json() for task in tasks)
    for user_id in shop.held_out:
        user = world.users[user_id]
        assert not [name for name in (user_id, user.email, *user.orders) if name in made]


# --- determinism ---


def test_a_shorter_set_is_the_beginning_of_a_longer_one(tasks):
    assert generate_tasks(20, 3) == tasks[:20]
    assert generate_tasks(0, 3) == []


def test_another_seed_gives_other_tasks(tasks):
    assert not {work_of(task) for task in generate_tasks(20, 4)} & {
        work_of(task) for task in tasks[:20]
    }


@pytest.mark.slow
def test_tasks_do_not_depend_on_the_order_of_hashes(tasks):
    code = (
        "from tau2.domains.retail import DOMAIN\n"
        "print('\\n'.join(task.model_dump_json() for task in DOMAIN.generate(12, 3)))"
    )
    for hash_seed in "12":
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines() == [task.model_dump_json() for task in tasks[:12]]


def test_ids_tell_seed_and_difficulty(tasks):
    assert [task.id for task in tasks] == [f"gen-3-{number}" for number in range(COUNT)]
    assert [task.id for task in generate_tasks(2, 3, "hard")] == ["gen-3-hard-0", "gen-3-hard-1"]


def test_importing_the_domain_loads_no_factory():
    code = (
        "import sys; from tau2.domains.retail import DOMAIN; DOMAIN.environment()\n"
        "assert not [name for name in sys.modules"
        " if 'retail.factory' in name or 'retail.rules' in name]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- difficulty and variety ---


def test_difficulties_differ_in_what_is_to_be_done():
    work = {
        d: [len(changes(task)) for task in generate_tasks(40, 5, d)]
        for d in ("easy", "medium", "hard")
    }
    assert max(work["easy"]) <= 1 < max(work["hard"])
    assert sum(work["easy"]) < sum(work["medium"]) < sum(work["hard"])


def test_a_mixed_set_holds_every_difficulty_and_many_kinds(tasks):
    notes = " ".join(task.description.notes for task in tasks)
    assert all(notes.count(f"difficulty: {name};") > COUNT // 8 for name in generate.DIFFICULTIES)
    assert len({kind for task in tasks for kind in task.description.purpose.split(" + ")}) > 60


def test_kinds_are_distinct_and_all_of_them_are_shipped():
    purposes = [intent.purpose for intent in all_intents()]
    assert len(set(purposes)) == len(purposes) > 140
    shipped = {p for task in get_tasks(None) for p in task.description.purpose.split(" + ")}
    assert len(shipped & set(purposes)) > 0.9 * len(purposes)
    personas = SCENARIO.texts("personas") + SCENARIO.texts("more_personas")
    assert len(set(personas)) == len(personas)


# --- what customers say ---


def test_scenarios_are_whole_sentences(tasks):
    for task in tasks:
        for part in parts(task):
            assert part[0].isupper(), (task.id, part)
            assert part.endswith("."), (task.id, part)
            assert not re.search(r"  | [.,;]|\.\.|None|[{}]", part), (task.id, part)


def test_every_wording_of_every_intent_has_what_fills_its_slots(world):
    waiting = {intent.name: intent for intent in all_intents()}
    for user_id in world.users:
        for intent in list(waiting.values()):
            draft = RetailDraft(world, user_id, random.Random(1), turn=0)
            try:
                slots = intent.act(draft)
            except UnsuitableCustomer:
                continue
            for part in IntentText._fields:
                for turn in range(len(intent.wording.texts(intent.name, part))):
                    assert "{" not in intent.text(part, turn, slots)
            del waiting[intent.name]
    assert not waiting


def test_customers_know_no_internal_ids(tasks):
    internal = re.compile(r"\b(\d{10}|(credit_card|gift_card|paypal)_\d+)\b")
    assert not [task.id for task in tasks if internal.search(str(task.user_scenario))]


def test_customers_name_the_method_and_the_reason(tasks, world):
    words = {"no longer needed": "no longer need", "ordered by mistake": "by mistake"}
    for task in tasks:
        told = str(task.user_scenario)
        for action in task.evaluation_criteria.actions:
            if (method_id := action.arguments.get("payment_method_id")) is not None:
                user = world.users[world.orders[action.arguments["order_id"]].user_id]
                assert (
                    method_name(user.payment_methods[method_id]) in told
                    or "the way that order was paid" in told
                )
            assert words.get(action.arguments.get("reason"), "") in told, task.id


def test_a_hand_over_is_the_last_thing(tasks):
    for task in tasks:
        names = [action.name for action in task.evaluation_criteria.actions]
        assert "transfer_to_human_agents" not in names[:-1]


# --- kinds that are held out ---


def test_training_tasks_hold_no_held_out_intent_and_new_ones_do(tasks):
    held_out = {intent.purpose for intent in all_intents() if intent.held_out}
    for task in tasks:
        assert held_out.isdisjoint(task.description.purpose.split(" + "))
    for task in generate_tasks(40, 3, kinds="new"):
        assert task.id.startswith("gen-new-3-")
        assert not held_out.isdisjoint(task.description.purpose.split(" + "))
    with pytest.raises(ValueError, match="did you mean 'new'"):
        generate_tasks(1, 1, kinds="knew")


# --- several intents in one scenario ---


@pytest.mark.parametrize("seed", range(12))
def test_every_intent_is_told_with_what_belongs_to_it(seed):
    texts = [
        ("return", IntentText("You want to return the hat.", "The refund goes to your gift card.")),
        ("return", IntentText("Order #P1 should go back.", "If not, keep it.")),
        ("question", IntentText("You want to know a price.", "")),
    ]
    told = combine(random.Random(seed), Turns(random.Random(seed)), texts)
    text = f"{told.reason} {told.instructions}".lower()
    for _, part in texts:
        assert text.count(part.reason.lower()[:-1]) == 1
        assert part.instructions.lower()[:-1] in text
    assert told.reason.endswith(".")
    if "first return" in text:
        assert text.index("first return") < text.index("second return")


def test_one_intent_is_told_as_it_is():
    told = IntentText("You want to return the hat.", "Be brief.")
    assert combine(random.Random(1), Turns(random.Random(1)), [("return", told)]) == told


def test_an_intent_can_be_taken_back(world):
    user_id = next(u for u, user in world.users.items() if len(user.orders) > 1)
    draft = RetailDraft(world, user_id, random.Random(1), turn=0)
    start, calls = draft.checkpoint(), list(draft.calls)
    draft.look_at(draft.orders[0])
    draft.move(draft.new_address())
    draft.begin(turn=1)
    assert draft.orders == draft.all_orders[1:]
    draft.undo(start)
    draft.begin(turn=1)
    assert (draft.calls, draft.orders, draft.taken) == (calls, draft.all_orders, set())
    assert draft.tools.db.same_as(world.view())


# --- errors ---


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="did you mean 'easy'"):
        generate_tasks(1, 1, "eazy")
    with pytest.raises(ValueError, match="must not be negative"):
        generate_tasks(-1, 1)


def test_an_exhausted_shop_is_an_error(monkeypatch):
    monkeypatch.setattr(generate, "_ATTEMPTS", 0)
    with pytest.raises(DataFileError, match="no further"):
        generate_tasks(1, 1)


def test_the_corrected_behaviour_is_needed(monkeypatch):
    monkeypatch.setenv("TAU2_STRICT_COMPAT", "1")
    with pytest.raises(ValueError, match="TAU2_STRICT_COMPAT=0"):
        generate_tasks(1, 1)


@needs_reference
def test_another_kind_of_shop_is_refused(monkeypatch):
    monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))
    monkeypatch.setenv("TAU2_STRICT_COMPAT", "0")
    with pytest.raises(ValueError, match="factory"):
        generate_tasks(1, 1)


def test_a_made_shop_of_another_seed_has_tasks_too(monkeypatch, tmp_path):
    from tau2.domains.retail.factory.__main__ import write_data
    from tau2.domains.retail.factory.world import RetailScale

    write_data(
        9, tmp_path / "tau2" / "domains" / "retail", RetailScale(users=120, orders=240, tasks=30)
    )
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TAU2_STRICT_COMPAT", "0")
    orders = json.loads((tmp_path / "tau2" / "domains" / "retail" / "db.json").read_text())[
        "orders"
    ]
    made = generate_tasks(10, 1)
    named = re.findall(r"#W\d+", " ".join(task.model_dump_json() for task in made))
    assert set(named) <= orders.keys()
