"""Makes the customers of our own bank and their records from a seed; nothing needs it to run.

`python -m tau2.domains.banking_knowledge.own_bank.customers` writes `db.json` anew. The records
follow the table of facts: points are those that are due, fees are those of the level. Tasks bring
customers of their own; these are the other people in the records of the bank.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from tau2.domains.banking_knowledge import ids
from tau2.domains.banking_knowledge.own_bank import decisions
from tau2.domains.banking_knowledge.own_bank.table import (
    DATE_FORMAT,
    FOLDER,
    AccountClass,
    CheckingLevel,
    SavingsLevel,
    own_bank,
)
from tau2.environment.db import read_data_file

DATABASE = Path(__file__).parents[1] / "db.json"
CUSTOMERS = 48
SEED = 20251114

T = TypeVar("T")
_TABLES = (
    "users", "accounts", "debit_cards", "referrals", "credit_card_accounts",
    "credit_card_transaction_history", "bank_account_transaction_history", "transaction_disputes",
    "credit_card_orders", "payment_history",
)  # fmt: skip
_ORDINARY = ("Clothing", "Electronics", "Home")
_DISPUTE_REASONS = ("duplicate_charge", "goods_services_not_received", "incorrect_amount")


def _written(day: date) -> str:
    return day.strftime(DATE_FORMAT)


def _dollars(amount: float) -> str:
    return f"${amount:.2f}"


class _Population:
    """Records of all customers, drawn from one random generator."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)  # noqa: S311  -- records, no secrets
        self.bank = own_bank()
        self.words: Mapping[str, Any] = read_data_file(FOLDER / "customers.toml")
        self.tables: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in _TABLES}

    # Draws.

    def one(self, choices: Iterable[T]) -> T:
        return self.rng.choice(list(choices))

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def ago(self, least: int, most: int) -> date:
        return self.bank.institution.today - timedelta(days=self.rng.randint(least, most))

    def amount(self, least: int, most: int) -> float:
        return self.rng.randint(100 * least, 100 * most) / 100

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{self.rng.getrandbits(40):010x}"

    def add(self, table: str, key: str, record: dict[str, Any]) -> None:
        self.tables[table][key] = record

    # People.

    def customer(self, name: str) -> None:
        words = self.words
        town, state, zip_start = self.one(words["towns"])
        year = self.rng.randint(1950, 2002)
        user = self.new_id("")
        record = {
            "user_id": user,
            "name": name,
            "address": f"{self.rng.randint(3, 980)} {self.one(words['streets'])}, {town}, "
            f"{state} {zip_start}{self.rng.randint(10, 99)}",
            "email": f"{name.replace(' ', '.')}@{self.one(words['mail_hosts'])}".lower(),
            "phone_number": f"{self.one(words['area_codes'])}-555-{self.rng.randint(100, 199):04}",
            "date_of_birth": _written(
                date(year, self.rng.randint(1, 12), self.rng.randint(1, 28)),
            ),
            "rho_bank_plus_subscription": self.chance(0.25),
        }
        self.add("users", user, record)
        for key in self.rng.sample(sorted(self.bank.cards), self.one((0, 1, 1, 2, 2, 3))):
            if self.bank.cards[key].plus_required:
                record["rho_bank_plus_subscription"] = True
            self.credit_card(user, key)
        ages = self.bank.institution.today.year - year
        fitting = [
            key
            for key, level in self.bank.checking.items()
            if level.age_from < ages and not level.age_to
        ]
        since = min(
            self.checking(user, name, key)
            for key in self.rng.sample(fitting, self.one((1, 1, 1, 2)))
        )
        for key in self.rng.sample(sorted(self.bank.savings), self.one((0, 1, 1, 2))):
            self.savings(user, key, since)
        if self.chance(0.2):
            self.business(user)
        if self.chance(0.25):
            self.referral(user)

    # Credit cards.

    def credit_card(self, user: str, key: str) -> None:
        card = self.bank.cards[key]
        account = self.new_id("cca_")
        limit = 100 * self.rng.randint(card.limit_from // 100, card.limit_to // 100)
        record = {
            "account_id": account,
            "user_id": user,
            "card_type": card.name,
            "date_of_account_open": _written(self.ago(260, 2400)),
            "current_balance": _dollars(self.amount(0, limit // 2)),
            "credit_limit": _dollars(limit),
            "reward_points": f"{self.rng.randint(120, 40_000)} points",
            "status": "ACTIVE",
        }
        if self.chance(0.06):
            record["account_status"] = "PAST_DUE"
            record["past_due_amount"] = _dollars(self.amount(25, 90))
        self.add("credit_card_accounts", account, record)
        purchases = [self.purchase(user, key) for _ in range(self.rng.randint(3, 6))]
        for month in range(7):
            self.payment(user, account, month)
        if self.chance(0.15):
            self.dispute(user, self.one(purchases))
        if self.chance(0.08):
            self.card_order(user, account)

    def purchase(self, user: str, key: str) -> str:
        card = self.bank.cards[key]
        category = self.one([*card.category_rates, *card.category_rates, *_ORDINARY])
        shop = self.one(self.words["shops"][category])
        amount = self.amount(6, 260)
        day = self.ago(2, 100)
        transaction = ids.card_transaction_id(
            user, card.name, shop, amount, category, _written(day)
        )
        points = decisions.rewards_due(key, category, amount, day)
        record = {
            "transaction_id": transaction,
            "user_id": user,
            "credit_card_type": card.name,
            "merchant_name": shop,
            "transaction_amount": _dollars(amount),
            "transaction_date": _written(day),
            "category": category,
            "status": "COMPLETED",
            "rewards_earned": f"{points} points",
        }
        self.add("credit_card_transaction_history", transaction, record)
        return transaction

    def payment(self, user: str, account: str, month: int) -> None:
        payment = self.new_id("pay_")
        record = {
            "payment_id": payment,
            "credit_card_account_id": account,
            "user_id": user,
            "payment_date": _written(self.ago(20 + 30 * month, 24 + 30 * month)),
            "amount": _dollars(self.amount(30, 400)),
            "status": "LATE" if self.chance(0.05) else "ON_TIME",
        }
        self.add("payment_history", payment, record)

    def dispute(self, user: str, transaction: str) -> None:
        dispute = ids.dispute_id(user, transaction)
        record = {
            "dispute_id": dispute,
            "transaction_id": transaction,
            "user_id": user,
            "dispute_reason": self.one(_DISPUTE_REASONS),
            "submitted_at": _written(self.ago(0, 1)),
            "status": self.one(("SUBMITTED", "UNDER_REVIEW", "RESOLVED")),
        }
        self.add("transaction_disputes", dispute, record)

    def card_order(self, user: str, account: str) -> None:
        order = ids.credit_card_order_id(account, user, "damaged")
        record = {
            "order_id": order,
            "credit_card_account_id": account,
            "user_id": user,
            "shipping_address": self.tables["users"][user]["address"],
            "reason": "damaged",
            "expedited_shipping": False,
            "order_date": _written(self.ago(1, 6)),
            "status": "SHIPPED",
        }
        self.add("credit_card_orders", order, record)

    # Bank accounts.

    def account(
        self, user: str, account_class: AccountClass, level: str, holdings: float, opened: date
    ) -> str:
        account = self.new_id("acc_")
        record = {
            "account_id": account,
            "user_id": user,
            "class": account_class,
            "level": level,
            "date_opened": _written(opened),
            "status": "OPEN",
            "current_holdings": f"{holdings:.2f}",
        }
        self.add("accounts", account, record)
        return account

    def checking(self, user: str, name: str, key: str) -> date:
        """Add an account with its card and transactions; return the day of its opening."""
        level = self.bank.checking[key]
        opened = self.ago(120, 3000)
        account = self.account(user, "checking", level.name, self.amount(80, 6000), opened)
        self.debit_card(user, name, account, level, opened)
        salary = self.amount(1400, 4200)
        for month in range(2):
            self.entry(
                account,
                self.ago(10 + 30 * month, 12 + 30 * month),
                f"SALARY {self.one(self.words['employers'])}",
                salary,
                "direct_deposit",
            )
            self.entry(
                account,
                self.ago(3 + 30 * month, 8 + 30 * month),
                self.one(self.words["bills"]),
                -self.amount(25, 180),
                "bill_pay",
            )
            self.month_of(account, level, month)
        for _ in range(3):
            shop = self.one(self.words["shops"][self.one(("Groceries", "Dining", "Fuel"))])
            day = self.ago(1, 55)
            self.entry(account, day, shop.upper(), -self.amount(5, 90), "debit_card_purchase")
        return opened

    def month_of(self, account: str, level: CheckingLevel, month: int) -> None:
        """Add the lowest balance of a month and, where it is too low, the fee."""
        last = self.bank.institution.today.replace(day=1) - timedelta(days=1)
        for _ in range(month):
            last = last.replace(day=1) - timedelta(days=1)
        lowest = self.amount(20, 2 * level.waiver_balance + 200)
        text = f"STATEMENT, LOWEST BALANCE OF THE MONTH ${lowest:,.2f}"
        self.entry(account, last, text, 0.0, "statement")
        if level.monthly_fee and lowest < level.waiver_balance:
            day = last + timedelta(days=1)
            self.entry(account, day, "MONTHLY FEE", -float(level.monthly_fee), "monthly_fee")

    def debit_card(
        self, user: str, name: str, account: str, level: CheckingLevel, opened: date
    ) -> None:
        card = self.new_id("dbc_")
        issued = max(opened + timedelta(days=5), self.ago(600, 1000))
        record = {
            "card_id": card,
            "account_id": account,
            "user_id": user,
            "cardholder_name": name.upper(),
            "last_4_digits": ids.debit_card_last_4(card),
            "cvv": ids.debit_card_cvv(card),
            "status": self.one(("ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "FROZEN")),
            "issue_date": _written(issued),
            "expiration_date": f"{issued.month:02}/28/{issued.year + 4}",
            "issue_reason": "new_account",
            "daily_atm_limit": level.atm_limit,
            "daily_purchase_limit": level.purchase_limit,
        }
        self.add("debit_cards", card, record)

    def savings(self, user: str, key: str, since: date) -> None:
        level = self.bank.savings[key]
        holdings = self.amount(200, 30_000)
        opened = self.ago(50, decisions.age_days(since) - 25)
        account = self.account(user, "saving", level.name, holdings, opened)
        last = self.bank.institution.today.replace(day=1) - timedelta(days=1)
        self.interest(account, level, holdings, last)
        if self.chance(0.5):
            day = self.ago(1, 12)
            self.entry(account, day, "WITHDRAWAL", -self.amount(20, 150), "withdrawal")

    def interest(self, account: str, level: SavingsLevel, balance: float, day: date) -> None:
        apy = level.apy(balance)
        text = f"INTEREST ON ${balance:,.2f} AT {apy:g}%"
        self.entry(account, day, text, decisions.monthly_interest(level, balance), "interest")

    def business(self, user: str) -> None:
        level = self.one(self.bank.business_checking.values())
        opened = self.ago(90, 900)
        account = self.account(
            user, "business_checking", level.name, self.amount(900, 40_000), opened
        )
        for _ in range(3):
            self.entry(account, self.ago(1, 30), "TAKINGS", self.amount(120, 900), "deposit")
        if self.chance(0.5):
            savings = self.one(self.bank.business_savings.values())
            self.account(
                user, "business_savings", savings.name, self.amount(2000, 90_000), self.ago(20, 80)
            )

    def entry(self, account: str, day: date, description: str, amount: float, kind: str) -> None:
        transaction = self.new_id("btxn_")
        record = {
            "transaction_id": transaction,
            "account_id": account,
            "date": _written(day),
            "description": description,
            "amount": amount,
            "type": kind,
            "status": "posted",
        }
        self.add("bank_account_transaction_history", transaction, record)

    def referral(self, user: str) -> None:
        products = [card.name for card in self.bank.cards.values()]
        product = self.one([*products, *(level.name for level in self.bank.checking.values())])
        day = _written(self.ago(2, 90))
        referral = ids.referral_id(user, product, day)
        record = {
            "referral_id": referral,
            "referrer_id": user,
            "referred_account_type": product,
            "referral_status": self.one(("NO_PROGRESS", "IN_PROGRESS", "COMPLETE", "REJECTED")),
            "date": day,
        }
        self.add("referrals", referral, record)


def make_database(customers: int = CUSTOMERS, seed: int = SEED) -> dict[str, Any]:
    """Return the database: table → its records and notes. The same for the same seed."""
    made = _Population(seed)
    words = made.words
    names = [f"{first} {last}" for first in words["first_names"] for last in words["last_names"]]
    for name in made.rng.sample(names, customers):
        made.customer(name)
    notes: Mapping[str, str] = words["notes"]
    return {
        table: {"data": rows, "notes": notes.get(table, "")} for table, rows in made.tables.items()
    }


def database_text() -> str:
    """Return the text of `db.json`: a record a line."""
    tables = []
    for table, content in make_database().items():
        rows = ",\n".join(
            f"   {json.dumps(key)}: {json.dumps(row)}" for key, row in content["data"].items()
        )
        notes = json.dumps(content["notes"])
        tables.append(
            f' {json.dumps(table)}: {{\n  "notes": {notes},\n  "data": {{\n{rows}\n  }}\n }}'
        )
    return "{\n" + ",\n".join(tables) + "\n}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the file. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Make the customers of our own bank.")
    parser.add_argument("--check", action="store_true", help="only compare, write nothing")
    text = database_text()
    if parser.parse_args(arguments).check:
        return 0 if DATABASE.read_text(encoding="utf-8") == text else 1
    DATABASE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
