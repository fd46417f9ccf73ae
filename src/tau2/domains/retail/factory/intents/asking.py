"""Customers who mostly want to know something."""

from __future__ import annotations

from tau2.domains.retail.data_model import Product
from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import cost, total
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.wording import Slots

INTENTS, intent = intents(__file__, about="question")
_COUNTABLE = 10  # smaller numbers are often written as words


def _on_offer(product: Product) -> list[float]:
    return sorted(variant.price for variant in product.variants.values() if variant.available)


@intent(about="return", wants=2, held_out=True)
def count_and_return(draft: RetailDraft) -> Slots:
    """Count the available versions of a product and return an item."""
    order, item = draft.with_item("delivered")
    paid = draft.paid_with(order)
    product = draft.product(item)
    count = len(_on_offer(product))
    if count < _COUNTABLE:
        raise UnsuitableCustomer
    draft.communicate.append(str(count))
    which = draft.goods([item], order)
    draft.send_back(order, [item], paid)
    return {"item": item, "which": which, "paid": paid}


@intent()
def price_range(draft: RetailDraft) -> Slots:
    """The price range of a product."""
    product = draft.one(draft.world.products.values())
    draft.look("list_all_product_types")
    draft.look("get_product_details", product_id=product.product_id)
    prices = _on_offer(product)
    low = draft.tell(prices[0])
    high = draft.tell(prices[-1])
    if low == high:
        raise UnsuitableCustomer
    return {"product": product}


@intent(about="parcels")
def two_parcels(draft: RetailDraft) -> Slots:
    """The tracking numbers of an order that went in two parcels."""
    order = draft.one(
        o
        for o in draft.orders
        if len(o.fulfillments) > 1 and o.status in {"processed", "delivered"}
    )
    which = draft.the_order(order)
    draft.communicate += [number for parcel in order.fulfillments for number in parcel.tracking_id]
    return {"which": which}


@intent(about="parcel")
def parcel_of_item(draft: RetailDraft) -> Slots:
    """The tracking number of the parcel with a certain item."""
    order = draft.one(
        o for o in draft.orders if len(o.fulfillments) > 1 and o.status == "processed"
    )
    item = draft.one(order.items)
    parcel = draft.one(p for p in order.fulfillments if item.item_id in p.item_ids)
    which = draft.goods([item], order)
    draft.communicate += parcel.tracking_id
    return {"which": which, "item": item}


@intent(alone=True)
def spent_in_all(draft: RetailDraft) -> Slots:
    """The sum of all delivered orders."""
    delivered = draft.with_status("delivered")
    if len(delivered) < 2:
        raise UnsuitableCustomer
    draft.look_at_all()
    draft.tell(sum(total(order) for order in delivered))
    draft.look("calculate", expression=" + ".join(f"{total(order):.2f}" for order in delivered))
    return {}


@intent(about="gift card", wants=2)
def gift_card_balance(draft: RetailDraft) -> Slots:
    """The balance of the gift card, and a return that adds to it."""
    card = draft.gift_card()
    order, item = draft.with_item("delivered")
    which = draft.goods([item], order)
    draft.send_back(order, [item], card)
    draft.tell(card.balance)
    return {"which": which}


@intent(alone=True)
def largest_pending(draft: RetailDraft) -> Slots:
    """The largest of several pending orders."""
    pending = [order for order in draft.orders if "pending" in order.status]
    if len(pending) < 2:
        raise UnsuitableCustomer
    top, second = sorted(pending, key=total)[-1:-3:-1]
    if total(top) - total(second) < 1:
        raise UnsuitableCustomer
    draft.look_at_all()
    draft.tell(total(top))
    draft.communicate.append(top.order_id.removeprefix("#"))
    return {}


@intent(about="return", held_out=True)
def price_before_return(draft: RetailDraft) -> Slots:
    """What part of an order costs, before returning exactly that part."""
    order = draft.one(draft.with_status("delivered", items=3))
    items = draft.some(order.items, 2)
    paid = draft.paid_with(order)
    which = draft.goods(items, order)
    draft.tell(cost(items))
    draft.look("calculate", expression=" + ".join(f"{item.price:.2f}" for item in items))
    draft.send_back(order, items, paid)
    return {
        "which": which,
        "paid": paid,
        "items": [draft.the(i, order) for i in order.items if i not in items],
    }


@intent(profile=True, wants=2)
def zip_of_order(draft: RetailDraft) -> Slots:
    """Which address an order went to, and a change of the profile to another one."""
    order = draft.one(
        o for o in draft.orders if o.address != draft.user.address and o.status != "cancelled"
    )
    which = draft.the_order(order)
    address = draft.new_address(near_by=True)
    draft.communicate.append(order.address.zip)
    draft.move(address)
    return {"which": which, "address": address}
