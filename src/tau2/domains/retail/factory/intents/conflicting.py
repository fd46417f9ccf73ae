"""Customers whose requests exclude one another, so that one of them has to give way."""

from __future__ import annotations

from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import changed, total
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="request", hurdle=True)


@intent(about="order")
def cancel_and_redirect(draft: RetailDraft) -> Slots:
    """Wants one order cancelled and also sent elsewhere; the cancellation counts."""
    order, which = draft.named_order("pending")
    address = draft.new_address()
    with draft.tempted("consent"):
        draft.redirect(order, address)
    draft.cancel(order, "no longer needed")
    draft.tell(total(order))
    return {"which": which, "address": address}


@intent(about="item")
def refund_and_exchange(draft: RetailDraft) -> Slots:
    """Wants the money back for an item and another version of it; only one can be."""
    order, item = draft.with_item("delivered")
    new = draft.one(draft.near(item))
    paid = draft.paid_with(order)
    which = draft.goods([item], order)
    with draft.tempted("consent"):
        draft.exchange(order, [(item, new)], paid)
    draft.send_back(order, [item], paid)
    draft.tell(item.price)
    return {"which": which, "new": changed(item, new), "paid": paid}


@intent(about="address")
def two_addresses(draft: RetailDraft) -> Slots:
    """Names two addresses for one parcel; asked which one counts, names the second."""
    order, which = draft.named_order("pending")
    here = draft.new_address(near_by=True)
    there = draft.new_address()
    draft.redirect(order, there)
    return {"which": which, "here": here, "there": there}


@intent(about="change", held_out=True)
def two_upgrades_one_budget(draft: RetailDraft) -> Slots:
    """Wants two items upgraded for a sum that covers only one; the cheaper upgrade counts."""
    order = draft.one(draft.with_status("pending", items=2))
    swaps = draft.near_to_all(draft.some(order.items, 2))
    costs = sorted((new.price - item.price, at) for at, (item, new) in enumerate(swaps))
    method = draft.one(draft.unlimited())
    limit = int(costs[1][0]) + 1
    if costs[0][0] <= 1 or costs[0][0] + costs[1][0] <= limit + 1 or costs[0][0] == costs[1][0]:
        raise UnsuitableCustomer
    which = draft.goods([item for item, _ in swaps], order)
    item, new = swaps[costs[0][1]]
    with draft.tempted("consent"):
        draft.change_items(order, swaps, method)
    draft.change_items(order, [(item, new)], method)
    draft.tell(new.price - item.price)
    first, second = swaps
    return {
        "which": which,
        "one": first[0],
        "new_one": changed(*first),
        "other": second[0],
        "new_other": changed(*second),
        "limit": limit,
        "method": method,
    }
