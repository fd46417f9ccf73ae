"""A tiny shop with a customer's phone, for tests of participants.

Two orders, one switch, and tasks over them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from tau2.data_model.message import AssistantMessage, Message, ToolMessage, UserMessage
from tau2.data_model.tasks import (
    Action,
    EvaluationCriteria,
    StructuredUserInstructions,
    Task,
    UserScenario,
)
from tau2.environment.db import DB
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ToolError

POLICY = "# Shop\nCancel an order only when the customer has agreed."


class ShopDB(DB):
    """Orders by id, with the name of their one item."""

    orders: dict[str, dict[str, str]]


class PhoneDB(DB):
    """The customer's phone."""

    airplane_mode: bool = True
    mode: str = "2g_only"
    permissions: list[str] = Field(default_factory=list)


class ShopTools(ToolKitBase):
    """What the agent can do."""

    @is_tool(ToolType.READ)
    def find_customer(self, first_name: str, zip: str) -> str:  # noqa: A002  -- the name a data set would use
        """Find a customer."""
        return "customer_1"

    @is_tool(ToolType.READ)
    def get_order(self, order_id: str) -> dict[str, str]:
        """Look at an order."""
        if order_id not in self.db.orders:
            raise ToolError(f"Order {order_id} not found")
        return {"order_id": order_id, **self.db.orders[order_id]}

    @is_tool(ToolType.WRITE)
    def cancel_order(
        self, order_id: str, reason: Literal["no longer needed", "ordered by mistake"]
    ) -> str:
        """Cancel an order."""
        self.get_order(order_id)
        self.db.orders[order_id]["status"] = f"cancelled: {reason}"
        return "cancelled"

    @is_tool(ToolType.GENERIC)
    def transfer_to_human_agents(self, summary: str) -> str:
        """Hand the conversation over."""
        return "Transfer successful"


class PhoneTools(ToolKitBase):
    """What the customer can do."""

    @is_tool(ToolType.WRITE)
    def toggle_airplane_mode(self) -> str:
        """Press the switch of airplane mode."""
        self.db.airplane_mode = not self.db.airplane_mode
        return f"Airplane mode is now {'ON' if self.db.airplane_mode else 'OFF'}."

    @is_tool(ToolType.READ)
    def check_status_bar(self) -> str:
        """Look at the status bar."""
        return "No signal" if self.db.airplane_mode else "Full signal"

    @is_tool(ToolType.WRITE)
    def set_network_mode_preference(self, mode: Literal["4g_5g_preferred", "2g_only"]) -> str:
        """Choose the network mode."""
        self.db.mode = mode
        return f"Mode set to {mode}"

    @is_tool(ToolType.WRITE)
    def grant_app_permission(self, app_name: str, permission: str) -> str:
        """Give an application a permission."""
        self.db.permissions.append(f"{app_name}:{permission}")
        return "Granted"

    @is_tool(ToolType.WRITE)
    def reboot_device(self) -> str:
        """Restart the phone."""
        return "Rebooted"


def environment() -> Environment:
    """Return a fresh shop."""
    orders = {
        "#S100": {"name": "Lamp", "status": "pending"},
        "#S200": {"name": "Rug", "status": "pending"},
    }
    return Environment("shop", POLICY, ShopTools(ShopDB(orders=orders)), PhoneTools(PhoneDB()))


def tools() -> list[Tool]:
    """Return the agent's tools."""
    return environment().get_tools()


def phone() -> list[Tool]:
    """Return the customer's tools."""
    return environment().get_user_tools()


def act(name: str, *, by: Literal["user", "assistant"] = "assistant", **arguments: Any) -> Action:
    """Return a reference action."""
    return Action(action_id=name, requestor=by, name=name, arguments=arguments)


CANCEL = (
    act("find_customer", first_name="Ada", zip="12345"),
    act("get_order", order_id="#S100"),
    act("cancel_order", order_id="#S100", reason="ordered by mistake"),
)


def task(
    *actions: Action,
    tells: list[str] | None = None,
    reason: str = "You want to cancel your order #S100 because you ordered it by mistake.",
    known: str | None = "You are Ada Quill. Your zip code is 12345.",
    unknown: str | None = "You do not remember your email address.",
    instructions: str = "You are calm.",
    **fields: Any,
) -> Task:
    """Return a task of the shop; without actions, the one that cancels the lamp."""
    story = StructuredUserInstructions(
        domain="shop",
        reason_for_call=reason,
        known_info=known,
        unknown_info=unknown,
        task_instructions=instructions,
    )
    criteria = EvaluationCriteria(actions=list(actions or CANCEL), communicate_info=tells)
    fields = {"evaluation_criteria": criteria, "ticket": "Cancel order #S100.", **fields}
    return Task(id="cancel the lamp", user_scenario=UserScenario(instructions=story), **fields)


def says(text: str | None) -> AssistantMessage:
    """Return a message of an agent."""
    return AssistantMessage(content=text)


def hears(text: str | None) -> UserMessage:
    """Return a message of a user."""
    return UserMessage(content=text)


def result(text: str, call_id: str = "call_1", **fields: Any) -> ToolMessage:
    """Return the result of a tool call."""
    return ToolMessage(id=call_id, content=text, **fields)


def transcript(messages: list[Message]) -> list[str]:
    """Return messages as one line each, without ids and times."""
    return [f"{m.role}: {getattr(m, 'content', '')} {_calls(m)}".strip() for m in messages]


def _calls(message: Message) -> str:
    calls = getattr(message, "tool_calls", None) or ()
    return " ".join(f"{call.name}({call.arguments})" for call in calls)
