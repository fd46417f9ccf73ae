"""Customers who press the agent to break the policy, and who want something possible as well."""

from __future__ import annotations

from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import changed, cost, total
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="request", hurdle=True)


@intent(about="refund")
def promised_refund_elsewhere(draft: RetailDraft) -> Slots:
    """Claims that a refund to another card was promised; insists twice, then takes what is due."""
    order = draft.one(
        o for o in draft.with_status("delivered") if draft.unlimited(draft.paid_with(o))
    )
    paid = draft.paid_with(order)
    wish = draft.one(draft.unlimited(paid))
    item = draft.one(order.items)
    which = draft.goods([item], order)
    draft.refused(
        "return_delivered_order_items",
        order_id=order.order_id, item_ids=[item.item_id], payment_method_id=wish.id,
    )  # fmt: skip
    draft.send_back(order, [item], paid)
    return {"which": which, "wish": wish, "paid": paid}


@intent(about="cancellation")
def delivered_must_be_cancelled(draft: RetailDraft) -> Slots:
    """Insists twice on cancelling what was delivered; then returns all of it."""
    order, which = draft.named_order("delivered")
    paid = draft.paid_with(order)
    draft.refused("cancel_pending_order", order_id=order.order_id, reason="no longer needed")
    draft.send_back(order, order.items, paid)
    draft.tell(cost(order.items))
    return {"which": which, "paid": paid}


@intent(about="exchange")
def no_surcharge(draft: RetailDraft) -> Slots:
    """Refuses to pay the difference of an exchange; insists twice and pays it in the end."""
    order, item = draft.with_item("delivered")
    new = draft.one(v for v in draft.near(item) if v.price > item.price + 3)
    method = draft.covering(new.price - item.price)
    which = draft.goods([item], order)
    draft.exchange(order, [(item, new)], method)
    draft.tell(new.price - item.price)
    return {"which": which, "new": changed(item, new), "method": method}


@intent(about="cancellation")
def reason_of_ones_own(draft: RetailDraft) -> Slots:
    """Insists on a reason for cancelling that does not count, and then names one that does."""
    order, which = draft.named_order("pending")
    draft.refused("cancel_pending_order", order_id=order.order_id, reason="too expensive")
    draft.cancel(order, "ordered by mistake")
    draft.tell(total(order))
    return {"which": which}


@intent(about="address")
def for_the_spouse(draft: RetailDraft) -> Slots:
    """Presses the agent to change somebody else's order; only the own one is redirected."""
    order = draft.one(draft.with_status("pending"))
    other, theirs = draft.other_customer("pending")
    which = draft.the_order(order)
    address = draft.new_address()
    draft.redirect(order, address)
    return {"which": which, "theirs": theirs, "name": other.name.first_name, "address": address}


@intent(about="change", held_out=True)
def once_more_for_me(draft: RetailDraft) -> Slots:
    """Insists on a change that was made once already; then has the order sent elsewhere."""
    order, item = draft.with_item("pending (item modified)")
    new = draft.one(draft.near(item))
    which = draft.goods([item], order)
    address = draft.new_address(near_by=True)
    draft.redirect(order, address)
    return {"which": which, "new": changed(item, new), "address": address}
