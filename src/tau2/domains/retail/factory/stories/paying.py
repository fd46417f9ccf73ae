"""Customers who want to pay for a pending order in another way."""

from __future__ import annotations

from tau2.domains.retail.data_model import GiftCard
from tau2.domains.retail.factory.phrasing import sentence
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Told, Unfit, collector
from tau2.domains.retail.factory.stories.words import changed, method_name, noun, total

STORIES, story = collector("payment")


@story()
def switch_payment(case: Case) -> Told:
    """Pay for a pending order with another method."""
    order = case.one(o for o in case.with_status("pending") if case.unlimited(case.paid_with(o)))
    method, paid = case.one(case.unlimited(case.paid_with(order))), case.paid_with(order)
    which = case.the_order(order)
    case.change_payment(order, method)
    return Told(
        case.say(
            f"You want to pay for {which} with {method_name(method)} and not with {method_name(paid)}.",
            f"{sentence(method_name(paid))} was charged for {which}, but you meant to use {method_name(method)}. "
            "You want that changed.",
            f"You want the payment for {which} moved to {method_name(method)}.",
        ),
        "You only want the payment changed, nothing about the order itself.",
    )


@story()
def switch_to_gift_card(case: Case) -> Told:
    """Pay for a pending order with a gift card that suffices, and ask what is left on it."""
    card = case.gift_card()
    order = case.one(
        o for o in case.with_status("pending") if case.paid_with(o) is not card and total(o) <= card.balance
    )  # fmt: skip
    which = case.the_order(order)
    case.change_payment(order, card)
    case.tell(card.balance - total(order))
    return Told(
        case.say(
            f"You want to use up your gift card: {which} should be paid with it. You also want to know how much is "
            "left on the card afterwards.",
            f"You want the payment of {which} changed to your gift card, and you want to hear the balance that "
            "remains.",
        ),
        "If the agent is not sure whether the balance suffices, ask to have it checked.",
    )


@story(hurdle=True)
def switch_gift_card_short(case: Case) -> Told:
    """The gift card cannot pay for an order; another method does."""
    card = case.gift_card()
    order = case.one(
        o for o in case.with_status("pending")
        if case.paid_with(o) is not card and total(o) > card.balance and case.unlimited(case.paid_with(o))
    )  # fmt: skip
    method = case.one(case.unlimited(case.paid_with(order)))
    which = case.the_order(order)
    case.refused("modify_pending_order_payment", order_id=order.order_id, payment_method_id=card.id)
    case.change_payment(order, method)
    case.tell(card.balance)
    return Told(
        f"You want to pay for {which} with your gift card. You are not sure how much money is on it and would like "
        "to know.",
        f"If the gift card is not enough for the whole order, have the payment changed to {method_name(method)}. "
        "You do want it changed one way or the other.",
    )


@story(hurdle=True)
def split_refused(case: Case) -> Told:
    """Wants to split a payment over two methods; takes one of them."""
    order = case.one(
        o for o in case.with_status("pending") if len(case.others(case.paid_with(o))) > 1
    )
    paid = case.paid_with(order)
    one = case.one(case.unlimited(paid))
    other = case.one(case.others(paid, one))
    which = case.the_order(order)
    case.change_payment(order, one)
    return Told(
        case.say(
            f"You want to pay half of {which} with {method_name(other)} and the other half with {method_name(one)}.",
            f"You want to change how you pay for {which}. It should be shared equally between {method_name(one)} "
            f"and {method_name(other)}.",
        ),
        f"If splitting is not possible, put the whole amount on {method_name(one)}.",
    )


@story(matters=2)
def switch_payment_then_item(case: Case) -> Told:
    """Change the payment and then an item of one order; the other order of steps fails."""
    order = case.one(
        o for o in case.with_status("pending", items=2) if case.unlimited(case.paid_with(o))
    )
    method = case.one(case.unlimited(case.paid_with(order)))
    item = case.one(order.items)
    new = case.one(case.near(item))
    which = case.the_order(order)
    case.change_payment(order, method)
    case.change_items(order, [(item, new)], method)
    return Told(
        case.say(
            f"You want two changes to {which}. You want the same {noun(item)} {changed(item, new)}, and you want "
            f"the whole order paid with {method_name(method)}.",
            f"For {which} you want {method_name(method)} to be used, and you want the {noun(item)} replaced by the "
            f"same one {changed(item, new)}.",
        ),
        "Both changes matter to you; say so at the start. The price difference also goes over "
        f"{method_name(method)}.",
    )


@story(matters=2)
def cancel_to_fund_gift_card(case: Case) -> Told:
    """A cancelled order's refund on the gift card pays for another order."""
    card = case.gift_card()
    source = case.one(o for o in case.with_status("pending") if case.paid_with(o) is card)
    target = case.one(
        o for o in case.with_status("pending")
        if case.paid_with(o) is not card and card.balance < total(o) <= card.balance + total(source)
    )  # fmt: skip
    case.by_number = True
    case.look_at(source)
    case.look_at(target)
    case.cancel(source, "no longer needed")
    case.change_payment(target, card)
    case.tell(card.balance + total(source) - total(target))
    return Told(
        f"You no longer need order {source.order_id}, which you paid with your gift card; cancel it. Then you want "
        f"order {target.order_id} to be paid with the gift card.",
        "If the agent says that the card has too little on it, point out that the refund of the cancelled order "
        "goes there first. At the end ask for the balance of the card.",
    )


@story(hurdle=True)
def new_card_refused(case: Case) -> Told:
    """A card that is not on file cannot be used; another method on file pays."""
    order = case.one(o for o in case.with_status("pending") if case.unlimited(case.paid_with(o)))
    method = case.one(case.unlimited(case.paid_with(order)))
    if isinstance(case.paid_with(order), GiftCard):
        raise Unfit
    which = case.the_order(order)
    case.change_payment(order, method)
    return Told(
        case.say(
            f"You want to pay for {which} with a new debit card that you received yesterday. It is not in your "
            "profile yet.",
            f"The shop should charge a brand-new debit card for {which}. You have not added it to your account.",
        ),
        f"If a card that is not on file cannot be used, have the payment changed to {method_name(method)}. Do not "
        "give any card number.",
    )
