"""What the tools for bank accounts and for debit cards share: reading accounts, dates and money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from tau2.domains.banking_knowledge.data_model import Record, Records, rows_where
from tau2.domains.banking_knowledge.tools.base import BankToolKit, as_money
from tau2.environment.cow import peek

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


def missing(**arguments: object) -> str | None:
    """Return what is wrong when an argument that is required is absent or empty, or None."""
    names = [name for name, value in arguments.items() if not value]
    return f"{', '.join(names)}: a value is required" if names else None


def not_one_of(argument: str, value: object, allowed: Sequence[str]) -> str | None:
    """Return what is wrong with a value that is none of those allowed, or None."""
    if value in allowed:
        return None
    return f"{argument} must be one of {', '.join(allowed)}, not {value!r}"


class AccountRecords(BankToolKit):
    """Look-ups that the tools for accounts and cards share. What they return is not mutated."""

    @property
    def today_date(self) -> date:
        """Today."""
        return self.rules.now.date()

    def account(self, account_id: object) -> Record | None:
        """Return a bank account, or None."""
        return peek(self.db.accounts, str(account_id))

    def account_problem(self, account_id: object, kind: str, *classes: str) -> str | None:
        """Return why money cannot move on an account, or None.

        It has to be of one of the classes, if any are given; `kind` is what to call those.
        """
        account = self.account(account_id)
        if account is None:
            return f"there is no bank account {account_id}"
        if classes and account.get("class") not in classes:
            return f"account {account_id} is no {kind} account"
        return None if is_in_use(account) else f"account {account_id} is not open"

    def accounts_of(self, user_id: object) -> list[Record]:
        """Return the bank accounts of a customer."""
        return rows_where(self.db.accounts, user_id=user_id)

    def cards_of(self, account_id: object) -> list[Record]:
        """Return the debit cards of a bank account."""
        return rows_where(self.db.debit_cards, account_id=account_id)

    def balance(self, account_id: object) -> float:
        """Return what an account holds, in US dollars."""
        return balance_of(self.account(account_id) or {})

    def age_in_days(self, account: Mapping[str, object]) -> int:
        """Return for how many days an account has been open; very many if nobody knows."""
        return (self.today_date - moment(account.get("date_opened")).date()).days

    def change(self, records: Records, record_id: object, **fields: object) -> None:
        """Set fields of a record that exists."""
        records[str(record_id)].update(fields)


def balance_of(account: Mapping[str, object]) -> float:
    """Return what an account holds, in US dollars. Raise ValueError when it is no amount."""
    return as_money(account.get("current_holdings", "0"))


def as_dollars(amount: float) -> str:
    """Return an amount as most records hold one: two decimals, with a dollar sign."""
    return f"${amount:.2f}"


def as_plain(amount: float) -> str:
    """Return an amount as the accounts of the data hold one: two decimals, no dollar sign."""
    return f"{amount:.2f}"
