"""Customers who want to send something back."""

from __future__ import annotations

from collections import Counter

from tau2.domains.retail.data_model import GiftCard
from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import cost, phrase
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.phrasing import joined
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="return")


@intent()
def return_one(draft: RetailDraft) -> Slots:
    """Return one item to the original payment method."""
    order = draft.one(
        o for o in draft.with_status("delivered", items=2) if draft.others(draft.paid_with(o))
    )
    item = draft.one(order.items)
    which, paid = draft.return_item(item, order)
    return {"which": which, "paid": paid}


@intent()
def return_several_to_gift_card(draft: RetailDraft) -> Slots:
    """Return several items to a gift card and ask for the sum."""
    card = draft.gift_card()
    order = draft.one(
        o for o in draft.with_status("delivered", items=3) if draft.paid_with(o) is not card
    )
    items = draft.some(order.items, 2)
    which = draft.goods(items, order)
    draft.send_back(order, items, card)
    draft.tell(cost(items))
    return {"which": which}


@intent()
def return_everything(draft: RetailDraft) -> Slots:
    """Return everything in an order."""
    order, which = draft.named_order("delivered", items=2)
    paid = draft.paid_with(order)
    draft.send_back(order, order.items, paid)
    draft.tell(cost(order.items))
    goods = which.removeprefix("your ")
    return {"which": which, "paid": paid, "goods": goods}


@intent()
def return_all_but_one(draft: RetailDraft) -> Slots:
    """Return everything in an order but one item."""
    order = draft.one(draft.with_status("delivered", items=3))
    kept = draft.one(order.items)
    rest = [item for item in order.items if item is not kept]
    which = draft.the_order(order)
    paid = draft.paid_with(order)
    draft.send_back(order, rest, paid)
    return {"the_kept": draft.the(kept, order), "which": which, "paid": paid}


@intent(hurdle=True)
def return_wrong_method_then_gift_card(draft: RetailDraft) -> Slots:
    """Wants the refund of a return on a method that is not allowed; takes the gift card."""
    card = draft.gift_card()
    order = draft.one(o for o in draft.with_status("delivered") if draft.paid_with(o) is not card)
    wish = draft.one(draft.unlimited(draft.paid_with(order)))
    item = draft.one(order.items)
    which = draft.goods([item], order)
    draft.refused(
        "return_delivered_order_items",
        order_id=order.order_id, item_ids=[item.item_id], payment_method_id=wish.id,
    )  # fmt: skip
    draft.send_back(order, [item], card)
    return {"which": which, "wish": wish}


@intent(hurdle=True)
def return_wrong_method_then_original(draft: RetailDraft) -> Slots:
    """Wants the refund of a return on a method that is not allowed; takes the original one."""
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
    draft.tell(item.price)
    return {"which": which, "wish": wish, "paid": paid}


@intent()
def return_most_expensive(draft: RetailDraft) -> Slots:
    """Return the most expensive item of an order."""
    order, which = draft.named_order("delivered", items=3)
    paid = draft.paid_with(order)
    item = max(order.items, key=lambda item: item.price)
    draft.send_back(order, [item], paid)
    draft.tell(item.price)
    return {"which": which, "paid": paid}


@intent(wants=2)
def return_from_two_orders(draft: RetailDraft) -> Slots:
    """Return items from two delivered orders."""
    first, second = draft.some(draft.with_status("delivered"), 2)
    one = draft.one(first.items)
    other = draft.one(second.items)
    named = joined([draft.goods([one], first), draft.goods([other], second)], last="and also")
    draft.send_back(first, [one], draft.paid_with(first))
    draft.send_back(second, [other], draft.paid_with(second))
    draft.tell(one.price + other.price)
    return {"named": named}


@intent(held_out=True)
def return_above_price(draft: RetailDraft) -> Slots:
    """Return every item of an order above a price."""
    order = draft.one(draft.with_status("delivered", items=3))
    prices = sorted(item.price for item in order.items)
    limit = int(prices[-3] // 10 * 10) + 10
    items = [item for item in order.items if item.price > limit]
    if not 2 <= len(items) < len(order.items) or any(abs(p - limit) < 1 for p in prices):
        raise UnsuitableCustomer
    which = draft.the_order(order)
    paid = draft.paid_with(order)
    draft.send_back(order, items, paid)
    draft.tell(cost(items))
    return {"which": which, "limit": limit, "paid": paid}


@intent(hurdle=True)
def return_undelivered_refused(draft: RetailDraft) -> Slots:
    """A return from an order that is not delivered is refused; another one is possible."""
    sent = draft.one(draft.with_status("processed"))
    order = draft.one(draft.with_status("delivered"))
    first = draft.one(sent.items)
    second = draft.one(order.items)
    number = sent.order_id
    draft.name_by_number(sent)
    which = draft.goods([second], order)
    paid = draft.paid_with(order)
    draft.refused(
        "return_delivered_order_items",
        order_id=number, item_ids=[first.item_id], payment_method_id=draft.paid_with(sent).id,
    )  # fmt: skip
    draft.send_back(order, [second], paid)
    return {"the_first": draft.the(first, sent), "number": number, "which": which, "paid": paid}


@intent(hurdle=True)
def return_twice_refused(draft: RetailDraft) -> Slots:
    """A second return on one order is refused; an item of another order goes back."""
    done = draft.one(draft.with_status("return requested", items=2))
    order = draft.one(draft.with_status("delivered"))
    more = draft.one(item for item in done.items if item.item_id not in (done.return_items or []))
    item = draft.one(order.items)
    paid = draft.paid_with(order)
    draft.name_by_number(done)
    which = draft.goods([item], order)
    draft.send_back(order, [item], paid)
    draft.tell(item.price)
    return {"done": done, "the_more": draft.the(more, done), "which": which, "paid": paid}


@intent()
def return_one_of_two(draft: RetailDraft) -> Slots:
    """Two of a kind were delivered; one of them goes back."""
    order = draft.one(
        order
        for order in draft.with_status("delivered", items=2)
        if len({item.product_id for item in order.items}) < len(order.items)
    )
    counts = Counter(item.product_id for item in order.items)
    item = draft.one(item for item in order.items if counts[item.product_id] > 1)
    draft.name_by_number(order)
    paid = draft.paid_with(order)
    draft.send_back(order, [item], paid)
    draft.tell(item.price)
    options = phrase(item.name, item.options)
    return {"order": order, "item": item, "options": options, "paid": paid}


@intent(held_out=True)
def return_fastest_refund(draft: RetailDraft) -> Slots:
    """Chooses the gift card for a refund after asking how long each way takes."""
    card = draft.gift_card()
    order = draft.one(
        o for o in draft.with_status("delivered") if not isinstance(draft.paid_with(o), GiftCard)
    )  # fmt: skip
    item = draft.one(order.items)
    which = draft.goods([item], order)
    draft.send_back(order, [item], card)
    return {"which": which, "paid": draft.paid_with(order)}
