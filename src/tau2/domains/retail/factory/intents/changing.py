"""Customers who want other variants in an order that is still pending."""

from __future__ import annotations

from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import changed, differences, phrase, swap_slots, total
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="change")


@intent()
def change_one_option(draft: RetailDraft) -> Slots:
    """Change one option of an item in a pending order."""
    order, item = draft.with_item("pending")
    new = draft.one(draft.near(item))
    method = draft.covering(new.price - item.price)
    which = draft.goods([item], order)
    draft.change_items(order, [(item, new)], method)
    return {"which": which, "new": changed(item, new), "method": method}


@intent()
def change_described(draft: RetailDraft) -> Slots:
    """Change an item in a pending order to a fully described variant."""
    order, item = draft.with_item("pending")
    new = draft.one(v for v in draft.options(item) if len(differences(item, v)) > 1)
    method = draft.covering(new.price - item.price)
    which = draft.goods([item], order)
    draft.change_items(order, [(item, new)], method)
    draft.tell(abs(new.price - item.price))
    return {"which": which, "new": phrase(item.name, new.options), "method": method}


@intent()
def change_to_cheapest(draft: RetailDraft) -> Slots:
    """Change an item in a pending order to the cheapest variant."""
    order, item = draft.with_item("pending")
    new = draft.cheapest(item)
    paid = draft.paid_with(order)
    which = draft.goods([item], order)
    draft.change_items(order, [(item, new)], paid)
    draft.tell(total(order) - item.price + new.price)
    return {"which": which, "item": item, "paid": paid}


@intent()
def change_two(draft: RetailDraft) -> Slots:
    """Change two items of a pending order at once."""
    order = draft.one(draft.with_status("pending", items=3))
    swaps = draft.near_to_all(draft.some(order.items, 2))
    method = draft.one(draft.unlimited())
    which = draft.goods([item for item, _ in swaps], order)
    draft.change_items(order, swaps, method)
    return {"which": which, **swap_slots(swaps), "method": method}


@intent(hurdle=True)
def change_second_on_asking(draft: RetailDraft) -> Slots:
    """A second change comes up only when the agent asks whether that is all."""
    order = draft.one(draft.with_status("pending", items=2))
    swaps = draft.near_to_all(draft.some(order.items, 2))
    method = draft.one(draft.unlimited())
    which = draft.the_order(order)
    with draft.tempted("consent"):
        draft.change_items(order, swaps[:1], method)
    draft.change_items(order, swaps, method)
    return {"which": which, **swap_slots(swaps), "method": method}


@intent(hurdle=True)
def change_sold_out_then_cancel(draft: RetailDraft) -> Slots:
    """The wanted variant is sold out; the pending order is cancelled."""
    order, item = draft.with_item("pending")
    wish = draft.one(draft.near(item, available=False))
    which = draft.goods([item], order)
    draft.cancel(order, "no longer needed")
    draft.tell(total(order))
    return {"which": which, "wish": changed(item, wish)}


@intent(hurdle=True, held_out=True)
def change_sold_out_then_redirect(draft: RetailDraft) -> Slots:
    """The wanted variant is sold out; the order stays as it is and goes to another address."""
    order, item = draft.with_item("pending")
    wish = draft.one(draft.near(item, available=False))
    address = draft.new_address(near_by=True)
    which = draft.goods([item], order)
    draft.redirect(order, address)
    return {"which": which, "wish": changed(item, wish), "address": address}


@intent(
    hurdle=True,
    purpose="Items that were changed once cannot be changed again; "
    "the customer asks for the total instead",
)
def change_again_refused(draft: RetailDraft) -> Slots:
    """Ask for the total of an order whose items cannot be changed again."""
    order, item = draft.with_item("pending (item modified)")
    new = draft.one(draft.near(item))
    draft.name_by_number(order)
    draft.tell(total(order))
    return {"order": order, "the_item": draft.the(item, order), "new": changed(item, new)}


@intent(held_out=True)
def change_to_best_within_budget(draft: RetailDraft) -> Slots:
    """The best variant within a budget."""
    order, item = draft.with_item("pending")
    dearer = sorted((v for v in draft.options(item) if v.price > item.price), key=lambda v: v.price)
    if len(dearer) < 2:
        raise UnsuitableCustomer
    best = dearer[-2]
    beyond = dearer[-1]
    budget = int(best.price) + 1
    if beyond.price <= budget:
        raise UnsuitableCustomer
    method = draft.one(draft.unlimited())
    which = draft.goods([item], order)
    draft.change_items(order, [(item, best)], method)
    draft.tell(best.price)
    return {"which": which, "item": item, "budget": budget, "method": method}


@intent()
def change_to_match(draft: RetailDraft) -> Slots:
    """Change an item to the version the customer has in another order."""
    order, item, model, new = draft.one(draft.matching("pending"))
    method = draft.covering(new.price - item.price)
    draft.name_by_number(order, model)
    draft.change_items(order, [(item, new)], method)
    return {"item": item, "order": order, "model": model, "method": method}


@intent(hurdle=True)
def change_gift_card_short(draft: RetailDraft) -> Slots:
    """The gift card cannot cover a change; another method pays."""
    card = draft.gift_card()
    order, item = draft.with_item("pending")
    new = draft.one(v for v in draft.options(item) if v.price - item.price > card.balance)
    method = draft.one(draft.unlimited())
    which = draft.goods([item], order)
    draft.refused(
        "modify_pending_order_items",
        order_id=order.order_id,
        item_ids=[item.item_id],
        new_item_ids=[new.item_id],
        payment_method_id=card.id,
    )
    draft.change_items(order, [(item, new)], method)
    return {"which": which, "new": phrase(item.name, new.options), "method": method}


@intent(hurdle=True)
def change_other_type_refused(draft: RetailDraft) -> Slots:
    """Asks for another kind of product in a pending order; takes a variant of the same kind."""
    order, item = draft.with_item("pending", items=2)
    wish = draft.product_not_in(draft.orders)
    new = draft.one(draft.near(item))
    method = draft.covering(new.price - item.price)
    which = draft.goods([item], order)
    draft.change_items(order, [(item, new)], method)
    return {"which": which, "wish": wish, "item": item, "new": changed(item, new), "method": method}
