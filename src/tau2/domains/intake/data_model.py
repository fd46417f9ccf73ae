"""Records of the intake domain."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import BaseModel, Field

from tau2.environment.db import DB

FieldName = Literal[
    "name",
    "email",
    "street",
    "customer_id",
    "purchase_date",
    "phone",
    "zip",
    "amount",
    "serial_number",
    "license_plate",
]
"""The fields of a form that a customer can be asked for."""

FIELD_NAMES: tuple[FieldName, ...] = get_args(FieldName)

OrderStatus = Literal["incomplete", "complete"]


class CallbackOrder(BaseModel):
    """A form that came in incomplete, and the order to call its sender back."""

    order_id: str = Field(description="Number of the order")
    product: str = Field(description="What the customer wants to insure")
    fields: dict[FieldName, str] = Field(
        default_factory=dict, description="What the form says, by the name of the field"
    )
    missing: list[FieldName] = Field(
        default_factory=list, description="Fields that could not be read and are to be asked for"
    )
    status: OrderStatus = Field(
        default="incomplete", description="Whether every missing field was submitted"
    )


class Call(BaseModel):
    """The call that is being made."""

    order_id: str = Field(description="Number of the order that the call is about")
    today: str = Field(description="The date of the call, as YYYY-MM-DD")


class IntakeDB(DB):
    """The orders, and the one that the agent is calling about."""

    orders: dict[str, CallbackOrder] = Field(default_factory=dict)
    call: Call


class IntakeUserDB(DB):
    """What stands in the customer's papers."""

    entities: dict[FieldName, str] = Field(default_factory=dict)
