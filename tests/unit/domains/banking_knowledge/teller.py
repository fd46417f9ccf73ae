"""A small bank with three customers, whose tools are called without a conversation."""

from __future__ import annotations

from typing import Any

import pytest

from tau2.domains.banking_knowledge.bank_rules import public_rules
from tau2.domains.banking_knowledge.data_model import Record, TransactionalDB
from tau2.domains.banking_knowledge.tools.bank_accounts import BankAccountTools
from tau2.domains.banking_knowledge.tools.debit_cards import DebitCardTools
from tau2.errors import ToolError

TODAY = "11/14/2025"


class _Tools(BankAccountTools, DebitCardTools):
    """The tools that are tested here."""


def account(account_id: str, user_id: str, **fields: str) -> Record:
    """Return an old checking account with $500 on it, but for the fields that are given."""
    return {
        "account_id": account_id,
        "user_id": user_id,
        "class": "checking",
        "level": "Blue Account",
        "date_opened": "01/10/2024",
        "status": "OPEN",
        "current_holdings": "500.00",
        **fields,
    }


def card(card_id: str, account_id: str, **fields: Any) -> Record:
    """Return an active card of Ann's, but for the fields that are given."""
    return {
        "card_id": card_id,
        "account_id": account_id,
        "user_id": "ann",
        "cardholder_name": "ANN LEE",
        "last_4_digits": "1234",
        "cvv": "739",
        "status": "ACTIVE",
        "issue_date": "01/15/2024",
        "expiration_date": "01/31/2028",
        "issue_reason": "new_account",
        **fields,
    }


class Teller:
    """Calls the tools and looks at what they did."""

    def __init__(self, *, strict_compat: bool) -> None:
        people = {"ann": "Ann Lee", "bob": "Bob Roy", "cem": "Cem Ak"}
        accounts = (
            account("chk", "ann"),
            account("sav", "ann", **{"class": "saving", "level": "Bronze Account"}),
            account("bob_chk", "bob", date_opened="11/01/2025", level="Evergreen Account"),
        )
        self.strict_compat = strict_compat
        self.db = TransactionalDB.model_validate(
            {
                "users": {
                    "data": {key: {"user_id": key, "name": name} for key, name in people.items()}
                },
                "accounts": {"data": {each["account_id"]: each for each in accounts}},
            }
        )
        self.tools = _Tools(self.db, public_rules(), strict_compat=strict_compat)

    def has(self, table: str, record: Record) -> None:
        """Add a record, or put it in the place of one."""
        name = {"accounts": "account_id", "debit_cards": "card_id"}[table]
        self.db.table(table)[record[name]] = record

    def does(self, tool: str, **arguments: Any) -> str:
        """Call a tool that is to succeed."""
        return self.tools.use_tool(tool, **arguments)

    def cannot(self, tool: str, why: str, **arguments: Any) -> None:
        """Call a tool that is to refuse, which changes nothing."""
        before = self.db.get_hash()
        with pytest.raises(ToolError) as refusal:
            self.tools.use_tool(tool, **arguments)
        assert why in str(refusal.value)
        assert self.db.get_hash() == before

    def holds(self, account_id: str) -> str:
        """Return what the record of an account says that it holds."""
        return self.db.accounts[account_id]["current_holdings"]
