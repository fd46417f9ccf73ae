"""The retail policy as rules.

A careful agent breaks none, and each kind of carelessness is named.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.domains.retail.conftest import HOME

from tau2.audit.audit import audit_domain
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    UserMessage,
)
from tau2.domains import retail
from tau2.domains.retail.data_model import OrderPayment, RetailDB
from tau2.domains.retail.environment import get_environment, get_tasks
from tau2.domains.retail.rules import POLICY_RULES
from tau2.environment.policy_rules import check_trajectory

NEW_HOME = {**HOME, "address1": "9 Oak Road", "zip": "89502"}
IDENTIFIED = "identified before writing"
CONFIRMED = "confirmed before writing"
OWN = "only the identified customer's own"
ONE_CUSTOMER = "one customer per conversation"
LOOKED = "order looked up before it changes"
REASON = "cancelled for a reason of the customer's"
REFUND = "refund to what paid or a gift card"
VARIANT = "exchanged for another variant"
FORM = "address in due form"
NAMED = "address that somebody named"
HANDED_OVER = "nothing after handing over"


class Talk:
    """A conversation that is played as it is written down."""

    def __init__(self, db: RetailDB) -> None:
        self.start = get_environment(db)
        self.world = self.start.fork()
        self.messages: list[Message] = []

    def customer(self, text: str) -> Talk:
        self.messages.append(UserMessage(content=text))
        return self

    def agent(self, text: str) -> Talk:
        self.messages.append(AssistantMessage(content=text))
        return self

    def calls(self, tool: str, **arguments: Any) -> Talk:
        call = ToolCall(id=str(len(self.messages)), name=tool, arguments=arguments)
        self.messages += [AssistantMessage(tool_calls=[call]), self.world.get_response(call)]
        return self

    def confirmed(self) -> Talk:
        return self.agent("I would do this and that. Is that right?").customer("Yes, please.")

    def finds(self, email: str = "ann@example.com") -> Talk:
        return self.calls("find_user_id_by_email", email=email)

    def looks(self, order_id: str) -> Talk:
        return self.calls("get_order_details", order_id=order_id)

    @property
    def broken(self) -> list[str]:
        return [
            violation.rule
            for violation in check_trajectory(self.start, self.messages, POLICY_RULES)
        ]


@pytest.fixture
def talk(db: RetailDB) -> Talk:
    return Talk(db)


@pytest.fixture
def known(talk: Talk) -> Talk:
    return talk.customer("Hello, this is Ann.").finds()


def cancel(talk: Talk, order_id: str = "#P1", reason: str = "no longer needed") -> Talk:
    return talk.calls("cancel_pending_order", order_id=order_id, reason=reason)


def exchange(talk: Talk, item_ids: list[str], new_item_ids: list[str]) -> Talk:
    return talk.calls(
        "exchange_delivered_order_items",
        order_id="#D1", item_ids=item_ids, new_item_ids=new_item_ids, payment_method_id="visa",
    )  # fmt: skip


def give_back(talk: Talk, method: str, order_id: str = "#D1") -> Talk:
    return talk.calls(
        "return_delivered_order_items",
        order_id=order_id,
        item_ids=["mug-red"],
        payment_method_id=method,
    )


# --- shipped tasks ---


@pytest.mark.slow
def test_every_shipped_reference_obeys_the_rules():
    assert retail.DOMAIN.rules() is POLICY_RULES
    report = audit_domain(retail.DOMAIN, get_tasks(None))
    assert report.ok, report.findings[:3]


# --- identification and confirmation ---


def test_a_careful_cancellation_breaks_nothing(known):
    cancel(known.customer("I do not need order #P1 any more.").looks("#P1").confirmed())
    assert known.broken == []


def test_nothing_is_written_before_the_customer_is_identified(talk):
    cancel(talk.customer("I no longer need #P1.").looks("#P1").confirmed())
    assert talk.broken == [IDENTIFIED]


def test_a_failed_look_up_identifies_nobody(talk):
    cancel(
        talk.customer("I no longer need #P1.").finds("nobody@example.com").looks("#P1").confirmed()
    )
    assert talk.broken == [IDENTIFIED]


def test_a_name_with_a_zip_code_identifies(talk):
    talk.customer("I no longer need #P1.")
    talk.calls("find_user_id_by_name_zip", first_name="Ann", last_name="Oak", zip="89501")
    cancel(talk.looks("#P1").confirmed())
    assert talk.broken == []


def test_nothing_is_written_before_the_customer_agrees(known):
    cancel(
        known.customer("I no longer need #P1.")
        .looks("#P1")
        .agent("Shall I cancel it?")
        .customer("Wait.")
    )
    assert known.broken == [CONFIRMED]


def test_a_refused_call_breaks_no_rule(known):
    cancel(known, "#D1")
    assert known.broken == []


def test_what_one_may_read_is_not_judged(talk):
    assert talk.looks("#P1").calls("get_user_details", user_id="ann_oak_1").broken == []


# --- whose it is ---


def test_a_strangers_order_stays_untouched(talk):
    talk.customer("I am Bob. Ann no longer needs #P1.").finds("bob@example.com")
    cancel(talk.looks("#P1").confirmed())
    assert talk.broken == [OWN]


def test_a_strangers_profile_stays_untouched(talk):
    talk.customer("I am Bob. Ann lives at 9 Oak Road, zip code 89502.").finds(
        "bob@example.com"
    ).confirmed()
    assert talk.calls("modify_user_address", user_id="ann_oak_1", **NEW_HOME).broken == [OWN]


def test_one_customer_is_served_per_conversation(known):
    known.customer("We live at 9 Oak Road, zip code 89502.").confirmed()
    known.calls("modify_user_address", user_id="ann_oak_1", **NEW_HOME)
    known.finds("bob@example.com").confirmed()
    assert known.calls("modify_user_address", user_id="bob_elm_2", **NEW_HOME).broken == [
        ONE_CUSTOMER
    ]


def test_an_order_is_looked_up_before_it_changes(known):
    cancel(known.customer("I no longer need #P1.").looks("#P2").confirmed())
    assert known.broken == [LOOKED]


# --- cancelling ---


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I no longer need it.", "no longer needed"),
        ("I don't want it any more.", "no longer needed"),
        ("It isn't needed now.", "no longer needed"),
        ("I changed my mind.", "no longer needed"),
        ("I ordered it by mistake.", "ordered by mistake"),
        ("That was an accident, I didn’t mean to buy it.", "ordered by mistake"),
        ("I clicked on the wrong thing.", "ordered by mistake"),
    ],
)
def test_the_reason_is_the_customers_own(known, text, reason):
    cancel(known.customer(f"Cancel #P1. {text}").looks("#P1").confirmed(), reason=reason)
    assert known.broken == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I found it cheaper elsewhere.", "no longer needed"),
        ("The delivery takes too long.", "ordered by mistake"),
        ("I no longer need it.", "ordered by mistake"),
        ("I ordered it by mistake.", "no longer needed"),
    ],
)
def test_the_agent_chooses_no_reason(known, text, reason):
    cancel(known.customer(f"Cancel #P1. {text}").looks("#P1").confirmed(), reason=reason)
    assert known.broken == [REASON]


# --- returning and exchanging ---


@pytest.mark.parametrize("method", ["visa", "gift"])
def test_a_refund_goes_to_what_paid_or_to_a_gift_card(known, method):
    give_back(known.looks("#D1").confirmed(), method)
    assert known.broken == []


def test_a_refund_follows_a_payment_that_was_changed(db):
    db.orders["#D1"].payment_history += [
        OrderPayment(transaction_type="payment", amount=40.4, payment_method_id="paypal"),
        OrderPayment(transaction_type="refund", amount=40.4, payment_method_id="visa"),
    ]
    talk = Talk(db).customer("Hello, this is Ann.").finds()
    give_back(talk.looks("#D1").confirmed(), "visa")  # the tool looks at the first payment only
    assert talk.broken == [REFUND]


def test_an_exchange_is_for_another_variant(known):
    exchange(known.looks("#D1").confirmed(), ["mug-red", "hat-gray"], ["mug-blue", "hat-gray"])
    assert known.broken == [VARIANT]


def test_an_exchange_for_another_variant_is_fine(known):
    exchange(known.looks("#D1").confirmed(), ["mug-red"], ["mug-blue"])
    assert known.broken == []


# --- addresses ---


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("state", "Nevada"),
        ("zip", "8950"),
        ("country", "United States"),
        ("address1", " "),
        ("city", ""),
    ],
)
def test_addresses_are_written_in_due_form(known, field, value):
    known.customer("Send #P1 to 9 Oak Road, Reno, NV 89502.").looks("#P1").confirmed()
    known.calls("modify_pending_order_address", order_id="#P1", **{**NEW_HOME, field: value})
    assert known.broken == [FORM]


def test_an_address_is_not_made_up(known):
    known.customer("Send #P1 to my office.").looks("#P1").confirmed()
    known.calls("modify_pending_order_address", order_id="#P1", **NEW_HOME)
    assert known.broken == [NAMED]


def test_an_address_may_be_looked_up_or_spelled_out(known):
    known.looks("#P1").confirmed().calls("modify_pending_order_address", order_id="#P1", **HOME)
    known.customer("And my own is 9 Oak Road, 8 9 5 0 2.").confirmed()
    assert known.calls("modify_user_address", user_id="ann_oak_1", **NEW_HOME).broken == []


# --- handing over ---


def test_nothing_happens_after_the_hand_over(known):
    known.customer("I no longer need #P1.").looks("#P1").confirmed()
    known.calls("transfer_to_human_agents", summary="Wants a courier.")
    assert cancel(known).broken == [HANDED_OVER]


# --- odd histories ---


def test_several_calls_in_one_message_are_matched_with_their_results(known):
    calls = [
        ToolCall(id="a", name="get_order_details", arguments={"order_id": "#P9"}),
        ToolCall(id="b", name="get_order_details", arguments={"order_id": "#P1"}),
    ]
    results = [known.world.get_response(call) for call in calls]
    known.messages += [AssistantMessage(tool_calls=calls), MultiToolMessage(tool_messages=results)]
    cancel(known.customer("I no longer need #P1.").confirmed())
    assert known.broken == []


def test_results_without_calls_and_odd_arguments_are_passed_over(known):
    known.messages = [known.messages[-1], *known.messages]
    known.calls("cancel_pending_order", order_id=7, reason=["?"]).calls(
        "modify_user_address", user_id=None
    )
    assert known.broken == []
