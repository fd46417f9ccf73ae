"""Whom a task is about, and the figures drawn for it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from tau2.domains.telecom.data_model import (
    AccountStatus,
    BillStatus,
    Customer,
    Line,
    LineStatus,
    TelecomDB,
)
from tau2.domains.telecom.lookups import TODAY
from tau2.environment.list_table import peek_list
from tau2.errors import DataFileError
from tau2.seeds import derive_seed

T = TypeVar("T")

_LARGEST_LIMIT = 100.0  # GB; a larger one is never used up
_EVERY_NTH_IS_TEST = 3
_UNSETTLED = frozenset({BillStatus.OVERDUE, BillStatus.AWAITING_PAYMENT, BillStatus.DISPUTED})


@dataclass(frozen=True, slots=True)
class OtherLine:
    """Another line, as its owner speaks of it."""

    line_id: str
    phone_number: str
    device: str
    roams: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A settled customer with a phone that will be broken."""

    customer_id: str
    name: str
    phone_number: str
    line_id: str
    data_limit_gb: float
    in_use: tuple[OtherLine, ...]
    """Further lines that are active."""
    resting: tuple[OtherLine, ...]
    """Further lines, suspended at the customer's wish, with a contract that goes on."""
    lapsed: tuple[OtherLine, ...]
    """Further lines, suspended, past the end of their contract."""
    is_test: bool
    """Whether the customer belongs to the test split; train and test share nobody."""


@dataclass(frozen=True, slots=True)
class TaskValues:
    """A customer and the figures of one task."""

    subject: Subject
    stranger: Subject
    """Some other customer."""
    other: OtherLine | None
    """The further line that the customer also asks about."""
    gb: float
    """How much data the customer would buy."""
    too_many_gb: float
    """How much data the customer would rather have, more than is permitted."""
    excess_gb: float
    """By how much the data limit is exceeded; less than `gb`."""
    bill_ids: tuple[str, str]
    """Ids of bills that this task may add."""


def _is_settled(customer: Customer, line: Line, unsettled: set[str]) -> bool:
    return (
        customer.account_status == AccountStatus.ACTIVE
        and customer.customer_id not in unsettled
        and line.status == LineStatus.ACTIVE
        and line.contract_end_date is not None
        and line.contract_end_date > TODAY
    )


def find_subjects(db: TelecomDB) -> tuple[Subject, ...]:
    """Return every settled customer of a database, in its order.

    Every third belongs to the test split.
    """
    lines = {line.line_id: line for line in peek_list(db.lines)}
    plans = {plan.plan_id: plan for plan in peek_list(db.plans)}
    devices = {device.device_id: device for device in peek_list(db.devices)}
    unsettled = {bill.customer_id for bill in peek_list(db.bills) if bill.status in _UNSETTLED}

    def spoken_of(line: Line) -> OtherLine:
        device = devices.get(line.device_id or "")
        kind = f"{device.model} {device.device_type}" if device is not None else "spare phone"
        kind = kind.removesuffix(" other")
        return OtherLine(line.line_id, line.phone_number, kind, line.roaming_enabled)

    found: list[Subject] = []
    for customer in peek_list(db.customers):
        mine = [lines[line_id] for line_id in customer.line_ids]
        if not mine or not _is_settled(customer, mine[0], unsettled):
            continue
        main = mine[0]
        further = mine[1:]
        plan = plans[main.plan_id]
        if plan.data_limit_gb > _LARGEST_LIMIT:
            continue
        suspended = [line for line in further if line.status == LineStatus.SUSPENDED]
        found.append(
            Subject(
                customer_id=customer.customer_id,
                name=customer.full_name,
                phone_number=main.phone_number,
                line_id=main.line_id,
                data_limit_gb=plan.data_limit_gb,
                in_use=tuple(
                    spoken_of(line) for line in further if line.status == LineStatus.ACTIVE
                ),
                resting=tuple(spoken_of(line) for line in suspended if _goes_on(line)),
                lapsed=tuple(spoken_of(line) for line in suspended if not _goes_on(line)),
                is_test=len(found) % _EVERY_NTH_IS_TEST == 0,
            )
        )
    return tuple(found)


def _goes_on(line: Line) -> bool:
    return line.contract_end_date is not None and line.contract_end_date > TODAY


class SubjectPools:
    """The subjects of one world, sorted by what a task needs of them."""

    def __init__(self, subjects: tuple[Subject, ...]) -> None:
        self.subjects = subjects
        self._pools: dict[tuple[str, bool | None], tuple[Subject, ...]] = {}

    def of(self, need: str, *, test: bool | None) -> tuple[Subject, ...]:
        """Return the subjects on one side of the split that have a further line of a kind.

        `need` names the kind ("" for any), `test` the side (None for both).
        """
        if (need, test) not in self._pools:
            self._pools[need, test] = tuple(
                one
                for one in self.subjects
                if (not need or others_of(one, need)) and (test is None or one.is_test == test)
            )
        return self._pools[need, test]


def others_of(subject: Subject, need: str) -> tuple[OtherLine, ...]:
    """Return a subject's further lines that are in use, not roaming, resting or lapsed."""
    return {
        "in_use": subject.in_use,
        "not_roaming": tuple(line for line in subject.in_use if not line.roams),
        "resting": subject.resting,
        "lapsed": subject.lapsed,
    }[need]


_AMOUNTS = (1.0, 1.5, 2.0, 2.0)
_TOO_MANY = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_FIRST_ADDED_BILL = 90_001
_ADDED_BILLS = 9_000
_HUNDREDTHS = 2  # decimals


def randomness_of(task_id: str) -> random.Random:
    """Return where everything about a task is drawn from: first its case, then its words."""
    return random.Random(derive_seed(0, task_id))  # noqa: S311  -- no secret


def pick(rng: random.Random, choices: Sequence[T]) -> T:
    """Return one of the choices. A task has twenty; this is three times as fast as `rng.choice`."""
    return choices[int(rng.random() * len(choices))]


def draw_values(
    rng: random.Random, pools: SubjectPools, need: str, *, test: bool | None
) -> TaskValues:
    """Return the case of a task: the same randomness gives the same case in the same world.

    Raise DataFileError when the world has nobody whom the task could be about.
    """
    everybody = pools.of("", test=test)
    able = pools.of(need, test=test)
    if not able:
        raise DataFileError(
            f"this world has no customer for this task (further line: {need or 'none'})"
        )
    subject = pick(rng, able)
    stranger = pick(rng, everybody)
    if stranger is subject:
        stranger = everybody[everybody.index(subject) - 1]
    gb = pick(rng, _AMOUNTS)
    number = _FIRST_ADDED_BILL + int(rng.random() * _ADDED_BILLS)
    return TaskValues(
        subject=subject,
        stranger=stranger,
        other=pick(rng, others_of(subject, need)) if need else None,
        gb=gb,
        too_many_gb=pick(rng, _TOO_MANY),
        excess_gb=round(rng.uniform(0.0, gb - 0.1), _HUNDREDTHS),
        bill_ids=(f"B{number}", f"B{number + 1}"),
    )
