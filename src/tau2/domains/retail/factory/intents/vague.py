"""Customers who cannot name their order and describe it otherwise. Told in generated tasks only."""

from __future__ import annotations

from collections.abc import Iterator

from tau2.domains.retail.data_model import Order
from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import changed, cost, method_name, total
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="order", hurdle=True)


def _hint(draft: RetailDraft, order: Order) -> str:
    """Return a description that fits this order alone; the agent goes through all orders.

    Raise UnsuitableCustomer without one.
    """
    if len(draft.all_orders) == 1:
        raise UnsuitableCustomer
    mine = list(_descriptions(draft, order))
    others = {
        text
        for other in draft.all_orders
        if other is not order
        for text in _descriptions(draft, other)
    }
    draft.taken.add(order.order_id)
    draft.look_at_all()
    return draft.one(text for text in mine if text not in others)


def _descriptions(draft: RetailDraft, order: Order) -> Iterator[str]:
    """Yield what a customer could know of an order without its number."""
    sent = bool(order.fulfillments)
    paid = method_name(draft.paid_with(order))
    yield f"the order for which you paid {total(order):.2f} dollars"
    yield f"the order whose number ends in {order.order_id[-3:]}"
    if (
        order.address.city != draft.user.address.city
    ):  # where other orders may be redirected meanwhile
        yield f"the order that {'went' if sent else 'is going'} to {order.address.city}"
    if (state := _STATES.get(order.status)) is not None:
        yield f"the only order of yours that {state}"
        yield f"the order that {state} and that you paid with {paid} when you placed it"
    if len(order.items) > 1:
        yield f"the order with {_NUMBERS[len(order.items)]} items in it"
    if len(order.fulfillments) == 1:
        yield f"the order that came with tracking number {order.fulfillments[0].tracking_id[0]}"


_STATES = {
    "pending": "is still pending",
    "pending (item modified)": "is still pending",
    "delivered": "was delivered",
    "return requested": "was delivered",
    "exchange requested": "was delivered",
}
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


@intent(about="cancellation")
def vague_cancel(draft: RetailDraft) -> Slots:
    """Cancel a pending order that the customer can only describe."""
    order = draft.one(draft.with_status("pending"))
    which = _hint(draft, order)
    mistake = draft.rng.random() < 0.5
    draft.cancel(order, "ordered by mistake" if mistake else "no longer needed")
    why = "you ordered it by mistake" if mistake else "you no longer need it"
    return {"which": which, "why": why}


@intent(about="address")
def vague_redirect(draft: RetailDraft) -> Slots:
    """Redirect a pending order that the customer can only describe."""
    order = draft.one(draft.with_status("pending"))
    which = _hint(draft, order)
    address = draft.new_address()
    draft.redirect(order, address)
    return {"which": which, "address": address}


@intent(about="payment")
def vague_payment(draft: RetailDraft) -> Slots:
    """Change the payment of an order that the customer can only describe."""
    order = draft.one(
        o for o in draft.with_status("pending") if draft.unlimited(draft.paid_with(o))
    )
    which = _hint(draft, order)
    method = draft.one(draft.unlimited(draft.paid_with(order)))
    draft.change_payment(order, method)
    return {"method": method, "which": which}


@intent(about="return")
def vague_return(draft: RetailDraft) -> Slots:
    """Return an item of an order that the customer can only describe."""
    order, item = draft.with_item("delivered", items=2)
    paid = draft.paid_with(order)
    which = _hint(draft, order)
    draft.send_back(order, [item], paid)
    return {"which": which, "the_item": draft.the(item, order), "paid": paid}


@intent(about="return")
def vague_return_all(draft: RetailDraft) -> Slots:
    """Return all of an order that the customer can only describe."""
    order = draft.one(draft.with_status("delivered"))
    which = _hint(draft, order)
    paid = draft.paid_with(order)
    draft.send_back(order, order.items, paid)
    return {"which": which, "paid": paid}


@intent(about="return")
def vague_return_cheapest(draft: RetailDraft) -> Slots:
    """Return the cheapest item of an order that the customer can only describe."""
    order = draft.one(draft.with_status("delivered", items=3))
    which = _hint(draft, order)
    paid = draft.paid_with(order)
    item = min(order.items, key=lambda item: item.price)
    if [other.price for other in order.items].count(item.price) > 1:
        raise UnsuitableCustomer
    draft.send_back(order, [item], paid)
    draft.tell(cost([item]))
    return {"which": which, "paid": paid}


@intent(about="change")
def vague_change(draft: RetailDraft) -> Slots:
    """Change an item in an order that the customer can only describe."""
    order, item = draft.with_item("pending")
    method = draft.one(draft.unlimited())
    which = _hint(draft, order)
    new = draft.one(draft.near(item))
    draft.change_items(order, [(item, new)], method)
    return {
        "the_item": draft.the(item, order),
        "which": which,
        "new": changed(item, new),
        "method": method,
    }


@intent(about="exchange")
def vague_exchange(draft: RetailDraft) -> Slots:
    """Exchange an item of an order that the customer can only describe."""
    order, item = draft.with_item("delivered")
    method = draft.one(draft.unlimited())
    which = _hint(draft, order)
    new = draft.one(draft.near(item))
    draft.exchange(order, [(item, new)], method)
    return {
        "the_item": draft.the(item, order),
        "which": which,
        "new": changed(item, new),
        "method": method,
    }


@intent(about="tracking number")
def vague_tracking(draft: RetailDraft) -> Slots:
    """The tracking number of an order that the customer can only describe."""
    order = draft.one(draft.in_one_parcel("processed", "delivered"))
    number = order.fulfillments[0].tracking_id[0]
    which = _hint(draft, order)
    if number in which:
        raise UnsuitableCustomer
    draft.communicate.append(number)
    return {"which": which}
