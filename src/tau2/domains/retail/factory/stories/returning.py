"""Customers who want to send something back."""

from __future__ import annotations

from tau2.domains.retail.data_model import GiftCard, Order, OrderItem
from tau2.domains.retail.factory.phrasing import joined
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Told, Unfit, collector
from tau2.domains.retail.factory.stories.words import cost, method_name, noun, phrase

STORIES, story = collector("return")


def _delivered(case: Case, items: int = 1) -> Order:
    return case.one(case.with_status("delivered", items=items))


def _distinct(items: list[OrderItem]) -> bool:
    return len({item.product_id for item in items}) == len(items)


@story()
def return_one(case: Case) -> Told:
    """Return one item to the original payment method."""
    order = case.one(
        o for o in case.with_status("delivered", items=2) if case.others(case.paid_with(o))
    )
    item, paid = case.one(order.items), case.paid_with(order)
    which = case.goods([item], order)
    case.send_back(order, [item], paid)
    return Told(
        case.say(
            f"You want to return {which}. The refund should go to {method_name(paid)}, which you paid with.",
            f"You are not happy with {which} and want to send it back for a refund to {method_name(paid)}.",
            f"You want your money back for {which}. You paid with {method_name(paid)} and want it back there.",
        ),
        case.say(
            "You keep the rest of the order.",
            "If you are offered an exchange instead, decline.",
            "You have thought about it and are sure.",
        ),
    )


@story()
def return_several_to_gift_card(case: Case) -> Told:
    """Return several items to a gift card and ask for the sum."""
    card = case.gift_card()
    order = case.one(
        o for o in case.with_status("delivered", items=3) if case.paid_with(o) is not card
    )
    items = case.some(order.items, 2)
    which = case.goods(items, order)
    case.send_back(order, items, card)
    case.tell(cost(items))
    return Told(
        case.say(
            f"You want to return {which}. You want the refund on your gift card, and you want to know how much it "
            "will be in total.",
            f"You want to send back {which} and have the money put on your gift card. Ask what the refund comes to "
            "altogether.",
        ),
        "Both items go back in one return. You insist on the gift card, because you want the money at once.",
    )


@story()
def return_everything(case: Case) -> Told:
    """Return everything in an order."""
    order = _delivered(case, items=2)
    which, paid = case.the_order(order), case.paid_with(order)
    case.send_back(order, order.items, paid)
    case.tell(cost(order.items))
    return Told(
        case.say(
            f"Nothing in {which} is what you hoped for. You want to return all of it and get the money back to "
            f"{method_name(paid)}.",
            f"You want to return the complete {which.removeprefix('your ')}, every item in it. The refund goes back "
            f"to {method_name(paid)}.",
        ),
        "Ask how much the refund will be in total. You do not want any of it exchanged.",
    )


@story()
def return_all_but_one(case: Case) -> Told:
    """Return everything in an order but one item."""
    order = _delivered(case, items=3)
    kept = case.one(order.items)
    rest = [item for item in order.items if item is not kept]
    which, paid = case.the_order(order), case.paid_with(order)
    case.send_back(order, rest, paid)
    return Told(
        case.say(
            f"You want to keep only {case.the(kept, order)} of {which} and return everything else in it.",
            f"You want to send back {which}, all of it except {case.the(kept, order)}.",
        ),
        f"The refund goes to {method_name(paid)}, as you paid with that. You do not remember exactly what else was "
        "in the order; confirm the list when the agent reads it to you.",
    )


@story(hurdle=True)
def return_wrong_method_then_gift_card(case: Case) -> Told:
    """Wants the refund of a return on a method that is not allowed; takes the gift card."""
    card = case.gift_card()
    order = case.one(o for o in case.with_status("delivered") if case.paid_with(o) is not card)
    wish = case.one(case.unlimited(case.paid_with(order)))
    item = case.one(order.items)
    which = case.goods([item], order)
    case.refused(
        "return_delivered_order_items",
        order_id=order.order_id, item_ids=[item.item_id], payment_method_id=wish.id,
    )  # fmt: skip
    case.send_back(order, [item], card)
    return Told(
        case.say(
            f"You want to return {which}. The refund should go to {method_name(wish)}.",
            f"You would like to send back {which} and be paid back to {method_name(wish)}.",
        ),
        f"If {method_name(wish)} is not possible, you want the refund on your gift card and on nothing else.",
    )


@story(hurdle=True)
def return_wrong_method_then_original(case: Case) -> Told:
    """Wants the refund of a return on a method that is not allowed; takes the original one."""
    order = case.one(o for o in case.with_status("delivered") if case.unlimited(case.paid_with(o)))
    paid = case.paid_with(order)
    wish, item = case.one(case.unlimited(paid)), case.one(order.items)
    which = case.goods([item], order)
    case.refused(
        "return_delivered_order_items",
        order_id=order.order_id, item_ids=[item.item_id], payment_method_id=wish.id,
    )  # fmt: skip
    case.send_back(order, [item], paid)
    case.tell(item.price)
    return Told(
        case.say(
            f"You want to return {which} and get the money to {method_name(wish)}.",
            f"You want to give back {which}. You would rather have the money on {method_name(wish)} than where it "
            "came from.",
        ),
        f"Try once to insist on {method_name(wish)}. When the agent refuses, accept the refund to "
        f"{method_name(paid)}. Ask how many dollars you get.",
    )


@story()
def return_most_expensive(case: Case) -> Told:
    """Return the most expensive item of an order."""
    order = _delivered(case, items=3)
    which, paid = case.the_order(order), case.paid_with(order)
    item = max(order.items, key=lambda item: item.price)
    case.send_back(order, [item], paid)
    case.tell(item.price)
    return Told(
        case.say(
            f"You spent too much on {which}. You want to return the most expensive item in it and want to know what "
            "you get back for it.",
            f"Of everything in {which}, the item with the highest price should go back. You want to hear how much "
            "that one was.",
        ),
        "You do not remember which item it is; the agent can see the prices. The refund goes to "
        f"{method_name(paid)}.",
    )


@story(matters=2)
def return_from_two_orders(case: Case) -> Told:
    """Return items from two delivered orders."""
    first, second = case.some(case.with_status("delivered"), 2)
    one, other = case.one(first.items), case.one(second.items)
    named = joined([case.goods([one], first), case.goods([other], second)], last="and also")
    case.send_back(first, [one], case.paid_with(first))
    case.send_back(second, [other], case.paid_with(second))
    case.tell(one.price + other.price)
    return Told(
        case.say(
            f"You want to return two things from two different orders: {named}.",
            f"Two purchases did not work out, and you want to send them back: {named}.",
        ),
        "Each refund goes back to the way that order was paid. Ask for the sum of both refunds before the "
        "conversation ends.",
    )


@story()
def return_above_price(case: Case) -> Told:
    """Return every item of an order above a price."""
    order = _delivered(case, items=3)
    prices = sorted(item.price for item in order.items)
    limit = int(prices[-3] // 10 * 10) + 10
    items = [item for item in order.items if item.price > limit]
    if not 2 <= len(items) < len(order.items) or any(abs(p - limit) < 1 for p in prices):
        raise Unfit
    which, paid = case.the_order(order), case.paid_with(order)
    case.send_back(order, items, paid)
    case.tell(cost(items))
    return Told(
        f"You are short of money this month. You want to return every item of {which} that cost more than {limit} "
        f"dollars. The refund goes to {method_name(paid)}.",
        "You keep the cheaper items. Let the agent tell you which items are meant, and what the refund is in total.",
    )


@story(hurdle=True)
def return_undelivered_refused(case: Case) -> Told:
    """A return from an order that is not delivered is refused; another one is possible."""
    sent = case.one(case.with_status("processed"))
    order = _delivered(case)
    first, second = case.one(sent.items), case.one(order.items)
    number = sent.order_id
    case.by_number = True
    case.look_at(sent)
    which = case.goods([second], order)
    paid = case.paid_with(order)
    case.refused(
        "return_delivered_order_items",
        order_id=number, item_ids=[first.item_id], payment_method_id=case.paid_with(sent).id,
    )  # fmt: skip
    case.send_back(order, [second], paid)
    return Told(
        case.say(
            f"You want to return {case.the(first, sent)} from order {number}, although it has not reached you yet. "
            f"You also want to return {which}.",
            f"Two things should go back: {case.the(first, sent)} from order {number}, which is still on its way, "
            f"and {which}.",
        ),
        "If the agent says that the first return is not possible, accept that and go on with the second. Its refund "
        f"goes to {method_name(paid)}.",
    )


@story(hurdle=True)
def return_twice_refused(case: Case) -> Told:
    """A second return on one order is refused; an item of another order goes back."""
    done = case.one(case.with_status("return requested", items=2))
    order = _delivered(case)
    more = case.one(item for item in done.items if item.item_id not in (done.return_items or []))
    item, paid = case.one(order.items), case.paid_with(order)
    case.by_number = True
    case.look_at(done)
    which = case.goods([item], order)
    case.send_back(order, [item], paid)
    case.tell(item.price)
    return Told(
        f"You have already asked to return something from order {done.order_id}, and now you want to add "
        f"{case.the(more, done)} to that return. Besides, you want to return {which}.",
        "If nothing can be added to the earlier return, leave it as it is. The refund for the other item goes to "
        f"{method_name(paid)}; ask how much it is.",
    )


@story()
def return_one_of_two(case: Case) -> Told:
    """Two of a kind were delivered; one of them goes back."""
    order = case.one(o for o in case.with_status("delivered", items=2) if not _distinct(o.items))
    twins = [
        a
        for a in order.items
        if any(a is not b and a.product_id == b.product_id for b in order.items)
    ]
    item = case.one(twins)
    case.by_number = True
    case.look_at(order)
    paid = case.paid_with(order)
    case.send_back(order, [item], paid)
    case.tell(item.price)
    return Told(
        f"In order {order.order_id} you bought two {noun(item)}s to compare them. You keep one and want to return "
        f"the one {phrase(item.name, item.options)}.",
        f"Take care that the right one is returned. The refund goes to {method_name(paid)}, and you want to know "
        "the amount.",
    )


@story()
def return_fastest_refund(case: Case) -> Told:
    """Chooses the gift card for a refund after asking how long each way takes."""
    card = case.gift_card()
    order = case.one(
        o for o in case.with_status("delivered") if not isinstance(case.paid_with(o), GiftCard)
    )  # fmt: skip
    item = case.one(order.items)
    which = case.goods([item], order)
    case.send_back(order, [item], card)
    return Told(
        case.say(
            f"You want to return {which}. You need the money as quickly as possible.",
            f"You want to send back {which}, and what matters to you is how soon you have the refund.",
        ),
        f"Ask how long a refund takes to {method_name(case.paid_with(order))} and how long to your gift card. "
        "Choose the faster way, which should be the gift card.",
    )
