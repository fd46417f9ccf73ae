"""Customers who want other variants in an order that is still pending."""

from __future__ import annotations

from tau2.domains.retail.data_model import GiftCard, Order, OrderItem, PaymentMethod, Variant
from tau2.domains.retail.factory.phrasing import a
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Told, Unfit, collector
from tau2.domains.retail.factory.stories.words import (
    changed,
    differences,
    method_name,
    noun,
    phrase,
    total,
)

STORIES, story = collector("change")


def _pending(case: Case, items: int = 1) -> tuple[Order, OrderItem]:
    order = case.one(case.with_status("pending", items=items))
    return order, case.one(order.items)


def _payer(case: Case, price_difference: float) -> PaymentMethod:
    return case.one(
        method
        for method in case.user.payment_methods.values()
        if not isinstance(method, GiftCard) or method.balance >= price_difference
    )


@story()
def change_one_option(case: Case) -> Told:
    """Change one option of an item in a pending order."""
    order, item = _pending(case)
    new = case.one(case.near(item))
    method = _payer(case, new.price - item.price)
    which = case.goods([item], order)
    case.change_items(order, [(item, new)], method)
    return Told(
        case.say(
            f"You want to change {which}. You would like the same one {changed(item, new)}.",
            f"You picked the wrong version of {which}. You want the same one {changed(item, new)}.",
            f"Before your order is sent, you want {which} replaced by the same one {changed(item, new)}.",
        ),
        f"Use {method_name(method)} for the price difference. Nothing else in the order should change.",
    )


@story()
def change_described(case: Case) -> Told:
    """Change an item in a pending order to a fully described variant."""
    order, item = _pending(case)
    new = case.one(v for v in case.options(item) if len(differences(item, v)) > 1)
    method = _payer(case, new.price - item.price)
    which = case.goods([item], order)
    case.change_items(order, [(item, new)], method)
    case.tell(abs(new.price - item.price))
    return Told(
        case.say(
            f"In place of {which} you want one {phrase(item.name, new.options)}.",
            f"You changed your mind about {which} and want one {phrase(item.name, new.options)} sent instead.",
        ),
        f"Ask what the price difference is. It is settled with {method_name(method)}.",
    )


@story()
def change_to_cheapest(case: Case) -> Told:
    """Change an item in a pending order to the cheapest variant."""
    order, item = _pending(case)
    new, paid = case.cheapest(item), case.paid_with(order)
    which = case.goods([item], order)
    case.change_items(order, [(item, new)], paid)
    case.tell(total(order) - item.price + new.price)
    return Told(
        case.say(
            f"You have to save money. You want to change {which} to the cheapest {noun(item)} that is available.",
            f"You want the least expensive available {noun(item)} in place of {which}; how it looks is all the same "
            "to you.",
        ),
        f"The difference goes back to {method_name(paid)}. Ask what the whole order costs after the change.",
    )


@story()
def change_two(case: Case) -> Told:
    """Change two items of a pending order at once."""
    order = case.one(case.with_status("pending", items=3))
    one, other = case.some(order.items, 2)
    if one.product_id == other.product_id:
        raise Unfit
    new_one, new_other = case.one(case.near(one)), case.one(case.near(other))
    method = case.one(case.unlimited())
    which = case.goods([one, other], order)
    case.change_items(order, [(one, new_one), (other, new_other)], method)
    return Told(
        case.say(
            f"You want to change {which}. You want the {noun(one)} {changed(one, new_one)} and the {noun(other)} "
            f"{changed(other, new_other)}, and both otherwise as they are.",
            f"You made two mistakes when ordering and want to change {which}. Take the same {noun(one)} "
            f"{changed(one, new_one)} and the same {noun(other)} {changed(other, new_other)}.",
        ),
        f"You want both done at once. You pay or get back the difference with {method_name(method)}.",
    )


@story(hurdle=True)
def change_second_on_asking(case: Case) -> Told:
    """A second change comes up only when the agent asks whether that is all."""
    order = case.one(case.with_status("pending", items=2))
    one, other = case.some(order.items, 2)
    if one.product_id == other.product_id:
        raise Unfit
    new_one, new_other = case.one(case.near(one)), case.one(case.near(other))
    method = case.one(case.unlimited())
    which = case.the_order(order)
    case.change_items(order, [(one, new_one), (other, new_other)], method)
    return Told(
        f"You want to change something in {which}. You want the same {noun(one)} {changed(one, new_one)}.",
        f"Before the change is carried out, add that you also want the same {noun(other)} "
        f"{changed(other, new_other)}: say so when the agent asks whether there is anything else to change or asks "
        f"you to confirm. The difference goes over {method_name(method)}.",
    )


@story(hurdle=True)
def change_sold_out_then_cancel(case: Case) -> Told:
    """The wanted variant is sold out; the pending order is cancelled."""
    order, item = _pending(case)
    wish = case.one(v for v in case.sold_out(item) if len(differences(item, v)) == 1)
    which = case.goods([item], order)
    case.cancel(order, "no longer needed")
    case.tell(total(order))
    return Told(
        case.say(
            f"You want to change {which} to the same one {changed(item, wish)}.",
            f"You would rather have the same one {changed(item, wish)} in place of {which}.",
        ),
        "You want only that version. If it is not available, you no longer need the order: have the whole order "
        "cancelled and ask how much you get back.",
    )


@story(hurdle=True)
def change_sold_out_then_redirect(case: Case) -> Told:
    """The wanted variant is sold out; the order stays as it is and goes to another address."""
    order, item = _pending(case)
    wish = case.one(v for v in case.sold_out(item) if len(differences(item, v)) == 1)
    address = case.new_address(near_by=True)
    which = case.goods([item], order)
    case.redirect(order, address)
    street = ", ".join(part for part in (address.address1, address.address2) if part)
    return Told(
        f"You want two things for {which}. First, you want the same one {changed(item, wish)}. Second, that order "
        f"should be sent to {street}, {address.city}, {address.state} {address.zip}.",
        "If that version cannot be had, keep what you ordered and do not take another version. The new address is "
        "for this order only.",
    )


@story(hurdle=True)
def change_again_refused(case: Case) -> Told:
    """Items that were changed once cannot be changed again; the customer asks for the total instead."""
    order = case.one(case.with_status("pending (item modified)"))
    item = case.one(order.items)
    new = case.one(case.near(item))
    case.by_number = True
    case.look_at(order)
    case.tell(total(order))
    return Told(
        case.say(
            f"Some time ago you changed order {order.order_id}. Now you want to change it once more: in place of "
            f"{case.the(item, order)} you want the same one {changed(item, new)}.",
            f"You want to change order {order.order_id} again. This time you want {case.the(item, order)} replaced "
            f"by the same one {changed(item, new)}.",
        ),
        "If that is not possible any more, do not insist, and do not have it cancelled. Ask what all the items in "
        "the order cost together as it is now.",
    )


@story()
def change_to_best_within_budget(case: Case) -> Told:
    """The best variant within a budget."""
    order, item = _pending(case)
    dearer = sorted((v for v in case.options(item) if v.price > item.price), key=lambda v: v.price)
    if len(dearer) < 2:
        raise Unfit
    best, beyond = dearer[-2], dearer[-1]
    budget = int(best.price) + 1
    if beyond.price <= budget:
        raise Unfit
    method = case.one(case.unlimited())
    which = case.goods([item], order)
    case.change_items(order, [(item, best)], method)
    case.tell(best.price)
    return Told(
        f"You can spend a bit more than planned. In place of {which} you want the most expensive {noun(item)} that "
        f"is available for no more than {budget} dollars.",
        f"Let the agent find it and tell you its price. The difference is paid with {method_name(method)}.",
    )


@story()
def change_to_match(case: Case) -> Told:
    """Change an item to the version the customer has in another order."""
    order, item, model, new = case.one(_matches(case))
    method = _payer(case, new.price - item.price)
    case.by_number = True
    case.look_at(order)
    case.look_at(model)
    case.change_items(order, [(item, new)], method)
    return Told(
        f"The {noun(item)} in order {order.order_id} should be the same version as the {noun(item)} in order "
        f"{model.order_id}.",
        "You do not know what that version is called; the agent has to look at the other order. Use "
        f"{method_name(method)} for the price difference.",
    )


def _matches(case: Case) -> list[tuple[Order, OrderItem, Order, Variant]]:
    found = []
    for order in case.with_status("pending"):
        for item in order.items:
            for other in case.orders:
                same = [i for i in other.items if i.product_id == item.product_id]
                alone = sum(i.product_id == item.product_id for i in order.items) == 1
                if other is not order and alone and len(same) == 1:
                    found += [
                        (order, item, other, v)
                        for v in case.options(item)
                        if v.item_id == same[0].item_id
                    ]
    return found


@story(hurdle=True)
def change_gift_card_short(case: Case) -> Told:
    """The gift card cannot cover a change; another method pays."""
    card = case.gift_card()
    order, item = _pending(case)
    new = case.one(v for v in case.options(item) if v.price - item.price > card.balance)
    method = case.one(case.unlimited())
    which = case.goods([item], order)
    case.refused(
        "modify_pending_order_items",
        order_id=order.order_id, item_ids=[item.item_id], new_item_ids=[new.item_id], payment_method_id=card.id,
    )  # fmt: skip
    case.change_items(order, [(item, new)], method)
    return Told(
        f"You want to upgrade {which} to one {phrase(item.name, new.options)}, and you want to pay the difference "
        "with your gift card.",
        f"If there is not enough on the gift card, use {method_name(method)}. You do want the upgrade.",
    )


@story(hurdle=True)
def change_other_type_refused(case: Case) -> Told:
    """Asks for another kind of product in a pending order; takes a variant of the same kind."""
    order, item = _pending(case, items=2)
    mine = {i.product_id for o in case.orders for i in o.items}
    wish = case.one(p for p in case.world.products.values() if p.product_id not in mine)
    new = case.one(case.near(item))
    method = _payer(case, new.price - item.price)
    which = case.goods([item], order)
    case.change_items(order, [(item, new)], method)
    return Told(
        case.say(
            f"You want to have {which} replaced by {a(wish.name.lower())}.",
            f"You would like {a(wish.name.lower())} to be sent in place of {which}.",
        ),
        f"If you cannot get another kind of product, take the same {noun(item)} {changed(item, new)} instead. The "
        f"difference goes over {method_name(method)}.",
    )
