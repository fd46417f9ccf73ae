"""What every toolkit of the bank has: the database, the bank's rules, and the way to refuse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NoReturn

from tau2.domains.banking_knowledge import query
from tau2.domains.banking_knowledge.bank_rules import BankRules
from tau2.domains.banking_knowledge.data_model import Record, TransactionalDB
from tau2.environment.cow import peek
from tau2.environment.toolkit import ToolKitBase
from tau2.errors import ToolError

_ONE_OF = {
    "accounts": "bank account",
    "debit_cards": "debit card",
    "credit_card_accounts": "credit card account",
    "credit_card_transaction_history": "credit card transaction",
}
"""Table → what one of its records is called."""


class BankToolKit(ToolKitBase):
    """Tools over the bank's database; each area is a mixin of this class.

    With `strict_compat` arguments come unchecked, integers among them as floats, and tools keep the
    original's defects, see docs/differences.md.
    """

    db: TransactionalDB
    strict_compat: bool = False

    def __init__(
        self, db: TransactionalDB, rules: BankRules, *, strict_compat: bool = False
    ) -> None:
        super().__init__(db)
        self.rules = rules
        self.strict_compat = strict_compat

    @property
    def today(self) -> str:
        """The date, as it stands in records."""
        return self.rules.today

    def refuse(self, problem: str) -> NoReturn:
        """Refuse a call, after which nothing may have changed. Raise ToolError."""
        raise ToolError(problem)

    def require(self, **arguments: object) -> None:
        """Refuse a call of which one of these arguments is empty, zero or null."""
        empty = [name for name, value in arguments.items() if not value]
        if empty:
            self.refuse(f"{', '.join(empty)} must not be empty")

    def require_given(self, **arguments: object) -> None:
        """Refuse a call of which one of these arguments is null."""
        absent = [name for name, value in arguments.items() if value is None]
        if absent:
            self.refuse(f"{', '.join(absent)} must not be null")

    def not_one_of(self, argument: str, value: object, allowed: Sequence[str]) -> NoReturn:
        """Refuse a value because it is none of those allowed."""
        self.refuse(f"{argument} must be one of {', '.join(allowed)}, not {value!r}")

    def require_one_of(self, argument: str, value: object, allowed: Sequence[str]) -> None:
        """Refuse a value that is none of those allowed."""
        if value not in allowed:
            self.not_one_of(argument, value, allowed)

    def positive(self, argument: str, value: object) -> float:
        """Return an amount as a number. Refuse one that is not above zero, or is no number."""
        amount = as_number(value)
        if amount is None:
            self.refuse(f"{argument} must be a number, not {value!r}")
        if not amount > 0:
            self.refuse(f"{argument} must be more than 0")
        return amount

    def record(self, table: str, record_id: object, kind: str) -> Record:
        """Return a record that may be changed. Refuse an id that the table does not have."""
        records = self.db.table(table) or {}
        if not isinstance(record_id, str) or record_id not in records:
            self.refuse(f"there is no {kind} {record_id!r}")
        return records[record_id]

    def peeked(self, table: str, record_id: object, kind: str) -> Record:
        """Return a record that may only be read. Refuse an id that the table does not have."""
        found = self.find(table, record_id)
        if found is None:
            self.refuse(f"there is no {kind} {record_id!r}")
        return found

    def own_record(self, table: str, record_id: str, user_id: str) -> Record:
        """Return a record that may only be read. Refuse one that is not the customer's."""
        found = self.find(table, record_id)
        if found is None or found.get("user_id") != user_id:
            self.refuse(f"user {user_id} has no {_ONE_OF[table]} {record_id}")
        return found

    def find(self, table: str, record_id: object) -> Record | None:
        """Return a record that may only be read, or None where the table does not have the id."""
        return peek(self.db.table(table) or {}, record_id) if isinstance(record_id, str) else None

    def holdings(self, dollars: float, *, with_sign: bool) -> str:
        """Return what an account holds as its record has it: "1234.50".

        `with_sign`: the original writes "$1234.50" here, which not all of its tools can read.
        """
        sign = "$" if with_sign and self.strict_compat else ""
        return f"{sign}{dollars:.2f}"

    def look_up(self, table: str, field: str, value: object) -> str:
        """Return the text of a look-up of the records whose field has a value."""
        wanted = query.constraint(field, value, pasted=self.strict_compat)
        return query.look_up(self.db, table, wanted)

    def rows(self, table: str, **fields: object) -> list[Record]:
        """Return the records of a table whose fields have these values; do not mutate them."""
        return list(query.find(self.db, table, fields).values())


def as_number(value: object) -> float | None:
    """Return a finite number that is given as a number or as text; None for anything else."""
    if not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_money(text: object) -> float:
    """Return an amount that a record holds: "$1,234.50", "1234.50" or a number.

    Raises:
        ValueError: it is no amount.
    """
    amount = as_number(str(text).replace("$", "").replace(",", ""))
    if amount is None:
        raise ValueError(f"{text!r} is no amount of money")
    return amount
