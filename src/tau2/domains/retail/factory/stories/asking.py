"""Customers who mostly want to know something."""

from __future__ import annotations

from tau2.domains.retail.data_model import Product
from tau2.domains.retail.factory.phrasing import a, joined
from tau2.domains.retail.factory.stories.base import Case
from tau2.domains.retail.factory.stories.kinds import Told, Unfit, collector
from tau2.domains.retail.factory.stories.words import cost, method_name, noun, total

STORIES, story = collector("question")
_COUNTABLE = 10  # smaller numbers are often written as words


def _on_offer(product: Product) -> list[float]:
    return sorted(variant.price for variant in product.variants.values() if variant.available)


def _any_product(case: Case) -> Product:
    product = case.one(case.world.products.values())
    case.look("list_all_product_types")
    case.look("get_product_details", product_id=product.product_id)
    return product


@story(about="return", matters=2)
def count_and_return(case: Case) -> Told:
    """Count the available versions of a product and return an item."""
    order = case.one(case.with_status("delivered"))
    item, paid = case.one(order.items), case.paid_with(order)
    product = case.product(item)
    count = len(_on_offer(product))
    if count < _COUNTABLE:
        raise Unfit
    case.communicate.append(str(count))
    which = case.goods([item], order)
    case.send_back(order, [item], paid)
    return Told(
        case.say(
            f"You want to know how many versions of the {noun(item)} can be bought right now. You also want to "
            f"return {which}.",
            f"You want to return {which}. Before that, you are curious how many different versions of the "
            f"{noun(item)} are in stock at the moment.",
        ),
        "Only versions that are available count; ask for the number in digits. You do not want an exchange. The "
        f"refund goes to {method_name(paid)}.",
    )


@story()
def price_range(case: Case) -> Told:
    """The price range of a product."""
    product = _any_product(case)
    prices = _on_offer(product)
    low, high = case.tell(prices[0]), case.tell(prices[-1])
    if low == high:
        raise Unfit
    name = product.name.lower()
    return Told(
        case.say(
            f"You are thinking of buying {a(name)} later. You want to know what the cheapest one and the most "
            "expensive one cost that are available now.",
            f"Your brother wants {a(name)} for his birthday. You want to know the lowest and the highest price "
            "among those that are available.",
        ),
        "You only want to know; you do not buy one today. Give your details if the agent asks who you are.",
    )


@story(about="parcels")
def two_parcels(case: Case) -> Told:
    """The tracking numbers of an order that went in two parcels."""
    order = case.one(
        o for o in case.orders if len(o.fulfillments) > 1 and o.status in {"processed", "delivered"}
    )
    which = case.the_order(order)
    case.communicate += [number for parcel in order.fulfillments for number in parcel.tracking_id]
    return Told(
        case.say(
            f"You want to know how {which} was sent, and you want every tracking number it has.",
            f"Only a part of {which} seems to have reached your neighbor. You want the tracking numbers of all its "
            "parcels.",
        ),
        "If the agent gives only one number, ask whether there is another parcel. The order itself stays as it is.",
    )


@story(about="parcel")
def parcel_of_item(case: Case) -> Told:
    """The tracking number of the parcel with a certain item."""
    order = case.one(o for o in case.orders if len(o.fulfillments) > 1 and o.status == "processed")
    item = case.one(order.items)
    parcel = case.one(p for p in order.fulfillments if item.item_id in p.item_ids)
    which = case.goods([item], order)
    case.communicate += parcel.tracking_id
    return Told(
        f"You are waiting for {which} and want to follow that parcel. You need its tracking number.",
        f"The order went in several parcels; you care only about the one with the {noun(item)}. The order itself "
        "stays as it is.",
    )


@story(alone=True)
def spent_in_all(case: Case) -> Told:
    """The sum of all delivered orders."""
    delivered = case.with_status("delivered")
    if len(delivered) < 2:
        raise Unfit
    case.look_at_all()
    case.tell(sum(total(order) for order in delivered))
    case.look("calculate", expression=" + ".join(f"{total(order):.2f}" for order in delivered))
    return Told(
        case.say(
            "You keep a household book. You want to know what all of your orders with the status delivered cost "
            "together.",
            "For your budget you need one figure: the total of all orders that were delivered to you.",
        ),
        "Orders that are pending, on their way, cancelled, or marked for a return or exchange do not count. Do not "
        "tell the agent any order numbers; you do not have them.",
    )


@story(about="gift card", matters=2)
def gift_card_balance(case: Case) -> Told:
    """The balance of the gift card, and a return that adds to it."""
    card = case.gift_card()
    order = case.one(case.with_status("delivered"))
    item = case.one(order.items)
    which = case.goods([item], order)
    case.send_back(order, [item], card)
    case.tell(card.balance)
    return Told(
        case.say(
            f"You want to know how much money is on your gift card now. After that you want to return {which} and "
            "have it refunded to the gift card.",
            f"You want two things: the present balance of your gift card, and a return of {which} with the refund "
            "on that card.",
        ),
        "Ask for the balance first. You do not want the refund anywhere else.",
    )


@story(alone=True)
def largest_pending(case: Case) -> Told:
    """The largest of several pending orders."""
    pending = [order for order in case.orders if "pending" in order.status]
    if len(pending) < 2:
        raise Unfit
    top, second = sorted(pending, key=total)[-1:-3:-1]
    if total(top) - total(second) < 1:
        raise Unfit
    case.look_at_all()
    case.tell(total(top))
    case.communicate.append(top.order_id.removeprefix("#"))
    return Told(
        "You expect several parcels. You want to know which of your pending orders has the highest total, and what "
        "that total is.",
        "You want the order number and the amount. Do not agree to any change or cancellation.",
    )


@story(about="return")
def price_before_return(case: Case) -> Told:
    """What part of an order costs, before returning exactly that part."""
    order = case.one(case.with_status("delivered", items=3))
    items, paid = case.some(order.items, 2), case.paid_with(order)
    which = case.goods(items, order)
    case.tell(cost(items))
    case.look("calculate", expression=" + ".join(f"{item.price:.2f}" for item in items))
    case.send_back(order, items, paid)
    return Told(
        f"You want to know what {which} cost together. You are going to return both.",
        f"First get the sum, then agree to the return. The refund goes to {method_name(paid)}. You keep "
        f"{joined([case.the(i, order) for i in order.items if i not in items])}.",
    )


@story(profile=True, matters=2)
def zip_of_order(case: Case) -> Told:
    """Which address an order went to, and a change of the profile to another one."""
    order = case.one(
        o for o in case.orders if o.address != case.user.address and o.status != "cancelled"
    )
    which, address = case.the_order(order), case.new_address(near_by=True)
    case.communicate.append(order.address.zip)
    case.move(address)
    street = ", ".join(part for part in (address.address1, address.address2) if part)
    return Told(
        f"You are not sure where {which} was sent and want to hear the zip code of its shipping address. You also "
        f"moved within town: your profile should say {street}, {address.city}, {address.state} {address.zip}.",
        "The order itself stays as it is. Ask for the zip code again if the agent forgets it.",
    )
