"""A small library whose desk hides two tools from the agent, and one from the reader."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from tau2.data_model.tasks import Action, EvaluationCriteria, Task, UserScenario
from tau2.environment.discovery import (
    DiscoverableAgentTools,
    DiscoverableUserTools,
    DiscoveryDB,
    GivesUserTools,
)
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolType, is_discoverable_tool, is_tool
from tau2.errors import ToolError


class Loan(BaseModel):
    """A book that a reader has."""

    title: str
    fine: float = 0.0
    renewals: int = 0


class LibraryDB(DiscoveryDB):
    """Loans by id, and the copies that were reserved."""

    loans: dict[str, Loan]
    reserved: list[str] = Field(default_factory=list)


class ReaderTools(DiscoverableUserTools):
    """What a reader can do."""

    @is_discoverable_tool(ToolType.WRITE)
    def reserve_copy_31(self, title: str, copies: int = 1) -> str:
        """Reserve a book.

        Args:
            title: The book.
            copies: How many.
        """
        if not title:
            raise ToolError("a title is needed")
        self.db.reserved += [title] * int(copies)
        return "Reserved."

    @is_discoverable_tool(ToolType.READ)
    def shelf_of_32(self, title: str) -> str:
        """Look up where a book stands.

        Args:
            title: The book.
        """
        return f"{title} stands on shelf 4."


class DeskTools(GivesUserTools, DiscoverableAgentTools):
    """What the desk can do."""

    user_toolkit = ReaderTools

    @is_tool(ToolType.READ)
    def get_loan(self, loan_id: str) -> str:
        """Look at a loan."""
        if loan_id not in self.db.loans:
            raise ToolError(f"there is no loan {loan_id}")
        return str(self.db.loans[loan_id].title)

    @is_discoverable_tool(ToolType.WRITE)
    def waive_fine_17(self, loan_id: str, amount: float, reason: Literal["first", "error"]) -> str:
        """Waive a part of a fine.

        Args:
            loan_id: The loan.
            amount: Dollars.
            reason: Why.
        """
        if loan_id not in self.db.loans:
            raise ToolError(f"there is no loan {loan_id}")
        self.db.loans[loan_id].fine -= amount
        return f"Waived {amount}."

    @is_discoverable_tool(ToolType.WRITE)
    def renew_loan_18(self, loan_id: str, weeks: int = 1) -> str:
        """Renew a loan.

        Args:
            loan_id: The loan.
            weeks: For how many weeks.
        """
        self.db.loans[loan_id].renewals += weeks
        return f"Renewed for {weeks!r} weeks."

    @is_discoverable_tool(ToolType.READ)
    def history_of_19(self, loan_id: str) -> str:
        """Look at who had a book before.

        Args:
            loan_id: The loan.
        """
        return f"{loan_id}: nobody."


def library(*, strict: bool = False, **options: object) -> Environment:
    """Return a fresh library; `options` are attributes of both toolkits."""
    db = LibraryDB(loans={"L1": Loan(title="Dune", fine=9.0), "L2": Loan(title="Emma")}).fork()
    desk = DeskTools(db)
    reader = ReaderTools(db)
    for kit in (desk, reader):
        kit.strict_compat = strict
        for name, value in options.items():
            setattr(kit, name, value)
    return Environment("library", "Read before you act.", desk, reader, strict_compat=strict)


def library_task(*actions: Action) -> Task:
    """Return a task of the library."""
    return Task(
        id="library",
        user_scenario=UserScenario(instructions="You want your fine waived."),
        evaluation_criteria=EvaluationCriteria(actions=list(actions)),
    )
