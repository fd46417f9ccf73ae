"""The policy as rules: a careful agent breaks none, and each kind of carelessness is named."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.domains.telecom.conftest import ANN, ANNS_NUMBER, BOB, BOBS, MAIN, TABLET

from tau2.data_model.message import AssistantMessage, ToolCall, UserMessage
from tau2.domains.telecom.rules import POLICY_RULES
from tau2.environment.policy_rules import check_trajectory

NAMES = {rule.name for rule in POLICY_RULES}


class Talk:
    """A conversation that is played as it is written down."""

    def __init__(self, desk) -> None:
        self.start, self.world, self.messages = desk.env, desk.env.fork(), []

    def hears(self, text: str) -> Talk:
        self.messages.append(UserMessage(content=text))
        return self

    def says(self, text: str) -> Talk:
        self.messages.append(AssistantMessage(content=text))
        return self

    def does(self, name: str, **arguments: Any) -> Talk:
        call = ToolCall(id=f"c{len(self.messages)}", name=name, arguments=arguments)
        self.messages += [AssistantMessage(tool_calls=[call]), self.world.get_response(call)]
        return self

    def broken(self) -> set[str]:
        return {
            violation.rule
            for violation in check_trajectory(self.start, self.messages, POLICY_RULES)
        }


@pytest.fixture
def talk(desk) -> Talk:
    """A customer who is identified and has agreed to something; the account is in order."""
    desk.env.tools.set_bill_to_paid("B2")
    opened = Talk(desk).hears("I am abroad, and please suspend my tablet.")
    return (
        opened.does("get_customer_by_phone", phone_number=ANNS_NUMBER)
        .says("Shall I?")
        .hears("Yes, please.")
    )


def mine(line_id: str = MAIN) -> dict[str, str]:
    return {"customer_id": ANN, "line_id": line_id}


def test_a_careful_agent_breaks_nothing(talk):
    talk.start.tools.set_data_usage(ANN, MAIN, 6)
    talk.world = talk.start.fork()
    done = talk.does("refuel_data", **mine(), gb_amount=2).does("enable_roaming", **mine())
    done.does("suspend_line", **mine(TABLET), reason="unused").does("resume_line", **mine(TABLET))
    assert done.does("transfer_to_human_agents", summary="x").broken() == set()


def test_nothing_before_who_and_yes(desk):
    broken = Talk(desk).hears("I travel.").does("enable_roaming", **mine()).broken()
    assert broken == {"identified before writing", "confirmed before writing"}


def test_a_line_is_not_resumed_unpaid_or_past_its_contract(talk):
    for setting, rule in (
        ({"contract_ended": True}, "no line is resumed after its contract"),
        ({"contract_ended": False}, "no line is resumed while a bill is unpaid"),
    ):
        desk_copy = Talk.__new__(Talk)
        desk_copy.start, desk_copy.messages = talk.start.fork(), list(talk.messages)
        desk_copy.start.tools.suspend_line_for_overdue_bill(ANN, MAIN, "B90", **setting)
        desk_copy.world = desk_copy.start.fork()
        assert rule in desk_copy.does("resume_line", **mine()).broken()


def test_data_is_added_only_when_used_up_and_at_most_two_gb(talk):
    assert talk.does("refuel_data", **mine(), gb_amount=3).broken() == {
        "at most 2 GB are added in a cycle",
        "data is added only when it is used up",
    }


def test_two_gb_are_counted_over_the_whole_cycle(talk):
    talk.start.tools.set_data_usage(ANN, MAIN, 9)
    talk.world = talk.start.fork()
    twice = talk.does("refuel_data", **mine(), gb_amount=1.5).does(
        "refuel_data", **mine(), gb_amount=1
    )
    assert twice.broken() == {"at most 2 GB are added in a cycle"}


def test_roaming_and_suspension_need_to_be_asked_for(desk):
    desk.env.tools.set_bill_to_paid("B2")
    opened = (
        Talk(desk)
        .hears("My pictures fail.")
        .does("get_customer_by_id", customer_id=ANN)
        .says("?")
        .hears("Yes.")
    )
    done = opened.does("enable_roaming", **mine()).does("suspend_line", **mine(TABLET), reason="x")
    assert done.broken() == {
        "roaming is enabled only for travellers",
        "a line is suspended only when asked for",
    }


def test_only_overdue_bills_are_collected(talk):
    assert talk.does("send_payment_request", customer_id=ANN, bill_id="B1").broken() == {
        "payment is asked for overdue bills only"
    }


def test_only_ones_own_and_nothing_after_handing_over(talk):
    assert talk.does("resume_line", customer_id=BOB, line_id=BOBS).broken() == {
        "only the identified customer's own"
    }
    late = talk.does("transfer_to_human_agents", summary="x").does("enable_roaming", **mine())
    assert "nothing after handing over" in late.broken()


def test_a_refused_call_breaks_nothing(talk):
    assert (
        talk.does("resume_line", **mine()).does("refuel_data", **mine(), gb_amount=-5).broken()
        == set()
    )
    assert len(NAMES) == len(POLICY_RULES)
