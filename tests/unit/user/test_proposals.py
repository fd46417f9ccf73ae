"""What a customer objects to in what an agent proposes."""

from __future__ import annotations

import pytest
from tests import shop

from tau2.data_model.message import AssistantMessage
from tau2.data_model.tasks import StructuredUserInstructions, Task, UserScenario
from tau2.user.scripted_user import ScriptedUser
from tau2.user.scripted_user.phrases import PHRASES

FOUND = "Thank you, Ada. I found your account (ada_quill_77)."


class Profile:
    """What a domain's database says about a customer, as far as cards are concerned."""

    class Card:
        source = "credit_card"
        brand = "visa"
        last_four = "4711"

    payment_methods = {"credit_card_1": Card()}  # noqa: RUF012  -- read only


class Shop:
    """An environment with one profile."""

    class Tools:
        class Database:
            users = {"ada_quill_77": Profile()}  # noqa: RUF012  -- read only

        db = Database()

    tools = Tools()


def customer(reason: str, *actions: object, instructions: str = "Be brief.") -> ScriptedUser:
    story = StructuredUserInstructions(
        domain="shop",
        reason_for_call=reason,
        known_info="You are Ada Quill. Your user id is ada_quill_77.",
        task_instructions=instructions,
    )
    task = shop.task(*actions)
    scenario = UserScenario(instructions=story)
    task = task.model_copy(update={"user_scenario": scenario})
    return ScriptedUser(task=Task.model_validate(task.model_dump()), environment=Shop())  # type: ignore[arg-type]  # a stand-in


def answer(user: ScriptedUser, proposal: str) -> str:
    state = user.get_init_state()
    for text in ("Hi! How can I help you today?", f"{FOUND} {proposal}"):
        reply, state = user.generate_next_message(AssistantMessage(content=text), state)
    return reply.content or ""


def refuses(said: str) -> bool:
    return said.startswith(PHRASES["disagree"])


CANCEL = ("You want to cancel order #S100.", shop.act("cancel", order_id="#S100"))
MOVE = (
    "You want to move the flights of reservation QX12YZ to May 24.",
    shop.act("move", reservation_id="QX12YZ", flights=[{"date": "2024-05-24"}]),
)
SWAP = (
    "You want to exchange the lamp of order #S100 for a green one.",
    shop.act("swap", order_id="#S100", item_ids=["1000000001"], new_item_ids=["1000000002"]),
)
PAY = (
    "You want to cancel order #S100 and pay the fee.",
    shop.act("pay", user_id="ada_quill_77", order_id="#S100", payment_method_id="credit_card_1"),
)
LIVE = (
    "You want a new address for order #S100.",
    shop.act("address", order_id="#S100", address1="12 Harbor Street"),
)


@pytest.mark.parametrize(
    ("story", "proposal", "reason"),
    [
        (CANCEL, "I will cancel order #S999. Do you confirm?", "#S100"),
        (MOVE, "I would move the flights of QX12YZ to May 25. Shall I go ahead?", "May 24"),
        (SWAP, "I will exchange item 1000000001 for... no, item 3000000003. Is that right?", ""),
        (PAY, "I will charge the fee to your card ending in 9999. Reply yes to proceed.", "4711"),
        (LIVE, "I will change the address to 77 Other Street. Is that correct?", "address"),
    ],
)
def test_a_wrong_value_is_refused_with_the_reason(
    story: tuple[str, object], proposal: str, reason: str
) -> None:
    said = answer(customer(*story), proposal.replace("item 1000000001 for... no, ", ""))
    assert refuses(said)
    assert reason in said


@pytest.mark.parametrize(
    ("story", "proposal"),
    [
        (CANCEL, "I will cancel order #S100. Do you confirm?"),
        (CANCEL, "I will cancel it; the refund of $12 takes 5 days. Do you confirm?"),
        (MOVE, "I would move the flights of QX12YZ from May 20 to May 24. Shall I go ahead?"),
        (MOVE, "I would cancel QX12YZ on May 20. Shall I?"),
        (SWAP, "I will exchange item 1000000001 for item 1000000002. Is that right?"),
        (PAY, "I will charge the fee to your Visa ending in 4711. Reply yes to proceed."),
        (PAY, "The refund goes to the card ending in 9999. Do you agree?"),
        (LIVE, "I will change the address to 12 Harbor Street, Apt 4. Is that correct?"),
    ],
)
def test_a_right_or_open_proposal_is_agreed_to(story: tuple[str, object], proposal: str) -> None:
    said = answer(customer(*story), proposal)
    assert not refuses(said), said


def test_a_limit_is_a_limit() -> None:
    story = "You want to upgrade reservation QX12YZ."
    user = customer(story, instructions="You are willing to pay up to $200 in total for that.")
    dear = answer(user, "The total cost would be $450. Would you like me to proceed?")
    assert refuses(dear)
    assert "$200" in dear
    fair = answer(user, "The total cost would be $150. Would you like me to proceed?")
    assert not refuses(fair)


def test_an_agent_that_speaks_of_somebody_else_is_no_reason_to_object() -> None:
    state = (user := customer(*SWAP)).get_init_state()
    for text in ("Hi! How can I help you today?", "I'd book item 3000000003. Is that right?"):
        reply, state = user.generate_next_message(AssistantMessage(content=text), state)
    assert not refuses(reply.content or "")
