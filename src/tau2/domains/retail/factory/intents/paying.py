"""Customers who want to pay for a pending order in another way."""

from __future__ import annotations

from tau2.domains.retail.data_model import GiftCard
from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import changed, total
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="payment")


@intent()
def switch_payment(draft: RetailDraft) -> Slots:
    """Pay for a pending order with another method."""
    order, method = draft.with_other_method("pending")
    paid = draft.paid_with(order)
    which = draft.the_order(order)
    draft.change_payment(order, method)
    return {"which": which, "method": method, "paid": paid}


@intent()
def switch_to_gift_card(draft: RetailDraft) -> Slots:
    """Pay for a pending order with a gift card that suffices, and ask what is left on it."""
    card = draft.gift_card()
    order = draft.one(
        order
        for order in draft.with_status("pending")
        if draft.paid_with(order) is not card and total(order) <= card.balance
    )
    which = draft.the_order(order)
    draft.change_payment(order, card)
    draft.tell(card.balance - total(order))
    return {"which": which}


@intent(hurdle=True)
def switch_gift_card_short(draft: RetailDraft) -> Slots:
    """The gift card cannot pay for an order; another method does."""
    card = draft.gift_card()
    order = draft.one(
        order
        for order in draft.with_status("pending")
        if draft.paid_with(order) is not card
        and total(order) > card.balance
        and draft.unlimited(draft.paid_with(order))
    )
    method = draft.one(draft.unlimited(draft.paid_with(order)))
    which = draft.the_order(order)
    draft.refused(
        "modify_pending_order_payment", order_id=order.order_id, payment_method_id=card.id
    )
    draft.change_payment(order, method)
    draft.tell(card.balance)
    return {"which": which, "method": method}


@intent(hurdle=True, held_out=True)
def split_refused(draft: RetailDraft) -> Slots:
    """Wants to split a payment over two methods; takes one of them."""
    order = draft.one(
        o for o in draft.with_status("pending") if len(draft.others(draft.paid_with(o))) > 1
    )
    paid = draft.paid_with(order)
    one = draft.one(draft.unlimited(paid))
    other = draft.one(draft.others(paid, one))
    which = draft.the_order(order)
    draft.change_payment(order, one)
    return {"which": which, "other": other, "one": one}


@intent(wants=2)
def switch_payment_then_item(draft: RetailDraft) -> Slots:
    """Change the payment and then an item of one order; the other order of steps fails."""
    order, method = draft.with_other_method("pending", items=2)
    item = draft.one(order.items)
    new = draft.one(draft.near(item))
    which = draft.the_order(order)
    draft.change_payment(order, method)
    draft.change_items(order, [(item, new)], method)
    return {"which": which, "item": item, "new": changed(item, new), "method": method}


@intent(wants=2, held_out=True)
def cancel_to_fund_gift_card(draft: RetailDraft) -> Slots:
    """A cancelled order's refund on the gift card pays for another order."""
    card = draft.gift_card()
    source = draft.one(o for o in draft.with_status("pending") if draft.paid_with(o) is card)
    target = draft.one(
        order
        for order in draft.with_status("pending")
        if draft.paid_with(order) is not card
        and card.balance < total(order) <= card.balance + total(source)
    )
    draft.name_by_number(source, target)
    draft.cancel(source, "no longer needed")
    draft.change_payment(target, card)
    draft.tell(card.balance + total(source) - total(target))
    return {"source": source, "target": target}


@intent(hurdle=True)
def new_card_refused(draft: RetailDraft) -> Slots:
    """A card that is not on file cannot be used; another method on file pays."""
    order, method = draft.with_other_method("pending")
    if isinstance(draft.paid_with(order), GiftCard):
        raise UnsuitableCustomer
    which = draft.the_order(order)
    draft.change_payment(order, method)
    return {"which": which, "method": method}
