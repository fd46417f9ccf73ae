"""Customers who change their mind before anything is done. Told in generated tasks only."""

from __future__ import annotations

from tau2.domains.retail.data_model import GiftCard, OrderItem, UserAddress, Variant
from tau2.domains.retail.factory.phrasing import joined
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Told, Unfit, collector
from tau2.domains.retail.factory.stories.words import (
    address_text,
    changed,
    cost,
    differences,
    method_name,
    noun,
    total,
)

STORIES, story = collector("request", hurdle=True)


@story(about="return")
def return_the_other(case: Case) -> Told:
    """Asks to return one item and at the last moment decides for another."""
    order = case.one(case.with_status("delivered", items=2))
    keep, back = case.some(order.items, 2)
    paid = case.paid_with(order)
    which = case.goods([keep], order)
    case.send_back(order, [back], paid)
    return Told(
        case.say(
            f"You want to return {which}. The refund should go to {method_name(paid)}.",
            f"You want to send back {which} for a refund to {method_name(paid)}.",
        ),
        case.say(
            f"When the agent asks you to confirm, change your mind: you keep {case.the(keep, order)} and return "
            f"{case.the(back, order)} from the same order instead.",
            f"Before you agree, you notice that you mixed up two things: {case.the(back, order)} from the same "
            f"order should go back, and {case.the(keep, order)} stays with you.",
        ),
    )


@story(about="return")
def return_one_more(case: Case) -> Told:
    """Adds an item to a return before confirming it."""
    order = case.one(case.with_status("delivered", items=3))
    first, more = case.some(order.items, 2)
    paid = case.paid_with(order)
    which = case.goods([first], order)
    case.send_back(order, [first, more], paid)
    case.tell(cost([first, more]))
    return Told(
        case.say(
            f"You want to return {which} and get the money back to {method_name(paid)}.",
            f"You have no use for {which} and want to return it. You paid with {method_name(paid)} and want the "
            "refund there.",
        ),
        f"Before you agree to the return, add {case.the(more, order)} from the same order to it. Then ask what the "
        "refund is for both together.",
    )


@story(about="return")
def keeps_one_after_all(case: Case) -> Told:
    """Wants to return a whole order and keeps one item in the end."""
    order = case.one(case.with_status("delivered", items=3))
    kept = case.one(order.items)
    rest = [item for item in order.items if item is not kept]
    which, paid = case.the_order(order), case.paid_with(order)
    case.send_back(order, rest, paid)
    case.tell(cost(rest))
    return Told(
        case.say(
            f"You want to return everything in {which}, with the refund to {method_name(paid)}.",
            f"All the items in {which} should go back. You paid with {method_name(paid)} and want the refund there.",
        ),
        f"When the agent lists what goes back, take {case.the(kept, order)} off the list, because you like it after "
        "all. Ask what the refund for the rest is.",
    )


@story(about="return")
def refund_to_card_after_all(case: Case) -> Told:
    """Decides for the gift card when the refund of a return turns out to be slow."""
    card = case.gift_card()
    order = case.one(
        o for o in case.with_status("delivered") if not isinstance(case.paid_with(o), GiftCard)
    )
    item, paid = case.one(order.items), case.paid_with(order)
    which = case.goods([item], order)
    case.send_back(order, [item], card)
    return Told(
        f"You want to return {which}, with the refund to {method_name(paid)}.",
        "Before you agree, ask how long the refund will take. Several days are too long for you: have it put on "
        "your gift card instead.",
    )


@story(about="exchange")
def exchange_becomes_return(case: Case) -> Told:
    """Finds an exchange too expensive and returns the item instead."""
    order = case.one(case.with_status("delivered"))
    item, paid = case.one(order.items), case.paid_with(order)
    new = case.one(v for v in case.near(item) if v.price > item.price)
    which = case.goods([item], order)
    case.tell(new.price - item.price)
    case.send_back(order, [item], paid)
    return Told(
        case.say(
            f"You want to exchange {which} for the same one {changed(item, new)}. You want to know the exact price "
            "difference before you decide.",
            f"You are thinking of having {which} exchanged for the same one {changed(item, new)}, and you want to "
            "hear the exact price difference first.",
        ),
        f"Whatever the difference is, you do not want to pay it. Return {case.the(item, order)} instead, with the "
        f"refund to {method_name(paid)}.",
    )


def _two_ways(case: Case, item: OrderItem) -> tuple[Variant, Variant]:
    """Return two variants that differ from the item in the same one respect."""
    near = case.near(item)
    return case.one(
        (a, b)
        for a in near
        for b in near
        if a is not b and differences(item, a).keys() == differences(item, b).keys()
    )


@story(about="exchange")
def exchange_for_another_value(case: Case) -> Told:
    """Changes the wanted version of an exchange before confirming."""
    order = case.one(case.with_status("delivered"))
    item, method = case.one(order.items), case.one(case.unlimited())
    first, second = _two_ways(case, item)
    which = case.goods([item], order)
    case.exchange(order, [(item, second)], method)
    return Told(
        case.say(
            f"You want to exchange {which} for the same one {changed(item, first)}.",
            f"{which[:1].upper()}{which[1:]} is not what you need. You want to exchange it for the same one "
            f"{changed(item, first)}.",
        ),
        f"When the agent asks you to confirm, change your mind and take the same one {changed(item, second)} "
        f"instead. Any price difference goes over {method_name(method)}.",
    )


@story(about="exchange")
def exchange_only_one(case: Case) -> Told:
    """Wants two items exchanged and leaves one of them as it is in the end."""
    order = case.one(case.with_status("delivered", items=2))
    one, other = case.some(order.items, 2)
    if one.product_id == other.product_id:
        raise Unfit
    new_one, new_other = case.one(case.near(one)), case.one(case.near(other))
    method = case.one(case.unlimited())
    which = case.goods([one, other], order)
    case.exchange(order, [(one, new_one)], method)
    return Told(
        f"You want to exchange {which}: the {noun(one)} for the same one {changed(one, new_one)}, and the "
        f"{noun(other)} for the same one {changed(other, new_other)}.",
        f"When the agent tells you the price differences, leave the {noun(other)} as it is and have only the "
        f"{noun(one)} exchanged. The difference goes over {method_name(method)}.",
    )


@story(about="change")
def change_to_another_value(case: Case) -> Told:
    """Changes the wanted version in a pending order before confirming."""
    order = case.one(case.with_status("pending"))
    item, method = case.one(order.items), case.one(case.unlimited())
    first, second = _two_ways(case, item)
    which = case.goods([item], order)
    case.change_items(order, [(item, second)], method)
    return Told(
        case.say(
            f"You want {which} replaced by the same one {changed(item, first)}.",
            f"You want to change {which}: you would like the same one {changed(item, first)}.",
        ),
        f"When the agent reads the change to you, think again and take the same one {changed(item, second)} "
        f"instead. Use {method_name(method)} for the price difference.",
    )


@story(about="cancellation")
def cancel_only_one(case: Case) -> Told:
    """Wants two orders cancelled and keeps one of them in the end."""
    first, second = case.some(case.with_status("pending"), 2)
    one, other = case.the_order(first), case.the_order(second)
    case.cancel(first, "no longer needed")
    case.tell(total(first))
    return Told(
        f"You want to cancel two orders that you no longer need: {joined([one, other])}.",
        f"When the agent asks you to confirm, keep {other} after all; only the other one is to be cancelled. Ask "
        "what you get back for it.",
    )


@story(about="cancellation")
def cancel_becomes_redirect(case: Case) -> Told:
    """Wants to cancel an order and gives it to somebody else instead."""
    order = case.one(case.with_status("pending"))
    which, address = case.the_order(order), case.new_address()
    case.redirect(order, address)
    return Told(
        case.say(
            f"You want to cancel {which}, which you no longer need.",
            f"You want {which} cancelled, because it is no longer needed.",
        ),
        f"When the agent asks you to confirm, remember that {case.say('your cousin', 'a colleague')} could use it: "
        f"do not cancel it, but have it sent to {address_text(address)}.",
    )


@story(about="address")
def redirect_corrected(case: Case) -> Told:
    """Corrects the house number of a new address when it is read back."""
    order = case.one(case.with_status("pending"))
    which, right = case.the_order(order), case.new_address(near_by=case.turn % 2 == 1)
    case.redirect(order, right)
    wrong = _another_number(case, right)
    return Told(
        case.say(
            f"You want {which} to be sent to {address_text(wrong)}.",
            f"You will be away, so {which} should go to {address_text(wrong)}.",
        ),
        "When the agent reads the address to you, notice that you gave a wrong house number: it is "
        f"{right.address1}. The rest of the address is right.",
    )


def _another_number(case: Case, right: UserAddress) -> UserAddress:
    """Return the address with another house number."""
    number, _, street = right.address1.partition(" ")
    other = int(number) + case.rng.choice((-9, 2, 4, 10, 20))
    return right.model_copy(update={"address1": f"{other} {street}"})


@story(about="address", profile=True)
def profile_completed(case: Case) -> Told:
    """Forgets the second line of a new default address at first."""
    right = case.new_address()
    if not right.address2:
        raise Unfit
    case.move(right)
    short = right.model_copy(update={"address2": ""})
    return Told(
        case.say(
            f"You have moved, and the address in your profile should be {address_text(short)}.",
            f"You want your default address changed to {address_text(short)}.",
        ),
        f"When the agent reads the address to you, add what you forgot: the second line is {right.address2}.",
    )


@story(about="payment")
def pay_with_another_after_all(case: Case) -> Told:
    """Decides for another payment method before confirming a change of payment."""
    order = case.one(
        o for o in case.with_status("pending") if len(case.unlimited(case.paid_with(o))) > 1
    )
    first, second = case.some(case.unlimited(case.paid_with(order)), 2)
    which = case.the_order(order)
    case.change_payment(order, second)
    return Told(
        f"You want {which} to be paid with {method_name(first)}.",
        f"When the agent asks you to confirm, remember that you need {method_name(first)} for your rent this month, "
        f"and have {method_name(second)} used instead.",
    )


@story(about="cancellation", idle=True)
def not_cancelled_after_all(case: Case) -> Told:
    """Asks for a cancellation and decides against it."""
    order = case.one(case.with_status("pending"))
    which = case.the_order(order)
    return Told(
        case.say(
            f"You want to cancel {which}, because you no longer need it.",
            f"You are about to give up {which}: it is no longer needed, so you ask to have it cancelled.",
        ),
        case.say(
            "When the agent asks you to confirm, decide to keep the order as it is.",
            "When you hear what a cancellation means, change your mind: the order stays as it is.",
        ),
    )


@story(about="return", idle=True)
def not_returned_after_all(case: Case) -> Told:
    """Asks for a return and decides against it."""
    order = case.one(case.with_status("delivered"))
    item, paid = case.one(order.items), case.paid_with(order)
    which = case.goods([item], order)
    return Told(
        case.say(
            f"You want to return {which} for a refund to {method_name(paid)}.",
            f"You think of returning {which}. You paid with {method_name(paid)}.",
        ),
        f"When the agent asks you to confirm, change your mind and keep the {noun(item)}.",
    )
