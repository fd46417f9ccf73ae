"""What the carrier's agent can do: everything that changes a line or a bill.

Every check comes before the first change, so a refused call leaves the records as they were. The
tools permit more than the policy does: whether a line *may* be resumed is for the agent to know.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from tau2.domains.telecom.data_model import Bill, BillStatus, LineItem, LineStatus
from tau2.domains.telecom.lookups import TODAY, next_month
from tau2.domains.telecom.task_functions import TelecomTaskFunctions
from tau2.environment.list_table import peek_list
from tau2.environment.toolkit import ToolType, is_tool
from tau2.errors import ToolError

_CENTS = 2  # decimals
_DAYS_TO_PAY = 14  # from the issue of a bill


class TelecomTools(TelecomTaskFunctions):
    """The tools of the carrier's agent: look-ups, changes, and the functions that tasks call."""

    @is_tool(ToolType.WRITE)
    def suspend_line(self, customer_id: str, line_id: str, reason: str) -> dict[str, Any]:
        """Suspend an active line: no calls, no data, and a holding fee of $5 a month.

        Args:
            customer_id: The customer id.
            line_id: The id of one of the customer's lines.
            reason: Why the customer wants it suspended.

        Returns:
            A message and the line as it is now.

        Raises:
            ToolError: If there is no such line of this customer, or it is not active.
        """
        line = self._line_of(customer_id, line_id)
        if line.status != LineStatus.ACTIVE:
            raise ToolError("Line must be active to suspend")
        line.status = LineStatus.SUSPENDED
        line.suspension_start_date = TODAY
        return {
            "message": "Line suspended successfully. $5/month holding fee will apply.",
            "line": line,
        }

    @is_tool(ToolType.WRITE)
    def resume_line(self, customer_id: str, line_id: str) -> dict[str, Any]:
        """Put a suspended line, or one that waits for activation, back into service.

        The phone finds the network again only after it is restarted.

        Args:
            customer_id: The customer id.
            line_id: The id of one of the customer's lines.

        Returns:
            A message and the line as it is now.

        Raises:
            ToolError: If there is no such line of this customer, or it is not suspended.
        """
        line = self._line_of(customer_id, line_id)
        if line.status not in {LineStatus.SUSPENDED, LineStatus.PENDING_ACTIVATION}:
            raise ToolError("Line must be suspended to resume")
        line.status = LineStatus.ACTIVE
        line.suspension_start_date = None
        return {"message": "Line resumed successfully", "line": line}

    @is_tool(ToolType.WRITE)
    def send_payment_request(self, customer_id: str, bill_id: str) -> str:
        """Ask the customer to pay a bill.

        The request appears on the customer's phone, where it is approved or not.

        Only one bill of a customer can await payment at a time.

        Args:
            customer_id: The customer id.
            bill_id: The id of one of the customer's bills.

        Returns:
            A confirmation.

        Raises:
            ToolError: If there is no such bill of this customer, or another one awaits payment
                already.
        """
        bills = self._bills_of(customer_id)
        if any(bill.status == BillStatus.AWAITING_PAYMENT for bill in bills):
            raise ToolError("A bill is already awaiting payment for this customer")
        if bill_id not in {bill.bill_id for bill in bills}:
            raise ToolError(f"Bill {bill_id} not found for customer {customer_id}")
        self._bill(bill_id).status = BillStatus.AWAITING_PAYMENT
        return f"Payment request sent to the customer for bill {bill_id}"

    @is_tool(ToolType.WRITE)
    def enable_roaming(self, customer_id: str, line_id: str) -> str:
        """Let a line be used abroad. The phone's own roaming switch has to be on as well.

        Args:
            customer_id: The customer id.
            line_id: The id of one of the customer's lines.

        Returns:
            A confirmation; it says when roaming was enabled before.

        Raises:
            ToolError: If there is no such line of this customer.
        """
        line = self._line_of(customer_id, line_id)
        if line.roaming_enabled:
            return "Roaming was already enabled"
        line.roaming_enabled = True
        return "Roaming enabled successfully"

    @is_tool(ToolType.WRITE)
    def disable_roaming(self, customer_id: str, line_id: str) -> str:
        """Stop a line from being used abroad.

        Args:
            customer_id: The customer id.
            line_id: The id of one of the customer's lines.

        Returns:
            A confirmation; it says when roaming was disabled before.

        Raises:
            ToolError: If there is no such line of this customer.
        """
        line = self._line_of(customer_id, line_id)
        if not line.roaming_enabled:
            return "Roaming was already disabled"
        line.roaming_enabled = False
        return "Roaming disabled successfully"

    @is_tool(ToolType.WRITE)
    def refuel_data(self, customer_id: str, line_id: str, gb_amount: float) -> dict[str, Any]:
        """Add data to a line for the rest of this billing cycle.

        The charge goes on the customer's next bill.

        The price per GB is that of the line's plan.

        Args:
            customer_id: The customer id.
            line_id: The id of one of the customer's lines.
            gb_amount: How many GB to add; more than 0.

        Returns:
            A message, the data added to this line in this cycle so far (GB), and the charge (US
            dollars).

        Raises:
            ToolError: If there is no such line of this customer, or the amount is not positive.
        """
        line = self._line_of(customer_id, line_id)
        if not gb_amount > 0 or math.isinf(gb_amount):
            raise ToolError("Refuel amount must be positive")
        price = self.plan_of(line).data_refueling_price_per_gb
        charge = round(gb_amount * price, _CENTS)
        self._charge(customer_id, charge, f"Data refueling: {gb_amount} GB at ${price}/GB")
        line.data_refueling_gb += gb_amount
        return {
            "message": (
                f"Successfully added {gb_amount} GB of data for line {line_id} for ${charge:.2f}"
            ),
            "new_data_refueling_gb": line.data_refueling_gb,
            "charge": charge,
        }

    @is_tool(ToolType.GENERIC)
    def transfer_to_human_agents(self, summary: str) -> str:
        """Hand the customer over to a human agent, with a summary of the matter.

        Only where the policy says so: the request is beyond what the policy and these tools permit.

        Args:
            summary: What the customer wants and what was done so far.

        Returns:
            A confirmation.
        """
        return "Transfer successful"

    def _charge(self, customer_id: str, amount: float, description: str) -> None:
        """Put a charge on the customer's draft bill, which is made when there is none."""
        draft = next(
            (bill for bill in self._bills_of(customer_id) if bill.status == BillStatus.DRAFT), None
        )
        bill = self._bill(draft.bill_id) if draft is not None else self._new_draft(customer_id)
        item = LineItem(description=description, amount=amount, date=TODAY, item_type="Charge")
        bill.line_items.append(item)
        bill.total_due = round(bill.total_due + amount, _CENTS)

    def _new_draft(self, customer_id: str) -> Bill:
        """Add an empty draft bill for the coming month; its id follows the highest one."""
        start = next_month(TODAY)
        numbers = [
            int(b.bill_id[1:]) for b in peek_list(self.db.bills) if b.bill_id[1:].isdecimal()
        ]
        bill = Bill(
            bill_id=f"B{max(numbers, default=0) + 1}",
            customer_id=customer_id,
            period_start=start,
            period_end=next_month(start) - timedelta(days=1),
            issue_date=start,
            total_due=0.0,
            due_date=start + timedelta(days=_DAYS_TO_PAY),
        )
        return self._add_bill(bill)

    def set_bill_to_paid(self, bill_id: str) -> None:
        """Record the payment of a bill. Raise ToolError when there is no such bill."""
        self._bill(bill_id).status = BillStatus.PAID
