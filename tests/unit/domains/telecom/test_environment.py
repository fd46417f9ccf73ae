"""Both sides together: what the carrier does reaches the phone, and a payment the bill."""

from __future__ import annotations

import random

import pytest
from tests.unit.domains.telecom.conftest import ANN, MAIN

from tau2.data_model.message import ToolCall
from tau2.domains import telecom
from tau2.domains.telecom import utils
from tau2.domains.telecom.data_model import BillStatus, TelecomDB
from tau2.domains.telecom.environment import get_environment, get_environment_workflow_policy
from tau2.domains.telecom.factory.phone import phone_of_the_shop
from tau2.errors import ToolError
from tau2.registry import registry


def test_a_suspended_line_is_lost_at_the_next_search_and_found_after_a_restart(desk):
    desk.does("suspend_line", customer_id=ANN, line_id=MAIN, reason="x")
    assert "Excellent" in desk.taps("check_status_bar")
    assert "No Signal" in desk.taps("reboot_device")
    desk.does("resume_line", customer_id=ANN, line_id=MAIN)
    assert "No Signal" in desk.taps("check_status_bar")
    assert "Excellent" in desk.taps("reboot_device")


def test_used_up_data_stops_until_it_is_refuelled(desk):
    desk.env.tools.set_data_usage(ANN, MAIN, 5.0)
    desk.env.sync_tools()
    assert "failed" in desk.taps("run_speed_test")
    desk.does("refuel_data", customer_id=ANN, line_id=MAIN, gb_amount=0.5)
    assert "Excellent" in desk.taps("run_speed_test")


def test_roaming_of_the_line_reaches_the_phone(desk):
    desk.env.user_tools.set_user_location(abroad=True)
    desk.taps("toggle_roaming")
    assert "failed" in desk.taps("run_speed_test")
    desk.does("enable_roaming", customer_id=ANN, line_id=MAIN)
    assert "Excellent" in desk.taps("run_speed_test")


def test_a_payment_goes_from_request_to_bill(desk):
    assert "no payment request" in desk.taps("check_payment_request")
    desk.does("send_payment_request", customer_id=ANN, bill_id="B2")
    assert "B2: 12.5 USD" in desk.taps("check_payment_request")
    assert "Paid 12.5 USD" in desk.taps("make_payment")
    assert desk.bill("B2").status == BillStatus.PAID
    assert "no payment request" in desk.taps("check_payment_request")


def test_a_phone_in_nobodys_hands_is_left_alone(db):
    env = get_environment(db, phone_of_the_shop())
    before = env.get_user_db_hash()
    env.tools.set_data_usage(ANN, MAIN, 99)
    env.sync_tools()
    assert env.get_user_db_hash() == before


def test_a_number_without_a_line_is_said(desk):
    desk.env.user_tools.set_user_info("Nobody", "1")
    with pytest.raises(ToolError, match="no line has"):
        desk.env.sync_tools()


def test_two_episodes_in_one_process_never_meet():
    one, other = get_environment(), get_environment()
    before = other.get_db_hash(), other.get_user_db_hash()
    one.user_tools.break_vpn()
    one.user_tools.turn_airplane_mode_on()
    customer = one.tools.get_customer_by_id(one.tools.db.customers.peek(0).customer_id)
    one.tools.set_data_usage(customer.customer_id, customer.line_ids[0], 99)
    assert (other.get_db_hash(), other.get_user_db_hash()) == before
    other.user_tools.connect_vpn()
    assert other.user_tools.device.vpn_details.server_performance == "excellent"
    fresh = get_environment()
    assert (fresh.get_db_hash(), fresh.get_user_db_hash()) == before


def calls(rng: random.Random, env, count: int) -> list[ToolCall]:
    customer = rng.choice(list(env.tools.db.customers.base))
    values = {"customer_id": customer.customer_id, "line_id": rng.choice(customer.line_ids),
              "reason": "x", "bill_id": rng.choice(customer.bill_ids), "gb_amount": 1,
              "app_name": "messaging", "permission": "sms", "mode": "2g_only",
              "phone_number": customer.phone_number, "full_name": customer.full_name, "dob": "x",
              "id": customer.customer_id, "limit": 2, "summary": "x",
              "apn_settings": {}}  # fmt: skip
    tools = [(tool, "assistant") for tool in env.get_tools()] + [
        (tool, "user") for tool in env.get_user_tools()
    ]
    chosen = rng.choices(tools, k=count)
    return [
        ToolCall(
            id="1",
            name=t.name,
            requestor=who,
            arguments={n: values[n] for n in t.params.model_fields},
        )
        for t, who in chosen
    ]


def played(env, script) -> tuple[list[str | None], str | None, str | None]:
    results = [env.get_response(call).content for call in script]
    return results, env.get_db_hash(), env.get_user_db_hash()


@pytest.mark.parametrize("seed", range(5))
def test_episodes_give_the_same_alone_interleaved_and_forked(seed):
    rng = random.Random(seed)
    owner = get_environment().tools.db.customers.peek(seed)
    number = get_environment().tools.get_details_by_id(owner.line_ids[0]).phone_number

    def started():
        env = get_environment()
        env.user_tools.set_user_info(owner.full_name, number)
        return env

    script, noise = calls(rng, started(), 30), calls(rng, started(), 30)
    alone = played(started(), script)
    mine, theirs = started(), started()
    together = []
    for call, other in zip(script, noise, strict=True):
        theirs.get_response(other)
        together.append(mine.get_response(call).content)
    assert (together, mine.get_db_hash(), mine.get_user_db_hash()) == alone
    half = started()
    first = [half.get_response(call).content for call in script[:15]]
    child = half.fork()
    half.get_response(noise[0])
    rest, agent_hash, user_hash = played(child, script[15:])
    assert (first + rest, agent_hash, user_hash) == alone


def test_a_phone_can_be_left_in_many_right_states(desk):
    twin = desk.env.fork()
    desk.taps("toggle_wifi")
    assert desk.env.same_state(twin)
    twin.strict_compat = desk.env.strict_compat = True
    assert not desk.env.same_state(twin)
    twin.strict_compat = desk.env.strict_compat = False
    desk.does("enable_roaming", customer_id=ANN, line_id=MAIN)
    assert not desk.env.same_state(twin)


def test_starting_forking_and_synchronising_touch_no_record():
    env = get_environment()
    assert env.is_pristine()
    assert env.fork().is_pristine()
    env.user_tools.set_user_info("x", env.tools.db.lines.peek(0).phone_number)
    env.sync_tools()
    assert all(not getattr(env.tools.db, name).touched() for name in TelecomDB.model_fields)


def test_the_two_domains_differ_in_their_policy_only():
    manual, workflow = get_environment(), get_environment_workflow_policy()
    assert manual.get_db_hash() == workflow.get_db_hash()
    assert manual.policy != workflow.policy
    assert (manual.domain_name, workflow.domain_name) == ("telecom", "telecom-workflow")
    solo = [
        get_environment(solo_mode=True, policy_type=kind).policy for kind in ("manual", "workflow")
    ]
    assert len({manual.policy, workflow.policy, *solo}) == 4
    assert all(
        "<main_policy>" in text and "<tech_support_policy>" in text
        for text in (manual.policy, *solo)
    )


def test_names_are_listed_without_loading_anything():
    assert telecom.NAMES == ("telecom", "telecom-workflow")
    assert {spec.name for spec in telecom.DOMAINS} == set(telecom.NAMES)
    assert set(telecom.TASK_SETS) <= set(registry.get_task_sets())
    with pytest.raises(AttributeError):
        _ = telecom.SOMETHING


def test_paths_follow_the_data_directory(monkeypatch, tmp_path):
    assert utils.TELECOM_DB_PATH.name == "db.json"
    folder = tmp_path / "tau2" / "domains" / "telecom"
    folder.mkdir(parents=True)
    (folder / "db.toml").write_text("")
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    assert folder / "db.toml" == utils.TELECOM_DB_PATH
    assert folder / "user_db.json" == utils.TELECOM_USER_DB_PATH
    assert folder == utils.TELECOM_DATA_DIR
    with pytest.raises(AttributeError):
        _ = utils.TELECOM_NOTHING
