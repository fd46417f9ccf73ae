"""Customers who cannot name their order and describe it otherwise."""

from __future__ import annotations

from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import changed, cost
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="order", hurdle=True)


@intent(about="cancellation")
def vague_cancel(draft: RetailDraft) -> Slots:
    """Cancel a pending order that the customer can only describe."""
    order = draft.one(draft.with_status("pending"))
    which = draft.description(order)
    mistake = draft.rng.random() < 0.5
    draft.cancel(order, "ordered by mistake" if mistake else "no longer needed")
    why = "you ordered it by mistake" if mistake else "you no longer need it"
    return {"which": which, "why": why}


@intent(about="address")
def vague_redirect(draft: RetailDraft) -> Slots:
    """Redirect a pending order that the customer can only describe."""
    order = draft.one(draft.with_status("pending"))
    which = draft.description(order)
    address = draft.new_address()
    draft.redirect(order, address)
    return {"which": which, "address": address}


@intent(about="payment", held_out=True)
def vague_payment(draft: RetailDraft) -> Slots:
    """Change the payment of an order that the customer can only describe."""
    order = draft.one(
        o for o in draft.with_status("pending") if draft.unlimited(draft.paid_with(o))
    )
    which = draft.description(order)
    method = draft.one(draft.unlimited(draft.paid_with(order)))
    draft.change_payment(order, method)
    return {"method": method, "which": which}


@intent(about="return")
def vague_return(draft: RetailDraft) -> Slots:
    """Return an item of an order that the customer can only describe."""
    order, item = draft.with_item("delivered", items=2)
    paid = draft.paid_with(order)
    which = draft.description(order)
    draft.send_back(order, [item], paid)
    return {"which": which, "the_item": draft.the(item, order), "paid": paid}


@intent(about="return")
def vague_return_all(draft: RetailDraft) -> Slots:
    """Return all of an order that the customer can only describe."""
    order = draft.one(draft.with_status("delivered"))
    which = draft.description(order)
    paid = draft.paid_with(order)
    draft.send_back(order, order.items, paid)
    return {"which": which, "paid": paid}


@intent(about="return", held_out=True)
def vague_return_cheapest(draft: RetailDraft) -> Slots:
    """Return the cheapest item of an order that the customer can only describe."""
    order = draft.one(draft.with_status("delivered", items=3))
    which = draft.description(order)
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
    which = draft.description(order)
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
    which = draft.description(order)
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
    which = draft.description(order)
    if number in which:
        raise UnsuitableCustomer
    draft.communicate.append(number)
    return {"which": which}
