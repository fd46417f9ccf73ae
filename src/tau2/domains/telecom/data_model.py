"""The carrier's records: plans, customers, lines, bills and devices."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from tau2.domains.telecom.utils import path_of
from tau2.environment.db import DB
from tau2.environment.domain import load_reference_db


class AccountStatus(StrEnum):
    """Where a customer's account stands."""

    ACTIVE = "Active"
    SUSPENDED = "Suspended"
    PENDING_VERIFICATION = "Pending Verification"
    CLOSED = "Closed"


class PaymentMethodType(StrEnum):
    """A way to pay."""

    CREDIT_CARD = "Credit Card"
    DEBIT_CARD = "Debit Card"
    PAYPAL = "PayPal"


class LineStatus(StrEnum):
    """Whether a line carries calls and data."""

    ACTIVE = "Active"
    SUSPENDED = "Suspended"
    PENDING_ACTIVATION = "Pending Activation"
    CLOSED = "Closed"


class BillStatus(StrEnum):
    """Where a bill stands; only a draft still grows."""

    DRAFT = "Draft"
    ISSUED = "Issued"
    AWAITING_PAYMENT = "Awaiting Payment"
    PAID = "Paid"
    OVERDUE = "Overdue"
    DISPUTED = "Disputed"


class DeviceType(StrEnum):
    """What a line is used in."""

    PHONE = "phone"
    TABLET = "tablet"
    ROUTER = "router"
    WATCH = "watch"
    OTHER = "other"


class Record(BaseModel):
    """A record that knows all its fields."""

    model_config = ConfigDict(extra="forbid")


class Address(Record):
    """A postal address."""

    street: str
    city: str
    state: str
    zip_code: str


class PaymentMethod(Record):
    """A stored way to pay."""

    method_type: PaymentMethodType
    account_number_last_4: str
    expiration_date: str
    """MM/YYYY."""


class Plan(Record):
    """What a line may use and what it costs."""

    plan_id: str
    name: str
    data_limit_gb: float
    """Data included per billing cycle."""
    price_per_month: float
    """US dollars."""
    data_refueling_price_per_gb: float
    """US dollars for each GB added within the cycle."""


class Device(Record):
    """A device that the carrier has on file."""

    device_id: str
    device_type: DeviceType
    model: str
    imei: str | None = None
    is_esim_capable: bool
    activated: bool = False
    activation_date: datetime | None = None
    last_esim_transfer_date: datetime | None = None


class Line(Record):
    """A phone number with its plan and device."""

    line_id: str
    phone_number: str
    status: LineStatus = LineStatus.PENDING_ACTIVATION
    plan_id: str
    device_id: str | None = None
    data_used_gb: float = 0.0
    """Data used in this billing cycle."""
    data_refueling_gb: float = 0.0
    """Data added to the plan's limit in this billing cycle."""
    roaming_enabled: bool = False
    contract_end_date: date | None = None
    last_plan_change_date: date | None = None
    last_sim_replacement_date: date | None = None
    suspension_start_date: date | None = None


class LineItem(Record):
    """One position of a bill."""

    description: str
    amount: float
    """US dollars; a credit is negative."""
    date: date
    item_type: str


class Bill(Record):
    """What a customer owes for one period."""

    bill_id: str
    customer_id: str
    period_start: date
    period_end: date
    issue_date: date
    total_due: float
    """US dollars."""
    due_date: date
    line_items: list[LineItem] = Field(default_factory=list)
    status: BillStatus = BillStatus.DRAFT


class Customer(Record):
    """A person or business with an account."""

    customer_id: str
    full_name: str
    date_of_birth: str
    """YYYY-MM-DD."""
    email: str
    phone_number: str
    """The number under which the customer is reached; it need not be one of the lines."""
    address: Address
    account_status: AccountStatus = AccountStatus.PENDING_VERIFICATION
    payment_methods: list[PaymentMethod] = Field(default_factory=list)
    line_ids: list[str] = Field(default_factory=list)
    bill_ids: list[str] = Field(default_factory=list)
    created_at: datetime
    last_extension_date: date | None = None
    goodwill_credit_used_this_year: float = 0.0
    """US dollars."""


class TelecomDB(DB):
    """The carrier's database."""

    plans: list[Plan] = Field(default_factory=list)
    customers: list[Customer] = Field(default_factory=list)
    lines: list[Line] = Field(default_factory=list)
    bills: list[Bill] = Field(default_factory=list)
    devices: list[Device] = Field(default_factory=list)


def get_db() -> TelecomDB:
    """Return a fresh copy of the domain's database."""
    return load_reference_db(TelecomDB, path_of("TELECOM_DB_PATH"))
