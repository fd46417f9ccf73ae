"""Makes a carrier's records from a seed: plans, customers, their lines, devices and bills.

Most customers are *settled*: an active account, nothing overdue, and a main line that is active, in
use in a phone, on a plan with a limit that is far from used up. Tasks are about settled customers;
the others make the records a real place to search in.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import cycle
from pathlib import Path

from pydantic import BaseModel

from tau2.domains.telecom.data_model import (
    AccountStatus,
    Address,
    Bill,
    BillStatus,
    Customer,
    Device,
    DeviceType,
    Line,
    LineItem,
    LineStatus,
    PaymentMethod,
    PaymentMethodType,
    Plan,
    TelecomDB,
)
from tau2.domains.telecom.lookups import TODAY, next_month
from tau2.seeds import derive_seed
from tau2.taskgen.people import People


class DeviceModels(BaseModel):
    """The devices that customers use."""

    phones: tuple[str, ...]
    tablets: tuple[str, ...]
    others: tuple[tuple[str, str], ...]
    """Type and model."""


class CarrierPeople(People):
    """What the carrier's customers are invented from, and what they call with."""

    area_codes: tuple[str, ...]
    models: DeviceModels


PEOPLE = CarrierPeople.load(Path(__file__).with_name("people.toml"))
PLANS = tuple(
    Plan(
        plan_id=plan_id,
        name=name,
        data_limit_gb=limit,
        price_per_month=price,
        data_refueling_price_per_gb=price_per_gb,
    )
    for plan_id, name, limit, price, price_per_gb in (
        ("P101", "Pebble 3", 3, 22, 4.5),
        ("P102", "Brook 8", 8, 34, 3.75),
        ("P103", "River 20", 20, 49, 2.5),
        ("P104", "Lake 50", 50, 64, 1.75),
        ("P105", "Ocean", 1000, 92, 0.5),
        ("P106", "Harbor Share", 35, 110, 2.25),
        ("P107", "Beacon Gadget", 1, 9, 6),
    )
)
_MAIN_PLANS = ("P101", "P102", "P103", "P104", "P106")
_SPARE_PLANS = ("P101", "P102", "P105", "P107")
_HOLDING_FEE = 5.0  # US dollars a month for a suspended line
_FIRST = 2001  # number of the first customer, line, device and bill

_STANDINGS = (
    ("settled", 78),
    ("overdue", 8),
    ("lapsed", 4),
    ("pending", 4),
    ("disputed", 3),
    ("asked", 3),
    ("closed", 2),
)
"""How many customers there are of each standing."""


_SPARES = (
    ("in_use",),
    ("lapsed", "in_use"),
    (),
    ("resting",),
    ("in_use", "in_use"),
    ("lapsed",),
    ("in_use", "resting"),
    ("in_use",),
    (),
    ("lapsed", "in_use", "in_use"),
)
"""The further lines of one customer after the other.

Their number has no factor in common with the share of the test split, so both sides get all kinds.
"""


@dataclass(frozen=True, slots=True)
class BillingMonth:
    """A billing month."""

    start: date

    @property
    def end(self) -> date:
        """The last day."""
        return next_month(self.start) - timedelta(days=1)


_JANUARY = BillingMonth(date(2025, 1, 1))
_FEBRUARY = BillingMonth(date(2025, 2, 1))
_MARCH = BillingMonth(date(2025, 3, 1))


class _CarrierBuilder:
    """Collects records while it makes them."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(derive_seed(seed, "telecom", "world"))  # noqa: S311  -- no secret
        self.db = TelecomDB(plans=[plan.model_copy() for plan in PLANS])
        names = [f"{first} {last}" for first in PEOPLE.first_names for last in PEOPLE.last_names]
        numbers = [f"{area}-555-0{last}" for area in PEOPLE.area_codes for last in range(100, 200)]
        count = sum(number for _, number in _STANDINGS)
        self.names = self.rng.sample(names, count)
        self.numbers = self.rng.sample(numbers, len(numbers))
        self.spares = cycle(_SPARES)

    def build(self) -> TelecomDB:
        standings = [standing for standing, number in _STANDINGS for _ in range(number)]
        self.rng.shuffle(standings)
        for standing in standings:
            self._customer(standing)
        return self.db

    def _day(self, first: date, last: date) -> date:
        return first + timedelta(days=self.rng.randint(0, (last - first).days))

    def _moment(self, first: date, last: date) -> datetime:
        day = self._day(first, last)
        moment = time(hour=self.rng.randint(8, 19), minute=self.rng.randint(0, 59))
        return datetime.combine(day, moment)

    def _customer(self, standing: str) -> None:
        customer_id = f"C{_FIRST + len(self.db.customers)}"
        lines = self._lines(standing)
        name = self.names.pop()
        contact = lines[0].phone_number if self.rng.random() < 0.7 else self.numbers.pop()
        customer = Customer(
            customer_id=customer_id,
            full_name=name,
            date_of_birth=self._day(date(1948, 1, 1), date(2004, 12, 31)).isoformat(),
            email=f"{name.lower().replace(' ', '.')}{self.rng.randint(1, 99)}@example.org",
            phone_number=contact,
            address=self._address(),
            account_status=_ACCOUNTS.get(standing, AccountStatus.ACTIVE),
            payment_methods=self._payment_methods(),
            line_ids=[line.line_id for line in lines],
            bill_ids=[],
            created_at=self._moment(date(2019, 1, 1), date(2024, 11, 30)),
            goodwill_credit_used_this_year=self.rng.choice((0.0, 0.0, 0.0, 5.0, 10.0, 25.0)),
        )
        self.db.customers.append(customer)
        self._bill(customer, lines, _JANUARY, BillStatus.PAID)
        usual = self.rng.choice((BillStatus.PAID, BillStatus.PAID, BillStatus.ISSUED))
        self._bill(customer, lines, _FEBRUARY, _FEBRUARY_BILLS.get(standing, usual))
        if standing not in {"closed", "pending"} and self.rng.random() < 0.75:
            self._bill(customer, (), _MARCH, BillStatus.DRAFT)

    def _address(self) -> Address:
        town = self.rng.choice(PEOPLE.towns)
        street = f"{self.rng.randint(2, 480)} {self.rng.choice(PEOPLE.streets)}"
        return Address(
            street=street,
            city=town.name,
            state=town.state,
            zip_code=f"{town.zip_start}{self.rng.randint(100, 999)}",
        )

    def _payment_methods(self) -> list[PaymentMethod]:
        return [
            PaymentMethod(
                method_type=kind,
                account_number_last_4=f"{self.rng.randint(0, 9999):04d}",
                expiration_date=f"{self.rng.randint(1, 12):02d}/{self.rng.randint(2026, 2029)}",
            )
            for kind in self.rng.sample(list(PaymentMethodType), self.rng.randint(1, 2))
        ]

    def _lines(self, standing: str) -> list[Line]:
        main = self._line(
            self.rng.choice(_MAIN_PLANS), ("phone", self.rng.choice(PEOPLE.models.phones))
        )
        if standing in {"overdue", "lapsed"}:
            main.status = LineStatus.SUSPENDED
            main.suspension_start_date = self._day(_FEBRUARY.start, TODAY)
        if standing == "lapsed":
            main.contract_end_date = self._day(date(2024, 10, 1), _JANUARY.end)
        if standing == "pending":
            main.status = LineStatus.PENDING_ACTIVATION
            main.data_used_gb = 0.0
        if standing == "closed":
            main.status = LineStatus.CLOSED
        return [main, *(self._spare_line(state) for state in next(self.spares))]

    def _spare_line(self, state: str) -> Line:
        """Return a further line: in use, resting (suspended) or lapsed (also out of contract)."""
        gadget = self.rng.choice(
            (
                ("tablet", self.rng.choice(PEOPLE.models.tablets)),
                self.rng.choice(PEOPLE.models.others),
            )
        )
        phone = ("phone", self.rng.choice(PEOPLE.models.phones))
        line = self._line(self.rng.choice(_SPARE_PLANS), self.rng.choice((phone, gadget)))
        if state != "in_use":
            line.status = LineStatus.SUSPENDED
            line.suspension_start_date = self._day(_JANUARY.start, TODAY)
        if state == "lapsed":
            line.contract_end_date = self._day(date(2024, 11, 1), date(2025, 2, 20))
        return line

    def _line(self, plan_id: str, kind: tuple[str, str]) -> Line:
        number = _FIRST + len(self.db.lines)
        plan = next(plan for plan in PLANS if plan.plan_id == plan_id)
        device = Device(
            device_id=f"D{number}",
            device_type=DeviceType(kind[0]),
            model=kind[1],
            imei="".join(str(self.rng.randint(0, 9)) for _ in range(15)),
            is_esim_capable=self.rng.random() < 0.6,
            activated=True,
            activation_date=self._moment(date(2022, 6, 1), date(2025, 1, 31)),
        )
        line = Line(
            line_id=f"L{number}",
            phone_number=self.numbers.pop(),
            status=LineStatus.ACTIVE,
            plan_id=plan_id,
            device_id=device.device_id,
            data_used_gb=round(plan.data_limit_gb * self.rng.uniform(0.15, 0.75), 1),
            roaming_enabled=self.rng.random() < 0.4,
            contract_end_date=self._day(date(2025, 8, 1), date(2027, 12, 31)),
            last_plan_change_date=self._day(date(2023, 1, 1), date(2024, 12, 31)),
        )
        self.db.devices.append(device)
        self.db.lines.append(line)
        return line

    def _bill(
        self, customer: Customer, lines: Sequence[Line], month: BillingMonth, status: BillStatus
    ) -> None:
        issued = month.start + timedelta(days=4)
        late = status in {BillStatus.OVERDUE, BillStatus.DISPUTED}
        items = [item for line in lines for item in self._items(line, issued)]
        bill = Bill(
            bill_id=f"B{_FIRST + len(self.db.bills)}",
            customer_id=customer.customer_id,
            period_start=month.start,
            period_end=month.end,
            issue_date=month.start if status == BillStatus.DRAFT else issued,
            total_due=round(sum(item.amount for item in items), 2),
            due_date=issued + timedelta(days=14 if late else 23),
            line_items=items,
            status=status,
        )
        self.db.bills.append(bill)
        customer.bill_ids.append(bill.bill_id)

    def _items(self, line: Line, day: date) -> list[LineItem]:
        plan = next(plan for plan in PLANS if plan.plan_id == line.plan_id)
        items = [
            self._item(
                f"{plan.name}, {line.phone_number}", plan.price_per_month, day, "Plan Charge"
            )
        ]
        if line.status == LineStatus.SUSPENDED:
            items.append(self._item(f"Holding fee, {line.phone_number}", _HOLDING_FEE, day, "Fee"))
        if self.rng.random() < 0.2:
            extra = round(self.rng.uniform(1, 14), 2)
            items.append(self._item(f"Calls abroad, {line.phone_number}", extra, day, "Overage"))
        return items

    @staticmethod
    def _item(description: str, amount: float, day: date, kind: str) -> LineItem:
        return LineItem(description=description, amount=amount, date=day, item_type=kind)


_ACCOUNTS = {
    "overdue": AccountStatus.SUSPENDED,
    "pending": AccountStatus.PENDING_VERIFICATION,
    "closed": AccountStatus.CLOSED,
}
_FEBRUARY_BILLS = {
    "overdue": BillStatus.OVERDUE,
    "disputed": BillStatus.DISPUTED,
    "asked": BillStatus.AWAITING_PAYMENT,
}


def build_world(seed: int) -> TelecomDB:
    """Return the carrier's database of a seed."""
    return _CarrierBuilder(seed).build()
