"""How customers speak of the shop: items, options, payment methods, addresses and sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch

from tau2.domains.retail.data_model import (
    CreditCard,
    GiftCard,
    Order,
    OrderItem,
    PaymentMethodBase,
    Product,
    UserAddress,
    Variant,
)
from tau2.domains.retail.factory.catalog import PRODUCT_TYPES
from tau2.taskgen.phrasing import joined, with_article
from tau2.taskgen.wording import SlotFormatter, Slots

_AXES = {kind.name: {axis.name: axis for axis in kind.axes} for kind in PRODUCT_TYPES}
_BRANDS = {
    "visa": "Visa card",
    "mastercard": "Mastercard",
    "amex": "American Express card",
    "discover": "Discover card",
}


@singledispatch
def name_of(thing: object) -> str:
    """Return what a customer calls a record of the shop; anything else as it is."""
    return str(thing)


@name_of.register
def _(order: Order) -> str:
    return order.order_id


@name_of.register
def _(product: Product) -> str:
    return with_article(product.name.lower())


@name_of.register
def noun(item: OrderItem) -> str:
    """Return what a customer calls an item."""
    return item.name.lower()


@name_of.register
def method_name(method: PaymentMethodBase) -> str:
    """Return what a customer calls a payment method."""
    if isinstance(method, CreditCard):
        return f"your {_BRANDS[method.brand]}"
    return "your gift card" if isinstance(method, GiftCard) else "your PayPal account"


@name_of.register
def address_text(address: UserAddress) -> str:
    """Return an address in one line."""
    lines = (address.address1, address.address2, address.city, f"{address.state} {address.zip}")
    return ", ".join(line for line in lines if line)


FORMATTER = SlotFormatter(name_of)


def phrase(name: str, options: dict[str, str]) -> str:
    """Return options in a customer's words: "in green, in size L and with a fixed hood"."""
    axes = _AXES[name]
    return joined([axes[axis].phrase.format(value) for axis, value in options.items()])


def differences(item: OrderItem, variant: Variant) -> dict[str, str]:
    """Return the options in which a variant is not like the item."""
    return {
        axis: value for axis, value in variant.options.items() if item.options.get(axis) != value
    }


def changed(item: OrderItem, variant: Variant) -> str:
    """Return what is new about a variant in a customer's words."""
    return phrase(item.name, differences(item, variant))


def swap_slots(swaps: Sequence[tuple[OrderItem, Variant]]) -> Slots:
    """Return what fills the slots one, new_one, other and new_other of a text on two swaps."""
    (one, new_one), (other, new_other) = swaps
    return {
        "one": one,
        "new_one": changed(one, new_one),
        "other": other,
        "new_other": changed(other, new_other),
    }


def total(order: Order) -> float:
    """Return what the items of an order cost together."""
    return cost(order.items)


def cost(items: Iterable[OrderItem]) -> float:
    """Return what items cost together."""
    return round(sum(item.price for item in items), 2)
