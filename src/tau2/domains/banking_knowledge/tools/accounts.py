"""What the tools for bank accounts and for debit cards share: reading accounts, dates and money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from tau2.domains.banking_knowledge.data_model import Record
from tau2.domains.banking_knowledge.tools.base import BankToolKit, as_money

_DATE_FORMATS = ("%m/%d/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M")
_IN_USE = ("OPEN", "ACTIVE")


def moment(text: object) -> datetime:
    """Return the moment that a record holds, with or without a time; the earliest one if none."""
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(str(text), form)  # noqa: DTZ007  -- the bank's own clock
        except ValueError:
            continue
    return datetime.min  # noqa: DTZ901  -- like the others, it has no time zone


def is_in_use(account: Mapping[str, object]) -> bool:
    """Return whether money can move on an account."""
    return account.get("status") in _IN_USE


class AccountRecords(BankToolKit):
    """Look-ups that the tools for accounts and cards share. What they return is not mutated."""

    @property
    def today_date(self) -> date:
        """Today."""
        return self.rules.now.date()

    def account_in_use(self, account_id: str) -> Record:
        """Return a bank account on which money can move, not to be mutated; refuse another."""
        account = self.peeked("accounts", account_id, "bank account")
        if not is_in_use(account):
            self.refuse(f"account {account_id} is not open")
        return account

    def cards_of(self, account_id: object) -> list[Record]:
        """Return the debit cards of a bank account."""
        return self.rows("debit_cards", account_id=account_id)

    def age_in_days(self, account: Mapping[str, object]) -> int:
        """Return for how many days an account has been open; very many if nobody knows."""
        return (self.today_date - moment(account.get("date_opened")).date()).days


def balance_of(account: Mapping[str, object]) -> float:
    """Return what an account holds, in US dollars. Raise ValueError when it is no amount."""
    return as_money(account.get("current_holdings", "0"))


def as_dollars(amount: float) -> str:
    """Return an amount as most records hold one: two decimals, with a dollar sign."""
    return f"${amount:.2f}"
