"""Discoverable tools of the agent about credit card accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from tau2.domains.banking_knowledge import ids, query
from tau2.domains.banking_knowledge.bank_rules import DATE_FORMAT
from tau2.domains.banking_knowledge.data_model import Record
from tau2.domains.banking_knowledge.tools.base import BankToolKit, as_money, as_number
from tau2.environment.toolkit import ToolType, is_discoverable_tool

ReplacementReason = Literal["fraud_suspected", "lost", "stolen", "damaged", "expired", "other"]
ClosureReason = Literal[
    "annual_fee",
    "not_using_card",
    "found_better_card",
    "unhappy_with_rewards",
    "simplifying_finances",
    "negative_experience",
    "other",
]
CreditReason = Literal[
    "goodwill_adjustment",
    "promotional_credit",
    "annual_fee_reversal",
    "late_fee_reversal",
    "interest_charge_reversal",
    "dispute_resolution",
    "price_match",
    "retention_offer",
    "error_correction",
    "other",
]
FlagType = Literal["annual_fee_waived", "promotional_apr", "rewards_bonus", "other"]
FlagReason = Literal[
    "retention_offer", "loyalty_benefit", "promotional", "error_correction", "other"
]
DenialReason = Literal[
    "insufficient_account_age",
    "cooldown_period_active",
    "pending_disputes",
    "pending_replacement_card",
    "past_due_balance",
    "high_utilization",
    "insufficient_payment_history",
    "requested_amount_exceeds_limit",
    "other",
]
_OPEN_DISPUTES = ("SUBMITTED", "UNDER_REVIEW", "PENDING")
_OPEN_ORDERS = ("PENDING", "PROCESSING", "SHIPPED")
_BAD_STANDING = ("PAST_DUE", "DELINQUENT", "COLLECTIONS", "CLOSED")
STATEMENT_CREDIT = "Statement Credit"


class CreditCardTools(BankToolKit):
    """Replacement, closure, credits, payments and limits of credit card accounts."""

    def _own_account(self, account_id: str, user_id: str) -> Record:
        """Return a customer's credit card account, to be changed. Refuse somebody else's."""
        account = self.record("credit_card_accounts", account_id, "credit card account")
        if account.get("user_id") != user_id:
            self.refuse(f"credit card account {account_id} does not belong to user {user_id}")
        return account

    def _account_for(self, account_id: str, user_id: str) -> Record:
        """Return a credit card account, to be changed. Refuse somebody else's, or nobody's.

        With `strict_compat` any customer will do, as in the original.
        """
        if not self.strict_compat:
            return self._own_account(account_id, user_id)
        self.peeked("users", user_id, "user")
        return self.record("credit_card_accounts", account_id, "credit card account")

    @is_discoverable_tool(ToolType.WRITE)
    def order_replacement_credit_card_7291(
        self,
        credit_card_account_id: str,
        user_id: str,
        shipping_address: str,
        reason: ReplacementReason,
        expedited_shipping: bool = False,
    ) -> str:
        """Order a replacement of a credit card. The old card's account is closed at once.

        Args:
            credit_card_account_id: The id of the credit card account.
            user_id: The customer's id.
            shipping_address: Where the new card is sent.
            reason: Why the card is replaced.
            expedited_shipping: Whether it is sent by express.

        Returns:
            The id of the order.
        """
        self.require(
            credit_card_account_id=credit_card_account_id,
            user_id=user_id,
            shipping_address=shipping_address,
        )
        self.require_one_of("reason", reason, get_args(ReplacementReason))
        account = self._account_for(credit_card_account_id, user_id)
        order_id = ids.credit_card_order_id(credit_card_account_id, user_id, reason)
        is_new = self.db.add(
            "credit_card_orders",
            order_id,
            {
                "order_id": order_id,
                "credit_card_account_id": credit_card_account_id,
                "user_id": user_id,
                "shipping_address": shipping_address,
                "reason": reason,
                "expedited_shipping": expedited_shipping,
                "order_date": self.today,
                "status": "ORDERED",
                "old_card_cancelled": True,
            },
        )
        if not is_new:
            self.refuse(f"this replacement was ordered before ({order_id})")
        account["status"] = "CLOSED"
        account["closed_date"] = self.today
        return f"Replacement {order_id} was ordered; the old card is cancelled."

    @is_discoverable_tool(ToolType.READ)
    def get_pending_replacement_orders_5765(self, credit_card_account_id: str) -> str:
        """List the orders of replacement cards for a credit card account.

        Args:
            credit_card_account_id: The id of the credit card account.

        Returns:
            The orders.
        """
        return self._rows_of_account("credit_card_orders", credit_card_account_id)

    @is_discoverable_tool(ToolType.READ)
    def get_closure_reason_history_8293(self, credit_card_account_id: str) -> str:
        """List the reasons that were logged for closing a credit card account.

        Args:
            credit_card_account_id: The id of the credit card account.

        Returns:
            The reasons.
        """
        return self._rows_of_account("credit_card_closure_reasons", credit_card_account_id)

    @is_discoverable_tool(ToolType.READ)
    def get_credit_limit_increase_history_4829(self, credit_card_account_id: str) -> str:
        """List the requests for a higher limit of a credit card account, with the decisions.

        Args:
            credit_card_account_id: The id of the credit card account.

        Returns:
            The requests.
        """
        return self._rows_of_account("credit_limit_increase_requests", credit_card_account_id)

    def _rows_of_account(self, table: str, account_id: str) -> str:
        self.require(credit_card_account_id=account_id)
        found = query.find(self.db, table, {"credit_card_account_id": account_id})
        return query.as_text(found, table)

    @is_discoverable_tool(ToolType.WRITE)
    def log_credit_card_closure_reason_4521(
        self, credit_card_account_id: str, user_id: str, closure_reason: ClosureReason
    ) -> str:
        """Note why a customer wants to close a credit card account. The account stays open.

        Args:
            credit_card_account_id: The id of the credit card account.
            user_id: The customer's id.
            closure_reason: Why the customer wants to close it.

        Returns:
            A confirmation.
        """
        self.require(credit_card_account_id=credit_card_account_id, user_id=user_id)
        self.require_one_of("closure_reason", closure_reason, get_args(ClosureReason))
        self._account_for(credit_card_account_id, user_id)
        record_id = ids.closure_reason_id(credit_card_account_id, user_id)
        is_new = self.db.add(
            "credit_card_closure_reasons",
            record_id,
            {
                "record_id": record_id,
                "credit_card_account_id": credit_card_account_id,
                "user_id": user_id,
                "closure_reason": closure_reason,
                "logged_at": self.today,
                "status": "LOGGED",
            },
        )
        # The original reports a second reason as logged, too.
        if not is_new and not self.strict_compat:
            self.refuse(f"a reason for this account is logged already ({record_id})")
        return f"The reason {closure_reason} was logged ({record_id})."

    @is_discoverable_tool(ToolType.WRITE)
    def apply_statement_credit_8472(
        self, user_id: str, credit_card_account_id: str, amount: float, reason: CreditReason
    ) -> str:
        """Credit an amount to a customer's next credit card statement.

        The balance stays as it is until then.

        Args:
            user_id: The customer's id.
            credit_card_account_id: The id of the credit card account.
            amount: US dollars, more than 0.
            reason: Why it is credited.

        Returns:
            The id of the transaction.
        """
        self.require(user_id=user_id, credit_card_account_id=credit_card_account_id)
        self.require_one_of("reason", reason, get_args(CreditReason))
        dollars = self.positive("amount", amount)
        self._account_for(credit_card_account_id, user_id)
        transaction_id = ids.card_transaction_id(
            user_id, "STATEMENT_CREDIT", reason, dollars, STATEMENT_CREDIT
        )
        is_new = self.db.add(
            "credit_card_transaction_history",
            transaction_id,
            {
                "transaction_id": transaction_id,
                "user_id": user_id,
                "credit_card_account_id": credit_card_account_id,
                "credit_card_type": "N/A",
                "merchant_name": f"{self.rules.institution} {STATEMENT_CREDIT}",
                "transaction_amount": f"-${dollars:.2f}",
                "transaction_date": self.today,
                "category": STATEMENT_CREDIT,
                "status": "COMPLETED",
                "rewards_earned": "0 points",
                "credit_reason": reason,
            },
        )
        if not is_new:
            self.refuse(f"this credit was applied before ({transaction_id})")
        return f"${dollars:.2f} will be credited to the next statement ({transaction_id})."

    @is_discoverable_tool(ToolType.WRITE)
    def apply_credit_card_account_flag_6147(
        self,
        credit_card_account_id: str,
        user_id: str,
        flag_type: FlagType,
        expiration_date: str,
        reason: FlagReason,
    ) -> str:
        """Put a benefit on a credit card account until a date.

        Args:
            credit_card_account_id: The id of the credit card account.
            user_id: The customer's id.
            flag_type: The benefit.
            expiration_date: The last day of the benefit, MM/DD/YYYY.
            reason: Why the customer gets it.

        Returns:
            The id of the flag.
        """
        self.require(
            credit_card_account_id=credit_card_account_id,
            user_id=user_id,
            expiration_date=expiration_date,
        )
        self.require_one_of("flag_type", flag_type, get_args(FlagType))
        self.require_one_of("reason", reason, get_args(FlagReason))
        if not self.strict_compat:
            self._require_date("expiration_date", expiration_date)
        self._account_for(credit_card_account_id, user_id)
        flag_id = ids.account_flag_id(credit_card_account_id, flag_type, expiration_date)
        is_new = self.db.add(
            "credit_card_account_flags",
            flag_id,
            {
                "flag_id": flag_id,
                "credit_card_account_id": credit_card_account_id,
                "user_id": user_id,
                "flag_type": flag_type,
                "effective_date": self.today,
                "expiration_date": expiration_date,
                "reason": reason,
                "applied_at": self.today,
                "status": "ACTIVE",
            },
        )
        if not is_new:
            self.refuse(f"the account has this flag already ({flag_id})")
        return f"{flag_type} applies to {credit_card_account_id} until {expiration_date}."

    def _require_date(self, argument: str, text: str) -> None:
        try:
            datetime.strptime(text, DATE_FORMAT)  # noqa: DTZ007  -- a date has no time zone
        except ValueError:
            self.refuse(f"{argument} must be a date such as 12/31/2025, not {text!r}")

    @is_discoverable_tool(ToolType.WRITE)
    def close_credit_card_account_7834(self, credit_card_account_id: str, user_id: str) -> str:
        """Close a credit card account.

        Args:
            credit_card_account_id: The id of the credit card account.
            user_id: The customer's id.

        Returns:
            A confirmation.
        """
        self.require(credit_card_account_id=credit_card_account_id, user_id=user_id)
        if self.strict_compat:
            # The original does not look at the user.
            account = self.record(
                "credit_card_accounts", credit_card_account_id, "credit card account"
            )
        else:
            account = self._own_account(credit_card_account_id, user_id)
        if account.get("status") == "CLOSED":
            self.refuse(f"credit card account {credit_card_account_id} is closed already")
        if not self.strict_compat and as_money(account.get("current_balance", 0)) > 0:
            self.refuse(f"credit card account {credit_card_account_id} has a balance to be paid")
        account["status"] = "CLOSED"
        account["closed_date"] = self.today
        account["closed_by"] = user_id
        return f"Credit card account {credit_card_account_id} is closed."

    @is_discoverable_tool(ToolType.WRITE)
    def pay_credit_card_from_checking_9182(
        self, user_id: str, checking_account_id: str, credit_card_account_id: str, amount: float
    ) -> str:
        """Pay a customer's credit card from the customer's checking account.

        Args:
            user_id: The customer's id.
            checking_account_id: The id of the checking account.
            credit_card_account_id: The id of the credit card account.
            amount: US dollars; not more than the account holds, and not more than is owed.

        Returns:
            Both balances after it.
        """
        self.require(
            user_id=user_id,
            checking_account_id=checking_account_id,
            credit_card_account_id=credit_card_account_id,
        )
        dollars = self.positive("amount", amount)
        checking = self.record("accounts", checking_account_id, "bank account")
        if checking.get("user_id") != user_id:
            self.refuse(f"bank account {checking_account_id} does not belong to user {user_id}")
        if checking.get("class") != "checking":
            self.refuse(f"bank account {checking_account_id} is no checking account")
        card = self._own_account(credit_card_account_id, user_id)
        held = as_money(checking.get("current_holdings", 0))
        owed = as_money(card.get("current_balance", 0))
        if dollars > held:
            self.refuse(f"the account holds ${held:.2f} only")
        if dollars > owed:
            self.refuse(f"only ${owed:.2f} is owed")
        checking["current_holdings"] = self.holdings(held - dollars, with_sign=False)
        card["current_balance"] = f"${owed - dollars:.2f}"
        return (
            f"${dollars:.2f} was paid: ${held - dollars:.2f} is left in {checking_account_id}, "
            f"${owed - dollars:.2f} is owed on {credit_card_account_id}."
        )

    @is_discoverable_tool(ToolType.WRITE)
    def submit_credit_limit_increase_request_7392(
        self, credit_card_account_id: str, user_id: str, requested_increase_amount: int
    ) -> str:
        """Note a customer's request for a higher credit limit.

        Args:
            credit_card_account_id: The id of the credit card account.
            user_id: The customer's id.
            requested_increase_amount: Whole US dollars by which the limit is to rise.

        Returns:
            The id of the request.
        """
        self.require(credit_card_account_id=credit_card_account_id, user_id=user_id)
        dollars = int(self.positive("requested_increase_amount", requested_increase_amount))
        self._own_account(credit_card_account_id, user_id)
        request_id = ids.limit_request_id(credit_card_account_id, user_id, dollars)
        is_new = self.db.add(
            "credit_limit_increase_requests",
            request_id,
            {
                "request_id": request_id,
                "credit_card_account_id": credit_card_account_id,
                "user_id": user_id,
                "requested_increase_amount": dollars,
                "submitted_at": self.today,
                "status": "PENDING",
            },
        )
        if not is_new:
            self.refuse(f"this request was submitted before ({request_id})")
        return f"Request {request_id} for ${dollars} more was submitted."

    @is_discoverable_tool(ToolType.WRITE)
    def approve_credit_limit_increase_5847(
        self, credit_card_account_id: str, user_id: str, new_credit_limit: float
    ) -> str:
        """Raise the limit of a credit card account.

        Args:
            credit_card_account_id: The id of the credit card account.
            user_id: The customer's id.
            new_credit_limit: The whole new limit in US dollars.

        Returns:
            The limits before and after.
        """
        self.require(credit_card_account_id=credit_card_account_id, user_id=user_id)
        limit = self.positive("new_credit_limit", new_credit_limit)
        account = self._own_account(credit_card_account_id, user_id)
        self._refuse_limit_increase(account, credit_card_account_id, user_id)
        before = as_money(account.get("credit_limit", 0))
        if limit <= before:
            self.refuse(f"the limit is ${before:.2f} now; the new one must be higher")
        account["credit_limit"] = f"${limit:.2f}"
        request_id = ids.limit_request_id(credit_card_account_id, user_id, limit - before)
        decision = {
            "previous_limit": f"${before:.2f}",
            "new_limit": f"${limit:.2f}",
            "increase_amount": f"${limit - before:.2f}",
            "decision_date": self.today,
            "status": "APPROVED",
        }
        is_new = self.db.add(
            "credit_limit_increase_requests",
            request_id,
            {
                "request_id": request_id,
                "credit_card_account_id": credit_card_account_id,
                "user_id": user_id,
                **decision,
            },
        )
        # In the original a request for the same amount stays pending.
        if not is_new and not self.strict_compat:
            self.db.credit_limit_increase_requests[request_id].update(decision)
        return f"The limit of {credit_card_account_id} is ${limit:.2f} (before: ${before:.2f})."

    def _refuse_limit_increase(self, account: Record, account_id: str, user_id: str) -> None:
        """Refuse where a dispute or a replacement is open, or the account is in bad standing."""
        disputes = self.rows("transaction_disputes", user_id=user_id, status__in=_OPEN_DISPUTES)
        if disputes:
            self.refuse(f"user {user_id} has {len(disputes)} open dispute(s)")
        orders = self.rows(
            "credit_card_orders", credit_card_account_id=account_id, status__in=_OPEN_ORDERS
        )
        if orders:
            self.refuse(f"a replacement card for {account_id} is under way")
        if account.get("account_status") in _BAD_STANDING:
            self.refuse(f"credit card account {account_id} is {account.get('account_status')}")

    @is_discoverable_tool(ToolType.WRITE)
    def deny_credit_limit_increase_5848(
        self, credit_card_account_id: str, user_id: str, denial_reason: DenialReason
    ) -> str:
        """Note that a higher credit limit is refused.

        Args:
            credit_card_account_id: The id of the credit card account.
            user_id: The customer's id.
            denial_reason: Why it is refused.

        Returns:
            A confirmation.
        """
        self.require(credit_card_account_id=credit_card_account_id, user_id=user_id)
        self.require_one_of("denial_reason", denial_reason, get_args(DenialReason))
        self._own_account(credit_card_account_id, user_id)
        request_id = ids.limit_request_id(credit_card_account_id, user_id, 0)
        is_new = self.db.add(
            "credit_limit_increase_requests",
            request_id,
            {
                "request_id": request_id,
                "credit_card_account_id": credit_card_account_id,
                "user_id": user_id,
                "denial_reason": denial_reason,
                "decision_date": self.today,
                "status": "DENIED",
            },
        )
        if not is_new and not self.strict_compat:
            self.refuse(f"a refusal for this account is noted already ({request_id})")
        return f"The request for {credit_card_account_id} is refused: {denial_reason}."

    @is_discoverable_tool(ToolType.READ)
    def get_payment_history_6183(self, credit_card_account_id: str, months: int) -> str:
        """List the last payments to a credit card account, the newest first.

        Args:
            credit_card_account_id: The id of the credit card account.
            months: How many payments at most.

        Returns:
            The payments, and how many of the newest in a row were on time.
        """
        self.require(credit_card_account_id=credit_card_account_id)
        count = as_number(months)
        if count is None or count < 1:
            self.refuse("months must be 1 or more")
        found = query.find(
            self.db, "payment_history", {"credit_card_account_id": credit_card_account_id}
        )
        newest = dict(
            sorted(found.items(), key=lambda item: self._payment_order(item[1]), reverse=True)[
                : int(count)
            ]
        )
        on_time = 0
        for payment in newest.values():
            if payment.get("status") != "ON_TIME":
                break
            on_time += 1
        return f"{query.as_text(newest, 'payment_history')}\n\nOn time in a row: {on_time}"

    def _payment_order(self, payment: Record) -> str:
        """Return what payments are sorted by: the day, or the text of it as in the original."""
        text = str(payment.get("payment_date", ""))
        if self.strict_compat:
            return text
        try:
            return datetime.strptime(text, DATE_FORMAT).isoformat()  # noqa: DTZ007  -- a date
        except ValueError:
            return ""
