"""Builds the shop: products, customers, and orders in every status, consistent by construction.

Orders that are no longer as they were placed (cancelled, returned, changed) are made by the
domain's own tools, so that their money and their marks are what the tools would leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product as combinations
from pathlib import Path
from random import Random

from tau2.domains.retail.data_model import (
    CreditCard,
    GiftCard,
    Order,
    OrderFulfillment,
    OrderItem,
    OrderPayment,
    PaymentMethod,
    Paypal,
    Product,
    RetailDB,
    User,
    UserAddress,
    UserName,
    Variant,
)
from tau2.domains.retail.factory.catalog import PRODUCT_TYPES, ProductType
from tau2.domains.retail.tools import RetailTools
from tau2.seeds import derive_seed
from tau2.taskgen.ids import FreshIds
from tau2.taskgen.people import People, Town

PEOPLE = People.load(Path(__file__).with_name("people.toml"))

STATUS_SHARES = (
    ("pending", 42),
    ("delivered", 37),
    ("processed", 9),
    ("cancelled", 6),
    ("return requested", 2),
    ("exchange requested", 2),
    ("pending (item modified)", 2),
)
"""Status and percent of the orders."""

ORDER_SIZES = (1, 1, 2, 2, 2, 3, 3, 3, 4, 5)  # items of an order, equally likely entries
ELSEWHERE = 0.18  # share of orders that go to another address than the profile's
SPLIT_SHIPMENT = 0.35  # share of the sent orders with three items or more that went in two parcels
SAME_TYPE_TWICE = 0.06  # share of orders with two variants of one product type
AVAILABLE = 0.72  # share of variants that can be bought
_MAIL_HOSTS = ("example.com", "example.org", "example.net")
NO_SECOND_LINE = 0.35  # share of addresses without apartment, unit or suite
SMALL_BALANCE = 0.5  # share of gift cards with less than 90 dollars


@dataclass(frozen=True, slots=True)
class RetailScale:
    """How large the world is."""

    users: int = 500
    orders: int = 1000
    tasks: int = 204


def build_world(seed: int, scale: RetailScale) -> RetailDB:
    """Return the shop that `seed` gives.

    Order numbers begin with 0 and family names are our own: no id can be one of the public data
    set.
    """
    ids = FreshIds(_rng(seed, "ids"))
    rng = _rng(seed, "products")
    products = [_product(rng, ids, kind) for kind in PRODUCT_TYPES]
    db = RetailDB(
        products={product.product_id: product for product in products},
        users=_users(_rng(seed, "users"), ids, scale.users),
        orders={},
    )
    _place_orders(_rng(seed, "orders"), ids, db, scale.orders)
    return db


def _rng(seed: int, part: str) -> Random:
    return Random(derive_seed(seed, "retail", part))  # noqa: S311  -- no secret


def _product(rng: Random, ids: FreshIds, kind: ProductType) -> Product:
    choices = list(combinations(*(axis.values for axis in kind.axes)))
    rng.shuffle(choices)
    variants: dict[str, Variant] = {}
    prices: set[float] = set()
    for choice in choices[: rng.randint(9, 16)]:
        price = _price(rng, kind, choice)
        while price in prices:  # "the cheapest" must name one variant
            price = _price(rng, kind, choice)
        prices.add(price)
        item_id = ids.digits(10)
        options = {axis.name: value for axis, value in zip(kind.axes, choice, strict=True)}
        available = rng.random() < AVAILABLE
        variants[item_id] = Variant(
            item_id=item_id, options=options, available=available, price=price
        )
    return Product(name=kind.name, product_id=ids.digits(10), variants=variants)


def _price(rng: Random, kind: ProductType, choice: tuple[str, ...]) -> float:
    """Return a price whose last digit is not 0, so that it can be written in one way only."""
    factor = 1 + sum(
        axis.spread * axis.values.index(value) / (len(axis.values) - 1)
        for axis, value in zip(kind.axes, choice, strict=True)
    )
    cents = round(kind.base * factor * rng.uniform(0.96, 1.04) * 100)
    return (cents if cents % 10 else cents + rng.randint(1, 9)) / 100


def _users(rng: Random, ids: FreshIds, count: int) -> dict[str, User]:
    users: dict[str, User] = {}
    mails: set[str] = set()
    names: set[tuple[str, str]] = set()
    while len(users) < count:
        name = (rng.choice(PEOPLE.first_names), rng.choice(PEOPLE.last_names))
        if name in names:
            continue
        names.add(name)
        user_id = ids.digits(4, prefix=f"{name[0]}_{name[1]}_".lower())
        email = _email(rng, *name)
        while email in mails:
            email = _email(rng, *name)
        mails.add(email)
        users[user_id] = User(
            user_id=user_id,
            name=UserName(first_name=name[0], last_name=name[1]),
            address=make_address(rng),
            email=email,
            payment_methods={method.id: method for method in _payment_methods(rng, ids)},
            orders=[],
        )
    return users


def _email(rng: Random, first: str, last: str) -> str:
    number = rng.randint(11, 99)
    forms = (
        f"{first}.{last}{number}",
        f"{first[0]}{last}{number}",
        f"{last}.{first}{number}",
        f"{first}{number}",
    )
    return (
        f"{rng.choice(forms)}@{rng.choice(('example.com', 'example.org', 'example.net'))}".lower()
    )


def make_address(rng: Random, town: Town | None = None) -> UserAddress:
    """Return an invented address, in `town` if one is given."""
    town = town or rng.choice(PEOPLE.towns)
    kinds = (
        f"Apt {rng.randint(1, 48)}",
        f"Unit {rng.choice('ABCDEFGH')}",
        f"Suite {rng.randint(100, 920)}",
    )
    return UserAddress(
        address1=PEOPLE.street(rng, 9899),
        address2="" if rng.random() < NO_SECOND_LINE else rng.choice(kinds),
        city=town.name,
        country="USA",
        state=town.state,
        zip=f"{town.zip_start}{rng.randint(1, 99):02d}",
    )


def _payment_methods(rng: Random, ids: FreshIds) -> list[PaymentMethod]:
    kinds = rng.sample(
        ("credit_card", "credit_card", "paypal", "gift_card"), rng.choice((1, 2, 2, 2, 3, 3, 4))
    )
    brands = rng.sample(("visa", "mastercard", "amex", "discover"), kinds.count("credit_card"))
    methods: list[PaymentMethod] = []
    for kind in kinds:
        made = ids.digits(7, prefix=f"{kind}_")
        if kind == "credit_card":
            last_four = f"{rng.randint(0, 9999):04d}"
            methods.append(
                CreditCard(source="credit_card", id=made, brand=brands.pop(), last_four=last_four)
            )
        elif kind == "paypal":
            methods.append(Paypal(source="paypal", id=made))
        else:
            is_small = rng.random() < SMALL_BALANCE
            cents = rng.randint(300, 9000) if is_small else rng.randint(9000, 60000)
            if cents % 10 == 0:
                cents += 7
            methods.append(GiftCard(source="gift_card", id=made, balance=cents / 100))
    return methods


def _place_orders(rng: Random, ids: FreshIds, db: RetailDB, count: int) -> None:
    statuses = [
        status for status, share in STATUS_SHARES for _ in range(round(count * share / 100))
    ]
    statuses = (statuses + ["pending"] * count)[:count]
    rng.shuffle(statuses)
    tools = RetailTools(db)
    for user, status in zip(_owners(rng, list(db.users.values()), count), statuses, strict=True):
        order = _new_order(rng, ids, db, user)
        db.orders[order.order_id] = order
        user.orders.append(order.order_id)
        _bring_to(rng, ids, tools, order, status)


def _owners(rng: Random, users: list[User], count: int) -> list[User]:
    """Return who places each order: nearly everybody one, and half of them most of the rest."""
    first = rng.sample(users, min(count, len(users) * 15 // 16))
    regulars = rng.sample(users, len(users) // 2)
    owners = first + [rng.choice(regulars) for _ in range(count - len(first))]
    rng.shuffle(owners)
    return owners


def _new_order(rng: Random, ids: FreshIds, db: RetailDB, user: User) -> Order:
    items = [
        _item(rng, product)
        for product in rng.sample(list(db.products.values()), rng.choice(ORDER_SIZES))
    ]
    if rng.random() < SAME_TYPE_TWICE:
        more = _item(rng, db.products[items[0].product_id])
        if more.item_id != items[0].item_id:
            items.append(more)
    elsewhere = rng.random() < ELSEWHERE
    return Order(
        order_id=ids.digits(6, prefix="#W0"),
        user_id=user.user_id,
        address=make_address(rng) if elsewhere else user.address.model_copy(),
        items=items,
        status="pending",
        fulfillments=[],
        payment_history=[
            OrderPayment(
                transaction_type="payment",
                amount=round(sum(item.price for item in items), 2),
                payment_method_id=rng.choice(list(user.payment_methods)),
            )
        ],
    )


def _item(rng: Random, product: Product) -> OrderItem:
    variant = rng.choice(list(product.variants.values()))
    return OrderItem(
        name=product.name,
        product_id=product.product_id,
        item_id=variant.item_id,
        price=variant.price,
        options=dict(variant.options),
    )


def _bring_to(rng: Random, ids: FreshIds, tools: RetailTools, order: Order, status: str) -> None:
    """Do to a fresh order what gives it a status, or leave it pending where nothing fits."""
    method = order.payment_history[0].payment_method_id
    if status == "cancelled":
        tools.cancel_pending_order(
            order.order_id, rng.choice(("no longer needed", "ordered by mistake"))
        )
    elif status == "pending (item modified)":
        if (swap := _swap(rng, tools.db, order, method)) is not None:
            tools.modify_pending_order_items(order.order_id, [swap[0]], [swap[1]], method)
    elif status != "pending":
        _send(rng, ids, order)
        order.status = "processed" if status == "processed" else "delivered"
        chosen = rng.choice(order.items).item_id
        if status == "return requested":
            tools.return_delivered_order_items(order.order_id, [chosen], method)
        elif (
            status == "exchange requested"
            and (swap := _swap(rng, tools.db, order, method)) is not None
        ):
            tools.exchange_delivered_order_items(order.order_id, [swap[0]], [swap[1]], method)


def _swap(rng: Random, db: RetailDB, order: Order, method_id: str) -> tuple[str, str] | None:
    """Return an item and an available variant for it that the method can pay, or None."""
    item = rng.choice(order.items)
    method = db.users[order.user_id].payment_methods[method_id]
    limit = method.balance if isinstance(method, GiftCard) else float("inf")
    fitting = [
        variant.item_id
        for variant in db.products[item.product_id].variants.values()
        if variant.available
        and variant.item_id != item.item_id
        and variant.price - item.price <= limit
    ]
    return (item.item_id, rng.choice(fitting)) if fitting else None


def _send(rng: Random, ids: FreshIds, order: Order) -> None:
    item_ids = [item.item_id for item in order.items]
    cut = (
        rng.randint(1, len(item_ids) - 1)
        if len(item_ids) > 2 and rng.random() < SPLIT_SHIPMENT
        else 0
    )
    parcels = [item_ids[:cut], item_ids[cut:]] if cut else [item_ids]
    order.fulfillments = [
        OrderFulfillment(tracking_id=[ids.digits(12)], item_ids=parcel) for parcel in parcels
    ]
