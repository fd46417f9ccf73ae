"""Customers who move, or whose parcels should go elsewhere."""

from __future__ import annotations

from tau2.domains.retail.factory.phrasing import joined, sentence
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Told, Unfit, collector
from tau2.domains.retail.factory.stories.words import address_text, changed, method_name, noun

STORIES, story = collector("address")


@story(profile=True)
def redirect_order(case: Case) -> Told:
    """Send a pending order to a new address."""
    order = case.one(case.with_status("pending"))
    which, address = case.the_order(order), case.new_address(near_by=case.turn % 2 == 1)
    case.redirect(order, address)
    return Told(
        case.say(
            f"You want {which} to be sent to another address: {address_text(address)}.",
            f"You will not be at home when {which} arrives. It should go to {address_text(address)}.",
            f"{sentence(which)} is a present and should go straight to {address_text(address)}.",
        ),
        "The address in your profile stays as it is.",
    )


@story(profile=True)
def redirect_to_profile(case: Case) -> Told:
    """Send a pending order to the address in the profile."""
    order = case.one(o for o in case.with_status("pending") if o.address != case.user.address)
    which = case.the_order(order)
    case.redirect(order, case.user.address)
    return Told(
        case.say(
            f"You want {which} to be delivered to your home after all, the address that is in your profile.",
            f"When you placed {which}, you entered another address. You want it sent to the default address of your "
            "account.",
        ),
        "Do not spell the address out; the agent can see it in your profile. If the agent reads it to you, confirm "
        "it.",
    )


@story(profile=True, matters=2)
def move_profile(case: Case) -> Told:
    """Change the default address and ask for a tracking number."""
    address, order = case.new_address(), case.one(case.with_status("delivered"))
    case.look_at(order)
    case.move(address)
    sent = case.one(parcel for parcel in order.fulfillments)
    if len(order.fulfillments) > 1 or not case.by_number:
        raise Unfit
    case.communicate.append(sent.tracking_id[0])
    return Told(
        case.say(
            f"You have moved. The address in your profile should be {address_text(address)} from now on. You also "
            f"need the tracking number of order {order.order_id} for your records.",
            f"You want to update your default address to {address_text(address)}. Besides, a neighbor asks about a "
            f"parcel, so you want the tracking number of order {order.order_id}.",
        ),
        "No order has to be sent to the new address.",
    )


@story(alone=True, matters=2)
def move_everything(case: Case) -> Told:
    """Change the default address and the address of every pending order."""
    pending = [order for order in case.orders if "pending" in order.status]
    if len(pending) < 2 or len(pending) == len(case.orders):
        raise Unfit
    address = case.new_address()
    case.look_at_all()
    case.move(address)
    for order in pending:
        case.redirect(order, address)
    return Told(
        case.say(
            f"You are moving to {address_text(address)}. Your profile has to be updated, and every order that is "
            "still pending should go to the new address too.",
            f"Your new address is {address_text(address)}. You want it in your profile and on all of your pending "
            "orders.",
        ),
        "You do not know how many orders are pending. Agree to each change the agent reads out.",
    )


@story()
def copy_address(case: Case) -> Told:
    """Send a pending order to the address that another order has."""
    model = case.one(o for o in case.orders if o.address != case.user.address)
    order = case.one(o for o in case.with_status("pending") if o.address != model.address)
    case.by_number = True
    case.look_at(order)
    case.look_at(model)
    case.redirect(order, model.address)
    return Told(
        case.say(
            f"You want order {order.order_id} to go to the same address as order {model.order_id}.",
            f"Order {model.order_id} has the address of your office. You want order {order.order_id} sent there as "
            "well.",
        ),
        "You do not have that address in front of you, so the agent has to look it up. Confirm it when it is read "
        "out.",
    )


@story(profile=True)
def profile_from_order(case: Case) -> Told:
    """Make the address of an order the default address."""
    order = case.one(o for o in case.orders if o.address != case.user.address)
    which = case.the_order(order)
    case.move(order.address)
    return Told(
        case.say(
            f"You have moved to the address that {which} was placed with. You want it to be the address in your "
            "profile.",
            f"Your profile still has your old address. The right one is the shipping address of {which}; it should "
            "become your default address.",
        ),
        "You do not want to change any order. Let the agent read the address and confirm it.",
    )


@story(about="addresses")
def swap_addresses(case: Case) -> Told:
    """Two pending orders have each other's address; swap them."""
    first, second = case.some(case.with_status("pending"), 2)
    if first.address == second.address:
        raise Unfit
    case.by_number = True
    case.look_at(first)
    case.look_at(second)
    case.redirect(first, second.address)
    case.redirect(second, first.address)
    return Told(
        f"You mixed up two addresses. Order {first.order_id} should go where order {second.order_id} goes now, and "
        f"order {second.order_id} where order {first.order_id} goes now.",
        "Both orders have to be changed, and nothing about them but the addresses.",
    )


@story(about="order", matters=2)
def redirect_and_change(case: Case) -> Told:
    """A pending order goes to a new address and one of its items is changed."""
    order = case.one(case.with_status("pending", items=2))
    item = case.one(order.items)
    new, method = case.one(case.near(item)), case.one(case.unlimited())
    which, address = case.the_order(order), case.new_address(near_by=True)
    case.redirect(order, address)
    case.change_items(order, [(item, new)], method)
    return Told(
        case.say(
            f"You want to change two things about {which}. It should be sent to {address_text(address)}, and you "
            f"want the same {noun(item)} {changed(item, new)}.",
            f"For {which} you want another {noun(item)}: the same one {changed(item, new)}. The parcel should then "
            f"go to {address_text(address)}.",
        ),
        f"Use {method_name(method)} for the price difference.",
    )


@story(profile=True, hurdle=True)
def redirect_processed_refused(case: Case) -> Told:
    """An order that was sent cannot be redirected; the default address is changed instead."""
    order = case.one(case.with_status("processed"))
    which, address = case.the_order(order), case.new_address()
    case.move(address)
    return Told(
        case.say(
            f"You are moving and want {which} to be sent to {address_text(address)}.",
            f"{sentence(which)} should reach you at your new address, {address_text(address)}.",
        ),
        "If that order cannot be redirected any more, you will ask your old neighbor to take it. In that case have "
        "the new address put into your profile for future orders.",
    )


@story()
def fix_apartment(case: Case) -> Told:
    """Only the apartment number of a pending order is wrong."""
    order = case.one(o for o in case.with_status("pending") if o.address.address2)
    which = case.the_order(order)
    right = case.one(
        text for text in ("Apt 7", "Apt 12", "Unit K", "Suite 44") if text != order.address.address2
    )
    case.redirect(order, order.address.model_copy(update={"address2": right}))
    return Told(
        case.say(
            f"There is a mistake in the address of {which}. The second line should say {right}; the rest is correct.",
            f"The parcel for {which} would go to the wrong door. The address should have {right} as its second "
            "line, with everything else as it is.",
        ),
        "Only this order is affected.",
    )


@story(about="addresses", matters=2)
def redirect_two(case: Case) -> Told:
    """Redirect two pending orders to two different addresses."""
    first, second = case.some(case.with_status("pending"), 2)
    here, there = case.new_address(near_by=True), case.new_address()
    one, other = case.the_order(first), case.the_order(second)
    case.redirect(first, here)
    case.redirect(second, there)
    return Told(
        f"You want to send two orders elsewhere: {joined([one, other])}. The first should go to "
        f"{address_text(here)}. The second should go to {address_text(there)}.",
        "Give the second address only after the first order is done, unless the agent asks for both.",
    )
