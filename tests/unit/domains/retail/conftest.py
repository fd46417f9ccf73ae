"""A shop small enough to see at a glance: one customer, two products, one order of each kind."""

from __future__ import annotations

from typing import Any

import pytest

from tau2.data_model.message import ToolCall, ToolMessage
from tau2.domains.retail.data_model import RetailDB
from tau2.domains.retail.environment import get_environment

HOME = {
    "address1": "1 Elm Lane",
    "address2": "",
    "city": "Reno",
    "country": "USA",
    "state": "NV",
    "zip": "89501",
}


def variant(item_id: str, color: str, price: float, *, available: bool = True) -> dict[str, Any]:
    return {"item_id": item_id, "options": {"color": color}, "available": available, "price": price}


MUGS = {v["item_id"]: v for v in (
    variant("mug-red", "red", 10.1), variant("mug-blue", "blue", 12.35),
    variant("mug-gold", "gold", 99.99), variant("mug-none", "none", 5.0, available=False),
)}  # fmt: skip
HATS = {
    v["item_id"]: v for v in (variant("hat-gray", "gray", 30.3), variant("hat-pink", "pink", 25.15))
}


def item(item_id: str) -> dict[str, Any]:
    product_id, shelf = ("mug", MUGS) if item_id in MUGS else ("hat", HATS)
    found = shelf[item_id]
    return {
        "name": product_id.title(), "product_id": product_id, "item_id": item_id,
        "price": found["price"], "options": dict(found["options"]),
    }  # fmt: skip


def order(order_id: str, status: str, *item_ids: str, paid_with: str = "visa") -> dict[str, Any]:
    items = [item(item_id) for item_id in item_ids]
    amount = round(sum(bought["price"] for bought in items), 2)
    payment = {"transaction_type": "payment", "amount": amount, "payment_method_id": paid_with}
    return {
        "order_id": order_id, "user_id": "ann_oak_1", "address": dict(HOME), "items": items,
        "status": status, "fulfillments": [], "payment_history": [payment],
    }  # fmt: skip


ORDERS = (
    order("#P1", "pending", "mug-red", "hat-gray"),
    order("#P2", "pending", "mug-red", "mug-red", paid_with="gift"),
    order("#D1", "delivered", "mug-red", "hat-gray"),
    order("#D2", "delivered", "mug-blue", paid_with="gift"),
    order("#S1", "processed", "hat-pink"),
)


def user(
    user_id: str, first: str, last: str, methods: list[dict[str, Any]], orders: list[str]
) -> dict[str, Any]:
    return {
        "user_id": user_id, "name": {"first_name": first, "last_name": last}, "address": dict(HOME),
        "email": f"{first}@Example.com", "payment_methods": {m["id"]: m for m in methods},
        "orders": orders,
    }  # fmt: skip


ANN = user(
    "ann_oak_1", "Ann", "Oak",
    [
        {"source": "credit_card", "id": "visa", "brand": "visa", "last_four": "1111"},
        {"source": "paypal", "id": "paypal"},
        {"source": "gift_card", "id": "gift", "balance": 50.5},
    ],
    [placed["order_id"] for placed in ORDERS],
)  # fmt: skip
BOB = user("bob_elm_2", "Bob", "Elm", [{"source": "paypal", "id": "bobs"}], [])


@pytest.fixture
def db() -> RetailDB:
    return RetailDB.model_validate({
        "products": {
            "mug": {"name": "Mug", "product_id": "mug", "variants": MUGS},
            "hat": {"name": "Hat", "product_id": "hat", "variants": HATS},
        },
        "users": {"ann_oak_1": ANN, "bob_elm_2": BOB},
        "orders": {placed["order_id"]: placed for placed in ORDERS},
    })  # fmt: skip


@pytest.fixture(autouse=True)
def _own_data(monkeypatch):
    monkeypatch.delenv("TAU2_DATA_DIR", raising=False)
    monkeypatch.delenv("TAU2_STRICT_COMPAT", raising=False)


class Desk:
    """An agent's desk: calls tools by name and remembers the world."""

    def __init__(self, db: RetailDB, *, strict: bool = False) -> None:
        self.env = get_environment(db)
        self.env.strict_compat = self.env.tools.strict_compat = strict

    @property
    def db(self) -> RetailDB:
        return self.env.tools.db

    def call(self, name: str, **arguments: Any) -> ToolMessage:
        return self.env.get_response(ToolCall(id="1", name=name, arguments=arguments))

    def does(self, name: str, **arguments: Any) -> str:
        answer = self.call(name, **arguments)
        assert not answer.error, answer.content
        return answer.content

    def refuses(self, name: str, **arguments: Any) -> str:
        before = self.db.get_hash()
        answer = self.call(name, **arguments)
        assert answer.error, answer.content
        assert self.db.get_hash() == before, "a refused call changed the world"
        return answer.content

    @property
    def gift_balance(self) -> float:
        return self.db.users["ann_oak_1"].payment_methods["gift"].balance


@pytest.fixture
def desk(db: RetailDB) -> Desk:
    return Desk(db)


@pytest.fixture
def strict_desk(db: RetailDB) -> Desk:
    return Desk(db, strict=True)
