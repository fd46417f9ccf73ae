"""The agent's tools of the intake domain."""

from __future__ import annotations

from tau2.domains.intake.data_model import FIELD_NAMES, CallbackOrder, FieldName, IntakeDB
from tau2.domains.intake.fields import EXPECTED, canonical
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ToolError


class IntakeTools(ToolKitBase):
    """Look at the order, submit what was missing, end the call."""

    db: IntakeDB

    def __init__(self, db: IntakeDB) -> None:
        super().__init__(db)

    @is_tool(ToolType.READ)
    def get_callback_order(self) -> CallbackOrder:
        """Look at the order that this call is about.

        Returns:
            The order, with what the form says and which fields are missing.

        Raises:
            ToolError: If the order of this call is not there.
        """
        return self._order(self.db.call.order_id)

    @is_tool(ToolType.WRITE)
    def submit_fields(self, order_id: str, fields: dict[str, str]) -> CallbackOrder:
        """Enter missing fields of an order. A field that is submitted again is overwritten.

        Args:
            order_id: Number of the order.
            fields: Name of each field and its value, exactly as the customer has it.

        Returns:
            The order as it is now.

        Raises:
            ToolError: If there is no such order, a field was not missing, or a value cannot be
                one of its field. Nothing is entered then.
        """
        order = self._order(order_id)
        if not fields:
            raise ToolError("No field was given")
        entered = {name: self._checked(order, name, value) for name, value in fields.items()}
        for name in FIELD_NAMES:
            if name in entered:
                order.fields[name] = entered[name]
        if all(name in order.fields for name in order.missing):
            order.status = "complete"
        return order

    @is_tool(ToolType.READ)
    def get_today(self) -> str:
        """Tell the date of today.

        Returns:
            The date as YYYY-MM-DD.
        """
        return self.db.call.today

    @is_tool(ToolType.GENERIC)
    def end_call(self, outcome: str) -> str:
        """Hang up. Only after both sides have said goodbye.

        Args:
            outcome: What came of the call, in a few words.

        Returns:
            A confirmation.
        """
        return "The call has ended"

    def _order(self, order_id: str) -> CallbackOrder:
        if order_id not in self.db.orders:
            raise ToolError(f"Order {order_id} not found")
        return self.db.orders[order_id]

    def _checked(self, order: CallbackOrder, name: str, value: str) -> str:
        """Return the value in the form of its field. Raise ToolError."""
        field = _field(name)
        if field is None or field not in order.missing:
            raise ToolError(f"Order {order.order_id} has no missing field {name}")
        form = canonical(field, value, self.db.call.today)
        if form is None:
            raise ToolError(f"The field {name} takes {EXPECTED[field]}")
        return form


def _field(name: str) -> FieldName | None:
    return next((field for field in FIELD_NAMES if field == name), None)
