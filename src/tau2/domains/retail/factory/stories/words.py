"""How customers speak of the shop: items, options, payment methods, addresses and sums."""

from __future__ import annotations

from collections.abc import Iterable

from tau2.domains.retail.data_model import (
    CreditCard,
    GiftCard,
    Order,
    OrderItem,
    PaymentMethod,
    UserAddress,
    Variant,
)
from tau2.domains.retail.factory.catalog import PRODUCT_TYPES
from tau2.domains.retail.factory.phrasing import BRANDS, joined

_AXES = {kind.name: {axis.name: axis for axis in kind.axes} for kind in PRODUCT_TYPES}


def noun(item: OrderItem) -> str:
    """Return what a customer calls an item."""
    return item.name.lower()


def method_name(method: PaymentMethod) -> str:
    """Return what a customer calls a payment method."""
    if isinstance(method, CreditCard):
        return f"your {BRANDS[method.brand]}"
    return "your gift card" if isinstance(method, GiftCard) else "your PayPal account"


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


def address_text(address: UserAddress) -> str:
    """Return an address in one line."""
    street = joined_line(address.address1, address.address2)
    return f"{street}, {address.city}, {address.state} {address.zip}"


def joined_line(*parts: str) -> str:
    """Return the parts that are not empty, with commas."""
    return ", ".join(part for part in parts if part)


def total(order: Order) -> float:
    """Return what the items of an order cost together."""
    return round(sum(item.price for item in order.items), 2)


def cost(items: Iterable[OrderItem]) -> float:
    """Return what items cost together."""
    return round(sum(item.price for item in items), 2)
