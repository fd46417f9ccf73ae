"""Customers who want several things at once."""

from __future__ import annotations

from tau2.domains.retail.factory.phrasing import sentence
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Told, Unfit, collector
from tau2.domains.retail.factory.stories.words import (
    address_text,
    changed,
    method_name,
    noun,
    total,
)

STORIES, story = collector("request", alone=True, matters=2)


@story(matters=3)
def cancel_return_move(case: Case) -> Told:
    """Cancel one order, return an item of another, and change the default address."""
    pending, delivered = (
        case.one(case.with_status("pending")),
        case.one(case.with_status("delivered")),
    )
    item, paid, address = case.one(delivered.items), case.paid_with(delivered), case.new_address()
    which, goods = case.the_order(pending), case.goods([item], delivered)
    case.cancel(pending, "no longer needed")
    case.send_back(delivered, [item], paid)
    case.move(address)
    return Told(
        case.say(
            f"You are moving abroad for a year and have to tidy up. Cancel {which}, which you no longer need. You "
            f"also want to return {goods}. Your parents collect your mail, so your profile should get their "
            f"address: {address_text(address)}.",
            f"You have three matters. You want {which} cancelled, as it is no longer needed. You want to return "
            f"{goods}. And the address in your profile should be {address_text(address)}.",
        ),
        f"Bring up one matter after the other. The refund of the return goes to {method_name(paid)}.",
    )


@story()
def return_and_exchange(case: Case) -> Told:
    """Return from one order and exchange in another."""
    first, second = case.some(case.with_status("delivered"), 2)
    back, swap = case.one(first.items), case.one(second.items)
    new, paid, method = case.one(case.near(swap)), case.paid_with(first), case.one(case.unlimited())
    goods, other = case.goods([back], first), case.goods([swap], second)
    case.send_back(first, [back], paid)
    case.exchange(second, [(swap, new)], method)
    case.tell(back.price)
    return Told(
        case.say(
            f"You want to return {goods}. You also want to exchange {other} for the same one {changed(swap, new)}.",
            f"Two purchases were not right. {sentence(goods)} should go back for a refund, and {other} should be "
            f"exchanged for the same one {changed(swap, new)}.",
        ),
        f"The refund goes to {method_name(paid)}, and you want to know how much it is. The price difference of the "
        f"exchange goes over {method_name(method)}.",
    )


@story()
def exchange_and_change(case: Case) -> Told:
    """Exchange in a delivered order and the same change in a pending one."""
    delivered, pending = (
        case.one(case.with_status("delivered")),
        case.one(case.with_status("pending")),
    )
    old, coming = case.one(delivered.items), case.one(pending.items)
    new_old, new_coming = case.one(case.near(old)), case.one(case.near(coming))
    method = case.one(case.unlimited())
    goods, other = case.goods([old], delivered), case.goods([coming], pending)
    case.exchange(delivered, [(old, new_old)], method)
    case.change_items(pending, [(coming, new_coming)], method)
    return Told(
        case.say(
            f"You want to exchange {goods} for the same one {changed(old, new_old)}. You also want to change "
            f"{other}: you would like the same one {changed(coming, new_coming)}.",
            f"You have two wishes. The first is the same {noun(old)} {changed(old, new_old)} in exchange for "
            f"{goods}. The second is the same {noun(coming)} {changed(coming, new_coming)} in place of {other}.",
        ),
        f"All price differences go over {method_name(method)}.",
    )


@story()
def cancel_one_redirect_other(case: Case) -> Told:
    """Cancel one pending order and send another one elsewhere."""
    first, second = case.some(case.with_status("pending"), 2)
    one, other = case.the_order(first), case.the_order(second)
    address = case.new_address(near_by=True)
    case.cancel(first, "ordered by mistake")
    case.redirect(second, address)
    case.tell(total(first))
    return Told(
        case.say(
            f"{sentence(one)} was ordered by mistake, so you want it cancelled. {sentence(other)} should come, but "
            f"to your sister at {address_text(address)}.",
            f"You want {one} cancelled, since it was ordered by mistake, and you want {other} sent to "
            f"{address_text(address)}.",
        ),
        "Ask what amount is refunded for the cancelled order. Your profile stays as it is.",
    )


@story(matters=3)
def three_orders(case: Case) -> Told:
    """New payment for one order, new address for another, tracking number of a third."""
    first, second = case.some(case.with_status("pending"), 2)
    sent = case.one(o for o in case.with_status("processed") if len(o.fulfillments) == 1)
    method, address = case.one(case.unlimited(case.paid_with(first))), case.new_address()
    case.by_number = True
    for order in (first, second, sent):
        case.look_at(order)
    case.change_payment(first, method)
    case.redirect(second, address)
    case.communicate += sent.fulfillments[0].tracking_id
    return Told(
        f"You have three orders to talk about. Order {first.order_id} should be paid with {method_name(method)}. "
        f"Order {second.order_id} should go to {address_text(address)}. For order {sent.order_id} you need the "
        "tracking number.",
        "Bring the three matters up one by one.",
    )


@story(hurdle=True)
def return_or_also_cancel(case: Case) -> Told:
    """Cancel if a return is not enough to reach a sum."""
    delivered, pending = (
        case.one(case.with_status("delivered")),
        case.one(case.with_status("pending")),
    )
    item, paid = case.one(delivered.items), case.paid_with(delivered)
    enough = case.turn % 2 == 1
    goal = int(item.price) - 5 if enough else int(item.price) + 25
    if goal < 1:
        raise Unfit
    goods, which = case.goods([item], delivered), case.the_order(pending)
    case.send_back(delivered, [item], paid)
    case.tell(item.price)
    if not enough:
        case.cancel(pending, "no longer needed")
    return Told(
        f"You need at least {goal} dollars back this month. You want to return {goods} and know how much the refund "
        f"is. If it is less than {goal} dollars, you also want {which} cancelled, because then you no longer need "
        "it.",
        f"The refund of the return goes to {method_name(paid)}. If the return alone is enough, cancel nothing.",
    )


@story(matters=3)
def return_redirect_pay(case: Case) -> Told:
    """Return an item, use the default address for a pending order, and change the payment of it."""
    pending = case.one(o for o in case.with_status("pending") if o.address != case.user.address)
    delivered = case.one(case.with_status("delivered"))
    method = case.one(case.unlimited(case.paid_with(pending)))
    item, paid = case.one(delivered.items), case.paid_with(delivered)
    which, goods = case.the_order(pending), case.goods([item], delivered)
    case.redirect(pending, case.user.address)
    case.change_payment(pending, method)
    case.send_back(delivered, [item], paid)
    return Told(
        f"You want {which} to go to the address in your profile and to be paid with {method_name(method)}. You also "
        f"want to return {goods}.",
        f"Mention the return last. Its refund goes to {method_name(paid)}.",
    )


@story(matters=3)
def leave_the_shop(case: Case) -> Told:
    """Cancel everything pending and return everything delivered in one order."""
    pending, delivered = case.with_status("pending"), case.with_status("delivered")
    if len(delivered) != 1 or not pending or case.with_status("pending (item modified)"):
        raise Unfit
    order = delivered[0]
    paid = case.paid_with(order)
    case.look_at_all()
    for each in pending:
        case.cancel(each, "no longer needed")
    case.send_back(order, order.items, paid)
    return Told(
        case.say(
            "You are giving up your apartment and no longer need anything you bought. Every pending order of yours "
            "is to be cancelled, and everything in your delivered order is to be returned.",
            "You want to be done with this shop. Cancel whatever is pending, as it is no longer needed, and take "
            "back everything in the one order that was delivered.",
        ),
        f"The refund of the return goes to {method_name(paid)}. You do not have any order numbers. Agree to each "
        "step.",
    )


@story(matters=3)
def change_redirect_return(case: Case) -> Told:
    """Two changes of one pending order and the return of another order's item."""
    pending, delivered = (
        case.one(case.with_status("pending")),
        case.one(case.with_status("delivered", items=2)),
    )
    swap, back = case.one(pending.items), case.one(delivered.items)
    best, paid, address = case.cheapest(swap), case.paid_with(delivered), case.new_address()
    method = case.paid_with(pending)
    other, goods = case.goods([swap], pending), case.goods([back], delivered)
    case.redirect(pending, address)
    case.change_items(pending, [(swap, best)], method)
    case.send_back(delivered, [back], paid)
    case.tell(swap.price - best.price)
    return Told(
        f"You want {other} replaced by the cheapest available {noun(swap)}. The order it is in should go to "
        f"{address_text(address)}. Apart from that, you want to return {goods}.",
        f"The money saved goes back to {method_name(method)}; ask how much it is. The refund of the return goes to "
        f"{method_name(paid)}.",
    )
