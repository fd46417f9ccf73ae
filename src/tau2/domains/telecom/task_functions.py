"""Functions over the carrier's records that tasks call: initialization and assertions.

No participant can call them.
"""

from __future__ import annotations

from datetime import timedelta

from tau2.domains.telecom.data_model import Bill, BillStatus, LineItem, LineStatus
from tau2.domains.telecom.lookups import TODAY, TelecomLookups, place
from tau2.environment.list_table import peek_list

_DAYS_TO_PAY = 14  # from the issue of a bill


class TelecomTaskFunctions(TelecomLookups):
    """Initialisations and assertions over the carrier's database."""

    def _add_bill(self, bill: Bill) -> Bill:
        self.db.bills.append(bill)
        self._customer(bill.customer_id).bill_ids.append(bill.bill_id)
        return bill

    def get_available_plan_ids(self) -> list[str]:
        """Return the ids of all plans."""
        return [plan.plan_id for plan in peek_list(self.db.plans)]

    def set_data_usage(self, customer_id: str, line_id: str, data_used_gb: float) -> str:
        """Let a line have used that much data in this billing cycle.

        Raise ToolError for no such line.
        """
        self._line_of(customer_id, line_id).data_used_gb = data_used_gb
        return f"Line {line_id} has used {data_used_gb} GB"

    def suspend_line_for_overdue_bill(
        self,
        customer_id: str,
        line_id: str,
        new_bill_id: str,
        contract_ended: bool,
        months_ago: int = 1,
    ) -> str:
        """Suspend a line over an unpaid bill of last month, or of an earlier one.

        `contract_ended` lets the contract of the line end with that month.

        Raises:
            ToolError: If there is no such line of this customer.
        """
        line = self._line_of(customer_id, line_id)
        price = self.plan_of(line).price_per_month
        month_end = TODAY.replace(day=1) - timedelta(days=1)
        for _ in range(1, months_ago):
            month_end = month_end.replace(day=1) - timedelta(days=1)
        month_start = month_end.replace(day=1)
        self._add_bill(
            Bill(
                bill_id=new_bill_id,
                customer_id=customer_id,
                period_start=month_start,
                period_end=month_end,
                issue_date=month_start,
                total_due=price,
                due_date=month_start + timedelta(days=_DAYS_TO_PAY),
                line_items=[
                    LineItem(
                        description=f"Charge for line {line_id}",
                        amount=price,
                        date=TODAY,
                        item_type="Charge",
                    )
                ],
                status=BillStatus.OVERDUE,
            )
        )
        line.status = LineStatus.SUSPENDED
        line.suspension_start_date = TODAY
        if contract_ended:
            line.contract_end_date = month_end
        return f"Line {line_id} is suspended; bill {new_bill_id} is overdue"

    def assert_data_refueling_amount(
        self, customer_id: str, line_id: str, expected_amount: float
    ) -> bool:
        """Return whether that much data (GB) was added to a line.

        Raise ToolError for no such line.
        """
        return self._line_of(customer_id, line_id).data_refueling_gb == expected_amount

    def assert_line_status(self, customer_id: str, line_id: str, expected_status: str) -> bool:
        """Return whether a line has that status. Raise ToolError for no such line."""
        return self._line_of(customer_id, line_id).status == expected_status

    def assert_line_roaming(self, customer_id: str, line_id: str, expected_status: bool) -> bool:
        """Return whether a line may (or may not) be used abroad, as expected.

        Raise ToolError for no such line.
        """
        return self._line_of(customer_id, line_id).roaming_enabled == expected_status

    def assert_overdue_bill_exists(self, customer_id: str, overdue_bill_id: str) -> bool:
        """Return whether that bill of the customer is overdue.

        Raise ToolError when there is no such customer.
        """
        return any(
            bill.bill_id == overdue_bill_id and bill.status == BillStatus.OVERDUE
            for bill in self._bills_of(customer_id)
        )

    def assert_no_overdue_bill(self, overdue_bill_id: str) -> bool:
        """Return whether that bill is paid, or does not exist."""
        index = place(self.db.bills, "bill_id", overdue_bill_id)
        return index is None or self._bill(overdue_bill_id).status == BillStatus.PAID
