"""A customer uses a tool that the agent has given, with the values that the agent says."""

from __future__ import annotations

import json

import pytest

from tau2.environment.tool import as_tool
from tau2.user.scripted_user.agenda import UserAction
from tau2.user.scripted_user.given_tools import named_in
from tau2.user.scripted_user.toolbox import Toolbox


def call_discoverable_user_tool(discoverable_tool_name: str, arguments: str = "{}") -> str:
    """Call a tool that the agent has given you."""
    return f"{discoverable_tool_name} {arguments}"


def ask_for_a_person() -> str:
    """Ask for a person."""
    return "asked"


TOOLBOX = Toolbox([as_tool(call_discoverable_user_tool), as_tool(ask_for_a_person)])
DEPOSIT = {"account_id": "acc_77", "check_amount": 250.0}


def given(text: str, *reference: UserAction) -> list[tuple[str, dict[str, object]]]:
    return [
        (
            str(deed.arguments["discoverable_tool_name"]),
            json.loads(str(deed.arguments.get("arguments", "null"))),
        )
        for deed in TOOLBOX.given_in([text], text, reference)
    ]


@pytest.mark.parametrize(
    "text",
    [
        'Please use deposit_check_3847(account_id="acc_77", check_amount=250.0).',
        "I gave you the tool deposit_check_3847. Use account_id: acc_77 and check_amount: $250.00.",
        'Call the tool deposit_check_3847 with {"account_id": "acc_77", "check_amount": 250.0}.',
        "Run deposit_check_3847, where account_id is acc_77, and check_amount is 250.",
    ],
)
def test_the_values_are_read_however_they_are_written(text: str) -> None:
    assert given(text) == [("deposit_check_3847", DEPOSIT)]


def test_two_calls_in_one_message_are_two_calls() -> None:
    text = 'Please call dispute_0589 with {"id": "t1"} and then with {"id": "t2"}.'
    assert given(text, expected("dispute_0589", {"id": "t9"})) == [
        ("dispute_0589", {"id": "t1"}),
        ("dispute_0589", {"id": "t2"}),
    ]


def expected(name: str, arguments: dict[str, object]) -> UserAction:
    written = {"discoverable_tool_name": name, "arguments": json.dumps(arguments)}
    return UserAction(tool="call_discoverable_user_tool", arguments=written)


def test_what_the_customer_knows_fills_what_the_agent_names_by_its_value() -> None:
    text = "Please use the tool deposit_check_3847 for account acc_77."
    assert given(text, expected("deposit_check_3847", DEPOSIT)) == [("deposit_check_3847", DEPOSIT)]


def test_without_values_the_customer_asks_back_and_then_completes_the_call() -> None:
    text = "Please use the tool deposit_check_3847."
    (deed,) = TOOLBOX.given_in([text], text, ())
    assert deed.missing == ("values",)
    whole = TOOLBOX.complete(deed, "account_id: acc_77, check_amount: 250", ())
    assert json.loads(str(whole.arguments["arguments"])) == DEPOSIT
    assert not whole.missing


def test_a_customer_without_such_a_tool_is_given_nothing() -> None:
    text = "Please use deposit_check_3847(account_id='acc_77')."
    assert Toolbox([as_tool(ask_for_a_person)]).given_in([text], text, ()) == []


def test_an_id_before_a_bracket_is_no_tool() -> None:
    text = "I update the transaction rewards txn_1c8ef0a8c4 (new rewards earned: 1281 points)."
    assert named_in(text, {}, ()) == ""
    assert named_in("Please use get_card_last_4_digits (it shows four digits).", {}, ()) == (
        "get_card_last_4_digits"
    )


def test_a_tool_that_was_named_before_is_meant_by_it_and_the_customer_adds_what_it_knows() -> None:
    requests = ["Please call it with account_id acc_77 and the amount of the check."]
    text = f"I have given you the tool deposit_check_3847. {requests[0]}"
    known = expected("deposit_check_3847", {"check_amount": 250.0})
    (deed,) = TOOLBOX.given_in(requests, text, [known])
    assert json.loads(str(deed.arguments["arguments"])) == DEPOSIT


def apply_for_credit_card(card_type: str, customer_name: str) -> str:
    """Apply for a credit card."""
    return f"{customer_name}: {card_type}"


def test_an_application_is_for_what_the_agent_recommends() -> None:
    toolbox = Toolbox([as_tool(apply_for_credit_card)])
    known = UserAction(tool="apply_for_credit_card", arguments={"customer_name": "Ada Quill"})
    text = "I recommend the Orchard Card. Please apply for it with your own tool."
    (deed,) = toolbox.applied_for(["Please apply for it with your own tool."], text, [known])
    assert deed.arguments == {"card_type": "Orchard Card", "customer_name": "Ada Quill"}
    assert (
        toolbox.applied_for(["Please apply for a card."], "Please apply for a card.", [known]) == []
    )
