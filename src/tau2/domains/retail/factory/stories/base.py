"""What a story has to work with: one customer of the shop, and a record of what the ideal agent does.

A story looks for what it needs in the customer's orders (`Unfit` where that is missing), lets the ideal agent act
through the domain's real tools, and says in the customer's words what is wanted. Every look-up and change it makes
becomes part of the reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, NamedTuple, TypeVar

from tau2.domains.retail.data_model import (
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
from tau2.domains.retail.factory.phrasing import FINDING, joined
from tau2.domains.retail.factory.stories.kinds import Unfit
from tau2.domains.retail.factory.stories.words import differences, noun, phrase
from tau2.domains.retail.factory.world import make_address
from tau2.domains.retail.tools import RetailTools
from tau2.environment.cow import peek
from tau2.errors import ToolError

T = TypeVar("T")

KNOWS_NUMBERS = 0.55  # share of customers who have their order numbers at hand


class Mark(NamedTuple):
    """How far a case had come."""

    db: RetailDB
    calls: int
    communicate: int
    unknown: int
    involved: set[str]
    taken: set[str]


class Case:
    """One customer with a fresh copy of the shop."""

    def __init__(self, world: RetailDB, user_id: str, rng: Random, turn: int) -> None:
        """`turn` says how often the story was told before, so that it is worded differently each time."""
        self.world, self.rng, self.turn = world, rng, turn
        self.tools = RetailTools(world.view())
        self.user: User = world.users[user_id]
        self.all_orders: list[Order] = [world.orders[order_id] for order_id in self.user.orders]
        self.orders = self.all_orders
        """The orders that no earlier matter is about."""
        self.taken: set[str] = set()
        self.asked_card = False
        """Whether the matter at hand is about the gift card."""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.communicate: list[str] = []
        self.involved = {user_id}
        """Customers that no other task may use."""
        self.by_number = self._has_numbers = rng.random() < KNOWS_NUMBERS
        """Whether this customer has the order numbers at hand."""
        self.unknown: list[str] = []
        self.finding = rng.choice(FINDING)
        self.find()

    # --- one matter after another ---

    def begin(self, turn: int) -> None:
        """Turn to the next matter: it has orders of its own and is worded by its own turn."""
        self.turn, self.by_number, self.asked_card = turn, self._has_numbers, False
        self.orders = [order for order in self.all_orders if order.order_id not in self.taken]

    def mark(self) -> Mark:
        """Return what `undo` needs to forget everything that happens from now on."""
        sets = (set(self.involved), set(self.taken))
        return Mark(
            self.tools.db.fork(), len(self.calls), len(self.communicate), len(self.unknown), *sets
        )

    def undo(self, mark: Mark) -> None:
        """Go back to a mark."""
        self.tools = RetailTools(mark.db)
        del (
            self.calls[mark.calls :],
            self.communicate[mark.communicate :],
            self.unknown[mark.unknown :],
        )
        self.involved, self.taken = mark.involved, mark.taken

    def uses_card(self, mark: Mark) -> bool:
        """Return whether what happened since a mark rests on what is on a gift card, or changes it."""
        cards = [
            method.id
            for method in self.user.payment_methods.values()
            if isinstance(method, GiftCard)
        ]
        charged = any(
            arguments.get("payment_method_id") in cards for _, arguments in self.calls[mark.calls :]
        )
        before, now = (peek(db.users, self.user.user_id) for db in (mark.db, self.tools.db))
        return (
            self.asked_card
            or charged
            or getattr(before, "payment_methods", 0) != getattr(now, "payment_methods", 0)
        )

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
        return [
            order for order in self.orders if order.status == status and len(order.items) >= items
        ]

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
        self.taken.add(order.order_id)
        if not self.by_number:
            for other in self.all_orders[: self.all_orders.index(order)]:
                self.look("get_order_details", order_id=other.order_id)
        self.look("get_order_details", order_id=order.order_id)

    def look_at_all(self) -> None:
        """Record looking at every order of the customer."""
        for order in self.all_orders:
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

    def exchange(
        self, order: Order, swaps: Sequence[tuple[OrderItem, Variant]], method: PaymentMethod
    ) -> None:
        """Exchange items of a delivered order."""
        self.do("exchange_delivered_order_items", **_swap_arguments(order, swaps, method))

    def change_items(
        self, order: Order, swaps: Sequence[tuple[OrderItem, Variant]], method: PaymentMethod
    ) -> None:
        """Swap items of a pending order."""
        self.do("modify_pending_order_items", **_swap_arguments(order, swaps, method))

    def change_payment(self, order: Order, method: PaymentMethod) -> None:
        """Pay a pending order with another method."""
        self.do(
            "modify_pending_order_payment", order_id=order.order_id, payment_method_id=method.id
        )

    def redirect(self, order: Order, address: UserAddress) -> None:
        """Send a pending order to another address."""
        self.do(
            "modify_pending_order_address", order_id=order.order_id, **_address_arguments(address)
        )

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
        self.asked_card = True
        return self.one(m for m in self.user.payment_methods.values() if isinstance(m, GiftCard))

    def options(self, item: OrderItem) -> list[Variant]:
        """Return what the item could be swapped for now; the agent looks it up."""
        return [
            v
            for v in self.product(item).variants.values()
            if v.available and v.item_id != item.item_id
        ]

    def sold_out(self, item: OrderItem) -> list[Variant]:
        """Return the variants that cannot be had now."""
        return [
            v
            for v in self.product(item).variants.values()
            if not v.available and v.item_id != item.item_id
        ]

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
        elsewhere = {
            item.product_id
            for other in self.all_orders
            if other is not order
            for item in other.items
        }
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
        elsewhere = {
            item.product_id
            for other in self.all_orders
            if other is not order
            for item in other.items
        }
        self.by_number = self.by_number or any(item.product_id in elsewhere for item in items)
        self.look_at(order)
        if self.by_number:
            return f"{self.these(items, order)} {'from' if order.status == 'delivered' else 'in'} order {order.order_id}"
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
    return {
        name: getattr(address, name)
        for name in ("address1", "address2", "city", "state", "country", "zip")
    }
