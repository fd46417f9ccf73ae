"""Customers who want something delivered exchanged for another variant."""

from __future__ import annotations

from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import changed, differences, phrase, swap_slots
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="exchange")


@intent()
def exchange_one_option(draft: RetailDraft) -> Slots:
    """Exchange an item for one that differs in one respect."""
    order, item = draft.with_item("delivered")
    new = draft.one(draft.near(item))
    method = draft.covering(new.price - item.price)
    which = draft.goods([item], order)
    draft.exchange(order, [(item, new)], method)
    return {"which": which, "new": changed(item, new), "method": method}


@intent()
def exchange_described(draft: RetailDraft) -> Slots:
    """Exchange an item for a fully described variant."""
    order, item = draft.with_item("delivered")
    new = draft.one(v for v in draft.options(item) if len(differences(item, v)) > 1)
    method = draft.covering(new.price - item.price)
    which = draft.goods([item], order)
    draft.exchange(order, [(item, new)], method)
    draft.tell(abs(new.price - item.price))
    return {"which": which, "new": phrase(item.name, new.options), "method": method}


@intent()
def exchange_cheapest(draft: RetailDraft) -> Slots:
    """Exchange an item for the cheapest variant and ask what comes back."""
    order, item = draft.with_item("delivered")
    new = draft.cheapest(item)
    method = draft.one(draft.user.payment_methods.values())
    which = draft.goods([item], order)
    draft.exchange(order, [(item, new)], method)
    draft.tell(item.price - new.price)
    return {"which": which, "item": item, "method": method}


@intent(held_out=True)
def exchange_dearest(draft: RetailDraft) -> Slots:
    """Exchange an item for the most expensive variant and ask what it costs more."""
    order, item = draft.with_item("delivered")
    new = draft.dearest(item)
    method = draft.covering(new.price - item.price)
    which = draft.goods([item], order)
    draft.exchange(order, [(item, new)], method)
    draft.tell(new.price - item.price)
    return {"which": which, "item": item, "method": method}


@intent()
def exchange_two(draft: RetailDraft) -> Slots:
    """Exchange two items of one order together."""
    order = draft.one(draft.with_status("delivered", items=2))
    swaps = draft.near_to_all(draft.some(order.items, 2))
    method = draft.one(draft.unlimited())
    which = draft.goods([item for item, _ in swaps], order)
    draft.exchange(order, swaps, method)
    return {"which": which, **swap_slots(swaps), "method": method}


@intent(hurdle=True)
def exchange_second_choice(draft: RetailDraft) -> Slots:
    """The wanted variant is sold out; the second choice is taken."""
    order, item = draft.with_item("delivered")
    first = draft.one(draft.near(item, available=False))
    second = draft.one(draft.near(item))
    method = draft.covering(second.price - item.price)
    which = draft.goods([item], order)
    draft.exchange(order, [(item, second)], method)
    return {
        "which": which,
        "first": changed(item, first),
        "second": changed(item, second),
        "method": method,
    }


@intent(hurdle=True)
def exchange_sold_out_then_return(draft: RetailDraft) -> Slots:
    """The wanted variant is sold out; the item is returned instead."""
    order, item = draft.with_item("delivered")
    wish = draft.one(draft.options(item, available=False))
    which, paid = draft.return_item(item, order)
    draft.tell(item.price)
    return {"which": which, "wish": phrase(item.name, wish.options), "paid": paid}


@intent(hurdle=True)
def exchange_gift_card_short(draft: RetailDraft) -> Slots:
    """The gift card cannot cover an exchange; another method pays."""
    card = draft.gift_card()
    order, item = draft.with_item("delivered")
    new = draft.one(v for v in draft.options(item) if v.price - item.price > card.balance)
    method = draft.one(draft.unlimited())
    which = draft.goods([item], order)
    draft.exchange(order, [(item, new)], method)
    draft.tell(new.price - item.price)
    return {"which": which, "new": phrase(item.name, new.options), "method": method}


@intent(hurdle=True)
def exchange_other_type_refused(draft: RetailDraft) -> Slots:
    """An exchange for another kind of product is refused; the item is returned."""
    order, item = draft.with_item("delivered")
    wish = draft.product_not_in(draft.orders)
    which, paid = draft.return_item(item, order)
    return {"which": which, "wish": wish, "item": item, "paid": paid}


@intent(hurdle=True, held_out=True)
def exchange_within_limit(draft: RetailDraft) -> Slots:
    """Exchange only if the surcharge stays below a limit, otherwise return."""
    order, item = draft.with_item("delivered")
    method = draft.one(m for m in draft.unlimited() if m is draft.paid_with(order))
    new = draft.one(v for v in draft.near(item) if v.price > item.price + 5)
    surcharge = new.price - item.price
    limit = int(surcharge) + 6 if draft.turn % 2 == 0 else max(int(surcharge) - 3, 1)
    which = draft.goods([item], order)
    if surcharge > limit:
        with draft.tempted("consent"):
            draft.exchange(order, [(item, new)], method)
    if surcharge <= limit:
        draft.exchange(order, [(item, new)], method)
    else:
        draft.send_back(order, [item], method)
    draft.tell(surcharge)
    return {"which": which, "new": changed(item, new), "limit": limit, "method": method}


@intent()
def exchange_to_match(draft: RetailDraft) -> Slots:
    """Exchange an item for the version the customer has in another order."""
    order, item, model, new = draft.one(draft.matching("delivered"))
    method = draft.covering(new.price - item.price)
    draft.name_by_number(order, model)
    draft.exchange(order, [(item, new)], method)
    return {"item": item, "order": order, "model": model, "method": method}


@intent(hurdle=True)
def exchange_or_return(draft: RetailDraft) -> Slots:
    """Wants to return one item and exchange another of one order; only one of both is possible."""
    order = draft.one(draft.with_status("delivered", items=2))
    keep, swap = draft.some(order.items, 2)
    new = draft.one(draft.near(swap))
    method = draft.covering(new.price - swap.price)
    which = draft.the_order(order)
    draft.exchange(order, [(swap, new)], method)
    return {
        "which": which,
        "the_keep": draft.the(keep, order),
        "the_swap": draft.the(swap, order),
        "new": changed(swap, new),
        "keep": keep,
        "method": method,
    }


@intent(hurdle=True)
def exchange_declined(draft: RetailDraft) -> Slots:
    """Hears what an exchange would cost and decides against it."""
    order, item = draft.with_item("delivered")
    new = draft.one(v for v in draft.near(item) if v.price > item.price + 3)
    which = draft.goods([item], order)
    with draft.tempted("consent"):
        draft.exchange(order, [(item, new)], draft.paid_with(order))
    draft.tell(new.price - item.price)
    return {"which": which, "new": changed(item, new)}
