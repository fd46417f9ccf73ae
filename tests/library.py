"""A small library: tools that are not listed, and a catalogue that is read in two ways."""

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
from tau2.environment.domain import DomainSpec
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolType, is_discoverable_tool, is_tool
from tau2.errors import ConfigError, MissingExtra, ToolError
from tau2.utils.json_types import JsonMapping


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


def library_environment(
    db: LibraryDB | None = None,
    *,
    solo_mode: bool = False,
    retrieval_variant: str = "unnamed",
    retrieval_kwargs: JsonMapping | None = None,
) -> Environment:
    """Return a library whose policy says how its catalogue is read."""
    if solo_mode:
        raise ConfigError("the library has no solo mode")
    if set(retrieval_kwargs or ()) - {"top_k"}:
        raise ConfigError(f"unknown retrieval option in {retrieval_kwargs}")
    if retrieval_variant == "by_phone":
        raise MissingExtra("reading by phone needs the extra 'phone'")
    environment = library()
    environment.policy = f"Read by {retrieval_variant} {retrieval_kwargs}."
    return environment


def library_call(name: str, **arguments: str) -> Action:
    """Return a reference action of the desk."""
    return Action(action_id=name, name=name, arguments=arguments)


UNLOCK = library_call("unlock_discoverable_agent_tool", agent_tool_name="waive_fine_17")
WAIVE = library_call(
    "call_discoverable_agent_tool",
    agent_tool_name="waive_fine_17",
    arguments='{"loan_id": "L1", "amount": 4, "reason": "first"}',
)
LOOK_UP = [
    library_call("unlock_discoverable_agent_tool", agent_tool_name="history_of_19"),
    library_call(
        "call_discoverable_agent_tool",
        agent_tool_name="history_of_19",
        arguments='{"loan_id": "L1"}',
    ),
]


def library_tasks(split_name: str | None = None) -> list[Task]:
    """Return the library's tasks; the second one asks for a look-up that counts."""
    waive = library_task(UNLOCK, WAIVE)
    look_up = library_task(*LOOK_UP, UNLOCK, WAIVE).model_copy(update={"id": "look up first"})
    return [waive, look_up]


LIBRARY = DomainSpec(
    "library",
    library_environment,
    library_tasks,
    variants={"by_hand": "shelves", "by_card": "cards", "by_phone": "a call"},
    default_variant="by_card",
    plain_variant="by_hand",
    supports_solo=False,
)
