"""Customers who ask for something that is refused, insist, and accept it in the end.

Nothing is to be done or said here, so these intents come beside others only.
"""

from __future__ import annotations

from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import changed
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="request", hurdle=True, idle=True)


@intent(about="cancellation")
def cancel_sent(draft: RetailDraft) -> Slots:
    """A cancellation of an order that was sent is refused."""
    order, which = draft.named_order("processed")
    draft.refused("cancel_pending_order", order_id=order.order_id, reason="no longer needed")
    return {"which": which}


@intent(about="address")
def redirect_sent(draft: RetailDraft) -> Slots:
    """Another address for an order that was sent is refused."""
    _, which = draft.named_order("processed")
    address = draft.new_address()
    return {"which": which, "address": address}


@intent(about="return")
def return_early(draft: RetailDraft) -> Slots:
    """A return from an order that has not arrived is refused."""
    order = draft.one([*draft.with_status("processed"), *draft.with_status("pending")])
    item = draft.one(order.items)
    thing, which = draft.within(item, order)
    return {"thing": thing, "which": which}


@intent(about="cancellation")
def cancel_delivered(draft: RetailDraft) -> Slots:
    """A cancellation of a delivered order is refused."""
    order, which = draft.named_order("delivered")
    draft.refused("cancel_pending_order", order_id=order.order_id, reason="ordered by mistake")
    return {"which": which}


@intent(about="discount")
def discount(draft: RetailDraft) -> Slots:
    """A discount is refused."""
    _, which = draft.named_order("pending")
    percent = draft.one((5, 10, 15, 20))
    return {"percent": percent, "which": which}


@intent(about="price")
def price_match(draft: RetailDraft) -> Slots:
    """Matching another shop's price is refused."""
    order, item = draft.with_item("delivered")
    less = draft.one((5, 8, 12, 15, 20))
    if item.price < 2 * less:
        raise UnsuitableCustomer
    which = draft.goods([item], order)
    return {"item": item, "less": less, "which": which}


@intent(about="change")
def other_kind(draft: RetailDraft) -> Slots:
    """Another kind of product in place of an item is refused."""
    order, item = draft.with_item("pending")
    wish = draft.product_not_in(draft.all_orders)
    which = draft.goods([item], order)
    return {"wish": wish, "which": which, "item": item}


@intent(about="order", held_out=True)
def drop_item(draft: RetailDraft) -> Slots:
    """Taking a single item out of an order is refused."""
    order = draft.one(draft.with_status("pending", items=2))
    thing, which = draft.within(draft.one(order.items), order)
    return {"thing": thing, "which": which}


@intent(about="order")
def add_item(draft: RetailDraft) -> Slots:
    """Adding an item to an order is refused."""
    order = draft.one(draft.with_status("pending"))
    wish = draft.one(draft.world.products.values())
    if any(item.product_id == wish.product_id for item in order.items):
        raise UnsuitableCustomer
    which = draft.the_order(order)
    return {"wish": wish, "which": which}


@intent(about="payment")
def split(draft: RetailDraft) -> Slots:
    """Dividing a payment is refused."""
    order = draft.one(o for o in draft.with_status("pending") if draft.others(draft.paid_with(o)))
    paid = draft.paid_with(order)
    other = draft.one(draft.others(paid))
    which = draft.the_order(order)
    return {"which": which, "other": other, "paid": paid}


@intent(about="order of the other person")
def not_mine(draft: RetailDraft) -> Slots:
    """Somebody else's order is not touched."""
    other, theirs = draft.other_customer("pending")
    name = other.name.first_name
    return {"theirs": theirs, "name": name}


@intent(about="return", held_out=True)
def money_elsewhere(draft: RetailDraft) -> Slots:
    """A refund to a bank account is refused."""
    order, item = draft.with_item("delivered")
    which = draft.goods([item], order)
    return {"which": which, "item": item}


@intent(about="return")
def return_more(draft: RetailDraft) -> Slots:
    """A second return on one order is refused."""
    order = draft.one(draft.with_status("return requested", items=2))
    item = draft.one(item for item in order.items if item.item_id not in (order.return_items or []))
    thing, which = draft.within(item, order)
    return {"which": which, "thing": thing}


@intent(about="change")
def change_again(draft: RetailDraft) -> Slots:
    """A second change of items is refused."""
    order, item = draft.with_item("pending (item modified)")
    new = draft.one(draft.near(item))
    which = draft.goods([item], order)
    return {"which": which, "new": changed(item, new)}


@intent(about="opinion")
def opinion(draft: RetailDraft) -> Slots:
    """An opinion on a product is refused."""
    order = draft.one(draft.orders)
    item = draft.one(order.items)
    which = draft.goods([item], order)
    return {"which": which}


@intent(about="delivery date")
def promise(draft: RetailDraft) -> Slots:
    """A promise that nobody can make is refused."""
    order = draft.one([*draft.with_status("processed"), *draft.with_status("pending")])
    which = draft.the_order(order)
    day = draft.one(("Friday", "the weekend", "Tuesday", "the end of the week"))
    return {"which": which, "day": day}
