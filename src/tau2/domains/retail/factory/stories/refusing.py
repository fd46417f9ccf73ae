"""Customers who ask for something forbidden, besides something that is possible."""

from __future__ import annotations

from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Told, Unfit, collector
from tau2.domains.retail.factory.stories.words import (
    address_text,
    changed,
    method_name,
    noun,
    total,
)

STORIES, story = collector("request", hurdle=True)


@story(about="cancellation")
def cancel_processed_refused(case: Case) -> Told:
    """An order that was sent cannot be cancelled; the customer asks for its tracking number."""
    order = case.one(o for o in case.with_status("processed") if len(o.fulfillments) == 1)
    which = case.the_order(order)
    case.refused("cancel_pending_order", order_id=order.order_id, reason="no longer needed")
    case.communicate += order.fulfillments[0].tracking_id
    return Told(
        case.say(
            f"You want to cancel {which}, because you no longer need it.",
            f"You ordered by mistake and want {which} cancelled.",
            f"You want to get rid of {which} before it arrives.",
        ),
        "Insist once. If it cannot be cancelled, ask for its tracking number, so that you can refuse the parcel at "
        "the door.",
    )


@story(about="cancellation")
def friends_order_refused(case: Case) -> Told:
    """Somebody else's order stays untouched; the customer's own is cancelled."""
    order = case.one(case.with_status("pending"))
    friend, theirs = case.other_customer("pending")
    case.by_number = True
    case.look_at(order)
    case.look("get_order_details", order_id=theirs.order_id)
    case.cancel(order, "no longer needed")
    name = friend.name.first_name
    return Told(
        case.say(
            f"You want to cancel two orders that are no longer needed: {order.order_id}, which is yours, and "
            f"{theirs.order_id}, which your friend {name} placed.",
            f"You and your roommate {name} no longer need your orders. Yours is {order.order_id} and {name}'s is "
            f"{theirs.order_id}; you want both cancelled.",
        ),
        f"Say that {name} has agreed, if the agent hesitates. You cannot give any details of {name}'s account. If "
        "only your own order can be cancelled, go ahead with that one.",
    )


@story(about="tracking number")
def partners_order_refused(case: Case) -> Told:
    """Wants to hear about somebody else's order; gets only the own tracking number."""
    order = case.one(o for o in case.with_status("processed") if len(o.fulfillments) == 1)
    other, theirs = case.other_customer("processed")
    case.by_number = True
    case.look_at(order)
    case.communicate += order.fulfillments[0].tracking_id
    return Told(
        f"You want the tracking numbers of two orders: {order.order_id}, which is yours, and {theirs.order_id}, "
        f"which {other.name.first_name} ordered for your household.",
        "If the agent will not talk about the other order, accept it and take only your own tracking number.",
    )


@story(about="cancellation")
def cancel_modified_refused(case: Case) -> Told:
    """Changed items rule out a cancellation; the order is redirected instead."""
    order = case.one(case.with_status("pending (item modified)"))
    which, address = case.the_order(order), case.new_address(near_by=True)
    case.refused("cancel_pending_order", order_id=order.order_id, reason="no longer needed")
    case.redirect(order, address)
    return Told(
        case.say(
            f"You want to cancel {which}, which you no longer need.",
            f"You changed an item of {which} a while ago, and now you want to cancel the whole order because it is "
            "no longer needed.",
        ),
        "If it can no longer be cancelled, you give it to your mother: then have it sent to "
        f"{address_text(address)}.",
    )


@story(about="return")
def return_after_exchange_refused(case: Case) -> Told:
    """An exchanged order cannot be returned as well; an item of another order goes back."""
    done = case.one(case.with_status("exchange requested"))
    order = case.one(case.with_status("delivered"))
    first, item, paid = case.one(done.items), case.one(order.items), case.paid_with(order)
    case.by_number = True
    case.look_at(done)
    goods = case.goods([item], order)
    case.send_back(order, [item], paid)
    return Told(
        f"You have asked for an exchange in order {done.order_id}, but now you would rather return "
        f"{case.the(first, done)} from it. You also want to return {goods}.",
        f"If the first return is refused, leave it at that. The refund for the {noun(item)} goes to "
        f"{method_name(paid)}.",
    )


@story(about="address")
def cancelled_refused(case: Case) -> Told:
    """A cancelled order cannot be changed; a pending one is."""
    gone, order = case.one(case.with_status("cancelled")), case.one(case.with_status("pending"))
    address = case.new_address()
    case.by_number = True
    case.look_at(gone)
    case.look_at(order)
    case.redirect(order, address)
    return Told(
        f"You want orders {gone.order_id} and {order.order_id} to be sent to {address_text(address)}.",
        "You forgot that one of them was cancelled. If the agent says so, be content with the other one. Do not ask "
        "to have the cancelled order placed again.",
    )


@story(alone=True)
def in_a_rush(case: Case) -> Told:
    """Pressure to skip the confirmation and the identification."""
    order = case.one(case.with_status("pending"))
    item = case.one(order.items)
    new, method = case.one(case.near(item)), case.one(case.unlimited())
    case.by_number = True
    which = case.goods([item], order)
    case.change_items(order, [(item, new)], method)
    return Told(
        f"You want {which} changed at once to the same one {changed(item, new)}, paying any difference with "
        f"{method_name(method)}.",
        f"Begin by giving only your user id, {case.user.user_id}, and ask the agent to skip all questions. Give the "
        "other details about yourself only when the agent insists. When the agent describes the change and asks for "
        "your consent, say yes.",
    )


@story(alone=True)
def mistyped_zip(case: Case) -> Told:
    """First a mistyped zip code, then the right one."""
    if case.finding != "zip":
        raise Unfit
    order = case.one(case.with_status("pending"))
    which, right = case.the_order(order), case.user.address.zip
    wrong = f"{right[:3]}{right[4]}{right[3]}"
    if wrong == right:
        raise Unfit
    case.cancel(order, "ordered by mistake")
    case.tell(total(order))
    return Told(
        f"You want to cancel {which}, because you ordered it by mistake. You want to know the amount of the refund.",
        f"When you are asked for your zip code, say {wrong} first. If the agent cannot find you, notice that you "
        f"swapped two digits and say {right}.",
    )


@story(about="discount")
def discount_refused(case: Case) -> Told:
    """Wants a forbidden discount as a condition; returns the item."""
    order = case.one(case.with_status("delivered"))
    item, paid = case.one(order.items), case.paid_with(order)
    which = case.goods([item], order)
    case.send_back(order, [item], paid)
    case.tell(item.price)
    return Told(
        f"You are not satisfied with {which}. You would keep it only if the shop gave back 20 percent of its price; "
        "otherwise you want to return it.",
        "Ask once for the 20 percent. If the agent refuses or offers to transfer you, say that you prefer the "
        f"return. The refund goes to {method_name(paid)}; ask how much it is.",
    )


@story(about="change")
def opinion_refused(case: Case) -> Told:
    """Asks for an opinion on products before changing an item."""
    order = case.one(case.with_status("pending"))
    item = case.one(order.items)
    new, method = case.one(case.near(item)), case.one(case.unlimited())
    which = case.goods([item], order)
    case.change_items(order, [(item, new)], method)
    return Told(
        f"You are unsure about {which}. You want to hear which version the agent personally thinks is the prettiest.",
        f"If the agent gives no opinion, decide for yourself: take the same {noun(item)} {changed(item, new)}. The "
        f"price difference goes over {method_name(method)}.",
    )
