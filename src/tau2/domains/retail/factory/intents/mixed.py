"""Customers who want several things at once."""

from __future__ import annotations

from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import changed, total
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="request", alone=True, wants=2)


@intent(wants=3)
def cancel_return_move(draft: RetailDraft) -> Slots:
    """Cancel one order, return an item of another, and change the default address."""
    pending = draft.one(draft.with_status("pending"))
    delivered = draft.one(draft.with_status("delivered"))
    item = draft.one(delivered.items)
    paid = draft.paid_with(delivered)
    address = draft.new_address()
    which = draft.the_order(pending)
    goods = draft.goods([item], delivered)
    draft.cancel(pending, "no longer needed")
    draft.send_back(delivered, [item], paid)
    draft.move(address)
    return {"which": which, "goods": goods, "address": address, "paid": paid}


@intent()
def return_and_exchange(draft: RetailDraft) -> Slots:
    """Return from one order and exchange in another."""
    first, second = draft.some(draft.with_status("delivered"), 2)
    back = draft.one(first.items)
    swap = draft.one(second.items)
    new = draft.one(draft.near(swap))
    paid = draft.paid_with(first)
    method = draft.one(draft.unlimited())
    goods = draft.goods([back], first)
    other = draft.goods([swap], second)
    draft.send_back(first, [back], paid)
    draft.exchange(second, [(swap, new)], method)
    draft.tell(back.price)
    return {
        "goods": goods,
        "other": other,
        "new": changed(swap, new),
        "paid": paid,
        "method": method,
    }


@intent()
def exchange_and_change(draft: RetailDraft) -> Slots:
    """Exchange in a delivered order and the same change in a pending one."""
    delivered = draft.one(draft.with_status("delivered"))
    pending = draft.one(draft.with_status("pending"))
    old = draft.one(delivered.items)
    coming = draft.one(pending.items)
    new_old = draft.one(draft.near(old))
    new_coming = draft.one(draft.near(coming))
    method = draft.one(draft.unlimited())
    goods = draft.goods([old], delivered)
    other = draft.goods([coming], pending)
    draft.exchange(delivered, [(old, new_old)], method)
    draft.change_items(pending, [(coming, new_coming)], method)
    return {
        "goods": goods,
        "new_old": changed(old, new_old),
        "other": other,
        "new_coming": changed(coming, new_coming),
        "old": old,
        "coming": coming,
        "method": method,
    }


@intent()
def cancel_one_redirect_other(draft: RetailDraft) -> Slots:
    """Cancel one pending order and send another one elsewhere."""
    first, second = draft.some(draft.with_status("pending"), 2)
    one = draft.the_order(first)
    other = draft.the_order(second)
    address = draft.new_address(near_by=True)
    draft.cancel(first, "ordered by mistake")
    draft.redirect(second, address)
    draft.tell(total(first))
    return {"one": one, "other": other, "address": address}


@intent(wants=3, held_out=True)
def three_orders(draft: RetailDraft) -> Slots:
    """New payment for one order, new address for another, tracking number of a third."""
    first, second = draft.some(draft.with_status("pending"), 2)
    sent = draft.one(draft.in_one_parcel("processed"))
    method = draft.one(draft.unlimited(draft.paid_with(first)))
    address = draft.new_address()
    draft.name_by_number(first, second, sent)
    draft.change_payment(first, method)
    draft.redirect(second, address)
    draft.communicate += sent.fulfillments[0].tracking_id
    return {"first": first, "method": method, "second": second, "address": address, "sent": sent}


@intent(hurdle=True, held_out=True)
def return_or_also_cancel(draft: RetailDraft) -> Slots:
    """Cancel if a return is not enough to reach a sum."""
    delivered = draft.one(draft.with_status("delivered"))
    pending = draft.one(draft.with_status("pending"))
    item = draft.one(delivered.items)
    paid = draft.paid_with(delivered)
    enough = draft.turn % 2 == 1
    goal = int(item.price) - 5 if enough else int(item.price) + 25
    if goal < 1:
        raise UnsuitableCustomer
    goods = draft.goods([item], delivered)
    which = draft.the_order(pending)
    draft.send_back(delivered, [item], paid)
    draft.tell(item.price)
    if not enough:
        draft.cancel(pending, "no longer needed")
    return {"goal": goal, "goods": goods, "which": which, "paid": paid}


@intent(wants=3)
def return_redirect_pay(draft: RetailDraft) -> Slots:
    """Return an item, use the default address for a pending order, and change the payment of it."""
    pending = draft.one(o for o in draft.with_status("pending") if o.address != draft.user.address)
    delivered = draft.one(draft.with_status("delivered"))
    method = draft.one(draft.unlimited(draft.paid_with(pending)))
    item = draft.one(delivered.items)
    paid = draft.paid_with(delivered)
    which = draft.the_order(pending)
    goods = draft.goods([item], delivered)
    draft.redirect(pending, draft.user.address)
    draft.change_payment(pending, method)
    draft.send_back(delivered, [item], paid)
    return {"which": which, "method": method, "goods": goods, "paid": paid}


@intent(wants=3)
def leave_the_shop(draft: RetailDraft) -> Slots:
    """Cancel everything pending and return everything delivered in one order."""
    pending = draft.with_status("pending")
    delivered = draft.with_status("delivered")
    if len(delivered) != 1 or not pending or draft.with_status("pending (item modified)"):
        raise UnsuitableCustomer
    order = delivered[0]
    paid = draft.paid_with(order)
    draft.look_at_all()
    for each in pending:
        draft.cancel(each, "no longer needed")
    draft.send_back(order, order.items, paid)
    return {"paid": paid}


@intent(wants=3)
def change_redirect_return(draft: RetailDraft) -> Slots:
    """Two changes of one pending order and the return of another order's item."""
    pending = draft.one(draft.with_status("pending"))
    delivered = draft.one(draft.with_status("delivered", items=2))
    swap = draft.one(pending.items)
    back = draft.one(delivered.items)
    best = draft.cheapest(swap)
    paid = draft.paid_with(delivered)
    address = draft.new_address()
    method = draft.paid_with(pending)
    other = draft.goods([swap], pending)
    goods = draft.goods([back], delivered)
    draft.redirect(pending, address)
    draft.change_items(pending, [(swap, best)], method)
    draft.send_back(delivered, [back], paid)
    draft.tell(swap.price - best.price)
    return {
        "other": other,
        "swap": swap,
        "address": address,
        "goods": goods,
        "method": method,
        "paid": paid,
    }
