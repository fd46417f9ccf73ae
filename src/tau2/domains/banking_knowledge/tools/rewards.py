"""Discoverable tools of the agent about rewards and disputes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from tau2.domains.banking_knowledge import ids, query
from tau2.domains.banking_knowledge.tools.base import BankToolKit
from tau2.environment.toolkit import ToolType, is_discoverable_tool
from tau2.utils.json_types import JsonMapping

CardAction = Literal["keep_active", "cancel_and_reissue"]
DisputeReason = Literal[
    "unauthorized_fraudulent_charge",
    "duplicate_charge",
    "incorrect_amount",
    "goods_services_not_received",
    "goods_services_not_as_described",
    "canceled_subscription_still_charging",
    "refund_never_processed",
]
Resolution = Literal["full_refund", "partial_refund"]
DebitDisputeCategory = Literal[
    "unauthorized_transaction",
    "atm_cash_discrepancy",
    "atm_deposit_not_credited",
    "duplicate_charge",
    "incorrect_amount",
    "goods_services_not_received",
    "recurring_charge_after_cancellation",
    "card_present_fraud",
    "card_not_present_fraud",
]
FRAUD_CATEGORIES = ("unauthorized_transaction", "card_present_fraud", "card_not_present_fraud")
DebitTransactionType = Literal[
    "pin_purchase",
    "signature_purchase",
    "online_purchase",
    "atm_withdrawal",
    "atm_deposit",
    "recurring_payment",
    "person_to_person",
]
PinCompromised = Literal["yes_shared", "yes_observed", "no", "unknown"]
DebitCardAction = Literal["keep_active", "freeze_pending_investigation", "close_and_reissue"]

_CARD_DISPUTE = {
    "card_action": get_args(CardAction),
    "dispute_reason": get_args(DisputeReason),
    "resolution_requested": get_args(Resolution),
}
_DEBIT_DISPUTE = {
    "dispute_category": get_args(DebitDisputeCategory),
    "transaction_type": get_args(DebitTransactionType),
    "pin_compromised": get_args(PinCompromised),
    "card_action": get_args(DebitCardAction),
}
"""Argument → its values."""
_MAY_BE_FALSE = (
    "contacted_merchant",
    "eligible_for_provisional_credit",
    "card_in_possession",
    "police_report_filed",
    "written_statement_provided",
    "provisional_credit_eligible",
    "customer_max_liability_amount",
)
_OPTIONAL = ("partial_refund_amount",)

_SCANS = {
    "a check for {amount}, front and back, signed on the back": ("check",),
    "{amount} in bills, counted by the machine": ("cash", "bills"),
    "an envelope; its content was not counted by the machine": (),
}
"""What the camera of a machine shows → words in the description of the transaction."""


class RewardTools(BankToolKit):
    """Corrections of rewards, and disputes about transactions."""

    def _check(self, told: JsonMapping, choices: Mapping[str, Sequence[str]]) -> None:
        """Refuse what is empty and must not be, and what is none of an argument's values."""
        needed = {name: value for name, value in told.items() if name not in _OPTIONAL}
        self.require_given(**{k: v for k, v in needed.items() if k in _MAY_BE_FALSE})
        self.require(**{k: v for k, v in needed.items() if k not in _MAY_BE_FALSE})
        for name, allowed in choices.items():
            self.require_one_of(name, told[name], allowed)

    @is_discoverable_tool(ToolType.WRITE)
    def update_transaction_rewards_3847(self, transaction_id: str, new_rewards_earned: str) -> str:
        """Correct the rewards of a credit card transaction.

        Args:
            transaction_id: The id of the transaction.
            new_rewards_earned: The right rewards with their unit, for example "391 points".

        Returns:
            A confirmation.
        """
        self.require(transaction_id=transaction_id, new_rewards_earned=new_rewards_earned)
        transaction = self.record("credit_card_transaction_history", transaction_id, "transaction")
        before = transaction.get("rewards_earned")
        transaction["rewards_earned"] = new_rewards_earned
        return (
            f"The rewards of transaction {transaction_id} are now {new_rewards_earned} "
            f"(before: {before})."
        )

    @is_discoverable_tool(ToolType.WRITE)
    def file_credit_card_transaction_dispute_4829(
        self,
        transaction_id: str,
        card_action: CardAction,
        card_last_4_digits: str,
        full_name: str,
        user_id: str,
        phone: str,
        email: str,
        address: str,
        contacted_merchant: bool,
        purchase_date: str,
        issue_noticed_date: str,
        dispute_reason: DisputeReason,
        resolution_requested: Resolution,
        eligible_for_provisional_credit: bool,
        partial_refund_amount: float | None = None,
    ) -> str:
        """File a customer's dispute about a credit card transaction.

        Args:
            transaction_id: The id of the transaction.
            card_action: What happens to the card.
            card_last_4_digits: The last four digits of the card.
            full_name: The customer's full name.
            user_id: The customer's id.
            phone: The customer's phone number.
            email: The customer's email address.
            address: The customer's postal address.
            contacted_merchant: Whether the customer has been in touch with the merchant.
            purchase_date: The date of the transaction, MM/DD/YYYY.
            issue_noticed_date: The date on which the customer noticed the problem, MM/DD/YYYY.
            dispute_reason: Why the transaction is disputed.
            resolution_requested: What the customer wants.
            eligible_for_provisional_credit: Whether a provisional credit is due.
            partial_refund_amount: US dollars to be refunded; needed for a partial refund.

        Returns:
            The id of the dispute.
        """
        told = {name: value for name, value in locals().items() if name != "self"}
        self._check(told, _CARD_DISPUTE)
        if not self.strict_compat:
            self.own_record("credit_card_transaction_history", transaction_id, user_id)
        if resolution_requested == "partial_refund":
            self.positive("partial_refund_amount", partial_refund_amount)
        dispute_id = ids.dispute_id(user_id, transaction_id)
        dispute = {
            "dispute_id": dispute_id,
            **told,
            "provisional_credit_given": eligible_for_provisional_credit,
            "submitted_at": self.today,
            "status": "SUBMITTED",
        }
        is_new = self.db.add("transaction_disputes", dispute_id, dispute)
        if not is_new:
            self.refuse(f"transaction {transaction_id} is already disputed ({dispute_id})")
        credit = "with" if eligible_for_provisional_credit else "without"
        return f"Dispute {dispute_id} was submitted, {credit} a provisional credit."

    @is_discoverable_tool(ToolType.WRITE)
    def file_debit_card_transaction_dispute_6281(
        self,
        transaction_id: str,
        account_id: str,
        card_id: str,
        user_id: str,
        dispute_category: DebitDisputeCategory,
        transaction_date: str,
        discovery_date: str,
        disputed_amount: float,
        transaction_type: DebitTransactionType,
        card_in_possession: bool,
        pin_compromised: PinCompromised,
        contacted_merchant: bool,
        police_report_filed: bool,
        written_statement_provided: bool,
        provisional_credit_eligible: bool,
        customer_max_liability_amount: float,
        card_action: DebitCardAction,
    ) -> str:
        """File a customer's dispute about a debit card transaction.

        The card itself is not touched: what `card_action` says is done with other tools.

        Args:
            transaction_id: The id of the transaction.
            account_id: The id of the account.
            card_id: The id of the debit card.
            user_id: The customer's id.
            dispute_category: What is wrong with the transaction.
            transaction_date: The date of the transaction, MM/DD/YYYY.
            discovery_date: The date on which the customer noticed the problem, MM/DD/YYYY.
            disputed_amount: US dollars in dispute.
            transaction_type: How the card was used.
            card_in_possession: Whether the customer has the card.
            pin_compromised: Whether somebody else knows the PIN.
            contacted_merchant: Whether the customer has been in touch with the merchant.
            police_report_filed: Whether there is a police report.
            written_statement_provided: Whether the customer has given a written statement.
            provisional_credit_eligible: Whether a provisional credit is due.
            customer_max_liability_amount: US dollars for which the customer is liable at most; -1
                means without limit.
            card_action: What happens to the card.

        Returns:
            The id of the dispute.
        """
        told = {name: value for name, value in locals().items() if name != "self"}
        self._check(told, _DEBIT_DISPUTE)
        if not self.strict_compat:
            self._require_own_debit(transaction_id, account_id, card_id, user_id)
        self.positive("disputed_amount", disputed_amount)
        dispute_id = ids.dispute_id(user_id, transaction_id)
        dispute = {
            "dispute_id": dispute_id,
            **told,
            "provisional_credit_issued": provisional_credit_eligible,
            "provisional_credit_amount": disputed_amount if provisional_credit_eligible else None,
            "is_fraud_category": dispute_category in FRAUD_CATEGORIES,
            "pin_shared_voluntarily": pin_compromised == "yes_shared",
            "submitted_at": self.today,
            "status": "OPEN",
        }
        is_new = self.db.add("debit_card_disputes", dispute_id, dispute)
        if not is_new:
            self.refuse(f"transaction {transaction_id} is already disputed ({dispute_id})")
        credit = "with" if provisional_credit_eligible else "without"
        return f"Dispute {dispute_id} was opened, {credit} a provisional credit."

    def _require_own_debit(
        self, transaction_id: str, account_id: str, card_id: str, user_id: str
    ) -> None:
        """Refuse a transaction, an account or a card that are not the customer's."""
        self.own_record("accounts", account_id, user_id)
        self.own_record("debit_cards", card_id, user_id)
        transaction = self.peeked("bank_account_transaction_history", transaction_id, "transaction")
        if transaction.get("account_id") != account_id:
            self.refuse(f"transaction {transaction_id} is none of account {account_id}")

    @is_discoverable_tool(ToolType.READ)
    def get_user_dispute_history_7291(self, user_id: str) -> str:
        """List a customer's disputes about credit card transactions.

        Args:
            user_id: The customer's id.

        Returns:
            The disputes.
        """
        self.require(user_id=user_id)
        found = query.find(self.db, "transaction_disputes", {"user_id": user_id})
        return query.as_text(found, "transaction_disputes")

    @is_discoverable_tool(ToolType.READ)
    def get_debit_dispute_status_7483(self, user_id: str) -> str:
        """List a customer's disputes about debit card transactions, with their status.

        Args:
            user_id: The customer's id.

        Returns:
            The disputes.
        """
        self.require(user_id=user_id)
        found = query.find(self.db, "debit_card_disputes", {"user_id": user_id})
        return query.as_text(found, "debit_card_disputes")

    @is_discoverable_tool(ToolType.READ)
    def get_atm_deposit_images_8473(self, transaction_id: str) -> str:
        """Get what the camera of one of the bank's own machines has seen of a deposit.

        Args:
            transaction_id: The id of the deposit.

        Returns:
            A description of the pictures, or that there are none.
        """
        self.require(transaction_id=transaction_id)
        deposit = self.peeked("bank_account_transaction_history", transaction_id, "transaction")
        if deposit.get("type") != "atm_deposit":
            self.refuse(f"transaction {transaction_id} is no deposit at a machine")
        text = str(deposit.get("description", "")).lower()
        if self.rules.institution.lower() not in text:
            return f"The pictures of {transaction_id} are not available: it was another bank's ATM."
        amount = f"${abs(float(deposit.get('amount') or 0)):.2f}"
        seen = next(
            scan for scan, words in _SCANS.items() if not words or any(w in text for w in words)
        )
        return f"The pictures of {transaction_id} show {seen.format(amount=amount)}."
