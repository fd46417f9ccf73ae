"""The airline as an environment: data, tasks, splits, and where files are looked for."""

from __future__ import annotations

import pytest

from tau2.config import domain_dir
from tau2.domains import airline
from tau2.domains.airline import utils
from tau2.domains.airline.environment import get_environment, get_tasks, get_tasks_split
from tau2.domains.airline.spec import DOMAIN

TOOLS = {
    "book_reservation", "cancel_reservation", "update_reservation_baggages",
    "update_reservation_flights", "update_reservation_passengers", "send_certificate",
    "get_reservation_details", "get_user_details", "list_all_airports", "search_direct_flight",
    "search_onestop_flight", "get_flight_status", "calculate", "transfer_to_human_agents",
}  # fmt: skip


def test_the_agent_has_every_tool_with_a_described_schema():
    tools = get_environment().get_tools()
    assert {tool.name for tool in tools} == TOOLS
    for tool in tools:
        assert tool.short_desc
        for argument in tool.parameters["properties"].values():
            assert argument["description"]


def test_there_is_no_solo_mode():
    with pytest.raises(ValueError, match="Airline domain does not support solo mode"):
        get_environment(solo_mode=True)


def test_two_fresh_worlds_are_the_same_and_independent():
    one, other = get_environment(), get_environment()
    assert one.world_id == other.world_id
    assert one.get_db_hash() == other.get_db_hash()
    user_id = next(iter(one.tools.db.users))
    one.make_tool_call("send_certificate", user_id=user_id, amount=50)
    assert not one.same_state(other)


def test_splits_name_the_tasks():
    splits = get_tasks_split()
    assert set(splits) == {"train", "test", "base", "test_new"}
    assert [task.id for task in get_tasks()] == splits["base"]
    assert [task.id for task in get_tasks(None)] == [*splits["base"], *splits["test_new"]]
    with pytest.raises(ValueError, match="no task split named 'tost'"):
        get_tasks("tost")


def test_files_are_looked_for_where_the_data_is_now(monkeypatch, tmp_path):
    assert utils.AIRLINE_DB_PATH.samefile(domain_dir("airline") / "db.json")
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    assert (
        utils.AIRLINE_POLICY_PATH.relative_to(tmp_path).as_posix()
        == "tau2/domains/airline/policy.md"
    )
    with pytest.raises(AttributeError):
        _ = utils.AIRLINE_MOON_PATH


def test_the_package_offers_its_domain_and_nothing_else():
    assert airline.DOMAIN is DOMAIN
    with pytest.raises(AttributeError):
        _ = airline.NOTHING


def test_fresh_tasks_leave_the_test_customers_alone():
    made = DOMAIN.generate(40, 3)
    assert len(made) == 40
    test_customers = {a.arguments["user_id"] for task in get_tasks("test") for a in _profiles(task)}
    assert test_customers.isdisjoint(
        a.arguments["user_id"] for task in made for a in _profiles(task)
    )


def _profiles(task):
    return [
        action for action in task.evaluation_criteria.actions if action.name == "get_user_details"
    ]
