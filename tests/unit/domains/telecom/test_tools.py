"""The agent's tools: what they find, what they change, what they refuse."""

from __future__ import annotations

import json

import pytest
from tests.unit.domains.telecom.conftest import ANN, ANNS_NUMBER, BOB, BOBS, MAIN, TABLET

from tau2.data_model.message import ToolCall
from tau2.domains.telecom.data_model import BillStatus, LineStatus


def found(text: str):
    return json.loads(text)


def test_a_customer_is_found_by_contact_number_line_number_id_or_name(desk):
    for content in (
        desk.does("get_customer_by_phone", phone_number="555-0900"),
        desk.does("get_customer_by_phone", phone_number=ANNS_NUMBER),
        desk.does("get_customer_by_id", customer_id=ANN),
        json.dumps(
            found(desk.does("get_customer_by_name", full_name="ann OAK", dob="1980-02-03"))[0]
        ),
    ):
        assert found(content)["customer_id"] == ANN
    assert found(desk.does("get_customer_by_name", full_name="Ann Oak", dob="1999-01-01")) == []


@pytest.mark.parametrize(("identifier", "key"),
                         [(MAIN, "line_id"), ("D1", "device_id"), ("B1", "bill_id"),
                                                 (ANN, "customer_id"),
                                                 ("P1", "plan_id")])  # fmt: skip
def test_details_of_any_record(desk, identifier, key):
    assert found(desk.does("get_details_by_id", id=identifier))[key] == identifier


@pytest.mark.parametrize(("name", "arguments"), [
    ("get_details_by_id", {"id": "X1"}), ("get_details_by_id", {"id": ""}),
    ("get_details_by_id", {"id": "L99"}), ("get_customer_by_phone", {"phone_number": "1"}),
    ("get_customer_by_id", {"customer_id": "C9"}),
    ("get_bills_for_customer", {"customer_id": "C9"}),
    ("get_data_usage", {"customer_id": ANN, "line_id": BOBS}),
    ("suspend_line", {"customer_id": ANN, "line_id": BOBS, "reason": "x"}),
    ("suspend_line", {"customer_id": BOB, "line_id": BOBS, "reason": "x"}),
    ("resume_line", {"customer_id": ANN, "line_id": MAIN}),
    ("send_payment_request", {"customer_id": ANN, "bill_id": "B4"}),
    ("enable_roaming", {"customer_id": BOB, "line_id": MAIN}),
    ("disable_roaming", {"customer_id": "C9", "line_id": MAIN}),
    ("refuel_data", {"customer_id": ANN, "line_id": MAIN, "gb_amount": 0}),
    ("refuel_data", {"customer_id": ANN, "line_id": MAIN, "gb_amount": -1}),
    ("refuel_data", {"customer_id": ANN, "line_id": MAIN, "gb_amount": "much"}),
    ("refuel_data", {"customer_id": ANN, "line_id": MAIN, "gb_amount": float("nan")}),
    ("refuel_data", {"customer_id": ANN, "line_id": MAIN, "gb_amount": float("inf")}),
])  # fmt: skip
def test_what_cannot_be_is_refused_and_changes_nothing(desk, name, arguments):
    assert desk.refuses(name, **arguments).startswith("Error: ")


def test_bills_come_newest_first(desk):
    ids = [bill["bill_id"] for bill in found(desk.does("get_bills_for_customer", customer_id=ANN))]
    assert ids == ["B3", "B2", "B1"]
    assert len(found(desk.does("get_bills_for_customer", customer_id=ANN, limit=1))) == 1


def test_data_usage_names_limit_and_end_of_cycle(desk):
    usage = found(desk.does("get_data_usage", customer_id=ANN, line_id=MAIN))
    assert usage == {
        "line_id": MAIN, "data_used_gb": "2.0", "data_limit_gb": "5.0", "data_refueling_gb": "0.0",
        "cycle_end_date": "2025-02-28",
    }  # fmt: skip


def test_a_line_is_suspended_and_resumed(desk):
    desk.does("suspend_line", customer_id=ANN, line_id=TABLET, reason="unused")
    assert desk.line(TABLET).status == LineStatus.SUSPENDED
    assert str(desk.line(TABLET).suspension_start_date) == "2025-02-25"
    desk.refuses("suspend_line", customer_id=ANN, line_id=TABLET, reason="again")
    desk.does("resume_line", customer_id=ANN, line_id=TABLET)
    assert desk.line(TABLET).status == LineStatus.ACTIVE
    assert desk.line(TABLET).suspension_start_date is None


def test_only_one_bill_awaits_payment(desk):
    desk.does("send_payment_request", customer_id=ANN, bill_id="B2")
    assert desk.bill("B2").status == BillStatus.AWAITING_PAYMENT
    assert "already" in desk.refuses("send_payment_request", customer_id=ANN, bill_id="B1")


def test_roaming_is_enabled_and_disabled_once(desk):
    assert desk.does("enable_roaming", customer_id=ANN, line_id=MAIN) != desk.does(
        "enable_roaming", customer_id=ANN, line_id=MAIN
    )
    assert desk.line().roaming_enabled
    desk.does("disable_roaming", customer_id=ANN, line_id=MAIN)
    assert not desk.line().roaming_enabled


def test_data_is_charged_to_the_draft_bill(desk):
    answer = found(desk.does("refuel_data", customer_id=ANN, line_id=MAIN, gb_amount=1.5))
    assert answer["charge"] == "3.38"
    assert desk.line().data_refueling_gb == 1.5
    assert desk.bill("B3").total_due == 15.88
    assert desk.bill("B3").line_items[-1].amount == 3.38


def test_without_a_draft_a_bill_is_made_with_the_same_id_each_time(desk):
    twin = desk.env.fork()
    for env in (desk.env, twin):
        env.get_response(ToolCall(id="1", name="refuel_data", arguments={
            "customer_id": BOB, "line_id": BOBS, "gb_amount": 1,
        }))  # fmt: skip
    assert desk.bill("B5").total_due == 2.25
    assert desk.env.tools.get_customer_by_id(BOB).bill_ids == ["B4", "B5"]
    assert desk.env.get_db_hash() == twin.get_db_hash()


def test_arguments_are_coerced_where_the_original_passes_them_on(desk, strict_desk):
    arguments = {"customer_id": ANN, "line_id": MAIN, "gb_amount": "1"}
    assert not desk.call("refuel_data", "assistant", **arguments).error
    assert strict_desk.call("refuel_data", "assistant", **arguments).error


def test_reading_changes_nothing(desk):
    before = desk.env.get_db_hash()
    for name, arguments in (
        ("get_customer_by_phone", {"phone_number": ANNS_NUMBER}),
        ("get_details_by_id", {"id": MAIN}),
        ("get_bills_for_customer", {"customer_id": ANN}),
        ("get_data_usage", {"customer_id": ANN, "line_id": MAIN}),
        ("transfer_to_human_agents", {"summary": "x"}),
    ):
        desk.does(name, **arguments)
    assert desk.env.get_db_hash() == before


def test_scenes_are_set_and_checked(desk):
    tools = desk.env.tools
    assert tools.get_available_plan_ids() == ["P1"]
    tools.set_data_usage(ANN, MAIN, 9.0)
    tools.suspend_line_for_overdue_bill(ANN, MAIN, "B90", contract_ended=True)
    tools.suspend_line_for_overdue_bill(ANN, MAIN, "B91", contract_ended=False, months_ago=2)
    assert tools.assert_line_status(ANN, MAIN, "Suspended")
    assert str(desk.line().contract_end_date) == "2025-01-31"
    assert [str(desk.bill(bill_id).period_start) for bill_id in ("B90", "B91")] == [
        "2025-01-01",
        "2024-12-01",
    ]
    assert tools.assert_overdue_bill_exists(ANN, "B90")
    assert not tools.assert_overdue_bill_exists(BOB, "B90")
    assert not tools.assert_no_overdue_bill("B90")
    tools.set_bill_to_paid("B90")
    assert tools.assert_no_overdue_bill("B90")
    assert tools.assert_no_overdue_bill("no such bill")
    assert tools.assert_data_refueling_amount(ANN, MAIN, 0)
    assert tools.assert_line_roaming(ANN, MAIN, expected_status=False)
