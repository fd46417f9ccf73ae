"""Customers whose last request is beyond the tools: a person has to take over."""

from __future__ import annotations

from tau2.domains.retail.factory.phrasing import a, sentence
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Told, collector
from tau2.domains.retail.factory.stories.words import address_text, method_name, noun, total

STORIES, story = collector("request", last=True, matters=2)


@story(about="profile", profile=True)
def email_change(case: Case) -> Told:
    """Change the default address, then the email address: a person has to do that."""
    address = case.new_address()
    case.move(address)
    case.hand_over(
        "The default address was changed. The customer wants another email address in the profile."
    )
    return Told(
        case.say(
            f"You want to change the address in your profile to {address_text(address)}. After that, you want a new "
            "email address in your account.",
            f"First your default address should become {address_text(address)}. Then you want the email address of "
            "your account replaced.",
        ),
        "Bring up the email address only when the new address is saved. If the agent transfers you for it, agree.",
    )


@story(about="return and the damage")
def damage_claim(case: Case) -> Told:
    """Return an item, then a complaint about a damaged one: a person has to do that."""
    order = case.one(case.with_status("delivered", items=2))
    item, broken = case.some(order.items, 2)
    paid = case.paid_with(order)
    goods = case.goods([item], order)
    case.send_back(order, [item], paid)
    case.tell(item.price)
    case.hand_over(
        f"A return was requested. The {noun(broken)} of the same order caused damage; a claim is made."
    )
    return Told(
        f"You want to return {goods}, and you want to know what you get back. When that is done, you also want "
        f"compensation, because {case.the(broken, order)} from the same order scratched your furniture.",
        f"The refund goes to {method_name(paid)}. You keep the {noun(broken)}; you want money for the furniture. "
        "Mention it only after the return is requested and you know the amount. If the agent transfers you, agree.",
    )


@story(about="two orders")
def new_order(case: Case) -> Told:
    """Cancel an order, then place a new one: a person has to do that."""
    order = case.one(case.with_status("pending"))
    product = case.one(case.world.products.values())
    which = case.the_order(order)
    case.cancel(order, "ordered by mistake")
    case.tell(total(order))
    case.hand_over("An order was cancelled. The customer wants to place a new order by chat.")
    name = product.name.lower()
    return Told(
        case.say(
            f"You want to cancel {which}, which you ordered by mistake, and hear what is refunded. Then you want "
            f"the agent to place a new order for {a(name)} for you.",
            f"{sentence(which)} was ordered by mistake; cancel it and name the refund. After that, you want "
            f"{a(name)} ordered for you right away.",
        ),
        "Talk about the new order only after the cancellation. You cannot order on the website today. If the agent "
        "wants to transfer you to a person, agree.",
    )


@story(about="parcel")
def lost_parcel(case: Case) -> Told:
    """Ask for a tracking number, then report the parcel as lost: a person has to do that."""
    order = case.one(o for o in case.with_status("processed") if len(o.fulfillments) == 1)
    which = case.the_order(order)
    case.communicate += order.fulfillments[0].tracking_id
    case.hand_over("The customer got the tracking number and reports the parcel as lost.")
    return Told(
        f"You want the tracking number of {which}. The carrier has already told you on the phone that the parcel is "
        "lost, so you also want the shop to look into it.",
        "First get the tracking number, then ask for the investigation. If the agent transfers you to a person, "
        "agree.",
    )


@story(about="payment methods")
def delete_method(case: Case) -> Told:
    """Change a payment, then delete a payment method: a person has to do that."""
    order = case.one(o for o in case.with_status("pending") if case.unlimited(case.paid_with(o)))
    method = case.one(case.unlimited(case.paid_with(order)))
    which = case.the_order(order)
    case.change_payment(order, method)
    case.hand_over(
        "The payment of an order was changed. The customer wants to remove a payment method."
    )
    return Told(
        f"You want {which} to be paid with {method_name(method)}. Once that is done, you want "
        f"{method_name(case.paid_with(order))} deleted from your profile.",
        "Bring up the deletion only after the payment was changed. If the agent transfers you to a person for it, "
        "agree.",
    )


@story(about="delivery")
def faster_delivery(case: Case) -> Told:
    """Send an order elsewhere, then ask for a faster delivery: a person has to do that."""
    order = case.one(case.with_status("pending"))
    which, address = case.the_order(order), case.new_address()
    case.redirect(order, address)
    case.hand_over(
        "An order was redirected. The customer wants it delivered by courier on a fixed day."
    )
    return Told(
        f"You want {which} to be sent to {address_text(address)}. Then you want it brought by courier on a fixed "
        "day, and you would pay for that.",
        "Ask for the courier after the address was changed. If the agent transfers you to a person, agree.",
    )
