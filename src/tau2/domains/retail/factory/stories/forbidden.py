"""Customers who ask for something that is refused, and leave it at that: company for other matters.

Nothing can be done or told here, so these stories are told in generated tasks only, beside others.
"""

from __future__ import annotations

from tau2.domains.retail.factory.phrasing import a, sentence
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Told, Unfit, collector
from tau2.domains.retail.factory.stories.words import address_text, changed, method_name, noun

STORIES, story = collector("request", hurdle=True, idle=True)


@story(about="cancellation")
def cancel_sent(case: Case) -> Told:
    """A cancellation of an order that was sent is refused."""
    order = case.one(case.with_status("processed"))
    which = case.the_order(order)
    case.refused("cancel_pending_order", order_id=order.order_id, reason="no longer needed")
    return Told(
        case.say(
            f"You want to cancel {which}, which has not reached you yet and which you no longer need.",
            f"You want {which} cancelled before it arrives, because you ordered it by mistake.",
        ),
        case.say("If it is too late for that, accept it.", "If the agent refuses, do not insist."),
    )


@story(about="address")
def redirect_sent(case: Case) -> Told:
    """Another address for an order that was sent is refused."""
    order = case.one(case.with_status("processed"))
    which, address = case.the_order(order), case.new_address()
    return Told(
        case.say(
            f"You want {which} to be delivered to {address_text(address)} instead.",
            f"{sentence(which)} should be brought to your neighbor at {address_text(address)}.",
        ),
        case.say(
            "If it was sent already and cannot be redirected, leave it at that.",
            "If that cannot be done any more, you will pick the parcel up yourself.",
        ),
    )


@story(about="return")
def return_early(case: Case) -> Told:
    """A return from an order that has not arrived is refused."""
    order = case.one([*case.with_status("processed"), *case.with_status("pending")])
    item = case.one(order.items)
    thing, which = case.within(item, order)
    return Told(
        case.say(
            f"You want to return {thing} from {which}, although it has not arrived yet.",
            f"You already know that you will not keep {thing} from {which}, and you want to arrange the return "
            "before it arrives.",
        ),
        "If only delivered items can be returned, wait until then. You do not want the order cancelled or changed.",
    )


@story(about="cancellation")
def cancel_delivered(case: Case) -> Told:
    """A cancellation of a delivered order is refused."""
    order = case.one(case.with_status("delivered"))
    which = case.the_order(order)
    case.refused("cancel_pending_order", order_id=order.order_id, reason="ordered by mistake")
    return Told(
        f"You want {which} cancelled, because you ordered it by mistake, although it was delivered.",
        "If a delivered order cannot be cancelled, keep everything in it; sending it back is too much trouble for "
        "you.",
    )


@story(about="discount")
def discount(case: Case) -> Told:
    """A discount is refused."""
    order = case.one(case.with_status("pending"))
    which, percent = case.the_order(order), case.one((5, 10, 15, 20))
    return Told(
        case.say(
            f"You want {percent} percent off {which}, as you have been a customer for years.",
            f"You have heard that others get {percent} percent off, and you want the same for {which}.",
        ),
        case.say(
            "Ask once. If there are no discounts, leave the order as it is.",
            "If the agent says no, grumble a little and drop it. The order stays as it is.",
        ),
    )


@story(about="price")
def price_match(case: Case) -> Told:
    """Matching another shop's price is refused."""
    order = case.one(case.with_status("delivered"))
    item, less = case.one(order.items), case.one((5, 8, 12, 15, 20))
    if item.price < 2 * less:
        raise Unfit
    which = case.goods([item], order)
    return Told(
        case.say(
            f"You saw the same {noun(item)} for {less} dollars less in another shop. You want the difference back "
            f"for {which}.",
            f"You think that you paid {less} dollars too much for {which}, because it is cheaper elsewhere, and you "
            "want that money back.",
        ),
        f"If the shop does not match prices, accept that. You keep the {noun(item)}; you do not want to return it.",
    )


@story(about="change")
def other_kind(case: Case) -> Told:
    """Another kind of product in place of an item is refused."""
    order = case.one(case.with_status("pending"))
    item = case.one(order.items)
    mine = {i.product_id for o in case.all_orders for i in o.items}
    wish = case.one(p for p in case.world.products.values() if p.product_id not in mine)
    which = case.goods([item], order)
    return Told(
        case.say(
            f"You want {a(wish.name.lower())} in place of {which}.",
            f"You want {which} replaced by {a(wish.name.lower())}.",
        ),
        f"If it has to be the same kind of product, keep the {noun(item)} as it is.",
    )


@story(about="order")
def drop_item(case: Case) -> Told:
    """Taking a single item out of an order is refused."""
    order = case.one(case.with_status("pending", items=2))
    thing, which = case.within(case.one(order.items), order)
    return Told(
        case.say(
            f"You want {thing} taken out of {which}.",
            f"You want only {thing} in {which} cancelled, not the rest.",
        ),
        "If single items cannot be removed, leave that order as it is: do not cancel it and do not swap anything in "
        "it.",
    )


@story(about="order")
def add_item(case: Case) -> Told:
    """Adding an item to an order is refused."""
    order = case.one(case.with_status("pending"))
    wish = case.one(case.world.products.values())
    if any(item.product_id == wish.product_id for item in order.items):
        raise Unfit
    which = case.the_order(order)
    return Told(
        case.say(
            f"You want {a(wish.name.lower())} added to {which}.",
            f"You forgot something when you placed {which}: {a(wish.name.lower())} should be added to it.",
        ),
        "If nothing can be added to an order, drop the idea; you will order it on the website some day.",
    )


@story(about="payment")
def split(case: Case) -> Told:
    """Dividing a payment is refused."""
    order = case.one(o for o in case.with_status("pending") if case.others(case.paid_with(o)))
    paid = case.paid_with(order)
    other, which = case.one(case.others(paid)), case.the_order(order)
    return Told(
        f"You want half of {which} charged to {method_name(other)} and the other half left on {method_name(paid)}.",
        "If an amount cannot be divided, leave the payment as it is.",
    )


@story(about="order of the other person")
def not_mine(case: Case) -> Told:
    """Somebody else's order is not touched."""
    other, theirs = case.other_customer("pending")
    name = other.name.first_name
    return Told(
        case.say(
            f"You want order {theirs.order_id} cancelled, which your colleague {name} placed and no longer needs.",
            f"You want to know where order {theirs.order_id} is going, which your neighbor {name} placed.",
        ),
        f"You have no details of {name}'s account. If the agent does not deal with other people's orders, accept "
        "that.",
    )


@story(about="return")
def money_elsewhere(case: Case) -> Told:
    """A refund to a bank account is refused."""
    order = case.one(case.with_status("delivered"))
    item = case.one(order.items)
    which = case.goods([item], order)
    return Told(
        case.say(
            f"You want to return {which} and have the money transferred to your bank account.",
            f"You want your money back for {which}, but only as a transfer to your bank account.",
        ),
        f"If a transfer to a bank account is not possible, do not return the {noun(item)}; keep it.",
    )


@story(about="return")
def return_more(case: Case) -> Told:
    """A second return on one order is refused."""
    order = case.one(case.with_status("return requested", items=2))
    item = case.one(item for item in order.items if item.item_id not in (order.return_items or []))
    thing, which = case.within(item, order)
    return Told(
        f"You have asked for a return from {which} before, and now {thing} should go back as well.",
        "If nothing can be added to the earlier return, that is all right.",
    )


@story(about="change")
def change_again(case: Case) -> Told:
    """A second change of items is refused."""
    order = case.one(case.with_status("pending (item modified)"))
    item = case.one(order.items)
    new = case.one(case.near(item))
    which = case.goods([item], order)
    return Told(
        f"You had something changed in one of your orders before, and now you want another change: {which} should "
        f"be the same one {changed(item, new)}.",
        "If the items of that order cannot be changed again, leave them as they are.",
    )


@story(about="opinion")
def opinion(case: Case) -> Told:
    """An opinion on a product is refused."""
    order = case.one(case.orders)
    item = case.one(order.items)
    which = case.goods([item], order)
    return Told(
        case.say(
            f"You want to hear whether the agent personally likes {which}.",
            f"You want to know whether the agent would have chosen {which} too.",
        ),
        "If the agent gives no opinion, laugh about it and go on.",
    )


@story(about="delivery date")
def promise(case: Case) -> Told:
    """A promise that nobody can make is refused."""
    order = case.one([*case.with_status("processed"), *case.with_status("pending")])
    which, day = (
        case.the_order(order),
        case.one(("Friday", "the weekend", "Tuesday", "the end of the week")),
    )
    return Told(
        f"You want the agent to promise that {which} arrives before {day}.",
        "Ask once. If the agent cannot promise anything, accept that and leave the order as it is.",
    )
