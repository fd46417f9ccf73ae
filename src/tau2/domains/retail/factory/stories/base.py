"""What a story has to work with: one customer of the shop, and a record of what the ideal agent does.

A story looks for what it needs in the customer's orders (`Unfit` where that is missing), lets the ideal agent act
through the domain's real tools, and says in the customer's words what is wanted. Every look-up and change it makes
becomes part of the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple, TypeVar

from tau2.domains.retail.data_model import (
    CreditCard,
    GiftCard,
    Order,
    OrderItem,
    PaymentMethod,
    Product,
    RetailDB,
    User,
    UserAddress,
    Variant,
)
from tau2.domains.retail.factory.catalog import PRODUCT_TYPES
from tau2.domains.retail.factory.phrasing import BRANDS, FINDING, joined
from tau2.domains.retail.factory.world import make_address
from tau2.domains.retail.tools import RetailTools
from tau2.errors import ToolError

T = TypeVar("T")

KNOWS_NUMBERS = 0.55  # share of customers who have their order numbers at hand

_AXES = {kind.name: {axis.name: axis for axis in kind.axes} for kind in PRODUCT_TYPES}


class Unfit(Exception):
    """This customer cannot have this story."""


class Told(NamedTuple):
    """The customer's side of a story."""

    reason: str
    """One to four sentences: what the customer calls about."""
    instructions: str
    """How the customer behaves, and what happens if the agent says this or that."""


@dataclass(frozen=True, slots=True)
class Story:
    """A kind of task."""

    purpose: str
    """What it tests, for people."""
    tell: Callable[[Case], Told]


Teller = Callable[["Case"], Told]


def collector() -> tuple[list[Story], Callable[[Teller], Teller]]:
    """Return a list and a decorator that adds a story to it; the first line of its docstring is the purpose."""
    stories: list[Story] = []

    def story(tell: Teller) -> Teller:
        purpose = (tell.__doc__ or "").partition("\n")[0].rstrip(".")
        stories.append(Story(purpose, tell))
        return tell

    return stories, story


class Case:
    """One customer with a fresh copy of the shop."""

    def __init__(self, world: RetailDB, user_id: str, rng: Random, turn: int) -> None:
        """`turn` says how often the story was told before, so that it is worded differently each time."""
        self.world, self.rng, self.turn = world, rng, turn
        self.tools = RetailTools(world.view())
        self.user: User = world.users[user_id]
        self.orders: list[Order] = [world.orders[order_id] for order_id in self.user.orders]
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.communicate: list[str] = []
        self.involved = {user_id}
        """Customers that no other task may use."""
        self.by_number = rng.random() < KNOWS_NUMBERS
        """Whether this customer has the order numbers at hand."""
        self.unknown: list[str] = []
        self.finding = rng.choice(FINDING)
        self.find()

    # --- choosing ---

    def say(self, *wordings: str) -> str:
        """Return the wording whose turn it is."""
        return wordings[self.turn % len(wordings)]

    def one(self, choices: Iterable[T]) -> T:
        """Return one of the choices at random. Raise Unfit when there is none."""
        listed = list(choices)
        if not listed:
            raise Unfit
        return self.rng.choice(listed)

    def some(self, choices: Iterable[T], count: int) -> list[T]:
        """Return `count` of the choices, in random order. Raise Unfit when there are fewer."""
        listed = list(choices)
        if len(listed) < count:
            raise Unfit
        return self.rng.sample(listed, count)

    def with_status(self, status: str, *, items: int = 1) -> list[Order]:
        """Return the customer's orders of a status with so many items at least."""
        return [order for order in self.orders if order.status == status and len(order.items) >= items]

    # --- what the ideal agent looks up ---

    def look(self, name: str, **arguments: str) -> None:
        """Record a look-up, once."""
        if (name, arguments) not in self.calls:
            self.calls.append((name, arguments))

    def find(self) -> None:
        """Record how the agent finds the customer."""
        name = self.user.name
        if self.finding == "email":
            self.look("find_user_id_by_email", email=self.user.email)
        else:
            self.look(
                "find_user_id_by_name_zip",
                first_name=name.first_name,
                last_name=name.last_name,
                zip=self.user.address.zip,
            )
        self.look("get_user_details", user_id=self.user.user_id)

    def look_at(self, order: Order) -> None:
        """Record looking at an order; without its number the agent goes through the orders until it is found."""
        if not self.by_number:
            for other in self.orders[: self.orders.index(order)]:
                self.look("get_order_details", order_id=other.order_id)
        self.look("get_order_details", order_id=order.order_id)

    def look_at_all(self) -> None:
        """Record looking at every order of the customer."""
        for order in self.orders:
            self.look("get_order_details", order_id=order.order_id)

    def product(self, item: OrderItem) -> Product:
        """Return an item's product type; the agent looks it up."""
        self.look("get_product_details", product_id=item.product_id)
        return self.world.products[item.product_id]

    # --- what the ideal agent does ---

    def do(self, name: str, **arguments: Any) -> None:
        """Record a change and carry it out. Raise Unfit when the shop refuses it."""
        try:
            getattr(self.tools, name)(**arguments)
        except ToolError as error:
            raise Unfit(str(error)) from error
        self.calls.append((name, arguments))

    def refused(self, name: str, **arguments: Any) -> None:
        """Make sure that the shop refuses what the customer asks for first. Raise Unfit otherwise."""
        try:
            getattr(RetailTools(self.tools.db.fork()), name)(**arguments)
        except ToolError:
            return
        raise Unfit(f"{name} is not refused")

    def cancel(self, order: Order, reason: str) -> None:
        """Cancel a pending order."""
        self.do("cancel_pending_order", order_id=order.order_id, reason=reason)

    def send_back(self, order: Order, items: Sequence[OrderItem], method: PaymentMethod) -> None:
        """Return items of a delivered order."""
        self.do(
            "return_delivered_order_items",
            order_id=order.order_id,
            item_ids=[item.item_id for item in items],
            payment_method_id=method.id,
        )

    def exchange(self, order: Order, swaps: Sequence[tuple[OrderItem, Variant]], method: PaymentMethod) -> None:
        """Exchange items of a delivered order."""
        self.do("exchange_delivered_order_items", **_swap_arguments(order, swaps, method))

    def change_items(self, order: Order, swaps: Sequence[tuple[OrderItem, Variant]], method: PaymentMethod) -> None:
        """Swap items of a pending order."""
        self.do("modify_pending_order_items", **_swap_arguments(order, swaps, method))

    def change_payment(self, order: Order, method: PaymentMethod) -> None:
        """Pay a pending order with another method."""
        self.do("modify_pending_order_payment", order_id=order.order_id, payment_method_id=method.id)

    def redirect(self, order: Order, address: UserAddress) -> None:
        """Send a pending order to another address."""
        self.do("modify_pending_order_address", order_id=order.order_id, **_address_arguments(address))

    def move(self, address: UserAddress) -> None:
        """Change the customer's default address."""
        self.do("modify_user_address", user_id=self.user.user_id, **_address_arguments(address))

    def hand_over(self, summary: str) -> None:
        """Transfer the customer to a human agent."""
        self.do("transfer_to_human_agents", summary=summary)

    # --- figures ---

    def tell(self, amount: float) -> str:
        """Expect the agent to name a figure; return it as text. Raise Unfit when it can be written in two ways."""
        cents = round(amount * 100)
        if cents <= 0 or cents % 10 == 0:
            raise Unfit
        self.communicate.append(f"{cents / 100:.2f}")
        return self.communicate[-1]

    # --- the shop, as the customer sees it ---

    def paid_with(self, order: Order) -> PaymentMethod:
        """Return the method that paid an order."""
        return self.user.payment_methods[order.payment_history[0].payment_method_id]

    def others(self, *methods: PaymentMethod) -> list[PaymentMethod]:
        """Return the customer's other payment methods."""
        known = {method.id for method in methods}
        return [method for method in self.user.payment_methods.values() if method.id not in known]

    def unlimited(self, *methods: PaymentMethod) -> list[PaymentMethod]:
        """Return the customer's other methods that are no gift cards."""
        return [method for method in self.others(*methods) if not isinstance(method, GiftCard)]

    def gift_card(self) -> GiftCard:
        """Return the customer's gift card. Raise Unfit without one."""
        return self.one(m for m in self.user.payment_methods.values() if isinstance(m, GiftCard))

    def options(self, item: OrderItem) -> list[Variant]:
        """Return what the item could be swapped for now; the agent looks it up."""
        return [v for v in self.product(item).variants.values() if v.available and v.item_id != item.item_id]

    def sold_out(self, item: OrderItem) -> list[Variant]:
        """Return the variants that cannot be had now."""
        return [v for v in self.product(item).variants.values() if not v.available and v.item_id != item.item_id]

    def cheapest(self, item: OrderItem) -> Variant:
        """Return the cheapest variant to be had. Raise Unfit when it is no saving."""
        best = min(self.options(item), key=lambda variant: variant.price, default=None)
        if best is None or best.price >= item.price:
            raise Unfit
        return best

    def dearest(self, item: OrderItem) -> Variant:
        """Return the most expensive variant to be had. Raise Unfit when it is no dearer."""
        best = max(self.options(item), key=lambda variant: variant.price, default=None)
        if best is None or best.price <= item.price:
            raise Unfit
        return best

    def near(self, item: OrderItem) -> list[Variant]:
        """Return the variants to be had that differ in one respect only."""
        return [variant for variant in self.options(item) if len(differences(item, variant)) == 1]

    def new_address(self, *, near_by: bool = False) -> UserAddress:
        """Return an invented address, in the customer's own city if wanted."""
        mine = self.user.address
        return make_address(self.rng, (mine.city, mine.state, mine.zip[:3]) if near_by else None)

    def other_customer(self, status: str) -> tuple[User, Order]:
        """Return somebody else and an order of theirs; both belong to this story from now on."""
        order = self.one(
            order for order in self.world.orders.values()
            if order.status == status and order.user_id != self.user.user_id
        )  # fmt: skip
        self.involved.add(order.user_id)
        return self.world.users[order.user_id], order

    # --- the customer's words ---

    def the_order(self, order: Order) -> str:
        """Return how the customer names an order, and record how the agent finds it."""
        here = {item.product_id for item in order.items}
        elsewhere = {item.product_id for other in self.orders if other is not order for item in other.items}
        telling = [item for item in order.items if item.product_id in here - elsewhere]
        if not telling:
            self.by_number = True
        self.look_at(order)
        if self.by_number:
            return f"order {order.order_id}"
        self._knows_no_number()
        names = list(dict.fromkeys(noun(item) for item in telling))[:2]
        return f"your order with the {joined(names)}"

    def the(self, item: OrderItem, order: Order) -> str:
        """Return how the customer names an item of an order."""
        twins = [o for o in order.items if o.product_id == item.product_id and o is not item]
        if not twins:
            return f"the {noun(item)}"
        telling = [k for k, v in item.options.items() if all(t.options.get(k) != v for t in twins)]
        if not telling:
            raise Unfit
        return f"the {noun(item)} {phrase(item.name, {telling[0]: item.options[telling[0]]})}"

    def goods(self, items: Sequence[OrderItem], order: Order) -> str:
        """Return how the customer names items without having named their order, and record how they are found."""
        elsewhere = {item.product_id for other in self.orders if other is not order for item in other.items}
        self.by_number = self.by_number or any(item.product_id in elsewhere for item in items)
        self.look_at(order)
        if self.by_number:
            return (
                f"{self.these(items, order)} {'from' if order.status == 'delivered' else 'in'} order {order.order_id}"
            )
        self._knows_no_number()
        return f"{self.these(items, order)} you {'received' if order.status == 'delivered' else 'ordered'}"

    def within(self, item: OrderItem, order: Order) -> tuple[str, str]:
        """Return how the customer names an item and the order it is in, and record how they are found."""
        self.goods([item], order)
        return self.the(item, order), f"order {order.order_id}" if self.by_number else "your order"

    def _knows_no_number(self) -> None:
        if (text := "You do not have the order number at hand.") not in self.unknown:
            self.unknown.append(text)

    def these(self, items: Sequence[OrderItem], order: Order) -> str:
        """Return how the customer names several items."""
        return joined([self.the(item, order) for item in items])


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
    return {axis: value for axis, value in variant.options.items() if item.options.get(axis) != value}


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


def _swap_arguments(
    order: Order, swaps: Sequence[tuple[OrderItem, Variant]], method: PaymentMethod
) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "item_ids": [item.item_id for item, _ in swaps],
        "new_item_ids": [variant.item_id for _, variant in swaps],
        "payment_method_id": method.id,
    }


def _address_arguments(address: UserAddress) -> dict[str, str]:
    return {name: getattr(address, name) for name in ("address1", "address2", "city", "state", "country", "zip")}
