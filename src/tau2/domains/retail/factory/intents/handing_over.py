"""Customers whose last request is beyond the tools: a person has to take over."""

from __future__ import annotations

from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import noun, total
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="request", last=True, wants=2)


@intent(about="profile", profile=True)
def email_change(draft: RetailDraft) -> Slots:
    """Change the default address, then the email address: a person has to do that."""
    address = draft.new_address()
    draft.move(address)
    draft.hand_over(
        "The default address was changed. The customer wants another email address in the profile."
    )
    return {"address": address}


@intent(about="return and the damage", held_out=True)
def damage_claim(draft: RetailDraft) -> Slots:
    """Return an item, then a complaint about a damaged one: a person has to do that."""
    order = draft.one(draft.with_status("delivered", items=2))
    item, broken = draft.some(order.items, 2)
    paid = draft.paid_with(order)
    goods = draft.goods([item], order)
    draft.send_back(order, [item], paid)
    draft.tell(item.price)
    draft.hand_over(
        f"A return was requested. The {noun(broken)} of the same order caused damage; "
        "a claim is made."
    )
    return {"goods": goods, "the_broken": draft.the(broken, order), "paid": paid, "broken": broken}


@intent(about="two orders")
def new_order(draft: RetailDraft) -> Slots:
    """Cancel an order, then place a new one: a person has to do that."""
    order = draft.one(draft.with_status("pending"))
    product = draft.one(draft.world.products.values())
    which = draft.the_order(order)
    draft.cancel(order, "ordered by mistake")
    draft.tell(total(order))
    draft.hand_over("An order was cancelled. The customer wants to place a new order by chat.")
    return {"which": which, "product": product}


@intent(about="parcel")
def lost_parcel(draft: RetailDraft) -> Slots:
    """Ask for a tracking number, then report the parcel as lost: a person has to do that."""
    order = draft.one(draft.in_one_parcel("processed"))
    which = draft.the_order(order)
    draft.communicate += order.fulfillments[0].tracking_id
    draft.hand_over("The customer got the tracking number and reports the parcel as lost.")
    return {"which": which}


@intent(about="payment methods")
def delete_method(draft: RetailDraft) -> Slots:
    """Change a payment, then delete a payment method: a person has to do that."""
    order, method = draft.with_other_method("pending")
    which = draft.the_order(order)
    draft.change_payment(order, method)
    draft.hand_over(
        "The payment of an order was changed. The customer wants to remove a payment method."
    )
    return {"which": which, "method": method, "paid": draft.paid_with(order)}


@intent(about="delivery")
def faster_delivery(draft: RetailDraft) -> Slots:
    """Send an order elsewhere, then ask for a faster delivery: a person has to do that."""
    order, which = draft.named_order("pending")
    address = draft.new_address()
    draft.redirect(order, address)
    draft.hand_over(
        "An order was redirected. The customer wants it delivered by courier on a fixed day."
    )
    return {"which": which, "address": address}
