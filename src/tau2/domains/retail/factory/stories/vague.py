"""Customers who cannot name their order and describe it otherwise. Told in generated tasks only."""

from __future__ import annotations

from collections.abc import Iterator

from tau2.domains.retail.data_model import Order
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Told, Unfit, collector
from tau2.domains.retail.factory.stories.words import (
    address_text,
    changed,
    cost,
    method_name,
    total,
)

STORIES, story = collector("order", hurdle=True)

_NO_NUMBER = (
    "You do not have the order number; the agent can find the order in your account.",
    "You cannot find the order number, but the agent should be able to tell from your account which order it is.",
    "You deleted the mail with the order number, so let the agent look for the order.",
)


def _hint(case: Case, order: Order) -> str:
    """Return a description that fits this order alone; the agent goes through all orders. Raise Unfit without one."""
    if len(case.all_orders) == 1:
        raise Unfit
    mine = list(_descriptions(case, order))
    others = {
        text
        for other in case.all_orders
        if other is not order
        for text in _descriptions(case, other)
    }
    case.taken.add(order.order_id)
    case.look_at_all()
    return case.one(text for text in mine if text not in others)


def _descriptions(case: Case, order: Order) -> Iterator[str]:
    """Yield what a customer could know of an order without its number."""
    sent, paid = bool(order.fulfillments), method_name(case.paid_with(order))
    yield f"the order for which you paid {total(order):.2f} dollars"
    yield f"the order whose number ends in {order.order_id[-3:]}"
    if (
        order.address.city != case.user.address.city
    ):  # where other orders may be redirected meanwhile
        yield f"the order that {'went' if sent else 'is going'} to {order.address.city}"
    if (state := _STATES.get(order.status)) is not None:
        yield f"the only order of yours that {state}"
        yield f"the order that {state} and that you paid with {paid} when you placed it"
    if len(order.items) > 1:
        yield f"the order with {_NUMBERS[len(order.items)]} items in it"
    if len(order.fulfillments) == 1:
        yield f"the order that came with tracking number {order.fulfillments[0].tracking_id[0]}"


_STATES = {
    "pending": "is still pending",
    "pending (item modified)": "is still pending",
    "delivered": "was delivered",
    "return requested": "was delivered",
    "exchange requested": "was delivered",
}
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


@story(about="cancellation")
def vague_cancel(case: Case) -> Told:
    """Cancel a pending order that the customer can only describe."""
    order = case.one(case.with_status("pending"))
    which = _hint(case, order)
    mistake = case.rng.random() < 0.5
    case.cancel(order, "ordered by mistake" if mistake else "no longer needed")
    why = "you ordered it by mistake" if mistake else "you no longer need it"
    return Told(
        case.say(
            f"You want to cancel {which}, because {why}.", f"You want {which} cancelled: {why}."
        ),
        case.say(*_NO_NUMBER),
    )


@story(about="address")
def vague_redirect(case: Case) -> Told:
    """Redirect a pending order that the customer can only describe."""
    order = case.one(case.with_status("pending"))
    which, address = _hint(case, order), case.new_address()
    case.redirect(order, address)
    return Told(
        case.say(
            f"You want {which} to be sent to {address_text(address)}.",
            f"The parcel of {which} should go to {address_text(address)}.",
        ),
        case.say(*_NO_NUMBER),
    )


@story(about="payment")
def vague_payment(case: Case) -> Told:
    """Change the payment of an order that the customer can only describe."""
    order = case.one(o for o in case.with_status("pending") if case.unlimited(case.paid_with(o)))
    which, method = _hint(case, order), case.one(case.unlimited(case.paid_with(order)))
    case.change_payment(order, method)
    return Told(
        case.say(
            f"You want to pay with {method_name(method)} for {which}.",
            f"You want the payment changed to {method_name(method)} for {which}.",
        ),
        case.say(*_NO_NUMBER),
    )


@story(about="return")
def vague_return(case: Case) -> Told:
    """Return an item of an order that the customer can only describe."""
    order = case.one(case.with_status("delivered", items=2))
    item, paid = case.one(order.items), case.paid_with(order)
    which = _hint(case, order)
    case.send_back(order, [item], paid)
    return Told(
        case.say(
            f"You want to return one thing from {which}, namely {case.the(item, order)}.",
            f"You want to send back {case.the(item, order)} from {which}.",
        ),
        f"{case.say(*_NO_NUMBER)} The refund goes to {method_name(paid)}.",
    )


@story(about="return")
def vague_return_all(case: Case) -> Told:
    """Return all of an order that the customer can only describe."""
    order = case.one(case.with_status("delivered"))
    which, paid = _hint(case, order), case.paid_with(order)
    case.send_back(order, order.items, paid)
    return Told(
        case.say(
            f"You want to return everything in {which}.",
            f"You want to send back the whole of {which}.",
        ),
        f"{case.say(*_NO_NUMBER)} The refund goes to {method_name(paid)}.",
    )


@story(about="return")
def vague_return_cheapest(case: Case) -> Told:
    """Return the cheapest item of an order that the customer can only describe."""
    order = case.one(case.with_status("delivered", items=3))
    which, paid = _hint(case, order), case.paid_with(order)
    item = min(order.items, key=lambda item: item.price)
    if [other.price for other in order.items].count(item.price) > 1:
        raise Unfit
    case.send_back(order, [item], paid)
    case.tell(cost([item]))
    return Told(
        f"You want to return the cheapest item of {which}, and you want to know what you get back for it.",
        f"{case.say(*_NO_NUMBER)} You do not remember what the cheapest item was. The refund goes to "
        f"{method_name(paid)}.",
    )


@story(about="change")
def vague_change(case: Case) -> Told:
    """Change an item in an order that the customer can only describe."""
    order = case.one(case.with_status("pending"))
    item, method = case.one(order.items), case.one(case.unlimited())
    which, new = _hint(case, order), case.one(case.near(item))
    case.change_items(order, [(item, new)], method)
    return Told(
        case.say(
            f"You want to change {case.the(item, order)} in {which}. You want the same one {changed(item, new)}.",
            f"In {which}, you want {case.the(item, order)} replaced by the same one {changed(item, new)}.",
        ),
        f"{case.say(*_NO_NUMBER)} Any price difference goes over {method_name(method)}.",
    )


@story(about="exchange")
def vague_exchange(case: Case) -> Told:
    """Exchange an item of an order that the customer can only describe."""
    order = case.one(case.with_status("delivered"))
    item, method = case.one(order.items), case.one(case.unlimited())
    which, new = _hint(case, order), case.one(case.near(item))
    case.exchange(order, [(item, new)], method)
    return Told(
        case.say(
            f"You want to exchange {case.the(item, order)} from {which} for the same one {changed(item, new)}.",
            f"You are not happy with {case.the(item, order)} from {which}. You want to exchange it for the same one "
            f"{changed(item, new)}.",
        ),
        f"{case.say(*_NO_NUMBER)} Any price difference goes over {method_name(method)}.",
    )


@story(about="tracking number")
def vague_tracking(case: Case) -> Told:
    """The tracking number of an order that the customer can only describe."""
    order = case.one(
        o
        for o in case.orders
        if o.status in {"processed", "delivered"} and len(o.fulfillments) == 1
    )
    number = order.fulfillments[0].tracking_id[0]
    which = _hint(case, order)
    if number in which:
        raise Unfit
    case.communicate.append(number)
    return Told(
        case.say(
            f"You need the tracking number of {which}.",
            f"You want to know which tracking number {which} had.",
        ),
        case.say(*_NO_NUMBER),
    )
