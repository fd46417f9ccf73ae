"""The factory: the committed data is its output, and any seed gives as good a world."""

from __future__ import annotations

import pytest

from tau2.audit.audit import audit_domain
from tau2.config import PACKAGE_ROOT
from tau2.domains import telecom
from tau2.domains.telecom.data_model import BillStatus, LineStatus, TelecomDB
from tau2.domains.telecom.environment import get_tasks
from tau2.domains.telecom.factory.__main__ import DEFAULT_SEED, main, write_data
from tau2.domains.telecom.factory.generate import generate_tasks
from tau2.domains.telecom.factory.world import build_world
from tau2.domains.telecom.tasks.subjects import SubjectPools, find_subjects
from tau2.errors import ConfigError, DataFileError, UnknownName

OWN = PACKAGE_ROOT / "tau2" / "domains" / "telecom"


def test_the_committed_data_is_the_output_of_the_default_seed(tmp_path):
    write_data(DEFAULT_SEED, tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (OWN / path.name).read_bytes(), path.name
    assert {path.name for path in tmp_path.iterdir()} == {
        "db.json",
        "user_db.json",
        "split_tasks.json",
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_records_of_any_seed_fit_together(seed):
    db = build_world(seed)
    lines = {line.line_id: line for line in db.lines}
    bills = {bill.bill_id: bill for bill in db.bills}
    numbers = [line.phone_number for line in db.lines]
    assert len(db.customers) >= 60
    assert len(set(numbers)) == len(numbers)
    assert {line.plan_id for line in db.lines} <= {plan.plan_id for plan in db.plans}
    assert {line.device_id for line in db.lines} == {device.device_id for device in db.devices}
    assert [line_id for c in db.customers for line_id in c.line_ids] == list(lines)
    assert [bill_id for c in db.customers for bill_id in c.bill_ids] == list(bills)
    for bill in db.bills:
        assert bill.total_due == pytest.approx(sum(item.amount for item in bill.line_items))
    assert {line.status for line in db.lines} == set(LineStatus)
    assert {bill.status for bill in db.bills} == set(BillStatus)
    contacts = [c.phone_number for c in db.customers]
    assert len(set(contacts)) == len(contacts)


@pytest.mark.parametrize("seed", [1, 2, 3, DEFAULT_SEED])
def test_any_seed_has_customers_for_every_task_on_both_sides(seed):
    pools = SubjectPools(find_subjects(build_world(seed)))
    for need in ("", "in_use", "not_roaming", "resting", "lapsed"):
        for test in (True, False):
            assert len(pools.of(need, test=test)) >= 2, (need, test)


def test_another_seed_gives_another_world_in_which_the_tasks_hold(tmp_path, monkeypatch):
    folder = tmp_path / "tau2" / "domains" / "telecom"
    main(["--seed", "7", "--out", str(folder)])
    for policy in OWN.glob("*.md"):
        (folder / policy.name).write_text(policy.read_text())
    before = get_tasks("small")
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TAU2_STRICT_COMPAT", "0")
    after = get_tasks("small")
    assert [task.id for task in after] == [task.id for task in before]
    assert after != before
    assert audit_domain(telecom.DOMAINS[0], after).findings == []


def everyone_of(split: str) -> set[str]:
    return {
        task.initial_state.initialization_actions[0].arguments["name"] for task in get_tasks(split)
    }


@pytest.mark.parametrize("difficulty", [None, "easy", "medium", "hard"])
def test_fresh_tasks_are_all_different_and_about_nobody_of_the_test_split(difficulty):
    tasks = generate_tasks(150, 11, difficulty)
    assert tasks == generate_tasks(150, 11, difficulty)
    assert len({task.id for task in tasks}) == 150
    assert len({task.model_dump_json(exclude={"id", "description"}) for task in tasks}) == 150
    about = {task.initial_state.initialization_actions[0].arguments["name"] for task in tasks}
    assert about.isdisjoint(everyone_of("test"))


def test_fresh_tasks_pass_the_audit():
    assert audit_domain(telecom.DOMAINS[0], generate_tasks(60, 5)).findings == []


def test_a_fresh_task_can_be_built_again_from_its_id():
    from tau2.domains.telecom.tasks.loading import task_by_id

    for task in generate_tasks(20, 3):
        assert task_by_id(task.id) == task


def test_what_cannot_be_generated_is_said(monkeypatch):
    with pytest.raises(UnknownName, match="impossible"):
        generate_tasks(1, 0, "impossible")
    with pytest.raises(DataFileError, match="no customer"):
        generate_tasks(1, 0, db=TelecomDB())
    monkeypatch.setattr("tau2.domains.telecom.factory.generate._MOST_ATTEMPTS", 0)
    with pytest.raises(ConfigError, match="no 1 different"):
        generate_tasks(1, 0)
