"""The ids of records that the tools add: each follows from what the record is about.

An id is a prefix and the first characters of the SHA-256 of a text such as
`"referral:123:EcoCard:11/14/2025"`, so that the same action gives the same id in every run. Values
are written as Python's `str` writes them.
"""

from __future__ import annotations

import hashlib
import json

from tau2.utils.json_types import JsonMapping


def digest(*parts: object, length: int) -> str:
    """Return the first `length` hex characters of the SHA-256 of the parts joined by colons."""
    seed = ":".join(map(str, parts))
    # Half of a surrogate pair may come from a model; it has no UTF-8 form of its own.
    return hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def decimal_digits(*parts: object, length: int, count: int) -> str:
    """Return the first `count` decimal digits among `length` hex characters of a digest.

    Too few are filled up with zeros on the left.
    """
    found = [character for character in digest(*parts, length=length) if character.isdecimal()]
    return "".join(found[:count]).rjust(count, "0")


def card_transaction_id(
    user_id: str,
    card_type: str,
    merchant: str,
    amount: float,
    category: str,
    date: str | None = None,
) -> str:
    """Return the id of a transaction with a credit card."""
    parts = ("transaction", user_id, card_type, merchant, f"{amount:.2f}", category)
    return "txn_" + digest(*parts, *(() if date is None else (date,)), length=12)


def referral_id(user_id: str, account_type: str, date: str | None = None) -> str:
    """Return the id of a referral."""
    parts = ("referral", user_id, account_type)
    return digest(*parts, *(() if date is None else (date,)), length=16)


def referral_link_id(user_id: str, card_name: str) -> str:
    """Return the id of a referral that was made by a link."""
    return digest("referral_link", user_id, card_name, length=16)


def card_application_id(card_type: str, name: str, income: float, subscription: bool) -> str:
    """Return the id of an application for a credit card."""
    return digest("credit_card", card_type, name, income, subscription, length=16)


def verification_id(user_id: str, time: str) -> str:
    """Return the id of a verification."""
    return f"{user_id}_{time.replace(' ', '_').replace(':', '').replace('-', '')}"


def agent_tool_row_id(tool: str) -> str:
    """Return the id of the row that says that the agent called a discoverable tool."""
    return digest("agent_discoverable_tool", tool, length=16)


def user_tool_row_id(tool: str) -> str:
    """Return the id of the row that says that the customer was given a discoverable tool."""
    return digest("user_discoverable_tool", tool, length=16)


def user_tool_call_id(tool: str, arguments: JsonMapping) -> str:
    """Return the id of the row of a call of a discoverable tool by the customer."""
    written = json.dumps(arguments, sort_keys=True)
    return digest("user_discoverable_tool_call", tool, written, length=16)


def dispute_id(user_id: str, transaction_id: str) -> str:
    """Return the id of a dispute, of either kind of card or about cash back."""
    return "dsp_" + digest("dispute", user_id, transaction_id, length=12)


def credit_card_order_id(account_id: str, user_id: str, reason: str) -> str:
    """Return the id of an order of a replacement credit card."""
    return "ccord_" + digest("credit_card_order", account_id, user_id, reason, length=12)


def closure_reason_id(account_id: str, user_id: str) -> str:
    """Return the id of the reason for closing a credit card account."""
    return "clsr_" + digest("closure_reason", account_id, user_id, length=12)


def account_flag_id(account_id: str, flag_type: str, expiration_date: str) -> str:
    """Return the id of a flag of a credit card account."""
    return "ccflag_" + digest("account_flag", account_id, flag_type, expiration_date, length=12)


def limit_request_id(account_id: str, user_id: str, amount: float) -> str:
    """Return the id of a request for a higher credit limit."""
    return "cli_" + digest("cli_request", account_id, user_id, f"{amount:.2f}", length=12)


def debit_card_order_id(account_id: str, user_id: str, delivery_option: str) -> str:
    """Return the id of an order of a debit card."""
    return "dcord_" + digest("debit_card_order", account_id, user_id, delivery_option, length=12)


def debit_card_id(account_id: str, user_id: str, issue_date: str) -> str:
    """Return the id of a debit card."""
    return "dbc_" + digest("debit_card", account_id, user_id, issue_date, length=12)


def debit_card_last_4(card_id: str) -> str:
    """Return the last four digits of a new debit card."""
    return decimal_digits("card_details", card_id, "last4", length=8, count=4)


def debit_card_cvv(card_id: str) -> str:
    """Return the security code of a new debit card."""
    return decimal_digits("card_details", card_id, "cvv", length=6, count=3)


def debit_card_fee_id(order_id: str) -> str:
    """Return the id of the transaction that charges the fees of an order of a debit card."""
    return "btxn_dcfee_" + order_id[-8:]


def bank_account_id(user_id: str, account_type: str, account_class: str) -> str:
    """Return the id of a bank account."""
    return digest("account", user_id, account_type, account_class, length=16)


def account_credit_id(
    kind: str, account_id: str, credit_type: str, amount: float, today: str
) -> str:
    """Return the id of a credit to an account of `kind` "checking" or "savings"."""
    parts = (f"{kind}_credit", account_id, credit_type, float(amount), today)
    return "txn_" + digest(*parts, length=16)


def interest_report_id(
    account_id: str, user_id: str, expected: object, actual: object, today: str
) -> str:
    """Return the id of a report of interest that was paid wrongly."""
    parts = ("interest_report", account_id, user_id, expected, actual, today)
    return "IDR_" + digest(*parts, length=16)


def credit_card_last_4(account_id: str) -> str:
    """Return the last four digits of the card of a credit card account."""
    return decimal_digits("card_last4", account_id, length=64, count=4)
