"""Customers who move, or whose parcels should go elsewhere."""

from __future__ import annotations

from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import changed
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="address")


@intent(profile=True)
def redirect_order(draft: RetailDraft) -> Slots:
    """Send a pending order to a new address."""
    order, which = draft.named_order("pending")
    address = draft.new_address(near_by=draft.turn % 2 == 1)
    draft.redirect(order, address)
    return {"which": which, "address": address}


@intent(profile=True)
def redirect_to_profile(draft: RetailDraft) -> Slots:
    """Send a pending order to the address in the profile."""
    order = draft.one(o for o in draft.with_status("pending") if o.address != draft.user.address)
    which = draft.the_order(order)
    draft.redirect(order, draft.user.address)
    return {"which": which}


@intent(profile=True, wants=2)
def move_profile(draft: RetailDraft) -> Slots:
    """Change the default address and ask for a tracking number."""
    address = draft.new_address()
    order = draft.one(draft.with_status("delivered"))
    draft.look_at(order)
    draft.move(address)
    sent = draft.one(parcel for parcel in order.fulfillments)
    if len(order.fulfillments) > 1 or not draft.by_number:
        raise UnsuitableCustomer
    draft.communicate.append(sent.tracking_id[0])
    return {"address": address, "order": order}


@intent(alone=True, wants=2)
def move_everything(draft: RetailDraft) -> Slots:
    """Change the default address and the address of every pending order."""
    pending = [order for order in draft.orders if "pending" in order.status]
    if len(pending) < 2 or len(pending) == len(draft.orders):
        raise UnsuitableCustomer
    address = draft.new_address()
    draft.look_at_all()
    draft.move(address)
    for order in pending:
        draft.redirect(order, address)
    return {"address": address}


@intent()
def copy_address(draft: RetailDraft) -> Slots:
    """Send a pending order to the address that another order has."""
    model = draft.one(o for o in draft.orders if o.address != draft.user.address)
    order = draft.one(o for o in draft.with_status("pending") if o.address != model.address)
    draft.name_by_number(order, model)
    draft.redirect(order, model.address)
    return {"order": order, "model": model}


@intent(profile=True)
def profile_from_order(draft: RetailDraft) -> Slots:
    """Make the address of an order the default address."""
    order = draft.one(o for o in draft.orders if o.address != draft.user.address)
    which = draft.the_order(order)
    draft.move(order.address)
    return {"which": which}


@intent(about="addresses", held_out=True)
def swap_addresses(draft: RetailDraft) -> Slots:
    """Two pending orders have each other's address; swap them."""
    first, second = draft.some(draft.with_status("pending"), 2)
    if first.address == second.address:
        raise UnsuitableCustomer
    draft.name_by_number(first, second)
    draft.redirect(first, second.address)
    draft.redirect(second, first.address)
    return {"first": first, "second": second}


@intent(about="order", wants=2)
def redirect_and_change(draft: RetailDraft) -> Slots:
    """A pending order goes to a new address and one of its items is changed."""
    order, item = draft.with_item("pending", items=2)
    new = draft.one(draft.near(item))
    method = draft.one(draft.unlimited())
    which = draft.the_order(order)
    address = draft.new_address(near_by=True)
    draft.redirect(order, address)
    draft.change_items(order, [(item, new)], method)
    return {
        "which": which,
        "address": address,
        "item": item,
        "new": changed(item, new),
        "method": method,
    }


@intent(profile=True, hurdle=True)
def redirect_processed_refused(draft: RetailDraft) -> Slots:
    """An order that was sent cannot be redirected; the default address is changed instead."""
    _, which = draft.named_order("processed")
    address = draft.new_address()
    draft.move(address)
    return {"which": which, "address": address}


@intent(held_out=True)
def fix_apartment(draft: RetailDraft) -> Slots:
    """Only the apartment number of a pending order is wrong."""
    order = draft.one(o for o in draft.with_status("pending") if o.address.address2)
    which = draft.the_order(order)
    right = draft.one(
        text for text in ("Apt 7", "Apt 12", "Unit K", "Suite 44") if text != order.address.address2
    )
    draft.redirect(order, order.address.model_copy(update={"address2": right}))
    return {"which": which, "right": right}


@intent(about="addresses", wants=2)
def redirect_two(draft: RetailDraft) -> Slots:
    """Redirect two pending orders to two different addresses."""
    first, second = draft.some(draft.with_status("pending"), 2)
    here = draft.new_address(near_by=True)
    there = draft.new_address()
    one = draft.the_order(first)
    other = draft.the_order(second)
    draft.redirect(first, here)
    draft.redirect(second, there)
    return {"orders": [one, other], "here": here, "there": there}
