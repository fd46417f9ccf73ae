"""A small bank whose agent and customer call tools as in an episode."""

from __future__ import annotations

import json
from typing import Any

from tau2.data_model.message import ToolCall, ToolMessage
from tau2.domains.banking_knowledge.bank_rules import public_rules
from tau2.domains.banking_knowledge.data_model import TransactionalDB
from tau2.domains.banking_knowledge.environment import BankEnvironment
from tau2.domains.banking_knowledge.tools.agent import BankTools
from tau2.domains.banking_knowledge.tools.customer import CustomerTools

TODAY = "11/14/2025"
PURCHASE = {
    "transaction_id": "txn_1",
    "user_id": "ann",
    "credit_card_type": "EcoCard",
    "rewards_earned": "10 points",
}
TABLES = {
    "users": {"ann": {"user_id": "ann", "name": "Ann Lee", "email": "ann@lee.example"}},
    "accounts": {
        "chk": {
            "account_id": "chk",
            "user_id": "ann",
            "class": "checking",
            "level": "Blue Account",
            "date_opened": "01/10/2024",
            "status": "OPEN",
            "current_holdings": "500.00",
        }
    },
    "credit_card_accounts": {
        "cc": {
            "account_id": "cc",
            "user_id": "ann",
            "card_type": "EcoCard",
            "current_balance": "$1,200.50",
            "credit_limit": "$3,000.00",
        },
        "cc_bob": {"account_id": "cc_bob", "user_id": "bob", "current_balance": "$0.00"},
    },
    "credit_card_transaction_history": {
        key: {**PURCHASE, "transaction_id": key} for key in ("txn_1", "txn_9", "txn_10")
    },
    "debit_cards": {"dbc": {"card_id": "dbc", "account_id": "chk", "user_id": "ann"}},
    "bank_account_transaction_history": {
        key: {"transaction_id": key, "account_id": "chk"} for key in ("btxn_9", "btxn_10")
    },
    "payment_history": {
        "p1": {"credit_card_account_id": "cc", "payment_date": "12/15/2024", "status": "LATE"},
        "p2": {"credit_card_account_id": "cc", "payment_date": "01/15/2025", "status": "ON_TIME"},
        "p3": {"credit_card_account_id": "cc", "payment_date": "02/15/2025", "status": "ON_TIME"},
    },
}


class Branch:
    """Makes calls and shows what they did."""

    def __init__(self, *, strict_compat: bool) -> None:
        self.strict_compat = strict_compat
        db = TransactionalDB.model_validate({name: {"data": rows} for name, rows in TABLES.items()})
        rules = public_rules()
        self.environment = BankEnvironment(
            "banking_knowledge",
            "",
            BankTools(db, rules, strict_compat=strict_compat),
            CustomerTools(db, rules, strict_compat=strict_compat),
            strict_compat=strict_compat,
        )

    @property
    def db(self) -> TransactionalDB:
        return self.environment.tools.db

    def agent(self, tool: str, **arguments: Any) -> ToolMessage:
        """Call one of the agent's listed tools."""
        return self.environment.get_response(ToolCall(id="a", name=tool, arguments=arguments))

    def customer(self, tool: str, **arguments: Any) -> ToolMessage:
        """Call one of the customer's listed tools."""
        call = ToolCall(id="u", name=tool, arguments=arguments, requestor="user")
        return self.environment.get_response(call)

    def uses(self, tool: str, **arguments: Any) -> ToolMessage:
        """Let the agent unlock a discoverable tool and call it."""
        self.agent("unlock_discoverable_agent_tool", agent_tool_name=tool)
        written = json.dumps(arguments)
        return self.agent("call_discoverable_agent_tool", agent_tool_name=tool, arguments=written)

    def hands_over(self, tool: str, **arguments: Any) -> ToolMessage:
        """Let the agent give a tool to the customer, who calls it."""
        self.agent("give_discoverable_user_tool", discoverable_tool_name=tool)
        written = json.dumps(arguments)
        return self.customer(
            "call_discoverable_user_tool", discoverable_tool_name=tool, arguments=written
        )

    def refuses(self, answer: ToolMessage, why: str) -> None:
        """Check that a call was refused: as an error, or as a text in the original's way."""
        assert why in answer.content
        assert answer.content.startswith("Error: ")
        assert answer.error is not self.strict_compat
