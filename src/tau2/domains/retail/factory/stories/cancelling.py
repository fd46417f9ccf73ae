"""Customers who want to cancel."""

from __future__ import annotations

from tau2.domains.retail.factory.phrasing import REASONS, a, joined
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Told, Unfit, collector
from tau2.domains.retail.factory.stories.words import cost, method_name, noun, total

STORIES, story = collector("cancellation")


def _why(case: Case) -> tuple[str, str]:
    """Return one of the two accepted reasons and how the customer puts it."""
    reason = case.one(REASONS)
    return reason, case.one(REASONS[reason])


@story()
def cancel_one(case: Case) -> Told:
    """Cancel one pending order."""
    order = case.one(case.with_status("pending"))
    which, (reason, why) = case.the_order(order), _why(case)
    case.cancel(order, reason)
    return Told(
        case.say(
            f"You want to cancel {which}. The reason is that {why}.",
            f"You would like {which} cancelled, because {why}.",
            f"You want {which} cancelled before it is sent, because {why}.",
        ),
        case.say(
            "Agree to the cancellation when the agent explains it.",
            "You want the whole order gone, not just a part of it.",
            "If the agent offers you anything in place of the order, decline.",
        ),
    )


@story()
def cancel_and_ask_refund(case: Case) -> Told:
    """Cancel a pending order and say where and how much money goes back."""
    order = case.one(
        o for o in case.with_status("pending", items=2) if len(case.user.payment_methods) > 1
    )
    which, (reason, why) = case.the_order(order), _why(case)
    case.cancel(order, reason)
    case.tell(total(order))
    return Told(
        case.say(
            f"You want to cancel {which}, because {why}. You also want to know exactly how much money you get back.",
            f"You are calling to get rid of {which}; {why}. Before you hang up you want to hear the amount of the "
            "refund and which payment method it goes to.",
        ),
        "Agree to the refund going back to the way you paid. If the agent has not named the amount in dollars and "
        "cents, ask for it.",
    )


@story(matters=2)
def cancel_two(case: Case) -> Told:
    """Cancel two pending orders for two different reasons."""
    first, second = case.some(case.with_status("pending"), 2)
    one, other = case.the_order(first), case.the_order(second)
    case.cancel(first, "no longer needed")
    case.cancel(second, "ordered by mistake")
    return Told(
        case.say(
            f"You want two orders cancelled: {one} and {other}. You no longer need the first, and the second you "
            "ordered by mistake.",
            f"You want to cancel {one}, which you no longer need. You also want to cancel {other}, which was "
            "ordered by mistake.",
        ),
        "Name the reasons exactly like that when asked, one for each order.",
    )


@story(alone=True, matters=2)
def cancel_all_pending(case: Case) -> Told:
    """Cancel every pending order and add up the refunds."""
    pending = case.with_status("pending")
    if (
        len(pending) < 2
        or len(pending) == len(case.orders)
        or case.with_status("pending (item modified)")
    ):
        raise Unfit
    reason, why = case.one(
        (("no longer needed", "no longer need"), ("ordered by mistake", "ordered by mistake"))
    )
    case.look_at_all()
    for order in pending:
        case.cancel(order, reason)
    case.tell(sum(total(order) for order in pending))
    verb = "them" if reason == "no longer needed" else ""
    text = f"you {why} {verb}".strip() if verb else f"they were all {why}"
    return Told(
        case.say(
            f"You want to cancel every order of yours that is still pending, because {text}. At the end you want to "
            "know how much money you get back for all of them together.",
            f"Whichever of your orders is still pending should be cancelled; {text}. You want one figure for the "
            "refunds of all of them together.",
        ),
        "You do not know which of your orders are pending; let the agent find out. Agree to cancelling each of "
        "them. Ask for the sum in dollars if the agent only gives single amounts.",
    )


@story(hurdle=True)
def cancel_changes_reason(case: Case) -> Told:
    """An unaccepted reason for cancelling, then an accepted one."""
    order = case.one(case.with_status("pending"))
    which = case.the_order(order)
    case.refused("cancel_pending_order", order_id=order.order_id, reason="found it cheaper")
    case.cancel(order, "no longer needed")
    return Told(
        case.say(
            f"You want to cancel {which}. You found it cheaper in another shop.",
            f"You want {which} cancelled because the delivery takes too long for you.",
            f"You want to cancel {which}, as a friend told you that the quality is poor.",
        ),
        "Give that as your only reason at first. If the agent says that only certain reasons are accepted, say that "
        "you no longer need the order. Never say that you ordered it by mistake.",
    )


@story(hurdle=True)
def cancel_item_then_order(case: Case) -> Told:
    """Asks to cancel a single item; the whole order can be cancelled."""
    order = case.one(case.with_status("pending", items=3))
    thing, which = case.within(case.one(order.items), order)
    case.cancel(order, "no longer needed")
    case.tell(total(order))
    return Told(
        case.say(
            f"You want to take {thing} out of {which} and keep the rest of it.",
            f"You do not want {thing} in {which} any more. Everything else in it should come as planned.",
        ),
        "If the agent says that single items cannot be removed, ask for the whole order to be cancelled because you "
        "no longer need it. Do not swap the item for another one. Then ask how much you get back in total.",
    )


@story(about="change", hurdle=True)
def cancel_item_then_cheapest(case: Case) -> Told:
    """Asks to cancel a single item; takes the cheapest variant instead."""
    order = case.one(case.with_status("pending", items=2))
    item = case.one(order.items)
    best, paid = case.cheapest(item), case.paid_with(order)
    thing, which = case.within(item, order)
    case.change_items(order, [(item, best)], paid)
    case.tell(item.price - best.price)
    return Told(
        case.say(
            f"You want to remove {thing} from {which}, since it has become too expensive for you.",
            f"You would rather not pay for {thing} in {which}; please drop it from the order.",
        ),
        f"If the agent says that one item alone cannot be cancelled, ask for the cheapest {noun(item)} that is "
        f"available instead, whatever it looks like. The difference goes back to {method_name(paid)}. You do not "
        "want to cancel the whole order. Ask how much the swap saves you.",
    )


@story(alone=True, hurdle=True)
def cancel_dearer(case: Case) -> Told:
    """Cancel the more expensive of two pending orders."""
    pending = case.with_status("pending")
    if len(pending) != 2 or case.with_status("pending (item modified)"):
        raise Unfit
    cheap, dear = sorted(pending, key=total)
    if total(dear) - total(cheap) < 1:
        raise Unfit
    case.look_at_all()
    case.cancel(dear, "no longer needed")
    case.tell(total(dear))
    return Told(
        case.say(
            "You have two pending orders and can afford only one of them. You want to cancel the one with the "
            "higher total, as you no longer need it.",
            "Two of your orders are still pending. The one that costs more in total is no longer needed, so you "
            "want it cancelled. The other one you keep.",
        ),
        "You do not remember which order is which; the agent has to compare the totals. Ask what amount is refunded "
        "for the cancelled order.",
    )


@story(hurdle=True)
def cancel_above_limit(case: Case) -> Told:
    """Cancel only above a limit, otherwise keep the order."""
    order = case.one(case.with_status("pending", items=2))
    which, sum_ = case.the_order(order), total(order)
    cancels = case.turn % 2 == 0
    limit = int(sum_ // 10 * 10) - 20 if cancels else int(sum_ // 10 * 10) + 40
    if limit <= 0:
        raise Unfit
    case.tell(sum_)
    if cancels:
        case.cancel(order, "ordered by mistake")
    return Told(
        f"You want to know what {which} costs altogether. If it is more than {limit} dollars, you must have ordered "
        f"it by mistake and want to cancel it. If it is {limit} dollars or less, you keep it.",
        "Do not cancel before the agent has told you the total in dollars and cents. Stick to your limit.",
    )


@story(hurdle=True)
def cancel_refund_elsewhere(case: Case) -> Told:
    """Wants the refund of a cancellation on another method; accepts the original one."""
    order = case.one(o for o in case.with_status("pending") if case.others(case.paid_with(o)))
    paid = case.paid_with(order)
    wish = case.one(case.others(paid))
    which = case.the_order(order)
    case.cancel(order, "no longer needed")
    return Told(
        case.say(
            f"You no longer need {which} and want it cancelled. The money should go to {method_name(wish)}.",
            f"You want to cancel {which} because it is no longer needed, with the refund on {method_name(wish)}.",
        ),
        f"If the agent says that the refund can only go back to {method_name(paid)}, accept that and have the order "
        "cancelled. Do not change how the order was paid.",
    )


@story(alone=True, hurdle=True)
def cancel_containing(case: Case) -> Told:
    """Cancel the pending orders that contain a kind of product."""
    pending = case.with_status("pending")
    if case.with_status("pending (item modified)"):
        raise Unfit
    kinds: dict[str, int] = {}
    for order in pending:
        for name in dict.fromkeys(item.name for item in order.items):
            kinds[name] = kinds.get(name, 0) + 1
    name = case.one(
        kind for kind, count in kinds.items() if count == len(pending) - 1 and count >= 1
    )
    hit = [order for order in pending if any(item.name == name for item in order.items)]
    case.look_at_all()
    for order in hit:
        case.cancel(order, "no longer needed")
    case.tell(sum(total(order) for order in hit))
    return Told(
        case.say(
            f"Your sister gave you {a(name.lower())}, so you no longer need the one you ordered. Every pending "
            f"order of yours that has {a(name.lower())} in it should be cancelled; the other orders stay as they "
            "are.",
            f"You want to cancel whichever pending order contains {a(name.lower())}, because it is no longer "
            "needed. If there are several, cancel them all. Leave your other orders alone.",
        ),
        "You do not know the order numbers. It is fine that the other items of such an order are cancelled too. Ask "
        "how much money comes back altogether.",
    )


@story(hurdle=True)
def cancel_after_comparison(case: Case) -> Told:
    """Cancel one order and keep another after hearing both totals."""
    first, second = case.some(case.with_status("pending"), 2)
    if total(first) == total(second):
        raise Unfit
    names = joined([case.the_order(first), case.the_order(second)])
    keep, drop = (first, second) if total(first) > total(second) else (second, first)
    case.tell(cost(keep.items))
    case.cancel(drop, "ordered by mistake")
    return Told(
        f"You want to know the totals of {names}. One of them is a duplicate that you ordered by mistake: it is the "
        "cheaper one, and you want it cancelled.",
        "Let the agent compare the two totals and cancel the cheaper order. Before that, have the agent tell you "
        "the total of the order you keep.",
    )
