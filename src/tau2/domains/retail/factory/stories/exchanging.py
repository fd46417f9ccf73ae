"""Customers who want something delivered exchanged for another variant."""

from __future__ import annotations

from tau2.domains.retail.data_model import GiftCard, Order, OrderItem, Variant
from tau2.domains.retail.factory.phrasing import a
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Told, Unfit, collector
from tau2.domains.retail.factory.stories.words import (
    changed,
    differences,
    method_name,
    noun,
    phrase,
)

STORIES, story = collector("exchange")


def _delivered(case: Case, items: int = 1) -> tuple[Order, OrderItem]:
    order = case.one(case.with_status("delivered", items=items))
    return order, case.one(order.items)


def _funds(case: Case, price_difference: float) -> str:
    """Return the id of a method that can take the difference; stories need not care which."""
    methods = [
        method
        for method in case.user.payment_methods.values()
        if not isinstance(method, GiftCard) or method.balance >= price_difference
    ]
    return case.one(methods).id


@story()
def exchange_one_option(case: Case) -> Told:
    """Exchange an item for one that differs in one respect."""
    order, item = _delivered(case)
    new = case.one(case.near(item))
    method = case.user.payment_methods[_funds(case, new.price - item.price)]
    which = case.goods([item], order)
    case.exchange(order, [(item, new)], method)
    return Told(
        case.say(
            f"You want to exchange {which} for the same one {changed(item, new)}.",
            f"You chose wrongly when you bought {which}. In exchange you want the same one {changed(item, new)}.",
            f"You would like to swap {which}. What you need is the same one {changed(item, new)}.",
        ),
        f"Use {method_name(method)} for any price difference. If that exact version could not be had, you would "
        "keep what you have.",
    )


@story()
def exchange_described(case: Case) -> Told:
    """Exchange an item for a fully described variant."""
    order, item = _delivered(case)
    new = case.one(v for v in case.options(item) if len(differences(item, v)) > 1)
    method = case.user.payment_methods[_funds(case, new.price - item.price)]
    which = case.goods([item], order)
    case.exchange(order, [(item, new)], method)
    case.tell(abs(new.price - item.price))
    return Told(
        case.say(
            f"You want to exchange {which} for one {phrase(item.name, new.options)}. You want to know the price "
            "difference.",
            f"Instead of {which} you want one {phrase(item.name, new.options)}. Ask what the difference in price is.",
        ),
        f"The difference is settled with {method_name(method)}, whichever way it goes. Agree to any difference.",
    )


@story()
def exchange_cheapest(case: Case) -> Told:
    """Exchange an item for the cheapest variant and ask what comes back."""
    order, item = _delivered(case)
    new, method = case.cheapest(item), case.one(case.user.payment_methods.values())
    which = case.goods([item], order)
    case.exchange(order, [(item, new)], method)
    case.tell(item.price - new.price)
    return Told(
        case.say(
            f"You want to exchange {which} for the cheapest {noun(item)} that is available. Color, size and the "
            "like do not matter to you.",
            f"You paid too much for {which}. You want it exchanged for whichever available {noun(item)} costs least.",
        ),
        f"The money you save should go to {method_name(method)}. Ask how much you get back.",
    )


@story()
def exchange_dearest(case: Case) -> Told:
    """Exchange an item for the most expensive variant and ask what it costs more."""
    order, item = _delivered(case)
    new = case.dearest(item)
    method = case.user.payment_methods[_funds(case, new.price - item.price)]
    which = case.goods([item], order)
    case.exchange(order, [(item, new)], method)
    case.tell(new.price - item.price)
    return Told(
        case.say(
            f"You want to treat yourself and exchange {which} for the most expensive {noun(item)} that is available.",
            f"You want the best {noun(item)} the shop has right now in place of {which}; for you the best is the "
            "most expensive one available.",
        ),
        f"You pay the difference with {method_name(method)}. Before you agree you want to know what the difference "
        "is.",
    )


@story()
def exchange_two(case: Case) -> Told:
    """Exchange two items of one order together."""
    order = case.one(case.with_status("delivered", items=2))
    one, other = case.some(order.items, 2)
    if one.product_id == other.product_id:
        raise Unfit
    new_one, new_other = case.one(case.near(one)), case.one(case.near(other))
    method = case.one(case.unlimited())
    which = case.goods([one, other], order)
    case.exchange(order, [(one, new_one), (other, new_other)], method)
    return Told(
        case.say(
            f"You want to exchange {which}. You want the same {noun(one)} {changed(one, new_one)} and the same "
            f"{noun(other)} {changed(other, new_other)}.",
            f"Two things have to be exchanged: {which}. You would like the {noun(one)} {changed(one, new_one)} and "
            f"the {noun(other)} {changed(other, new_other)}, with everything else about them unchanged.",
        ),
        f"Make sure that both are exchanged. {_difference_goes(method_name(method))}",
    )


def _difference_goes(method: str) -> str:
    return f"Any price difference goes over {method}."


@story(hurdle=True)
def exchange_second_choice(case: Case) -> Told:
    """The wanted variant is sold out; the second choice is taken."""
    order, item = _delivered(case)
    first = case.one(v for v in case.sold_out(item) if len(differences(item, v)) == 1)
    second = case.one(case.near(item))
    method = case.user.payment_methods[_funds(case, second.price - item.price)]
    which = case.goods([item], order)
    case.exchange(order, [(item, second)], method)
    return Told(
        case.say(
            f"You want to exchange {which} for the same one {changed(item, first)}. If there is none, you take the "
            f"same one {changed(item, second)}.",
            f"You would like {which} exchanged; your first choice is the same one {changed(item, first)}, your "
            f"second choice the same one {changed(item, second)}.",
        ),
        f"Ask for the first choice first. {_difference_goes(method_name(method))}",
    )


@story(hurdle=True)
def exchange_sold_out_then_return(case: Case) -> Told:
    """The wanted variant is sold out; the item is returned instead."""
    order, item = _delivered(case)
    wish = case.one(case.sold_out(item))
    paid = case.paid_with(order)
    which = case.goods([item], order)
    case.send_back(order, [item], paid)
    case.tell(item.price)
    return Told(
        case.say(
            f"You want to exchange {which} for one {phrase(item.name, wish.options)}.",
            f"You want another version in place of {which}, namely one {phrase(item.name, wish.options)}.",
        ),
        "You want exactly that version and no other. If it is not available, return the item instead, with the "
        f"refund to {method_name(paid)}, and ask how much that is.",
    )


@story(hurdle=True)
def exchange_gift_card_short(case: Case) -> Told:
    """The gift card cannot cover an exchange; another method pays."""
    card = case.gift_card()
    order, item = _delivered(case)
    new = case.one(v for v in case.options(item) if v.price - item.price > card.balance)
    method = case.one(case.unlimited())
    which = case.goods([item], order)
    case.exchange(order, [(item, new)], method)
    case.tell(new.price - item.price)
    return Told(
        f"You want to exchange {which} for one {phrase(item.name, new.options)}. The difference should be paid with "
        "your gift card.",
        f"If the gift card does not have enough money on it, pay with {method_name(method)} instead. You want to "
        "hear the price difference.",
    )


@story(hurdle=True)
def exchange_other_type_refused(case: Case) -> Told:
    """An exchange for another kind of product is refused; the item is returned."""
    order, item = _delivered(case)
    mine = {i.product_id for o in case.orders for i in o.items}
    wish = case.one(p for p in case.world.products.values() if p.product_id not in mine)
    paid = case.paid_with(order)
    which = case.goods([item], order)
    case.send_back(order, [item], paid)
    return Told(
        case.say(
            f"You want to exchange {which} for {a(wish.name.lower())}.",
            f"You would rather have {a(wish.name.lower())} than {which}, so you want to swap one for the other.",
        ),
        f"If that kind of exchange is not possible, return the {noun(item)} instead, with the refund to "
        f"{method_name(paid)}. You do not want another {noun(item)}.",
    )


@story(hurdle=True)
def exchange_within_limit(case: Case) -> Told:
    """Exchange only if the surcharge stays below a limit, otherwise return."""
    order, item = _delivered(case)
    method = case.one(m for m in case.unlimited() if m is case.paid_with(order))
    new = case.one(v for v in case.near(item) if v.price > item.price + 5)
    surcharge = new.price - item.price
    limit = int(surcharge) + 6 if case.turn % 2 == 0 else max(int(surcharge) - 3, 1)
    which = case.goods([item], order)
    if surcharge <= limit:
        case.exchange(order, [(item, new)], method)
    else:
        case.send_back(order, [item], method)
    case.tell(surcharge)
    return Told(
        f"You want to exchange {which} for the same one {changed(item, new)}, provided that it costs at most "
        f"{limit} dollars more. If it costs more than that, you want to return the item instead.",
        "Have the agent tell you the exact price difference first. Money is paid by or refunded to "
        f"{method_name(method)}.",
    )


@story()
def exchange_to_match(case: Case) -> Told:
    """Exchange an item for the version the customer has in another order."""
    order, item, model = case.one(_matches(case))
    method = case.user.payment_methods[_funds(case, model[1].price - item.price)]
    case.by_number = True
    case.look_at(order)
    case.look_at(model[0])
    case.exchange(order, [(item, model[1])], method)
    return Told(
        case.say(
            f"You want to exchange the {noun(item)} from order {order.order_id}. You want exactly the version that "
            f"you have in order {model[0].order_id}.",
            f"In order {model[0].order_id} you have the right {noun(item)}. You want the one from order "
            f"{order.order_id} exchanged for that same version.",
        ),
        "You cannot describe the version yourself; the agent can look it up in the other order. "
        f"{_difference_goes(method_name(method))}",
    )


def _matches(case: Case) -> list[tuple[Order, OrderItem, tuple[Order, Variant]]]:
    """Return delivered items of which another order holds one other version that can be had."""
    found = []
    for order in case.with_status("delivered"):
        for item in order.items:
            for other in case.orders:
                same = [i for i in other.items if i.product_id == item.product_id]
                if other is order or len(same) != 1 or _count(order, item) != 1:
                    continue
                found += [
                    (order, item, (other, v))
                    for v in case.options(item)
                    if v.item_id == same[0].item_id
                ]
    return found


def _count(order: Order, item: OrderItem) -> int:
    return sum(i.product_id == item.product_id for i in order.items)


@story(hurdle=True)
def exchange_or_return(case: Case) -> Told:
    """Wants to return one item and exchange another of one order; only one of both is possible."""
    order = case.one(case.with_status("delivered", items=2))
    keep, swap = case.some(order.items, 2)
    new = case.one(case.near(swap))
    method = case.user.payment_methods[_funds(case, new.price - swap.price)]
    which = case.the_order(order)
    case.exchange(order, [(swap, new)], method)
    return Told(
        f"You have two wishes for {which}. You want to return {case.the(keep, order)}, and you want to exchange "
        f"{case.the(swap, order)} for the same one {changed(swap, new)}.",
        "If the agent says that an order can be either returned or exchanged but not both, choose the exchange and "
        f"keep the {noun(keep)}. {_difference_goes(method_name(method))}",
    )


@story(hurdle=True)
def exchange_declined(case: Case) -> Told:
    """Hears what an exchange would cost and decides against it."""
    order, item = _delivered(case)
    new = case.one(v for v in case.near(item) if v.price > item.price + 3)
    which = case.goods([item], order)
    case.tell(new.price - item.price)
    return Told(
        case.say(
            f"You are thinking of exchanging {which} for the same one {changed(item, new)}. You want to know how "
            "much more it would cost.",
            f"You wonder what you would have to pay on top if {which} were exchanged for the same one "
            f"{changed(item, new)}.",
        ),
        "Whatever the difference is, you find it too much: decline and keep what you have, and do not agree to a "
        "return of it either.",
    )
