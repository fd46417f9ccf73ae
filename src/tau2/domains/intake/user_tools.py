"""The customer's own tool of the intake domain."""

from __future__ import annotations

from tau2.domains.intake.data_model import FieldName, IntakeUserDB
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ToolError


class IntakeUserTools(ToolKitBase):
    """Look something up in one's papers."""

    db: IntakeUserDB

    def __init__(self, db: IntakeUserDB) -> None:
        super().__init__(db)

    @is_tool(ToolType.READ)
    def get_entity(self, field: FieldName) -> str:
        """Read a value from your papers, exactly as it stands there.

        Args:
            field: What to look for.

        Returns:
            The value.

        Raises:
            ToolError: If your papers do not hold it.
        """
        if field not in self.db.entities:
            raise ToolError(f"There is no {field.replace('_', ' ')} in your papers")
        return self.db.entities[field]
