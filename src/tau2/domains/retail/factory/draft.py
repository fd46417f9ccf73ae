"""A draft of a retail task: one customer, and a record of what the ideal agent does.

An intent looks for what it needs in the customer's orders (`UnsuitableCustomer` where that is
missing) and lets the ideal agent act through the domain's real tools. Every look-up and change
becomes part of the reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

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
from tau2.domains.retail.factory.words import differences, method_name, noun, phrase, total
from tau2.domains.retail.factory.world import make_address
from tau2.domains.retail.tools import RetailTools
from tau2.environment.cow import peek
from tau2.errors import ToolError
from tau2.taskgen.drafts import TaskDraft, UnsuitableCustomer
from tau2.taskgen.people import Town
from tau2.taskgen.phrasing import joined
from tau2.utils.number_words import NUMBERS

IDENTIFIED_BY = ("zip", "zip", "email", "email", "both")
"""What customers can say to identify themselves besides their name."""
KNOWS_NUMBERS = 0.2  # share of customers who have their order numbers at hand


_STATES = {
    "pending": "is still pending",
    "pending (item modified)": "is still pending",
    "delivered": "was delivered",
    "return requested": "was delivered",
    "exchange requested": "was delivered",
}
"""Status of an order → what a customer says of it."""


class Checkpoint(NamedTuple):
    """How far a draft had come."""

    db: RetailDB
    calls: int
    communicate: int
    lacks_number: bool
    temptations: int
    involved: set[str]
    taken: set[str]


class RetailDraft(TaskDraft[RetailTools]):
    """One customer with a fresh copy of the shop."""

    def __init__(self, world: RetailDB, user_id: str, rng: Random, turn: int) -> None:
        """Begin with identifying the customer.

        `turn` says how often the intent was told before, so that it is worded differently each
        time.
        """
        super().__init__(RetailTools(world.view()), rng)
        self.world = world
        self.turn = turn
        self.user: User = world.users[user_id]
        self.all_orders: list[Order] = [world.orders[order_id] for order_id in self.user.orders]
        self.orders = self.all_orders
        """The orders that no earlier intent is about."""
        self.taken: set[str] = set()
        self.asked_card = False
        """Whether the intent at hand is about the gift card."""
        self.involved = {user_id}
        """Customers that no other task may use."""
        self._has_numbers = rng.random() < KNOWS_NUMBERS
        self.by_number = self._has_numbers
        """Whether this customer has the order numbers at hand."""
        self.identified_by = rng.choice(IDENTIFIED_BY)
        self._identify()

    # --- one intent after another ---

    def begin(self, turn: int) -> None:
        """Turn to the next intent: it has orders of its own and is worded by its own turn."""
        self.turn = turn
        self.by_number = self._has_numbers
        self.asked_card = False
        self.orders = [order for order in self.all_orders if order.order_id not in self.taken]

    def checkpoint(self) -> Checkpoint:
        """Return what `undo` needs to forget everything that happens from now on."""
        return Checkpoint(
            db=self.tools.db.fork(),
            calls=len(self.calls),
            communicate=len(self.communicate),
            lacks_number=self.lacks_number,
            temptations=len(self.temptations),
            involved=set(self.involved),
            taken=set(self.taken),
        )

    def undo(self, point: Checkpoint) -> None:
        """Go back to a checkpoint."""
        self.tools = RetailTools(point.db)
        del self.calls[point.calls :]
        del self.communicate[point.communicate :]
        del self.temptations[point.temptations :]
        self.lacks_number = point.lacks_number
        self.involved = point.involved
        self.taken = point.taken

    def uses_card(self, since: Checkpoint) -> bool:
        """Return whether anything since then rests on the balance of a gift card, or changes it."""
        cards = [
            method.id
            for method in self.user.payment_methods.values()
            if isinstance(method, GiftCard)
        ]
        charged = any(
            call.arguments.get("payment_method_id") in cards for call in self.calls[since.calls :]
        )
        before, now = (peek(db.users, self.user.user_id) for db in (since.db, self.tools.db))
        same = (
            before is not None and now is not None and before.payment_methods == now.payment_methods
        )
        return self.asked_card or charged or not same

    # --- choosing ---

    def say(self, *wordings: str) -> str:
        """Return the wording whose turn it is."""
        return wordings[self.turn % len(wordings)]

    def with_item(self, status: str, *, items: int = 1) -> tuple[Order, OrderItem]:
        """Return an order of a status with so many items at least, and one of them."""
        order = self.one(self.with_status(status, items=items))
        return order, self.one(order.items)

    def with_status(self, status: str, *, items: int = 1) -> list[Order]:
        """Return the customer's orders of a status with so many items at least."""
        return [
            order for order in self.orders if order.status == status and len(order.items) >= items
        ]

    def named_order(self, status: str, *, items: int = 1) -> tuple[Order, str]:
        """Return an order of a status, and how the customer names it."""
        order = self.one(self.with_status(status, items=items))
        return order, self.the_order(order)

    def product_not_in(self, orders: Sequence[Order]) -> Product:
        """Return a product that is in none of the orders."""
        owned = {item.product_id for order in orders for item in order.items}
        return self.one(p for p in self.world.products.values() if p.product_id not in owned)

    def in_one_parcel(self, *statuses: str) -> list[Order]:
        """Return the customer's orders of some statuses that were sent in one parcel."""
        return [o for o in self.orders if o.status in statuses and len(o.fulfillments) == 1]

    def with_other_method(self, status: str, *, items: int = 1) -> tuple[Order, PaymentMethod]:
        """Return an order of a status and a method, no gift card, that could pay it instead."""
        order = self.one(
            order
            for order in self.with_status(status, items=items)
            if self.unlimited(self.paid_with(order))
        )
        return order, self.one(self.unlimited(self.paid_with(order)))

    # --- what the ideal agent looks up ---

    def _identify(self) -> None:
        """Record how the agent finds the customer."""
        name = self.user.name
        if self.identified_by == "email":
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
        """Record looking at an order; without its number, at those before it, too."""
        self.taken.add(order.order_id)
        if not self.by_number:
            for other in self.all_orders[: self.all_orders.index(order)]:
                self.look("get_order_details", order_id=other.order_id)
        self.look("get_order_details", order_id=order.order_id)

    def name_by_number(self, *orders: Order) -> None:
        """Let the customer name orders by their numbers, and record looking at them."""
        self.by_number = True
        for order in orders:
            self.look_at(order)

    def look_at_all(self) -> None:
        """Record looking at every order of the customer."""
        for order in self.all_orders:
            self.look("get_order_details", order_id=order.order_id)

    def product(self, item: OrderItem) -> Product:
        """Return an item's product type; the agent looks it up."""
        self.look("get_product_details", product_id=item.product_id)
        return self.world.products[item.product_id]

    # --- what the ideal agent does ---

    def refused(self, name: str, **arguments: Any) -> None:
        """Make sure that the shop refuses what the customer asks for first.

        Raise UnsuitableCustomer otherwise.
        """
        try:
            getattr(RetailTools(self.tools.db.fork()), name)(**arguments)
        except ToolError:
            return
        raise UnsuitableCustomer(f"{name} is not refused")

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

    def return_item(self, item: OrderItem, order: Order) -> tuple[str, PaymentMethod]:
        """Return an item to what paid it; the result is how the item is named, and the method."""
        paid = self.paid_with(order)
        which = self.goods([item], order)
        self.send_back(order, [item], paid)
        return which, paid

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

    # --- figures ---

    def tell(self, amount: float) -> str:
        """Expect the agent to name a figure; return it as text.

        Raise UnsuitableCustomer when it can be written in two ways.
        """
        cents = round(amount * 100)
        if cents <= 0 or cents % 10 == 0:
            raise UnsuitableCustomer
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
        """Return the customer's gift card. Raise UnsuitableCustomer without one."""
        self.asked_card = True
        return self.one(m for m in self.user.payment_methods.values() if isinstance(m, GiftCard))

    def options(self, item: OrderItem, *, available: bool = True) -> list[Variant]:
        """Return other variants that can (or cannot) be bought; the agent looks them up."""
        return [
            variant
            for variant in self.product(item).variants.values()
            if variant.available == available and variant.item_id != item.item_id
        ]

    def cheapest(self, item: OrderItem) -> Variant:
        """Return the cheapest variant to be had. Raise UnsuitableCustomer when it is no saving."""
        best = min(self.options(item), key=lambda variant: variant.price, default=None)
        if best is None or best.price >= item.price:
            raise UnsuitableCustomer
        return best

    def dearest(self, item: OrderItem) -> Variant:
        """Return the most expensive variant to be had.

        Raise UnsuitableCustomer when it is no dearer.
        """
        best = max(self.options(item), key=lambda variant: variant.price, default=None)
        if best is None or best.price <= item.price:
            raise UnsuitableCustomer
        return best

    def near(self, item: OrderItem, *, available: bool = True) -> list[Variant]:
        """Return the other variants that differ in one respect only."""
        return [
            variant
            for variant in self.options(item, available=available)
            if len(differences(item, variant)) == 1
        ]

    def near_to_all(self, items: Sequence[OrderItem]) -> list[tuple[OrderItem, Variant]]:
        """Return each item with a variant near to it.

        Raise UnsuitableCustomer for two of a product.
        """
        if len({item.product_id for item in items}) < len(items):
            raise UnsuitableCustomer
        return [(item, self.one(self.near(item))) for item in items]

    def covering(self, amount: float) -> PaymentMethod:
        """Return a method that can pay an amount: any but a gift card with too little on it."""
        return self.one(
            method
            for method in self.user.payment_methods.values()
            if not isinstance(method, GiftCard) or method.balance >= amount
        )

    def matching(self, status: str) -> list[tuple[Order, OrderItem, Order, Variant]]:
        """Return items of orders of a status that another order has in another version.

        Each with its order, the other order, and the version, which can be had now. An order that
        holds several items of the product is left out.
        """
        found = []
        for order in self.with_status(status):
            for item in order.items:
                if _of_product(order, item) != [item.item_id]:
                    continue
                for other in self.orders:
                    same = _of_product(other, item)
                    if other is not order and len(same) == 1:
                        found += [
                            (order, item, other, variant)
                            for variant in self.options(item)
                            if variant.item_id == same[0]
                        ]
        return found

    def new_address(self, *, near_by: bool = False) -> UserAddress:
        """Return an invented address, in the customer's own city if wanted."""
        mine = self.user.address
        town = Town(mine.city, mine.state, mine.zip[:3]) if near_by else None
        return make_address(self.rng, town)

    def other_customer(self, status: str) -> tuple[User, Order]:
        """Return somebody else and an order of theirs; both belong to this task from now on."""
        order = self.one(
            order for order in self.world.orders.values()
            if order.status == status and order.user_id != self.user.user_id
        )  # fmt: skip
        self.involved.add(order.user_id)
        return self.world.users[order.user_id], order

    # --- the customer's words ---

    def the_order(self, order: Order) -> str:
        """Return how the customer names an order, and record how the agent finds it."""
        elsewhere = self._products_elsewhere(order)
        telling = [item for item in order.items if item.product_id not in elsewhere]
        if not telling and not self.by_number:
            return self.description(order)
        self.look_at(order)
        if self.by_number:
            return f"order {order.order_id}"
        self.lacks_number = True
        names = list(dict.fromkeys(noun(item) for item in telling))[:2]
        return f"your order with the {joined(names)}"

    def description(self, order: Order) -> str:
        """Return words that fit this order alone; the agent goes through all orders to find it.

        Raise UnsuitableCustomer without such words.
        """
        if len(self.all_orders) == 1:
            raise UnsuitableCustomer
        mine = list(self._descriptions(order))
        others = {
            text
            for other in self.all_orders
            if other is not order
            for text in self._descriptions(other)
        }
        self.taken.add(order.order_id)
        self.lacks_number = True
        self.look_at_all()
        return self.one(text for text in mine if text not in others)

    def _descriptions(self, order: Order) -> Iterator[str]:
        """Yield what a customer could know of an order without its number."""
        sent = bool(order.fulfillments)
        paid = method_name(self.paid_with(order))
        yield f"the order for which you paid {total(order):.2f} dollars"
        yield f"the order whose number ends in {order.order_id[-3:]}"
        # Orders to the customer's own town may be redirected meanwhile.
        if order.address.city != self.user.address.city:
            yield f"the order that {'went' if sent else 'is going'} to {order.address.city}"
        if (state := _STATES.get(order.status)) is not None:
            yield f"the only order of yours that {state}"
            yield f"the order that {state} and that you paid with {paid} when you placed it"
        if len(order.items) > 1:
            yield f"the order with {NUMBERS[len(order.items)]} items in it"
        if len(order.fulfillments) == 1:
            yield f"the order that came with tracking number {order.fulfillments[0].tracking_id[0]}"

    def _products_elsewhere(self, order: Order) -> set[str]:
        """Return the products in the customer's other orders."""
        others = [other for other in self.all_orders if other is not order]
        return {item.product_id for other in others for item in other.items}

    def the(self, item: OrderItem, order: Order) -> str:
        """Return how the customer names an item of an order."""
        twins = [o for o in order.items if o.product_id == item.product_id and o is not item]
        if not twins:
            return f"the {noun(item)}"
        telling = [k for k, v in item.options.items() if all(t.options.get(k) != v for t in twins)]
        if not telling:
            raise UnsuitableCustomer
        return f"the {noun(item)} {phrase(item.name, {telling[0]: item.options[telling[0]]})}"

    def goods(self, items: Sequence[OrderItem], order: Order) -> str:
        """Return how the customer names items and their order, and record how they are found."""
        elsewhere = self._products_elsewhere(order)
        self.by_number = self.by_number or any(item.product_id in elsewhere for item in items)
        self.look_at(order)
        is_delivered = order.status == "delivered"
        if self.by_number:
            preposition = "from" if is_delivered else "in"
            return f"{self.these(items, order)} {preposition} order {order.order_id}"
        self.lacks_number = True
        return f"{self.these(items, order)} you {'received' if is_delivered else 'ordered'}"

    def within(self, item: OrderItem, order: Order) -> tuple[str, str]:
        """Return how the customer names an item and its order; record how they are found."""
        self.goods([item], order)
        return self.the(item, order), f"order {order.order_id}" if self.by_number else "your order"

    def these(self, items: Sequence[OrderItem], order: Order) -> str:
        """Return how the customer names several items."""
        return joined([self.the(item, order) for item in items])


def _of_product(order: Order, item: OrderItem) -> list[str]:
    """Return the ids of the items of an order that are of the product of `item`."""
    return [other.item_id for other in order.items if other.product_id == item.product_id]


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
