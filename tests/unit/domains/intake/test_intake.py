"""The intake domain: one missing field a task, and the exact value in the database decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from tau2.audit.audit import audit_domain
from tau2.data_model.message import ToolCall
from tau2.data_model.run_config import TextRunConfig
from tau2.domains import intake
from tau2.domains.intake.data_model import FIELD_NAMES, FieldName
from tau2.domains.intake.environment import get_environment, get_tasks, get_tasks_split
from tau2.domains.intake.factory.__main__ import DEFAULT_SEED, write_data
from tau2.domains.intake.factory.generate import HELD_OUT, generate_tasks
from tau2.domains.intake.fields import canonical
from tau2.environment.task_setup import TaskSetup
from tau2.errors import ToolError, UnknownName
from tau2.registry import registry
from tau2.run import run_single_task

FILES = ("db.json", "user_db.json", "tasks.json", "split_tasks.json")
TODAY = "2026-04-16"


def field_of(task_id: str) -> str:
    return task_id.rsplit("_", 2)[0]


# --- the tasks ---


def test_the_committed_files_are_what_the_default_seed_gives(tmp_path):
    write_data(DEFAULT_SEED, tmp_path)
    folder = Path(intake.__path__[0])
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_ten_fields_are_asked_for_in_ten_easy_and_ten_hard_tasks_each():
    ids = get_tasks_split()["base"]
    assert len(ids) == 200
    kinds = [task_id.rsplit("_", 1)[0] for task_id in ids]
    assert {kinds.count(kind) for kind in kinds} == {10}
    assert {field_of(task_id) for task_id in ids} == set(FIELD_NAMES)


def test_no_training_task_asks_for_a_field_that_is_held_out():
    splits = get_tasks_split()
    sizes = {name: len(ids) for name, ids in splits.items()}
    assert sizes == {"base": 200, "train": 98, "test": 102, "test_new": 60, "small": 20}
    assert {field_of(one) for one in splits["test_new"]} == HELD_OUT
    assert not {field_of(one) for one in splits["train"]} & HELD_OUT
    assert {field_of(one) for one in splits["test"]} == set(FIELD_NAMES)


def test_no_value_is_asked_for_twice():
    values = [str(task.reference_actions[-1].arguments["fields"]) for task in get_tasks()]
    assert len(set(values)) == len(values)


def test_every_value_stands_in_the_form_in_which_it_is_kept():
    for task in get_tasks():
        for name, value in task.reference_actions[-1].arguments["fields"].items():
            assert canonical(name, value, TODAY) == value


# --- the tools ---


@pytest.fixture
def call():
    """Return a function that submits a value of the missing field of a task, and its episode."""

    def submit(task_id: str, value: str):
        task = get_tasks(task_ids=[task_id])[0]
        env = TaskSetup(task, get_environment).start()
        order = env.tools.get_callback_order()
        return env.tools.submit_fields(order.order_id, {order.missing[0]: value})

    return submit


def test_the_order_of_the_call_is_the_tasks(call):
    assert call("zip_easy_3", "12345").order_id != call("zip_easy_4", "12345").order_id


def test_a_submitted_value_completes_the_order(call):
    order = call("email_easy_0", " Somebody@Example.COM ")
    assert (order.fields["email"], order.status) == ("somebody@example.com", "complete")


def test_a_field_that_is_not_missing_cannot_be_submitted():
    env = get_environment()
    order = env.tools.get_callback_order()
    with pytest.raises(ToolError, match="no missing field zip"):
        env.tools.submit_fields(order.order_id, {order.missing[0]: "Ann Lee", "zip": "12345"})
    assert (order.status, order.missing[0] in order.fields) == ("incomplete", False)


def test_a_value_that_cannot_be_one_is_refused(call):
    with pytest.raises(ToolError, match="takes five digits"):
        call("zip_easy_3", "1234")


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("customer_id", "kr-48 21", "KR4821"),
        ("license_plate", "bdp 1nv8", "BDP1NV8"),
        ("phone", "+1 (555) 204 7719", "555-204-7719"),
        ("phone", "204 7719", None),
        ("amount", "$1,319.5", "1319.50"),
        ("amount", "thirteen", None),
        ("purchase_date", "2026-04-17", None),
        ("purchase_date", "2026-02-30", None),
        ("street", "1308b Pfeiffer, Lane", "1308B Pfeiffer Lane"),
        ("street", "Pfeiffer Lane", None),
        ("name", "Siobhan  Przybyla", "Siobhan Przybyla"),
        ("name", "Siobhan", None),
        ("email", "no mail", None),
        ("serial_number", "NODIGIT", None),
    ],
)
def test_values_have_one_form_each(field: FieldName, given: str, kept: str | None):
    assert canonical(field, given, TODAY) == kept


def test_the_customer_reads_from_papers():
    task = get_tasks(task_ids=["serial_number_hard_1"])[0]
    env = TaskSetup(task, get_environment).start()
    asked = ToolCall(
        id="1", name="get_entity", arguments={"field": "serial_number"}, requestor="user"
    )
    value = task.reference_actions[-1].arguments["fields"]["serial_number"]
    assert env.get_response(asked).content == value
    with pytest.raises(ToolError, match="no license plate"):
        env.user_tools.get_entity("license_plate")


# --- the factory ---


def test_the_same_seed_gives_the_same_tasks_and_a_shorter_list_is_a_beginning():
    assert generate_tasks(12, 5)[:4] == generate_tasks(4, 5)
    assert generate_tasks(4, 5) != generate_tasks(4, 6)


def test_generated_tasks_hold_the_same_fields_out():
    def fields(kinds: str) -> set[str]:
        tasks = generate_tasks(40, 2, "hard", kinds)
        return {next(iter(t.reference_actions[-1].arguments["fields"])) for t in tasks}

    assert fields("new") == HELD_OUT
    assert not fields("seen") & HELD_OUT


def test_there_is_no_medium_difficulty():
    with pytest.raises(UnknownName, match="easy"):
        generate_tasks(1, 0, "medium")


@pytest.mark.parametrize("kinds", ["seen", "new"])
def test_generated_tasks_pass_the_audit_and_are_solved_by_the_reference_pair(kinds):
    tasks = generate_tasks(20, 3, kinds=kinds)
    assert not audit_domain(registry.domains.get("intake"), tasks).findings
    config = TextRunConfig(domain="intake", agent="oracle_agent", user="scripted_user")
    for task in tasks:
        run = run_single_task(config, task)
        assert run.reward_info is not None
        assert run.reward_info.reward == 1, task.user_scenario
