"""What every toolkit of the bank has: the database, the bank's rules, and the way to refuse."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tau2.domains.banking_knowledge import query
from tau2.domains.banking_knowledge.bank_rules import BankRules
from tau2.domains.banking_knowledge.data_model import Record, TransactionalDB
from tau2.environment.toolkit import ToolKitBase
from tau2.errors import ToolError


class BankToolKit(ToolKitBase):
    """Tools over the bank's database.

    Each area is a mixin of this class. With `strict_compat` a tool answers what the original
    answers: refusals are texts, no errors.
    """

    db: TransactionalDB

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

    def refuse(self, problem: str) -> str:
        """Refuse a call, after which nothing may have changed.

        Return an error text with `strict_compat`; otherwise raise ToolError, so that the refusal
        counts as an error.
        """
        if self.strict_compat:
            return f"Error: {problem}"
        raise ToolError(problem)

    def not_one_of(self, argument: str, value: object, allowed: Sequence[str]) -> str:
        """Refuse a value that is none of those allowed."""
        return self.refuse(f"{argument} must be one of {', '.join(allowed)}, not {value!r}")

    def look_up(self, table: str, field: str, value: object) -> str:
        """Return the text of a look-up of the records whose field has a value."""
        wanted = query.constraint(field, value, pasted=self.strict_compat)
        return query.look_up(self.db, table, wanted)

    def rows(self, table: str, **fields: object) -> list[Record]:
        """Return the records of a table whose fields have these values; do not mutate them."""
        return list(query.find(self.db, table, fields).values())


def as_money(text: object) -> float:
    """Return an amount that a record holds as text: "$1,234.50", "1234.50" or a number.

    Raises:
        ValueError: it is no amount.
    """
    amount = float(str(text).replace("$", "").replace(",", ""))
    if not math.isfinite(amount):
        raise ValueError(f"{text!r} is no amount of money")
    return amount
