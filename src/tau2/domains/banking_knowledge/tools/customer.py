"""The customer's tools: six that are always there, and four that the agent must give."""

from __future__ import annotations

from tau2.domains.banking_knowledge import ids
from tau2.domains.banking_knowledge.tools.base import BankToolKit, as_money, as_number
from tau2.environment.discovery import DiscoverableUserTools
from tau2.environment.toolkit import ToolType, is_discoverable_tool, is_tool
from tau2.utils.json_types import JsonObject

_OPEN = ("OPEN", "ACTIVE")


class CustomerTools(DiscoverableUserTools, BankToolKit):
    """What a customer can do without the agent, and what the agent can hand over."""

    def given_user_tools(self) -> list[str]:
        """Return the names of the tools that the customer was given."""
        return [row["tool_name"] for row in self.rows("user_discoverable_tools", status="GIVEN")]

    def log_user_call(self, tool_name: str, arguments: JsonObject) -> None:
        """Write a call to the database; an equal call is written once."""
        self.db.add(
            "user_discoverable_tool_calls",
            ids.user_tool_call_id(tool_name, arguments),
            {
                "tool_name": tool_name,
                "arguments": arguments,
                "called_at": self.today,
                "status": "CALLED",
            },
        )

    @is_tool(ToolType.WRITE)
    def apply_for_credit_card(
        self,
        card_type: str,
        customer_name: str,
        annual_income: float,
        rho_bank_subscription: bool = False,
    ) -> str:
        """Apply for a credit card.

        Args:
            card_type: The full name of the card.
            customer_name: Your full name.
            annual_income: What you earn in a year, in US dollars.
            rho_bank_subscription: Whether you subscribe to the bank's programme for members.

        Returns:
            The id of the application.
        """
        if card_type not in list(self.rules.cards):
            self.refuse(f"there is no card {card_type!r}; cards: {', '.join(self.rules.cards)}")
        income = as_number(annual_income)
        if income is None:
            self.refuse(f"annual_income must be a number, not {annual_income!r}")
        application_id = ids.card_application_id(
            card_type, customer_name, income, rho_bank_subscription
        )
        is_new = self.db.add(
            "credit_card_applications",
            application_id,
            {
                "application_id": application_id,
                "card_type": card_type,
                "customer_name": customer_name,
                "annual_income": income,
                "rho_bank_subscription": rho_bank_subscription,
                "status": "PENDING",
                "date": self.today,
            },
        )
        if not is_new:
            self.refuse(f"you applied for this card before ({application_id})")
        return f"Your application {application_id} for the {card_type} was submitted."

    @is_tool(ToolType.WRITE)
    def submit_referral(self, user_id: str, account_type: str) -> str:
        """Refer somebody to the bank.

        Args:
            user_id: Your user id.
            account_type: The account or card that the other person is going to open.

        Returns:
            The id of the referral.
        """
        if not self.strict_compat:
            self.peeked("users", user_id, "user")
        if not isinstance(user_id, str) or not isinstance(account_type, str):
            raise TypeError("user_id and account_type must be texts")
        referral_id = ids.referral_id(user_id, account_type)
        is_new = self._add_referral(referral_id, user_id, account_type)
        if not is_new:
            self.refuse(f"this referral was submitted before ({referral_id})")
        return f"Your referral {referral_id} for the {account_type} was submitted."

    def _add_referral(self, referral_id: str, user_id: str, account_type: str) -> bool:
        return self.db.add(
            "referrals",
            referral_id,
            {
                "referral_id": referral_id,
                "referrer_id": user_id,
                "referred_account_type": account_type,
                "referral_status": "NO_PROGRESS",
                "date": self.today,
            },
        )

    @is_tool(ToolType.WRITE)
    def submit_transaction(
        self,
        user_id: str,
        credit_card_type: str,
        merchant_name: str,
        amount: float,
        category: str,
    ) -> str:
        """Pay with your credit card.

        Args:
            user_id: Your user id.
            credit_card_type: The full name of the card.
            merchant_name: Whom you pay.
            amount: US dollars.
            category: What it is for, for example "Travel".

        Returns:
            The id of the transaction, and what you earn.
        """
        card = self.rules.cards.get(credit_card_type)
        if card is None:
            self.refuse(f"there is no card {credit_card_type!r}")
        if not self.strict_compat:
            self.positive("amount", amount)
        if not all(isinstance(part, str) for part in (user_id, merchant_name, category)):
            # As with referrals: the original joins the texts of which it makes the id.
            raise TypeError("user_id, merchant_name and category must be texts")
        points = f"{card.points(amount, category)} points"
        transaction_id = ids.card_transaction_id(
            user_id, credit_card_type, merchant_name, amount, category
        )
        is_new = self.db.add(
            "credit_card_transaction_history",
            transaction_id,
            {
                "transaction_id": transaction_id,
                "user_id": user_id,
                "credit_card_type": credit_card_type,
                "merchant_name": merchant_name,
                "transaction_amount": f"${amount:.2f}",
                "transaction_date": self.today,
                "category": category,
                "status": "COMPLETED",
                "rewards_earned": points,
            },
        )
        if not is_new:
            self.refuse(f"this transaction was made before ({transaction_id})")
        return f"You paid ${amount:.2f} to {merchant_name} ({transaction_id}) and earn {points}."

    @is_tool(ToolType.WRITE)
    def request_human_agent_transfer(self) -> str:
        """Ask to be transferred to a person.

        Returns:
            A confirmation.
        """
        number = len(self.db.human_transfer_requests) + 1
        request_id = f"transfer_request_{number}"
        self.db.add(
            "human_transfer_requests",
            request_id,
            {
                "request_id": request_id,
                "request_number": number,
                "requested_at": self.today,
                "status": "PENDING",
            },
        )
        return f"Your request number {number} for a transfer to a person was noted."

    @is_discoverable_tool(ToolType.WRITE)
    def submit_cash_back_dispute_0589(self, user_id: str, transaction_id: str) -> str:
        """Dispute the rewards of a credit card transaction.

        Args:
            user_id: Your user id.
            transaction_id: The id of the transaction.

        Returns:
            The id of the dispute.
        """
        if not self.strict_compat:
            self.own_record("credit_card_transaction_history", transaction_id, user_id)
        dispute_id = ids.dispute_id(user_id, transaction_id)
        dispute: JsonObject = {
            "dispute_id": dispute_id,
            "user_id": user_id,
            "transaction_id": transaction_id,
            "submitted_at": self.today,
            "status": "SUBMITTED",
        }
        settings = self.find("task_config", "dispute_settings") or {}
        if settings.get("auto_resolve_disputes"):
            dispute["status"] = "RESOLVED"
            dispute["resolution"] = "APPROVED"
        if not self.db.add("cash_back_disputes", dispute_id, dispute):
            self.refuse(f"transaction {transaction_id} is already disputed ({dispute_id})")
        return f"Dispute {dispute_id} was submitted; its status is {dispute['status']}."

    @is_discoverable_tool(ToolType.WRITE)
    def get_referral_link(self, user_id: str, card_name: str) -> str:
        """Get a link by which somebody can apply for a card as your referral.

        Args:
            user_id: Your user id.
            card_name: The full name of the card.

        Returns:
            The link.
        """
        if not self.strict_compat:
            self.peeked("users", user_id, "user")
        referral_id = ids.referral_link_id(user_id, card_name)
        is_new = self._add_referral(referral_id, user_id, card_name)
        if not is_new and not self.strict_compat:
            self.refuse(f"you have this link already: {self.rules.referral_url}{referral_id}")
        return f"Your link for the {card_name}: {self.rules.referral_url}{referral_id}"

    # With `strict_compat` a call by its name is logged as well: a replay has to make it again.
    @is_discoverable_tool(ToolType.READ, mutates_state=True)
    def get_card_last_4_digits(self, credit_card_account_id: str) -> str:
        """Read the last four digits on your credit card.

        Args:
            credit_card_account_id: The id of the credit card account.

        Returns:
            The digits.
        """
        self.peeked("credit_card_accounts", credit_card_account_id, "credit card account")
        return f"The last four digits are {ids.credit_card_last_4(credit_card_account_id)}."

    @is_discoverable_tool(ToolType.WRITE)
    def deposit_check_3847(self, account_id: str, check_amount: float) -> str:
        """Deposit a check in your bank account.

        Args:
            account_id: The id of the account.
            check_amount: US dollars.

        Returns:
            What the account holds then.
        """
        dollars = self.positive("check_amount", check_amount)
        account = self.record("accounts", account_id, "bank account")
        if account.get("status") not in _OPEN:
            self.refuse(f"bank account {account_id} is not open")
        holds = as_money(account.get("current_holdings", 0)) + dollars
        account["current_holdings"] = self.holdings(holds, with_sign=True)
        return f"${dollars:.2f} was deposited; account {account_id} holds ${holds:.2f}."
