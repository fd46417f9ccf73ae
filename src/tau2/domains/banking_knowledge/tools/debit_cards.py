"""What an agent can do with debit cards once it has found and unlocked the tools.

Every check comes before the first change. The tools permit more than the bank's articles do: which
fee a delivery costs, for example, is for the agent to know.
"""

from __future__ import annotations

import calendar
import json
from datetime import timedelta
from itertools import pairwise
from typing import Final, Literal, get_args

from tau2.domains.banking_knowledge import ids
from tau2.domains.banking_knowledge.bank_rules import DATE_FORMAT
from tau2.domains.banking_knowledge.data_model import Record
from tau2.domains.banking_knowledge.tools.accounts import (
    AccountRecords,
    as_dollars,
    balance_of,
    moment,
)
from tau2.domains.banking_knowledge.tools.base import as_number
from tau2.environment.toolkit import ToolType, is_discoverable_tool

_DELIVERY: Final = {
    "STANDARD": "7-10 business days",
    "EXPEDITED": "3-5 business days",
    "RUSH": "1-2 business days",
}
"""Delivery option → when the card arrives."""
_DESIGNS = ("CLASSIC", "PREMIUM", "CUSTOM")
ClosureReason = Literal[
    "lost", "stolen", "fraud_suspected", "damaged", "no_longer_needed", "account_closing"
]
AlertReason = Literal["customer_verified", "velocity_clear"]
LimitType = Literal["atm", "purchase"]
_REPLACED: Final = {
    "lost": "lost",
    "stolen": "stolen",
    "fraud_suspected": "fraud",
    "fraud": "fraud",
}
"""Why a card was closed → why the one that replaces it is issued."""
_ACTIVATION: Final = {
    "activate_debit_card_8291": ("new_account", "first_card"),
    "activate_debit_card_8292": ("lost", "stolen", "fraud"),
    "activate_debit_card_8293": ("expired", "damaged", "upgrade", "bank_reissue"),
}
"""Tool → the reasons of issue of the cards that it activates."""
_YEARS_VALID = 4
_PIN_ATTEMPTS = 3
_PIN_DIGITS = 4
_CVV_DIGITS = 3


class DebitCardTools(AccountRecords):
    """Ordering, activating, blocking and closing debit cards, their PINs and limits."""

    def card(self, card_id: str) -> Record:
        """Return a debit card, not to be mutated. Refuse an id that no card has."""
        return self.peeked("debit_cards", card_id, "debit card")

    def card_that_is(self, card_id: str, *statuses: str) -> Record:
        """Return a debit card, not to be mutated. Refuse one that has none of these statuses."""
        card = self.card(card_id)
        if card.get("status") not in statuses:
            self.refuse(f"the card is {card.get('status')}, not {' or '.join(statuses)}")
        return card

    def open_account_of(self, card: Record) -> Record:
        """Return the account of a card, not to be mutated. Refuse one that is not open."""
        account = self.find("accounts", card.get("account_id"))
        if account is None or account.get("status") != "OPEN":
            self.refuse("the account of the card is not open")
        return account

    def change_card(self, card_id: str, **fields: object) -> None:
        """Set fields of a card that exists."""
        self.db.debit_cards[card_id].update(fields)

    @is_discoverable_tool(ToolType.READ)
    def get_debit_cards_by_account_id_7823(self, account_id: str) -> str:
        """Get the debit cards of a checking account, the one issued last first.

        Args:
            account_id: The id of the checking account.

        Returns:
            The cards, as a JSON list.
        """
        self.require(account_id=account_id)
        account = self.peeked("accounts", account_id, "bank account")
        if account.get("class") not in {"checking", "business_checking"}:
            self.refuse(f"account {account_id} is no checking account")
        cards = self.cards_of(account_id)
        if self.strict_compat:
            # The original compares the texts, which begin with the month.
            cards.sort(key=lambda card: str(card.get("issue_date", "")), reverse=True)
        else:
            cards.sort(key=lambda card: moment(card.get("issue_date")), reverse=True)
        names = {"last_4_digits": "card_number_last_4", "issue_date": "date_issued"}
        shown = [{names.get(key, key): value for key, value in card.items()} for card in cards]
        return json.dumps(shown, indent=2)

    @is_discoverable_tool(ToolType.WRITE)
    def order_debit_card_5739(
        self,
        account_id: str,
        user_id: str,
        delivery_option: str,
        delivery_fee: float,
        card_design: str,
        design_fee: float,
        shipping_address: str,
        excess_replacement_fee: float | None = None,
    ) -> str:
        """Order a debit card for a checking account. Its fees are charged to the account.

        Args:
            account_id: The id of the checking account.
            user_id: The id of its owner.
            delivery_option: One of STANDARD, EXPEDITED, RUSH.
            delivery_fee: What the delivery costs, in US dollars.
            card_design: One of CLASSIC, PREMIUM, CUSTOM.
            design_fee: What the design costs, in US dollars.
            shipping_address: Where the card is sent.
            excess_replacement_fee: What one replacement too many costs, in US dollars.

        Returns:
            The order and the new card.

        Raises:
            ToolError: No card may be ordered for the account, or it does not hold the fees.
        """
        self.require(
            account_id=account_id,
            user_id=user_id,
            delivery_option=delivery_option,
            card_design=card_design,
            shipping_address=shipping_address,
        )
        delivery = delivery_option.upper()
        design = card_design.upper()
        self.require_one_of("delivery_option", delivery, list(_DELIVERY))
        self.require_one_of("card_design", design, _DESIGNS)
        fees = {
            "delivery": self._fee("delivery_fee", delivery_fee),
            "design": self._fee("design_fee", design_fee),
            "excess_replacement": self._fee("excess_replacement_fee", excess_replacement_fee or 0),
        }
        total = sum(fees.values())
        self._check_order(account_id, user_id, total)
        order_id = ids.debit_card_order_id(account_id, user_id, delivery)
        card = self._new_card(account_id, user_id, design)
        card_id = card["card_id"]
        if order_id in self.db.debit_card_orders or card_id in self.db.debit_cards:
            self.refuse("the same card was ordered today")
        self.db.debit_card_orders[order_id] = {
            "order_id": order_id,
            "account_id": account_id,
            "user_id": user_id,
            "delivery_option": delivery,
            "card_design": design,
            "shipping_address": shipping_address,
            **{f"{name}_fee": fee for name, fee in fees.items()},
            "total_fee": total,
            "order_date": self.today,
            "expected_delivery": _DELIVERY[delivery],
            "status": "PENDING",
        }
        self.db.debit_cards[card_id] = card
        if total > 0:
            self._charge(account_id, order_id, fees, total)
        return (
            f"Ordered: {design} card {card_id} by {delivery} delivery ({_DELIVERY[delivery]}), "
            f"order {order_id}. Fees charged: {as_dollars(total)}."
        )

    def _fee(self, argument: str, value: object) -> float:
        """Return a fee as a number. Refuse one that is below zero, or is no number."""
        fee = as_number(value)
        if fee is None:
            self.refuse(f"{argument} must be a number, not {value!r}")
        if fee < 0:
            self.refuse(f"{argument} cannot be less than 0")
        return fee

    def _check_order(self, account_id: str, user_id: str, total: float) -> None:
        """Refuse a card for an account that may have none, or that cannot pay these fees."""
        account = self.peeked("accounts", account_id, "bank account")
        if account.get("class") != "checking" or account.get("status") != "OPEN":
            self.refuse(f"account {account_id} is no open personal checking account")
        if account.get("user_id") != user_id or user_id not in self.db.users:
            self.refuse(f"account {account_id} is not the customer's")
        balance = self._readable_balance(account)
        least = self.rules.limits.debit_card_balance
        if balance < least:
            self.refuse(
                f"the account has to hold {as_dollars(least)}; it holds {as_dollars(balance)}"
            )
        if self.rows("debit_card_orders", account_id=account_id, status="PENDING"):
            self.refuse("a card has been ordered for this account already")
        if any(card.get("status") == "ACTIVE" for card in self.cards_of(account_id)):
            self.refuse("the account has an active card")
        if total > balance:
            self.refuse(
                f"the fees are {as_dollars(total)}; the account holds {as_dollars(balance)}"
            )

    def _readable_balance(self, account: Record) -> float:
        """Return what an account holds; the original reads "$12.00" and "1,200.00" here as 0."""
        if self.strict_compat:
            return as_number(account.get("current_holdings")) or 0.0
        return balance_of(account)

    def _new_card(self, account_id: str, user_id: str, design: str) -> Record:
        """Return a card for an account, as it is when it has been ordered."""
        card_id = ids.debit_card_id(account_id, user_id, self.today)
        owner = self.find("users", user_id) or {}
        return {
            "card_id": card_id,
            "account_id": account_id,
            "user_id": user_id,
            "cardholder_name": str(owner.get("name", "")).upper(),
            "last_4_digits": ids.debit_card_last_4(card_id),
            "cvv": ids.debit_card_cvv(card_id),
            "status": "PENDING",
            "issue_date": self.today,
            "expiration_date": self._expiration_date(),
            "card_design": design,
            "issue_reason": self._issue_reason(account_id),
        }

    def _expiration_date(self) -> str:
        """Return the last day of this month some years from now."""
        year = self.today_date.year + _YEARS_VALID
        last = calendar.monthrange(year, self.today_date.month)[1]
        return self.today_date.replace(year=year, day=last).strftime(DATE_FORMAT)

    def _issue_reason(self, account_id: str) -> str:
        """Return why a card is issued: the one it replaces was lost, or it is the first one."""
        cards = self.cards_of(account_id)
        for card in cards:
            reason = _REPLACED.get(card.get("closure_reason", ""))
            if card.get("status") == "CLOSED" and reason is not None:
                return reason
        return "first_card" if cards else "new_account"

    def _charge(self, account_id: str, order_id: str, fees: dict[str, float], total: float) -> None:
        """Take the fees of an order from an account, with a transaction that names them."""
        account = self.db.accounts[account_id]
        account["current_holdings"] = self.holdings(balance_of(account) - total, with_sign=False)
        named = ", ".join(
            f"{name.replace('_', ' ').title()} ${fee}" for name, fee in fees.items() if fee > 0
        )
        transaction_id = ids.debit_card_fee_id(order_id)
        self.db.bank_account_transaction_history[transaction_id] = {
            "transaction_id": transaction_id,
            "account_id": account_id,
            "date": self.today,
            "description": f"DEBIT CARD ORDER FEE - {named}",
            "amount": -total,
            "type": "debit_card_fee",
            "status": "posted",
        }

    @is_discoverable_tool(ToolType.WRITE)
    def activate_debit_card_8291(
        self, card_id: str, last_4_digits: str, expiration_date: str, cvv: str, pin: str
    ) -> str:
        """Activate a first debit card of an account: issue reason new_account or first_card.

        Args:
            card_id: The id of the card.
            last_4_digits: The last four digits of its number.
            expiration_date: Until when it is valid, MM/YY.
            cvv: The three digits on its back.
            pin: The PIN that the customer wants: 4 digits, neither in sequence nor all the same.

        Returns:
            A confirmation.

        Raises:
            ToolError: The card cannot be activated by this tool, or what was given is not its own.
        """
        return self._activate(
            "activate_debit_card_8291", card_id, last_4_digits, expiration_date, cvv, pin
        )

    @is_discoverable_tool(ToolType.WRITE)
    def activate_debit_card_8292(
        self, card_id: str, last_4_digits: str, expiration_date: str, cvv: str, pin: str
    ) -> str:
        """Activate a replacement of a debit card: issue reason lost, stolen or fraud.

        Args:
            card_id: The id of the card.
            last_4_digits: The last four digits of its number.
            expiration_date: Until when it is valid, MM/YY.
            cvv: The three digits on its back.
            pin: The PIN that the customer wants: 4 digits, neither in sequence nor all the same.

        Returns:
            A confirmation.

        Raises:
            ToolError: The card cannot be activated by this tool, or what was given is not its own.
        """
        return self._activate(
            "activate_debit_card_8292", card_id, last_4_digits, expiration_date, cvv, pin
        )

    @is_discoverable_tool(ToolType.WRITE)
    def activate_debit_card_8293(
        self, card_id: str, last_4_digits: str, expiration_date: str, cvv: str, pin: str
    ) -> str:
        """Activate a reissued card: issue reason expired, damaged, upgrade or bank_reissue.

        The old card works for another day.

        Args:
            card_id: The id of the card.
            last_4_digits: The last four digits of its number.
            expiration_date: Until when it is valid, MM/YY.
            cvv: The three digits on its back.
            pin: The PIN that the customer wants: 4 digits, neither in sequence nor all the same.

        Returns:
            A confirmation.

        Raises:
            ToolError: The card cannot be activated by this tool, or what was given is not its own.
        """
        return self._activate(
            "activate_debit_card_8293", card_id, last_4_digits, expiration_date, cvv, pin
        )

    def _activate(
        self, tool: str, card_id: str, last_4_digits: str, expiration_date: str, cvv: str, pin: str
    ) -> str:
        """Activate a card by the tool for its reason of issue; the account's others give way."""
        self.require(
            card_id=card_id,
            last_4_digits=last_4_digits,
            expiration_date=expiration_date,
            cvv=cvv,
            pin=pin,
        )
        self._check_pin(pin)
        if not cvv.isdecimal() or len(cvv) != _CVV_DIGITS:
            self.refuse("the cvv has to be 3 digits")
        card = self.card(card_id)
        self._check_activation(tool, card, last_4_digits, expiration_date, cvv)
        self.open_account_of(card)
        for other in self.cards_of(card.get("account_id")):
            if other.get("status") == "ACTIVE":
                self._retire(str(other.get("card_id")), grace=tool == "activate_debit_card_8293")
        self.change_card(card_id, status="ACTIVE", activated_date=self.today)
        return f"Card {card_id} is active."

    def _check_activation(
        self, tool: str, card: Record, last_4_digits: str, expiration_date: str, cvv: str
    ) -> None:
        """Refuse a card that is for another tool or does not wait, and what is not on the card."""
        reason = card.get("issue_reason")
        if reason not in _ACTIVATION[tool]:
            right = next(
                (name for name, fit in _ACTIVATION.items() if reason in fit), "another tool"
            )
            self.refuse(f"the card was issued for the reason {reason}; use {right}")
        if card.get("last_4_digits") != last_4_digits:
            self.refuse("the last four digits are not those of the card")
        if not self.strict_compat:
            # The original asks for both and compares neither.
            on_record = card.get("expiration_date")
            written = {on_record, moment(on_record).strftime("%m/%y")}
            if expiration_date not in written or card.get("cvv") != cvv:
                self.refuse("the expiration date or the cvv is not that of the card")
        if card.get("status") != "PENDING":
            self.refuse(f"the card is {card.get('status')}, not PENDING")

    def _retire(self, card_id: str, *, grace: bool) -> None:
        """Take a card out of use for the one that replaces it: at once, or in a day."""
        if grace:
            ends = (self.today_date + timedelta(days=1)).strftime(DATE_FORMAT)
            self.change_card(card_id, status="GRACE_PERIOD", grace_period_ends=ends)
            return
        self.change_card(
            card_id,
            status="DEACTIVATED",
            deactivated_date=self.today,
            deactivation_reason="replaced_by_new_card",
        )

    @is_discoverable_tool(ToolType.WRITE)
    def close_debit_card_4721(self, card_id: str, reason: ClosureReason) -> str:
        """Close a debit card for good.

        Args:
            card_id: The id of the card.
            reason: Why it is closed.

        Returns:
            A confirmation.

        Raises:
            ToolError: There is no such card, or it is neither active nor pending.
        """
        self.require(card_id=card_id, reason=reason)
        self.require_one_of("reason", reason, get_args(ClosureReason))
        self.card_that_is(card_id, "ACTIVE", "PENDING")
        self.change_card(card_id, status="CLOSED", closed_date=self.today, closure_reason=reason)
        return f"Card {card_id} is closed."

    @is_discoverable_tool(ToolType.WRITE)
    def freeze_debit_card_3892(self, card_id: str) -> str:
        """Freeze an active debit card.

        Args:
            card_id: The id of the card.

        Returns:
            A confirmation.

        Raises:
            ToolError: There is no such card, or it is not active.
        """
        self.require(card_id=card_id)
        self.card_that_is(card_id, "ACTIVE")
        self.change_card(card_id, status="FROZEN", frozen_date=self.today)
        return f"Card {card_id} is frozen."

    @is_discoverable_tool(ToolType.WRITE)
    def unfreeze_debit_card_3893(self, card_id: str) -> str:
        """Put a frozen debit card back into use.

        Args:
            card_id: The id of the card.

        Returns:
            A confirmation.

        Raises:
            ToolError: There is no such card, it is not frozen, or its account is not open.
        """
        self.require(card_id=card_id)
        self.open_account_of(self.card_that_is(card_id, "FROZEN"))
        self.change_card(card_id, status="ACTIVE", unfrozen_date=self.today)
        return f"Card {card_id} is active again."

    @is_discoverable_tool(ToolType.WRITE)
    def clear_debit_card_fraud_alert_4892(self, card_id: str, reason: AlertReason) -> str:
        """Clear an alert that a customer set off, or a block for many payments in a short time.

        Args:
            card_id: The id of the card.
            reason: customer_verified for a fraud alert, velocity_clear for a block.

        Returns:
            A confirmation.

        Raises:
            ToolError: There is no such card, it has no such alert, or the bank raised it.
        """
        self.require(card_id=card_id, reason=reason)
        self.require_one_of("reason", reason, get_args(AlertReason))
        card = self.card(card_id)
        if reason == "velocity_clear":
            if not card.get("velocity_blocked"):
                self.refuse("the card has no velocity block")
            self.change_card(card_id, velocity_blocked=False, velocity_cleared_date=self.today)
            return f"The velocity block of card {card_id} is cleared."
        if not card.get("fraud_alert_active"):
            self.refuse("the card has no fraud alert")
        if card.get("alert_source") == "bank_initiated":
            self.refuse("the bank raised this alert; only its security team can clear it")
        self.change_card(
            card_id,
            fraud_alert_active=False,
            alert_source=None,
            fraud_alert_cleared_date=self.today,
        )
        return f"The fraud alert of card {card_id} is cleared."

    @is_discoverable_tool(ToolType.WRITE)
    def reset_debit_card_pin_6284(self, card_id: str, last_4_digits: str, new_pin: str) -> str:
        """Set a new PIN for a customer who does not know the old one.

        Args:
            card_id: The id of the card.
            last_4_digits: The last four digits of its number.
            new_pin: 4 digits, neither in sequence nor all the same.

        Returns:
            A confirmation.

        Raises:
            ToolError: There is no such card, it is not active, or the digits are not its own.
        """
        self.require(card_id=card_id, last_4_digits=last_4_digits, new_pin=new_pin)
        self._check_pin(new_pin)
        card = self.card_that_is(card_id, "ACTIVE")
        if card.get("last_4_digits") != last_4_digits:
            self.refuse("the last four digits are not those of the card")
        self.change_card(
            card_id,
            pin_last_changed=self.today,
            pin_locked=False,
            pin_attempts_remaining=_PIN_ATTEMPTS,
        )
        return f"Card {card_id} has a new PIN."

    @is_discoverable_tool(ToolType.WRITE)
    def change_debit_card_pin_6285(self, card_id: str, current_pin: str, new_pin: str) -> str:
        """Change the PIN for a customer who knows the present one.

        Args:
            card_id: The id of the card.
            current_pin: The present PIN.
            new_pin: 4 digits, neither in sequence nor all the same, and not the present PIN.

        Returns:
            A confirmation.

        Raises:
            ToolError: There is no such card, it is not active, or the PIN cannot be used.
        """
        self.require(card_id=card_id, current_pin=current_pin, new_pin=new_pin)
        self._check_pin(new_pin)
        if current_pin == new_pin:
            self.refuse("the new PIN is the present one")
        self.card_that_is(card_id, "ACTIVE")
        self.change_card(card_id, pin_last_changed=self.today)
        return f"Card {card_id} has a new PIN."

    @is_discoverable_tool(ToolType.WRITE)
    def set_debit_card_recurring_block_7382(self, card_id: str, block_recurring: bool) -> str:
        """Block recurring payments with a debit card, or permit them again.

        Args:
            card_id: The id of the card.
            block_recurring: True to block them, false to permit them.

        Returns:
            A confirmation.

        Raises:
            ToolError: There is no such card, or it is not active.
        """
        self.require(card_id=card_id)
        self.require_given(block_recurring=block_recurring)
        self.card_that_is(card_id, "ACTIVE")
        self.change_card(card_id, recurring_blocked=block_recurring)
        return f"Recurring payments with card {card_id}: {'blocked' if block_recurring else 'on'}."

    @is_discoverable_tool(ToolType.WRITE)
    def request_temporary_debit_card_limit_increase_8374(
        self, card_id: str, limit_type: LimitType, new_limit: float
    ) -> str:
        """Raise a daily limit of a debit card for a day.

        Args:
            card_id: The id of the card.
            limit_type: Whether the limit of withdrawals or that of purchases.
            new_limit: The raised limit, in US dollars a day.

        Returns:
            The limit and until when it is valid.

        Raises:
            ToolError: The card is not active, its account is too new or not open, or the limit is
                not above the present one or too far above it.
        """
        self.require(card_id=card_id, limit_type=limit_type, new_limit=new_limit)
        self.require_one_of("limit_type", limit_type, get_args(LimitType))
        raised = self.positive("new_limit", new_limit)
        card = self.card_that_is(card_id, "ACTIVE")
        account = self.open_account_of(card)
        limits = self.rules.limits
        if self.age_in_days(account) < limits.limit_increase_account_age:
            self.refuse(f"the account has to be {limits.limit_increase_account_age} days old")
        present = self._limit_that_rises(card, account, limit_type)
        highest = int(present * limits.limit_increase_factor)
        if not present < raised <= highest:
            self.refuse(f"the limit is ${present}; it can be raised to at most ${highest}")
        changed: Record = {
            f"daily_{limit_type}_limit": int(raised),
            f"temporary_{limit_type}_limit_increase": True,
            f"original_{limit_type}_limit": present,
            f"temporary_{limit_type}_limit_expires": self.today,
        }
        self.change_card(card_id, **changed)
        return f"The {limit_type} limit of card {card_id} is ${int(raised)} for 24 hours."

    def _limit_that_rises(self, card: Record, account: Record, limit_type: LimitType) -> int:
        """Return a card's daily limit in US dollars, or that of its account's level.

        Refuse where there is none, or it cannot be raised.
        """
        level = self.rules.level(account.get("class"), account.get("level"))
        limit: int | None = card.get(f"daily_{limit_type}_limit")
        if limit is None and level is not None:
            limit = level.purchase_limit if limit_type == "purchase" else level.atm_limit
        if limit is None or (level is not None and not level.limits_rise):
            self.refuse(f"the {limit_type} limit of this card cannot be raised")
        return limit

    def _check_pin(self, pin: str) -> None:
        """Refuse a text that cannot be a PIN."""
        if not pin.isdecimal() or len(pin) != _PIN_DIGITS:
            self.refuse("a PIN has to be 4 digits")
        if len(set(pin)) == 1:
            self.refuse("the digits of a PIN cannot be all the same")
        steps = {int(after) - int(before) for before, after in pairwise(pin)}
        if steps in ({1}, {-1}):
            self.refuse("the digits of a PIN cannot be in sequence")
