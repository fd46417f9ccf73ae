"""What the carrier's agent can look up. Nothing here changes the state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TypeVar

from tau2.domains.telecom.data_model import (
    Bill,
    BillStatus,
    Customer,
    Device,
    Line,
    Plan,
    TelecomDB,
)
from tau2.environment.list_table import find, peek_at, peek_list
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ToolError

TODAY = date(2025, 2, 25)
"""The day on which everything in this domain happens."""

V = TypeVar("V")


def next_month(day: date) -> date:
    """Return the first day of the month after `day`."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def place(records: Sequence[V], field: str, value: object) -> int | None:
    """Return the index of the first record whose `field` is `value`, or None."""
    return next(iter(find(records, field, value)), None)


def peeked(records: Sequence[V], field: str, value: object) -> V | None:
    """Return the first record whose `field` is `value`, or None; shared, not to be mutated."""
    index = place(records, field, value)
    return None if index is None else peek_at(records, index)


class TelecomLookups(ToolKitBase):
    """Look-ups over the carrier's database.

    What a tool returns belongs to this world alone: a shared record is copied when it is first
    asked for. What is only inspected is peeked at.
    """

    db: TelecomDB

    def __init__(self, db: TelecomDB) -> None:
        super().__init__(db)

    def _record(self, records: Sequence[V], kind: str, field: str, value: object) -> V:
        """Return this world's own copy of a record. Raise ToolError when there is none."""
        index = place(records, field, value)
        if index is None:
            raise ToolError(f"{kind} with ID {value} not found")
        return records[index]

    def _customer(self, customer_id: str) -> Customer:
        return self._record(self.db.customers, "Customer", "customer_id", customer_id)

    def _line(self, line_id: str) -> Line:
        return self._record(self.db.lines, "Line", "line_id", line_id)

    def _plan(self, plan_id: str) -> Plan:
        return self._record(self.db.plans, "Plan", "plan_id", plan_id)

    def _bill(self, bill_id: str) -> Bill:
        return self._record(self.db.bills, "Bill", "bill_id", bill_id)

    def _device(self, device_id: str) -> Device:
        return self._record(self.db.devices, "Device", "device_id", device_id)

    def _line_of(self, customer_id: str, line_id: str) -> Line:
        """Return a customer's line.

        Raise ToolError when there is no such customer, or no such line of theirs.
        """
        if line_id not in self._customer(customer_id).line_ids:
            raise ToolError(f"Line {line_id} not found for customer {customer_id}")
        return self._line(line_id)

    def _bills_of(self, customer_id: str) -> list[Bill]:
        """Return a customer's bills in the order of the account; shared, not to be mutated."""
        wanted = {
            bill_id: number for number, bill_id in enumerate(self._customer(customer_id).bill_ids)
        }
        bills = self.db.bills
        return [
            peek_at(bills, n)
            for bill_id in sorted(wanted, key=wanted.__getitem__)
            for n in find(bills, "bill_id", bill_id)
        ]

    def line_by_phone(self, phone_number: str) -> Line | None:
        """Return the line with that number, or None; shared, not to be mutated."""
        return peeked(self.db.lines, "phone_number", phone_number)

    def plan_of(self, line: Line) -> Plan:
        """Return a line's plan; shared, not to be mutated. Raise ToolError when there is none."""
        plan = peeked(self.db.plans, "plan_id", line.plan_id)
        if plan is None:
            raise ToolError(f"Plan with ID {line.plan_id} not found")
        return plan

    def bill_awaiting_payment(self, line: Line) -> Bill | None:
        """Return the bill that a line's owner was asked to pay, or None; do not mutate it."""
        bills = self.db.bills
        waiting = find(bills, "status", BillStatus.AWAITING_PAYMENT)
        owner = peeked(self.db.customers, "line_ids", line.line_id) if waiting else None
        mine = owner.bill_ids if owner is not None else ()
        return next(
            (bill for bill in (peek_at(bills, n) for n in waiting) if bill.bill_id in mine), None
        )

    @is_tool(ToolType.READ)
    def get_customer_by_phone(self, phone_number: str) -> Customer:
        """Find a customer by a phone number.

        It may be the contact number of the account or the number of one of its lines.

        Args:
            phone_number: The number, with its hyphens.

        Returns:
            The customer.

        Raises:
            ToolError: If nobody has that number.
        """
        customers = self.db.customers
        index = place(customers, "phone_number", phone_number)
        line = self.line_by_phone(phone_number) if index is None else None
        if line is not None:
            index = place(customers, "line_ids", line.line_id)
        if index is not None:
            return customers[index]
        raise ToolError(f"Customer with phone number {phone_number} not found")

    @is_tool(ToolType.READ)
    def get_customer_by_id(self, customer_id: str) -> Customer:
        """Get a customer by the number of the account.

        Args:
            customer_id: The customer id, which starts with "C".

        Returns:
            The customer.

        Raises:
            ToolError: If there is no such customer.
        """
        return self._customer(customer_id)

    @is_tool(ToolType.READ)
    def get_customer_by_name(self, full_name: str, dob: str) -> list[Customer]:
        """Find customers by name and date of birth.

        This is for callers who know neither a number nor a customer id.

        Args:
            full_name: First and last name; upper and lower case are the same.
            dob: Date of birth as YYYY-MM-DD.

        Returns:
            Every customer who fits; an empty list when none does.
        """
        name = full_name.lower()
        return [
            self.db.customers[index]
            for index, customer in enumerate(peek_list(self.db.customers))
            if customer.full_name.lower() == name and customer.date_of_birth == dob
        ]

    @is_tool(ToolType.READ)
    def get_details_by_id(
        self,
        id: str,  # noqa: A002  -- public name
    ) -> Line | Device | Bill | Customer | Plan:
        """Get one record by its id, whatever kind it is.

        Args:
            id: An id that starts with "L" (line), "D" (device), "B" (bill), "C" (customer) or "P"
                (plan).

        Returns:
            The record.

        Raises:
            ToolError: If there is no such record, or the id is of no known kind.
        """
        finders: dict[str, Callable[[str], Line | Device | Bill | Customer | Plan]] = {
            "L": self._line, "D": self._device, "B": self._bill, "C": self._customer,
            "P": self._plan,
        }  # fmt: skip
        finder = finders.get(id[:1])
        if finder is None:
            raise ToolError(f"Unknown ID format or type: {id}")
        return finder(id)

    @is_tool(ToolType.READ)
    def get_bills_for_customer(self, customer_id: str, limit: int = 12) -> list[Bill]:
        """List a customer's bills, the newest first.

        Args:
            customer_id: The customer id.
            limit: How many bills at most.

        Returns:
            The bills, by date of issue.

        Raises:
            ToolError: If there is no such customer.
        """
        newest = sorted(self._bills_of(customer_id), key=lambda bill: bill.issue_date, reverse=True)
        return [self._bill(bill.bill_id) for bill in newest[:limit]]

    @is_tool(ToolType.READ)
    def get_data_usage(self, customer_id: str, line_id: str) -> dict[str, str | float]:
        """Get how much data a line has used in this billing cycle, and how much it may use.

        Args:
            customer_id: The customer id.
            line_id: The id of one of the customer's lines.

        Returns:
            The line id, data used, the plan's limit, data added by refuelling (all in GB) and the
            last day of the billing cycle.

        Raises:
            ToolError: If there is no such customer, or no such line of theirs.
        """
        line = self._line_of(customer_id, line_id)
        return {
            "line_id": line_id,
            "data_used_gb": line.data_used_gb,
            "data_limit_gb": self.plan_of(line).data_limit_gb,
            "data_refueling_gb": line.data_refueling_gb,
            "cycle_end_date": (next_month(TODAY) - timedelta(days=1)).isoformat(),
        }
