"""Customers who change their mind before anything is done."""

from __future__ import annotations

from tau2.domains.retail.data_model import GiftCard, OrderItem, Variant
from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import changed, cost, differences, swap_slots, total
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="request", hurdle=True)


@intent(about="return")
def return_the_other(draft: RetailDraft) -> Slots:
    """Asks to return one item and at the last moment decides for another."""
    order = draft.one(draft.with_status("delivered", items=2))
    keep, back = draft.some(order.items, 2)
    paid = draft.paid_with(order)
    which = draft.goods([keep], order)
    with draft.tempted("consent"):
        draft.send_back(order, [keep], paid)
    draft.send_back(order, [back], paid)
    return {
        "which": which,
        "paid": paid,
        "the_keep": draft.the(keep, order),
        "the_back": draft.the(back, order),
    }


@intent(about="return")
def return_one_more(draft: RetailDraft) -> Slots:
    """Adds an item to a return before confirming it."""
    order = draft.one(draft.with_status("delivered", items=3))
    first, more = draft.some(order.items, 2)
    paid = draft.paid_with(order)
    which = draft.goods([first], order)
    with draft.tempted("consent"):
        draft.send_back(order, [first], paid)
    draft.send_back(order, [first, more], paid)
    draft.tell(cost([first, more]))
    return {"which": which, "paid": paid, "the_more": draft.the(more, order)}


@intent(about="return")
def keeps_one_after_all(draft: RetailDraft) -> Slots:
    """Wants to return a whole order and keeps one item in the end."""
    order = draft.one(draft.with_status("delivered", items=3))
    kept = draft.one(order.items)
    rest = [item for item in order.items if item is not kept]
    which = draft.the_order(order)
    paid = draft.paid_with(order)
    with draft.tempted("consent"):
        draft.send_back(order, order.items, paid)
    draft.send_back(order, rest, paid)
    draft.tell(cost(rest))
    return {"which": which, "paid": paid, "the_kept": draft.the(kept, order)}


@intent(about="return")
def refund_to_card_after_all(draft: RetailDraft) -> Slots:
    """Decides for the gift card when the refund of a return turns out to be slow."""
    card = draft.gift_card()
    order = draft.one(
        o for o in draft.with_status("delivered") if not isinstance(draft.paid_with(o), GiftCard)
    )
    item = draft.one(order.items)
    paid = draft.paid_with(order)
    which = draft.goods([item], order)
    with draft.tempted("consent"):
        draft.send_back(order, [item], paid)
    draft.send_back(order, [item], card)
    return {"which": which, "paid": paid}


@intent(about="exchange", held_out=True)
def exchange_becomes_return(draft: RetailDraft) -> Slots:
    """Finds an exchange too expensive and returns the item instead."""
    order, item = draft.with_item("delivered")
    paid = draft.paid_with(order)
    new = draft.one(v for v in draft.near(item) if v.price > item.price)
    which = draft.goods([item], order)
    with draft.tempted("consent"):
        draft.exchange(order, [(item, new)], paid)
    draft.tell(new.price - item.price)
    draft.send_back(order, [item], paid)
    return {
        "which": which,
        "new": changed(item, new),
        "the_item": draft.the(item, order),
        "paid": paid,
    }


def _two_ways(draft: RetailDraft, item: OrderItem) -> tuple[Variant, Variant]:
    """Return two variants that differ from the item in the same one respect."""
    near = draft.near(item)
    return draft.one(
        (a, b)
        for a in near
        for b in near
        if a is not b and differences(item, a).keys() == differences(item, b).keys()
    )


@intent(about="exchange")
def exchange_for_another_value(draft: RetailDraft) -> Slots:
    """Changes the wanted version of an exchange before confirming."""
    order, item = draft.with_item("delivered")
    method = draft.one(draft.unlimited())
    first, second = _two_ways(draft, item)
    which = draft.goods([item], order)
    with draft.tempted("consent"):
        draft.exchange(order, [(item, first)], method)
    draft.exchange(order, [(item, second)], method)
    return {
        "which": which,
        "first": changed(item, first),
        "second": changed(item, second),
        "method": method,
    }


@intent(about="exchange")
def exchange_only_one(draft: RetailDraft) -> Slots:
    """Wants two items exchanged and leaves one of them as it is in the end."""
    order = draft.one(draft.with_status("delivered", items=2))
    swaps = draft.near_to_all(draft.some(order.items, 2))
    method = draft.one(draft.unlimited())
    which = draft.goods([item for item, _ in swaps], order)
    with draft.tempted("consent"):
        draft.exchange(order, swaps, method)
    draft.exchange(order, swaps[:1], method)
    return {"which": which, **swap_slots(swaps), "method": method}


@intent(about="change")
def change_to_another_value(draft: RetailDraft) -> Slots:
    """Changes the wanted version in a pending order before confirming."""
    order, item = draft.with_item("pending")
    method = draft.one(draft.unlimited())
    first, second = _two_ways(draft, item)
    which = draft.goods([item], order)
    with draft.tempted("consent"):
        draft.change_items(order, [(item, first)], method)
    draft.change_items(order, [(item, second)], method)
    return {
        "which": which,
        "first": changed(item, first),
        "second": changed(item, second),
        "method": method,
    }


@intent(about="cancellation")
def cancel_only_one(draft: RetailDraft) -> Slots:
    """Wants two orders cancelled and keeps one of them in the end."""
    first, second = draft.some(draft.with_status("pending"), 2)
    one = draft.the_order(first)
    other = draft.the_order(second)
    with draft.tempted("consent"):
        draft.cancel(second, "no longer needed")
    draft.cancel(first, "no longer needed")
    draft.tell(total(first))
    return {"orders": [one, other], "other": other}


@intent(about="cancellation", held_out=True)
def cancel_becomes_redirect(draft: RetailDraft) -> Slots:
    """Wants to cancel an order and gives it to somebody else instead."""
    order, which = draft.named_order("pending")
    address = draft.new_address()
    with draft.tempted("consent"):
        draft.cancel(order, "no longer needed")
    draft.redirect(order, address)
    relation = draft.say("your cousin", "a colleague")
    return {"which": which, "relation": relation, "address": address}


@intent(about="address")
def redirect_corrected(draft: RetailDraft) -> Slots:
    """Corrects the house number of a new address when it is read back."""
    order, which = draft.named_order("pending")
    right = draft.new_address(near_by=draft.turn % 2 == 1)
    draft.redirect(order, right)
    number, _, street = right.address1.partition(" ")
    wrong_number = int(number) + draft.rng.choice((-9, 2, 4, 10, 20))
    wrong = right.model_copy(update={"address1": f"{wrong_number} {street}"})
    return {"which": which, "wrong": wrong, "number": right.address1}


@intent(about="address", profile=True)
def profile_completed(draft: RetailDraft) -> Slots:
    """Forgets the second line of a new default address at first."""
    right = draft.new_address()
    if not right.address2:
        raise UnsuitableCustomer
    draft.move(right)
    short = right.model_copy(update={"address2": ""})
    second_line = right.address2
    return {"short": short, "second_line": second_line}


@intent(about="payment")
def pay_with_another_after_all(draft: RetailDraft) -> Slots:
    """Decides for another payment method before confirming a change of payment."""
    order = draft.one(
        o for o in draft.with_status("pending") if len(draft.unlimited(draft.paid_with(o))) > 1
    )
    first, second = draft.some(draft.unlimited(draft.paid_with(order)), 2)
    which = draft.the_order(order)
    with draft.tempted("consent"):
        draft.change_payment(order, first)
    draft.change_payment(order, second)
    return {"which": which, "first": first, "second": second}


@intent(about="cancellation", idle=True)
def not_cancelled_after_all(draft: RetailDraft) -> Slots:
    """Asks for a cancellation and decides against it."""
    order, which = draft.named_order("pending")
    with draft.tempted("consent"):
        draft.cancel(order, "no longer needed")
    return {"which": which}


@intent(about="return", idle=True)
def not_returned_after_all(draft: RetailDraft) -> Slots:
    """Asks for a return and decides against it."""
    order, item = draft.with_item("delivered")
    paid = draft.paid_with(order)
    which = draft.goods([item], order)
    with draft.tempted("consent"):
        draft.send_back(order, [item], paid)
    return {"which": which, "paid": paid, "item": item}
