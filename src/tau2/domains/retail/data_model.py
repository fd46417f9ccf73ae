"""The records of the shop: products with variants, customers, and orders with their money."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from tau2.config import domain_dir
from tau2.environment.db import DB
from tau2.environment.domain import load_reference_db

OrderStatus = Literal[
    "processed",
    "pending",
    "pending (item modified)",
    "delivered",
    "cancelled",
    "exchange requested",
    "return requested",
]
CancelReason = Literal["no longer needed", "ordered by mistake"]
OrderPaymentType = Literal["payment", "refund"]


class Variant(BaseModel):
    """One purchasable combination of options of a product."""

    item_id: str
    options: dict[str, str]
    available: bool
    price: float
    """US dollars."""


class Product(BaseModel):
    """A product type; what can be bought are its variants."""

    name: str
    product_id: str
    variants: dict[str, Variant]
    """By item id."""


class UserName(BaseModel):
    """A customer's name."""

    first_name: str
    last_name: str


class UserAddress(BaseModel):
    """A postal address; `address2` is empty text where there is no apartment, suite or unit."""

    address1: str
    address2: str
    city: str
    country: str
    state: str
    zip: str


class PaymentMethodBase(BaseModel):
    """What every payment method has."""

    source: str
    id: str


class CreditCard(PaymentMethodBase):
    """A credit card."""

    source: Literal["credit_card"]
    brand: str
    last_four: str


class Paypal(PaymentMethodBase):
    """A PayPal account."""

    source: Literal["paypal"]


class GiftCard(PaymentMethodBase):
    """A gift card with what is left on it (US dollars)."""

    source: Literal["gift_card"]
    balance: float


PaymentMethod = CreditCard | Paypal | GiftCard


class User(BaseModel):
    """A customer's profile."""

    user_id: str
    name: UserName
    address: UserAddress
    """Where new orders go by default."""
    email: str
    payment_methods: dict[str, PaymentMethod]
    """By payment method id."""
    orders: list[str]


class OrderItem(BaseModel):
    """One item of an order, with its price when it was bought."""

    name: str
    product_id: str
    item_id: str
    price: float
    options: dict[str, str]


class OrderFulfillment(BaseModel):
    """One shipment: its tracking numbers and the items in it."""

    tracking_id: list[str]
    item_ids: list[str]


OrderFullfilment = OrderFulfillment  # the original's spelling, under which other code may import it


class OrderPayment(BaseModel):
    """One movement of money of an order; the amount is never negative."""

    transaction_type: OrderPaymentType
    amount: float
    payment_method_id: str


class Order(BaseModel):
    """An order and what was asked for after it was placed."""

    order_id: str
    user_id: str
    address: UserAddress
    items: list[OrderItem]
    status: OrderStatus
    fulfillments: list[OrderFulfillment]
    payment_history: list[OrderPayment]
    cancel_reason: CancelReason | None = None
    exchange_items: list[str] | None = None
    exchange_new_items: list[str] | None = None
    exchange_payment_method_id: str | None = None
    exchange_price_difference: float | None = None
    """What the customer pays (negative: gets back) for the new items, in US dollars."""
    return_items: list[str] | None = None
    return_payment_method_id: str | None = None


class RetailDB(DB):
    """The shop's database."""

    products: dict[str, Product] = Field(description="Product types by product id")
    users: dict[str, User] = Field(description="Customers by user id")
    orders: dict[str, Order] = Field(description="Orders by order id")


def get_db() -> RetailDB:
    """Return a fresh copy of the domain's database."""
    return load_reference_db(RetailDB, domain_dir("retail") / "db.json")
