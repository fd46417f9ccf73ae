"""The agent's toolkit: what is always there, and the discoverable tools of all areas."""

from __future__ import annotations

from typing import Literal, get_args

from tau2.domains.banking_knowledge import ids
from tau2.domains.banking_knowledge.tools.bank_accounts import BankAccountTools
from tau2.domains.banking_knowledge.tools.base import BankToolKit
from tau2.domains.banking_knowledge.tools.credit_cards import CreditCardTools
from tau2.domains.banking_knowledge.tools.customer import CustomerTools
from tau2.domains.banking_knowledge.tools.debit_cards import DebitCardTools
from tau2.domains.banking_knowledge.tools.rewards import RewardTools
from tau2.domains.banking_knowledge.tools.transfers import TransferTools
from tau2.environment.discovery import DiscoverableAgentTools, GivesUserTools
from tau2.environment.toolkit import ToolType, is_tool

TransferReason = Literal[
    "fraud_or_security_concern",
    "account_closure_request",
    "deceased_account_holder",
    "legal_or_regulatory_matter",
    "account_ownership_dispute",
    "complex_billing_dispute",
    "abusive_customer_behavior",
    "third_party_inquiry",
    "technical_system_error",
    "unconfirmed_external_communication",
    "customer_demands_after_unavailable_offer_refusal",
    "kb_search_unsuccessful_customer_requests_transfer",
    "specialized_department_required",
    "accessibility_or_special_needs",
    "customer_frustrated_demands_human",
    "supervisor_request_service_complaint",
    "customer_requests_human_no_specific_reason",
    "request_completed_customer_wants_human_followup",
    "other",
]


class LookUpTools(BankToolKit):
    """What the agent can always look up, and the few records that it can always write."""

    @is_tool(ToolType.GENERIC)
    def transfer_to_human_agents(self, summary: str, reason: TransferReason = "other") -> str:
        """Transfer the customer to a person.

        Args:
            summary: What the customer wants, and what has been done.
            reason: Why the customer is transferred; which reason fits is in the knowledge base.

        Returns:
            A confirmation.
        """
        self.require_one_of("reason", reason, get_args(TransferReason))
        return f"The customer is transferred to a person (reason: {reason})."

    @is_tool(ToolType.READ)
    def get_current_time(self) -> str:
        """Get the date and the time.

        Returns:
            The time with its zone, as verifications are logged with it.
        """
        return self.rules.time

    @is_tool(ToolType.READ)
    def get_user_information_by_id(self, user_id: str) -> str:
        """Find a customer by id.

        Args:
            user_id: The customer's id.

        Returns:
            The customer's record.
        """
        return self.look_up("users", "user_id", user_id)

    @is_tool(ToolType.READ)
    def get_user_information_by_name(self, customer_name: str) -> str:
        """Find customers by name.

        Args:
            customer_name: The full name, in the capitals in which it is written.

        Returns:
            The records of all customers of that name.
        """
        return self.look_up("users", "name", customer_name)

    @is_tool(ToolType.READ)
    def get_user_information_by_email(self, email: str) -> str:
        """Find a customer by email address.

        Args:
            email: The email address.

        Returns:
            The customer's record.
        """
        return self.look_up("users", "email", email)

    @is_tool(ToolType.READ)
    def get_referrals_by_user(self, user_id: str) -> str:
        """List the referrals that a customer has made.

        Args:
            user_id: The customer's id.

        Returns:
            The referrals.
        """
        return self.look_up("referrals", "referrer_id", user_id)

    @is_tool(ToolType.READ)
    def get_credit_card_transactions_by_user(self, user_id: str) -> str:
        """List a customer's credit card transactions.

        Args:
            user_id: The customer's id.

        Returns:
            The transactions.
        """
        return self.look_up("credit_card_transaction_history", "user_id", user_id)

    @is_tool(ToolType.READ)
    def get_credit_card_accounts_by_user(self, user_id: str) -> str:
        """List a customer's credit card accounts.

        Args:
            user_id: The customer's id.

        Returns:
            The accounts.
        """
        return self.look_up("credit_card_accounts", "user_id", user_id)

    @is_tool(ToolType.WRITE)
    def change_user_email(self, user_id: str, new_email: str) -> str:
        """Change a customer's email address.

        Args:
            user_id: The customer's id.
            new_email: The new email address.

        Returns:
            A confirmation.
        """
        user = self.record("users", user_id, "user")
        user["email"] = new_email
        return f"The email address of user {user_id} is now {new_email}."

    @is_tool(ToolType.WRITE)
    def log_verification(
        self,
        name: str,
        user_id: str,
        address: str,
        email: str,
        phone_number: str,
        date_of_birth: str,
        time_verified: str,
    ) -> str:
        """Log that a customer was identified. All values are those of the customer's record.

        Args:
            name: The customer's full name.
            user_id: The customer's id.
            address: The customer's postal address.
            email: The customer's email address.
            phone_number: The customer's phone number.
            date_of_birth: The customer's date of birth, MM/DD/YYYY.
            time_verified: The time, as the time tool tells it.

        Returns:
            A confirmation.
        """
        verification_id = ids.verification_id(user_id, time_verified)
        is_new = self.db.add(
            "verification_history",
            verification_id,
            {
                "name": name,
                "user_id": user_id,
                "address": address,
                "email": email,
                "phone_number": phone_number,
                "date_of_birth": date_of_birth,
                "time_verified": time_verified,
            },
        )
        if not is_new:
            self.refuse(f"this verification is logged already ({verification_id})")
        return f"The verification of {name} was logged."


class BankTools(
    DiscoverableAgentTools,
    GivesUserTools,
    LookUpTools,
    RewardTools,
    CreditCardTools,
    BankAccountTools,
    DebitCardTools,
    TransferTools,
):
    """All tools of the agent."""

    user_toolkit = CustomerTools

    def called_agent_tools(self) -> list[str]:
        """Return the names of the tools that the database says were called."""
        return [row["tool_name"] for row in self.rows("agent_discoverable_tools")]

    def log_agent_call(self, tool_name: str) -> None:
        """Write to the database that a tool was called."""
        row = {"tool_name": tool_name, "status": "CALLED"}
        self.db.add("agent_discoverable_tools", ids.agent_tool_row_id(tool_name), row)

    def given_user_tools(self) -> list[str]:
        """Return the names of the tools that the customer was given."""
        return [row["tool_name"] for row in self.rows("user_discoverable_tools", status="GIVEN")]

    def log_given_tool(self, tool_name: str) -> None:
        """Write to the database that the customer was given a tool."""
        row = {"tool_name": tool_name, "status": "GIVEN"}
        self.db.add("user_discoverable_tools", ids.user_tool_row_id(tool_name), row)
