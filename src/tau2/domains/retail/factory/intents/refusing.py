"""Customers who ask for something forbidden, besides something that is possible."""

from __future__ import annotations

from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import changed, total
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="request", hurdle=True)


@intent(about="cancellation")
def cancel_processed_refused(draft: RetailDraft) -> Slots:
    """An order that was sent cannot be cancelled; the customer asks for its tracking number."""
    order = draft.one(draft.in_one_parcel("processed"))
    which = draft.the_order(order)
    draft.refused("cancel_pending_order", order_id=order.order_id, reason="no longer needed")
    draft.communicate += order.fulfillments[0].tracking_id
    return {"which": which}


@intent(about="cancellation")
def friends_order_refused(draft: RetailDraft) -> Slots:
    """Somebody else's order stays untouched; the customer's own is cancelled."""
    order = draft.one(draft.with_status("pending"))
    friend, theirs = draft.other_customer("pending")
    draft.name_by_number(order)
    draft.look("get_order_details", order_id=theirs.order_id)
    draft.cancel(order, "no longer needed")
    name = friend.name.first_name
    return {"order": order, "theirs": theirs, "name": name}


@intent(about="tracking number")
def partners_order_refused(draft: RetailDraft) -> Slots:
    """Wants to hear about somebody else's order; gets only the own tracking number."""
    order = draft.one(draft.in_one_parcel("processed"))
    other, theirs = draft.other_customer("processed")
    draft.name_by_number(order)
    draft.communicate += order.fulfillments[0].tracking_id
    name = other.name.first_name
    return {"order": order, "theirs": theirs, "name": name}


@intent(about="cancellation")
def cancel_modified_refused(draft: RetailDraft) -> Slots:
    """Changed items rule out a cancellation; the order is redirected instead."""
    order, which = draft.named_order("pending (item modified)")
    address = draft.new_address(near_by=True)
    draft.refused("cancel_pending_order", order_id=order.order_id, reason="no longer needed")
    draft.redirect(order, address)
    return {"which": which, "address": address}


@intent(about="return")
def return_after_exchange_refused(draft: RetailDraft) -> Slots:
    """An exchanged order cannot be returned as well; an item of another order goes back."""
    done = draft.one(draft.with_status("exchange requested"))
    order = draft.one(draft.with_status("delivered"))
    first = draft.one(done.items)
    item = draft.one(order.items)
    paid = draft.paid_with(order)
    draft.name_by_number(done)
    goods = draft.goods([item], order)
    draft.send_back(order, [item], paid)
    return {
        "done": done,
        "the_first": draft.the(first, done),
        "goods": goods,
        "item": item,
        "paid": paid,
    }


@intent(about="address", held_out=True)
def cancelled_refused(draft: RetailDraft) -> Slots:
    """A cancelled order cannot be changed; a pending one is."""
    gone = draft.one(draft.with_status("cancelled"))
    order = draft.one(draft.with_status("pending"))
    address = draft.new_address()
    draft.name_by_number(gone, order)
    draft.redirect(order, address)
    return {"gone": gone, "order": order, "address": address}


@intent(alone=True)
def in_a_rush(draft: RetailDraft) -> Slots:
    """Pressure to skip the confirmation and the identification."""
    order, item = draft.with_item("pending")
    new = draft.one(draft.near(item))
    method = draft.one(draft.unlimited())
    draft.by_number = True
    which = draft.goods([item], order)
    draft.change_items(order, [(item, new)], method)
    user_id = draft.user.user_id
    return {"which": which, "new": changed(item, new), "method": method, "user_id": user_id}


@intent(alone=True)
def mistyped_zip(draft: RetailDraft) -> Slots:
    """First a mistyped zip code, then the right one."""
    if draft.identified_by != "zip":
        raise UnsuitableCustomer
    order, which = draft.named_order("pending")
    right = draft.user.address.zip
    wrong = f"{right[:3]}{right[4]}{right[3]}"
    if wrong == right:
        raise UnsuitableCustomer
    draft.cancel(order, "ordered by mistake")
    draft.tell(total(order))
    return {"which": which, "wrong": wrong, "right": right}


@intent(about="discount", held_out=True)
def discount_refused(draft: RetailDraft) -> Slots:
    """Wants a forbidden discount as a condition; returns the item."""
    order, item = draft.with_item("delivered")
    which, paid = draft.return_item(item, order)
    draft.tell(item.price)
    return {"which": which, "paid": paid}


@intent(about="change")
def opinion_refused(draft: RetailDraft) -> Slots:
    """Asks for an opinion on products before changing an item."""
    order, item = draft.with_item("pending")
    new = draft.one(draft.near(item))
    method = draft.one(draft.unlimited())
    which = draft.goods([item], order)
    draft.change_items(order, [(item, new)], method)
    return {"which": which, "item": item, "new": changed(item, new), "method": method}
