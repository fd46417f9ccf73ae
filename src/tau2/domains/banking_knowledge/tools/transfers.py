"""Discoverable tools of the agent that announce a transfer to people, and a placeholder."""

from __future__ import annotations

from tau2.domains.banking_knowledge.tools.base import BankToolKit
from tau2.environment.toolkit import ToolType, is_discoverable_tool


class TransferTools(BankToolKit):
    """First steps of transfers to people, which change nothing by themselves."""

    @is_discoverable_tool(ToolType.GENERIC)
    def initial_transfer_to_human_agent_0218(self) -> str:
        """Ask for a transfer to a person: the first step, where an article names this tool.

        Returns:
            What comes next.
        """
        return "The transfer is noted. Go on as the article says that named this tool."

    @is_discoverable_tool(ToolType.GENERIC)
    def initial_transfer_to_human_agent_1822(self) -> str:
        """Ask for a transfer to a person: the first step, where an article names this tool.

        Returns:
            What comes next.
        """
        return "The transfer is noted. Go on as the article says that named this tool."

    @is_discoverable_tool(ToolType.GENERIC)
    def emergency_credit_bureau_incident_transfer_1114(self) -> str:
        """Ask for a transfer to the team for incidents at credit bureaus.

        Returns:
            What comes next.
        """
        return "The team for credit bureaus is informed. Go on as the article says."

    @is_discoverable_tool(ToolType.WRITE)
    def example_agent_tool_0000(self) -> str:
        """Do nothing: an example of a discoverable tool.

        Returns:
            A fixed text.
        """
        return "The example tool was called."
