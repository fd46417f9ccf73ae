"""What an agent can do with bank accounts once it has found and unlocked the tools.

Every check comes before the first change. The tools permit more than the bank's articles do:
whether a credit is due, for example, is for the agent to know.
"""

from __future__ import annotations

from typing import Final, Literal

from tau2.domains.banking_knowledge import ids, query
from tau2.domains.banking_knowledge.data_model import Record
from tau2.domains.banking_knowledge.tools.accounts import (
    AccountRecords,
    as_dollars,
    balance_of,
    is_in_use,
    moment,
)
from tau2.environment.toolkit import ToolType, is_discoverable_tool

AccountType = Literal["checking", "savings", "business_checking", "business_savings"]
CheckingCredit = Literal["rebate_credit", "fee_refund"]
SavingsCredit = Literal["interest_correction", "fee_refund", "goodwill_credit"]
_CLASS_OF_TYPE: Final = {
    "checking": "checking",
    "savings": "saving",
    "business_checking": "business_checking",
    "business_savings": "business_savings",
}
"""Type of an account, as a tool is asked for it → its class, as records name it."""
_SAVINGS_CLASSES = ("saving", "savings")
_CHECKING_CREDITS: Final = {
    "rebate_credit": "REBATE CREDIT - CUSTOMER SERVICE",
    "fee_refund": "FEE REFUND - CUSTOMER SERVICE",
}
_SAVINGS_CREDITS: Final = {
    "interest_correction": "INTEREST CORRECTION - CUSTOMER SERVICE",
    "fee_refund": "FEE REFUND - CUSTOMER SERVICE",
    "goodwill_credit": "GOODWILL CREDIT - CUSTOMER SERVICE",
}
"""Type of a credit → the description of its transaction."""
_CUSTOMER_REQUEST = "Customer requested closure"


class BankAccountTools(AccountRecords):
    """Opening, closing, crediting and reading bank accounts, and transfers between them."""

    @is_discoverable_tool(ToolType.READ)
    def get_all_user_accounts_by_user_id_3847(self, user_id: str) -> str:
        """Get all accounts of a customer: bank accounts and credit card accounts.

        Args:
            user_id: The customer's id.

        Returns:
            The records of both kinds.
        """
        self.require(user_id=user_id)
        tables = {"accounts": "bank accounts", "credit_card_accounts": "credit card accounts"}
        return "\n\n".join(
            query.as_text(query.find(self.db, table, {"user_id": user_id}), title)
            for table, title in tables.items()
        )

    @is_discoverable_tool(ToolType.READ)
    def get_bank_account_transactions_9173(self, account_id: str) -> str:
        """Get the transactions of a bank account, the newest first.

        Args:
            account_id: The id of the bank account.

        Returns:
            The records of the transactions.
        """
        self.require(account_id=account_id)
        self.peeked("accounts", account_id, "bank account")
        table = "bank_account_transaction_history"
        found = query.find(self.db, table, {"account_id": account_id})
        newest = sorted(found.items(), key=lambda row: moment(row[1].get("date")), reverse=True)
        return query.as_text(dict(newest), f"transactions of account {account_id}")

    @is_discoverable_tool(ToolType.WRITE)
    def open_bank_account_4821(
        self, user_id: str, account_type: AccountType, account_class: str
    ) -> str:
        """Open a bank account for a customer.

        Args:
            user_id: The customer's id.
            account_type: What kind of account.
            account_class: The full name of the account, for example "Blue Account".

        Returns:
            The new account.

        Raises:
            ToolError: The customer may not have such an account.
        """
        self.require(user_id=user_id, account_type=account_type, account_class=account_class)
        kind = _CLASS_OF_TYPE.get(account_type) if isinstance(account_type, str) else None
        if kind is None:
            self.refuse(
                f"account_type must be one of {', '.join(_CLASS_OF_TYPE)}, not {account_type!r}"
            )
        self.peeked("users", user_id, "customer")
        if not self.strict_compat and self.rules.level(kind, account_class) is None:
            self.refuse(f"the bank has no {kind} account named {account_class!r}")
        self._check_opening(kind, self.rows("accounts", user_id=user_id))
        account_id = ids.bank_account_id(user_id, account_type, account_class)
        account: Record = {
            "account_id": account_id,
            "user_id": user_id,
            "account_type": account_type,
            "account_class": account_class,
            "current_holdings": "0.00",
            "status": "OPEN",
            "date_opened": self.today,
        }
        if not self.strict_compat:
            del account["account_type"], account["account_class"]
            account["class"] = kind
            account["level"] = account_class
        if not self.db.add("accounts", account_id, account):
            self.refuse("the customer has this account already")
        return f"Opened: {account_class} ({account_type}), account id {account_id}, balance $0.00."

    def _check_opening(self, kind: str, accounts: list[Record]) -> None:
        """Refuse an account of this class to a customer with these accounts."""
        limits = self.rules.limits
        if kind == "saving":
            days = limits.savings_checking_age
            if not self._has_held(accounts, "checking", days):
                self.refuse(
                    "a savings account needs an open checking account that is at least "
                    f"{days} days old"
                )
        elif kind == "business_checking":
            if any(account.get("status") == "CLOSED" for account in accounts):
                self.refuse("a customer with a closed account cannot open one for a business")
            if not self._has_held(accounts, "checking", 0):
                self.refuse("a business checking account needs an open personal checking account")
        elif kind == "business_savings":
            if any(balance_of(account) < 0 for account in accounts):
                self.refuse("an account of the customer is overdrawn")
            days = limits.business_savings_checking_age
            if not self._has_held(accounts, "business_checking", days):
                self.refuse(
                    "a business savings account needs an open business checking account that is "
                    f"at least {days} days old"
                )

    def _has_held(self, accounts: list[Record], kind: str, days: int) -> bool:
        """Return whether one of the accounts is of a class, in use, and that many days old."""
        return any(
            account.get("class") == kind
            and is_in_use(account)
            and self.age_in_days(account) >= days
            for account in accounts
        )

    @is_discoverable_tool(ToolType.WRITE)
    def close_bank_account_7392(
        self,
        account_id: str,
        reason: str = _CUSTOMER_REQUEST,
        waive_early_closure_fee: bool = False,
    ) -> str:
        """Close a bank account. It must be empty but for the fee for closing it early.

        Args:
            account_id: The id of the bank account.
            reason: Why it is closed.
            waive_early_closure_fee: Whether a fee for closing it early is waived.

        Returns:
            A confirmation, with the fee that was charged.

        Raises:
            ToolError: There is no such account, it is closed, or its balance is not that fee.
        """
        self.require(account_id=account_id)
        account = self.peeked("accounts", account_id, "bank account")
        if account.get("status") == "CLOSED":
            self.refuse(f"account {account_id} is closed")
        fee = 0.0 if waive_early_closure_fee else self._early_closure_fee(account)
        balance = balance_of(account)
        if balance < fee:
            self.refuse(
                f"closing the account early costs {as_dollars(fee)}, and it holds "
                f"{as_dollars(balance)}"
            )
        if balance != fee:
            self.refuse(
                f"the account holds {as_dollars(balance)}; it has to hold {as_dollars(fee)} "
                "when it is closed"
            )
        fields: Record = {
            "status": "CLOSED",
            "date_closed": self.today,
            "closure_reason": reason,
            "early_closure_fee_waived": waive_early_closure_fee,
        }
        if not self.strict_compat:
            # Free text differs between right conversations, which are compared by their records.
            fields["closure_reason"] = _CUSTOMER_REQUEST
            fields["current_holdings"] = "0.00"
        self.db.accounts[account_id].update(fields)
        charged = f" A fee of {as_dollars(fee)} was charged." if fee else ""
        return f"Account {account_id} is closed.{charged}"

    def _early_closure_fee(self, account: Record) -> float:
        """Return what closing an account today costs, in US dollars."""
        kind = account.get("class")
        if self.strict_compat and kind == "saving":
            # The original looks for accounts of class "savings", which no record has.
            return 0.0
        level = self.rules.level(kind, account.get("level"))
        if level is None or level.closure_fee is None:
            return 0.0
        return level.closure_fee if self.age_in_days(account) < level.closure_window else 0.0

    @is_discoverable_tool(ToolType.WRITE)
    def transfer_funds_between_bank_accounts_7291(
        self, source_account_id: str, destination_account_id: str, amount: float
    ) -> str:
        """Transfer money from one bank account to another.

        Args:
            source_account_id: The id of the account that the money is taken from.
            destination_account_id: The id of the account that it is put on.
            amount: How much, in US dollars; more than 0.

        Returns:
            Both balances.

        Raises:
            ToolError: One of the accounts cannot be used, or the money does not suffice.
        """
        self.require(
            source_account_id=source_account_id,
            destination_account_id=destination_account_id,
            amount=amount,
        )
        dollars = self.positive("amount", amount)
        if source_account_id == destination_account_id:
            self.refuse("source and destination are the same account")
        source = self.account_in_use(source_account_id)
        destination = self.account_in_use(destination_account_id)
        if source.get("user_id") != destination.get("user_id") and not self.strict_compat:
            self.refuse("the accounts belong to different customers")
        held = balance_of(source)
        if held < dollars:
            self.refuse(f"account {source_account_id} holds {as_dollars(held)}")
        left = self._set_balance(source_account_id, held - dollars)
        now = self._set_balance(destination_account_id, balance_of(destination) + dollars)
        return (
            f"Transferred {as_dollars(dollars)}. Account {source_account_id} holds {left}, "
            f"account {destination_account_id} holds {now}."
        )

    def _set_balance(self, account_id: str, amount: float, *, with_sign: bool = True) -> str:
        """Write what an account holds, as `holdings` does, and return it with a dollar sign."""
        self.db.accounts[account_id]["current_holdings"] = self.holdings(
            amount, with_sign=with_sign
        )
        return as_dollars(amount)

    @is_discoverable_tool(ToolType.WRITE)
    def apply_checking_account_credit_5829(
        self, account_id: str, amount: float, credit_type: CheckingCredit
    ) -> str:
        """Credit money to a personal checking account.

        Args:
            account_id: The id of the checking account.
            amount: How much, in US dollars; more than 0.
            credit_type: What the credit is for.

        Returns:
            The new balance.

        Raises:
            ToolError: There is no such account, or it is no open checking account.
        """
        self.require(account_id=account_id, amount=amount, credit_type=credit_type)
        return self._credit("checking", account_id, amount, credit_type, _CHECKING_CREDITS)

    @is_discoverable_tool(ToolType.WRITE)
    def apply_savings_account_credit_6831(
        self, account_id: str, amount: float, credit_type: SavingsCredit
    ) -> str:
        """Credit money to a personal savings account.

        Args:
            account_id: The id of the savings account.
            amount: How much, in US dollars; more than 0.
            credit_type: What the credit is for.

        Returns:
            The new balance.

        Raises:
            ToolError: There is no such account, or it is no open savings account.
        """
        self.require(account_id=account_id, amount=amount, credit_type=credit_type)
        return self._credit("savings", account_id, amount, credit_type, _SAVINGS_CREDITS)

    def _credit(
        self,
        kind: str,
        account_id: str,
        amount: float,
        credit_type: str,
        descriptions: dict[str, str],
    ) -> str:
        """Credit an account of kind "checking" or "savings", with a transaction that says why."""
        dollars = self.positive("amount", amount)
        self.require_one_of("credit_type", credit_type, list(descriptions))
        classes = _SAVINGS_CLASSES if kind == "savings" else ("checking",)
        account = self.account_in_use(account_id)
        if account.get("class") not in classes:
            self.refuse(f"account {account_id} is no {kind} account")
        history = self.db.bank_account_transaction_history
        transaction_id = ids.account_credit_id(kind, account_id, credit_type, dollars, self.today)
        if transaction_id in history and not self.strict_compat:
            self.refuse("the same credit was applied to this account today")
        now = self._set_balance(
            account_id, balance_of(account) + dollars, with_sign=kind == "checking"
        )
        history[transaction_id] = {
            "transaction_id": transaction_id,
            "account_id": account_id,
            "date": self.today,
            "description": descriptions[credit_type],
            "amount": dollars,
            "type": credit_type,
            "status": "posted",
        }
        return f"Credited {as_dollars(dollars)}. Account {account_id} holds {now}."

    @is_discoverable_tool(ToolType.WRITE)
    def submit_interest_discrepancy_report_7294(
        self,
        account_id: str,
        user_id: str,
        expected_apy: float,
        actual_apy: float,
        amount_difference: float,
    ) -> str:
        """Report that interest was paid at a wrong rate, so that the cause is found.

        Args:
            account_id: The id of the savings account.
            user_id: The id of its owner.
            expected_apy: The rate that was due, in percent.
            actual_apy: The rate that was paid, in percent.
            amount_difference: The interest that is lacking, in US dollars.

        Returns:
            The number of the report.

        Raises:
            ToolError: There is no such account or customer.
        """
        self.require(account_id=account_id, user_id=user_id)
        account = self.peeked("accounts", account_id, "bank account")
        self.peeked("users", user_id, "customer")
        if not self.strict_compat and account.get("user_id") != user_id:
            self.refuse(f"account {account_id} is not the customer's")
        report_id = ids.interest_report_id(
            account_id, user_id, expected_apy, actual_apy, self.today
        )
        # The original has no table for reports and keeps none; ours are kept with the account.
        if not self.strict_compat:
            reports = dict(account.get("interest_reports", {}))
            if report_id in reports:
                self.refuse(f"this was reported before ({report_id})")
            reports[report_id] = {
                "expected_apy": expected_apy,
                "actual_apy": actual_apy,
                "amount_difference": amount_difference,
                "submitted_at": self.today,
            }
            self.db.accounts[account_id]["interest_reports"] = reports
        return f"Submitted: report {report_id} on account {account_id}."
