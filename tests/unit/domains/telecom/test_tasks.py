"""The shipped tasks: recipes give sound tasks, one by one, and the splits share nobody."""

from __future__ import annotations

import re
import time
from collections import Counter

import pytest

from tau2.audit.audit import audit_domain
from tau2.audit.trajectory import hand_over, play_reference
from tau2.data_model.tasks import RewardType, Task
from tau2.domains import telecom
from tau2.domains.telecom.environment import (
    get_environment,
    get_tasks,
    get_tasks_full,
    get_tasks_small,
    get_tasks_split,
)
from tau2.domains.telecom.tasks.issues import ISSUES, Resolution
from tau2.domains.telecom.tasks.loading import task_by_id
from tau2.domains.telecom.tasks.recipes import parse_recipe
from tau2.environment.task_setup import TaskSetup
from tau2.errors import DataFileError, UnknownName
from tau2.registry import registry


def world(task: Task) -> TaskSetup:
    return TaskSetup(task, get_environment)


def customer(task: Task) -> str:
    return task.initial_state.initialization_actions[0].arguments["name"]


@pytest.fixture(scope="module")
def base() -> list[Task]:
    return get_tasks()


def test_the_splits_are_as_large_as_promised():
    sizes = {name: len(ids) for name, ids in get_tasks_split().items()}
    assert sizes["train"] == 74
    assert sizes["test"] == 40
    assert sizes["base"] == 114
    assert sizes["small"] == 20
    assert sizes["full"] >= 2000
    assert sizes["test_new"] == 20
    assert all(len(set(ids)) == len(ids) for ids in get_tasks_split().values())


def test_train_and_test_make_up_base_and_share_nobody(base):
    splits = get_tasks_split()
    assert splits["train"] + splits["test"] == splits["base"] == [task.id for task in base]
    assert {customer(t) for t in get_tasks("train")}.isdisjoint(
        customer(t) for t in get_tasks("test")
    )


def test_issues_that_are_held_out_are_in_no_task_of_train_and_test():
    def issues(split: str) -> list[set[str]]:
        return [{i.name for i in parse_recipe(task.id).issues} for task in get_tasks(split)]

    held_out = {name for name, issue in ISSUES.items() if issue.held_out}
    trained = set().union(*issues("train"))
    assert set().union(*issues("test")) <= trained
    assert held_out.isdisjoint(trained)
    assert all(found & held_out for found in issues("test_new"))
    assert {customer(t) for t in get_tasks("train")}.isdisjoint(
        customer(t) for t in get_tasks("test_new")
    )


def test_every_task_set_takes_a_split_name():
    assert [task.id for task in get_tasks_small()] == [task.id for task in get_tasks("small")]
    assert len(get_tasks_full("test")) == len(get_tasks_small("test")) == 40
    for name in ("telecom", "telecom_full", "telecom_small", "telecom-workflow"):
        assert len(registry.get_tasks_loader(name)("train")) == 74
    with pytest.raises(UnknownName):
        get_tasks("no such split")


def test_the_base_tasks_pass_the_audit(base):
    report = audit_domain(telecom.DOMAINS[0], base)
    assert report.findings == []


def test_a_sample_of_the_full_set_passes_the_audit():
    ids = get_tasks_split()["full"][::110]
    report = audit_domain(telecom.DOMAINS[0], [task_by_id(task_id) for task_id in ids])
    assert report.findings == []


def test_every_reference_of_the_full_set_runs_and_earns_one():
    wrong = []
    for task in get_tasks(None)[::9]:
        stage = play_reference(world(task))
        if stage.errors or stage.reward() != 1:
            wrong.append(task.id)
    assert wrong == []


def test_every_task_begins_unsolved(base):
    for task in base:
        env = world(task).start()
        met = [
            env.run_env_assertion(a, raise_assertion_error=False)
            for a in task.evaluation_criteria.env_assertions
        ]
        by_action = RewardType.ACTION in task.evaluation_criteria.reward_basis
        assert by_action or not all(met), task.id


def test_handing_over_at_once_earns_nothing_even_where_a_hand_over_is_right(base):
    assert [task.id for task in base if hand_over(world(task)).reward() > 0] == []


def test_a_good_share_ends_in_something_else_than_a_repair(base):
    ends = Counter(
        issue.resolution if issue.resolution is not Resolution.FIXED else issue.name
        for task in base
        for issue in parse_recipe(task.id).issues
    )
    assert ends[Resolution.HANDED_OVER] >= 12
    assert (
        ends[Resolution.LEFT] + ends[Resolution.REFUSED] + ends["data_usage_wants_too_much"] >= 20
    )


def test_every_trouble_occurs_in_the_base_tasks_or_in_those_of_new_kinds(base):
    shipped = [*base, *get_tasks("test_new")]
    assert {issue.name for task in shipped for issue in parse_recipe(task.id).issues} == set(ISSUES)


def test_a_task_by_its_id_is_the_one_of_the_list(base):
    for task in base[::10]:
        assert task_by_id(task.id) == task
        assert Task.model_validate(task.model_dump()) == task


def test_a_task_may_be_changed_without_changing_the_next(base):
    task = task_by_id(base[0].id)
    task.initial_state.initialization_actions[0].arguments["name"] = "somebody else"
    task.evaluation_criteria.actions.clear()
    assert task_by_id(base[0].id) == base[0]


@pytest.mark.parametrize("task_id", [
    "", "nonsense", "[no_issue]airplane_mode_on[PERSONA:None]",
    "[mms_issue]no_trouble[PERSONA:None]", "[mms_issue]airplane_mode_on[PERSONA:Sad]",
])  # fmt: skip
def test_an_unknown_id_is_said(task_id):
    with pytest.raises(UnknownName):
        task_by_id(task_id)


@pytest.mark.parametrize("names", [
    "lock_sim_card_pin|lock_sim_card_puk", "overdue_bill_declined", "other_line_suspend", "bad_vpn",
    "lock_sim_card_pin|other_line_roaming",
    "airplane_mode_on|overdue_bill_declined|other_line_resume",
])  # fmt: skip
def test_troubles_that_do_not_go_together_are_refused(names):
    with pytest.raises(DataFileError):
        task_by_id(f"[service_issue]{names}[PERSONA:None]")


def test_the_words_are_many_and_hold_no_id(base):
    shapes = set()
    for task in base:
        parts = task.user_scenario.instructions
        known = f"{parts.known_info} {parts.unknown_info}"
        text = f"{parts.reason_for_call} {known} {parts.task_instructions}"
        assert not re.search(r"\b[CLBDP]\d{3,}\b|[{}]", f"{text} {task.ticket}"), task.id
        shapes.add(re.sub(r"\d+|" + re.escape(customer(task)), "", text))
    assert len(shapes) >= 100
    assert len({task.user_scenario.instructions.reason_for_call for task in base}) >= 35


def test_the_customer_knows_no_cause(base):
    causes = re.compile(
        r"airplane|APN|VPN|PUK|\bPIN\b|SIM|data saver|Wi-Fi calling|permission", re.IGNORECASE
    )
    for task in base:
        parts = task.user_scenario.instructions
        assert not causes.search(
            f"{parts.reason_for_call} {parts.known_info} {parts.unknown_info}"
        ), task.id
        assert not causes.search(task.ticket), task.id


def test_thousands_are_built_without_parsing_any():
    began = time.process_time()
    tasks = get_tasks(None)
    assert len(tasks) >= 2000
    assert (
        time.process_time() - began < 5
    )  # seconds; a guard against reading megabytes, not a benchmark
