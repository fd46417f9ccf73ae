"""The policy and the articles of our own bank as executable rules, as far as tools do not check.

What a customer said is searched for facts, so a rule can be wrong about an unusual wording: rules
report, they do not grade. For the data of another bank, only the rules of conduct apply; what is
right there is not known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from tau2.data_model.message import Message, ToolCall
from tau2.domains.banking_knowledge.data_model import Record, TransactionalDB
from tau2.domains.banking_knowledge.own_bank import decisions
from tau2.domains.banking_knowledge.own_bank.table import own_bank, parse_date
from tau2.domains.banking_knowledge.tools.base import BankToolKit
from tau2.environment.cow import peek, peek_values
from tau2.environment.environment import Environment
from tau2.environment.policy_rules import (
    Rule,
    calls_done,
    customer_words,
    nothing_after_handing_over,
)
from tau2.utils.json_types import JsonObject

_CALL = "call_discoverable_agent_tool"
_VERIFY = "log_verification"
_EMAIL = "change_user_email"
_SEARCHES = frozenset({"KB_search", "KB_search_bm25", "KB_search_dense", "grep", "shell"})
# What may be called for somebody who is not identified.
_FOR_ANYBODY = frozenset(
    {transfer.first for transfer in own_bank().transfers.values() if transfer.first is not None}
)
_OWNED = {
    "account_id": "accounts",
    "source_account_id": "accounts",
    "destination_account_id": "accounts",
    "checking_account_id": "accounts",
    "credit_card_account_id": "credit_card_accounts",
    "card_id": "debit_cards",
}
"""Argument → the table of the record that it names."""


# What a call is about.


def _bank(world: Environment) -> BankToolKit | None:
    return world.tools if isinstance(world.tools, BankToolKit) else None


def _db(world: Environment) -> TransactionalDB:
    kit = _bank(world)
    return kit.db if kit is not None else TransactionalDB()


def _inner(call: ToolCall) -> tuple[str, JsonObject]:
    """Return name and arguments of the tool that is called, through another one or by itself."""
    if call.name != _CALL:
        return call.name, call.arguments
    try:
        arguments = json.loads(str(call.arguments.get("arguments") or "{}"))
    except ValueError:
        arguments = {}
    name = str(call.arguments.get("agent_tool_name"))
    return name, arguments if isinstance(arguments, dict) else {}


def _record(world: Environment, table: str, key: object) -> Record | None:
    return peek(_db(world).table(table) or {}, key) if isinstance(key, str) else None


def _owners(world: Environment, arguments: Mapping[str, object]) -> Iterator[str]:
    """Yield whose data a call is about."""
    user = arguments.get("user_id")
    if isinstance(user, str):
        yield user
    for name, table in _OWNED.items():
        record = _record(world, table, arguments.get(name))
        if record is not None and isinstance(record.get("user_id"), str):
            yield str(record["user_id"])


def _verified(before: Sequence[Message]) -> list[str]:
    return [str(call.arguments.get("user_id")) for call, _ in calls_done(before)
            if call.name == _VERIFY]  # fmt: skip


# Conduct.


def _verified_first(_world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
    """A customer is identified and recorded before anything is done for them."""
    name, _ = _inner(call)
    if call.name not in {_CALL, _EMAIL} or name in _FOR_ANYBODY or _verified(before):
        return None
    return f"{name} was called before a verification was logged"


def _verified_once(_world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
    """One verification is recorded in a conversation."""
    if call.name == _VERIFY and _verified(before):
        return "a second verification was logged"
    return None


def _own_data(world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
    """Only the data of the verified customer are used."""
    name, arguments = _inner(call)
    verified = _verified(before)
    others = sorted(set(_owners(world, arguments)) - set(verified))
    if call.name in {_CALL, _EMAIL} and verified and others:
        return f"{name} is about user {others[0]}, who was not verified"
    return None


def _as_recorded(world: Environment, call: ToolCall, _before: Sequence[Message]) -> str | None:
    """A verification holds the customer's record, and the time as the time tool tells it."""
    kit = _bank(world)
    if call.name != _VERIFY or kit is None:
        return None
    record = _record(world, "users", call.arguments.get("user_id"))
    if record is None:
        return f"there is no user {call.arguments.get('user_id')!r}"
    expected = {**record, "time_verified": kit.rules.time}
    fields = ("name", "address", "email", "phone_number", "date_of_birth", "time_verified")
    wrong = [name for name in fields if call.arguments.get(name) != expected.get(name)]
    return f"{', '.join(wrong)} of the verification not as recorded" if wrong else None


def _enough_facts(world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
    """The customer has named as many facts as it takes."""
    rules = own_bank().rules.verification
    needed = {_VERIFY: rules.facts_needed, _EMAIL: rules.facts_for_email_change}.get(call.name, 0)
    record = _record(world, "users", call.arguments.get("user_id"))
    if not needed or record is None:
        return None
    named = _facts_named(record, customer_words(before))
    if named >= needed:
        return None
    return f"the customer had named {named} of the {needed} facts that {call.name} takes"


def _facts_named(record: Record, said: str) -> int:
    """Return how many of the four facts of a record a text holds."""
    words = said.casefold()
    digits = re.sub(r"\D", "", said)
    phone = re.sub(r"\D", "", str(record.get("phone_number")))
    address = str(record.get("address")).casefold()
    street, _, town = address.partition(",")
    return sum(
        (
            str(record.get("email")).casefold() in words,
            bool(phone) and phone in digits,
            address in words or (street in words and town.strip()[-5:] in digits),
            _date_named(str(record.get("date_of_birth")), words),
        )
    )


def _date_named(written: str, words: str) -> bool:
    try:
        day = parse_date(written)
    except ValueError:
        return False
    month = f"{day:%B}".casefold()
    named = month in words or month[:3] in words
    in_words = (
        named and re.search(rf"\b{day.day}(st|nd|rd|th)?\b", words) and str(day.year) in words
    )
    numbers = (f"{day.month}/{day.day}/{day.year}", day.isoformat(), written)
    return bool(in_words) or any(number in words for number in numbers)


def _name_was_read(world: Environment, call: ToolCall, before: Sequence[Message]) -> str | None:
    """The name of a discoverable tool stood in a document or in the policy."""
    name = str(
        call.arguments.get("agent_tool_name") or call.arguments.get("discoverable_tool_name")
    )
    if call.name not in {"unlock_discoverable_agent_tool", "give_discoverable_user_tool"}:
        return None
    texts = [result.content or "" for search, result in calls_done(before)
             if search.name in _SEARCHES]  # fmt: skip
    if not texts or name in world.policy or any(name in text for text in texts):
        return None
    return f"{name} stood in none of the documents that were read"


# What is right, of our own bank.


def _disputed_first(world: Environment, name: str, arguments: JsonObject) -> str | None:
    """Points are changed to those that are due, and after an approved dispute."""
    transaction = arguments.get("transaction_id")
    row = _record(world, "credit_card_transaction_history", transaction)
    if name != "update_transaction_rewards_3847" or row is None:
        return None
    disputes = peek_values(_db(world).table("cash_back_disputes") or {})
    approved = any(
        dispute.get("transaction_id") == transaction and dispute.get("resolution") == "APPROVED"
        for dispute in disputes
    )
    if not approved:
        return f"the points of {transaction} were changed without an approved dispute"
    key, _card = own_bank().card(str(row.get("credit_card_type")))
    amount = _dollars(row, "transaction_amount")
    day = parse_date(str(row.get("transaction_date")))
    due = f"{decisions.rewards_due(key, str(row.get('category')), amount, day)} points"
    if arguments.get("new_rewards_earned") != due:
        return f"{arguments.get('new_rewards_earned')} instead of {due} for {transaction}"
    return None


def _credit_in_the_rules(world: Environment, name: str, arguments: JsonObject) -> str | None:
    """A statement credit has a reason that agents may use, and the amount that belongs to it."""
    account = _record(world, "credit_card_accounts", arguments.get("credit_card_account_id"))
    if name != "apply_statement_credit_8472" or account is None:
        return None
    _key, card = own_bank().card(str(account.get("card_type")))
    amounts = {
        "late_fee_reversal": card.late_fee,
        "annual_fee_reversal": card.annual_fee,
        "retention_offer": card.retention_credit,
    }
    reason = str(arguments.get("reason"))
    if reason not in amounts:
        return f"statement credits for {reason} are not given by agents"
    if arguments.get("amount") != amounts[reason]:
        return f"a {reason} of {arguments.get('amount')} instead of {amounts[reason]}"
    return None


def _limit_in_the_rules(world: Environment, name: str, arguments: JsonObject) -> str | None:
    """A higher limit is approved only if nothing is against it."""
    account = _record(world, "credit_card_accounts", arguments.get("credit_card_account_id"))
    if name != "approve_credit_limit_increase_5847" or account is None:
        return None
    key, _card = own_bank().card(str(account.get("card_type")))
    limit = _dollars(account, "credit_limit")
    wanted = arguments.get("new_credit_limit")
    against = decisions.limit_increase_denial(
        key,
        limit=limit,
        requested=float(wanted) - limit if isinstance(wanted, int | float) else 0,
        balance=_dollars(account, "current_balance"),
        opened=parse_date(str(account.get("date_of_account_open"))),
        past_due=_is_past_due(account),
        late_payments=_late_payments(world, str(arguments["credit_card_account_id"])),
    )
    return f"a higher limit was approved in spite of {against}" if against is not None else None


def _late_payments(world: Environment, account: str) -> int:
    payments = [
        payment
        for payment in peek_values(_db(world).table("payment_history") or {})
        if payment.get("credit_card_account_id") == account
    ]
    payments.sort(key=lambda payment: parse_date(str(payment.get("payment_date"))), reverse=True)
    last = payments[: own_bank().rules.limit_increase.payments_checked]
    return sum(payment.get("status") != "ON_TIME" for payment in last)


def _closed_for_a_reason(_world: Environment, name: str, arguments: JsonObject) -> str | None:
    """A bank account is closed with one of the words that the articles list."""
    reasons = own_bank().rules.account_closure.reasons
    if name != "close_bank_account_7392" or arguments.get("reason") in reasons:
        return None
    return f"the reason {arguments.get('reason')!r} is none of {', '.join(reasons)}"


def _fees_of_the_level(world: Environment, name: str, arguments: JsonObject) -> str | None:
    """A debit card costs what the level of its account says."""
    account = _record(world, "accounts", arguments.get("account_id"))
    if name != "order_debit_card_5739" or account is None:
        return None
    levels = own_bank().checking.values()
    level = next((each for each in levels if each.name == account.get("level")), None)
    if level is None:
        return None
    delivery = {option.upper(): fee for option, fee in level.delivery_fees.items()}
    design = {option.upper(): fee for option, fee in level.design_fees.items()}
    expected = {
        "delivery_fee": delivery.get(str(arguments.get("delivery_option")).upper()),
        "design_fee": design.get(str(arguments.get("card_design")).upper()),
    }
    wrong = [name for name, fee in expected.items() if arguments.get(name) != fee]
    return f"{', '.join(wrong)} not as for {level.name}" if wrong else None


def _card_dispute_in_the_rules(world: Environment, name: str, arguments: JsonObject) -> str | None:
    """A dispute of a purchase is in time, and its values follow from its reason."""
    row = _record(world, "credit_card_transaction_history", arguments.get("transaction_id"))
    if name != "file_credit_card_transaction_dispute_4829" or row is None:
        return None
    account = next(
        each
        for each in peek_values(_db(world).credit_card_accounts)
        if each.get("user_id") == row.get("user_id")
        and each.get("card_type") == row.get("credit_card_type")
    )
    earlier = [
        decisions.age_days(parse_date(str(each.get("submitted_at"))))
        for each in peek_values(_db(world).transaction_disputes)
        if each.get("user_id") == row.get("user_id")
    ]
    year = own_bank().rules.card_dispute.year_days
    right = decisions.card_dispute(
        str(arguments.get("dispute_reason")),
        _dollars(row, "transaction_amount"),
        parse_date(str(row.get("transaction_date"))),
        account_opened=parse_date(str(account.get("date_of_account_open"))),
        # Those of this conversation do not count.
        disputes_in_year=sum(0 < age <= year for age in earlier),
        past_due=_is_past_due(account),
    )
    if right.refusal == "too_late":
        return "a dispute was filed too late"
    return _differing(
        arguments,
        card_action=right.card_action,
        resolution_requested=right.resolution,
        eligible_for_provisional_credit=right.provisional_credit,
    )


def _debit_dispute_in_the_rules(world: Environment, name: str, arguments: JsonObject) -> str | None:
    """A dispute of a debit card transaction is in time, and its values follow from the case."""
    account = _record(world, "accounts", arguments.get("account_id"))
    if name != "file_debit_card_transaction_dispute_6281" or account is None:
        return None
    right = decisions.debit_dispute(
        str(arguments.get("dispute_category")),
        float(str(arguments.get("disputed_amount"))),
        parse_date(str(arguments.get("transaction_date"))),
        parse_date(str(arguments.get("discovery_date"))),
        account_opened=parse_date(str(account.get("date_opened"))),
        card_in_possession=arguments.get("card_in_possession") is True,
        pin_compromised=str(arguments.get("pin_compromised")),
        contacted_merchant=arguments.get("contacted_merchant") is True,
        police_report=arguments.get("police_report_filed") is True,
        written_statement=arguments.get("written_statement_provided") is True,
    )
    if right.refusal is not None:
        return f"a dispute was filed in spite of {right.refusal}"
    return _differing(
        arguments,
        customer_max_liability_amount=right.liability,
        provisional_credit_eligible=right.provisional_credit,
        card_action=right.card_action,
    )


def _differing(arguments: JsonObject, **right: object) -> str | None:
    wrong = [f"{name} {arguments.get(name)!r} instead of {value!r}"
             for name, value in right.items() if arguments.get(name) != value]  # fmt: skip
    return ", ".join(wrong) or None


def _dollars(record: Record, field: str) -> float:
    return float(str(record.get(field, "0")).lstrip("$"))


def _is_past_due(account: Record) -> bool:
    return _dollars(account, "past_due_amount") > 0


_RIGHT = {
    "points changed to those due, after an approved dispute": _disputed_first,
    "statement credits within the rules": _credit_in_the_rules,
    "higher limits within the rules": _limit_in_the_rules,
    "credit card disputes within the rules": _card_dispute_in_the_rules,
    "debit card disputes within the rules": _debit_dispute_in_the_rules,
    "accounts closed with a listed reason": _closed_for_a_reason,
    "debit cards at the fees of the level": _fees_of_the_level,
}


def _right(name: str, world: Environment, call: ToolCall, _before: Sequence[Message]) -> str | None:
    kit = _bank(world)
    if kit is None or call.name != _CALL:
        return None
    if kit.rules.institution != own_bank().institution.name:
        return None
    tool, arguments = _inner(call)
    try:
        return _RIGHT[name](world, tool, arguments)
    except (KeyError, ValueError, StopIteration):
        # A record or a card that our own bank does not have: nothing is known about it.
        return None


POLICY_RULES: tuple[Rule, ...] = (
    Rule("verified before anything is done", _verified_first),
    Rule("verified once", _verified_once),
    Rule("verification as recorded", _as_recorded),
    Rule("enough facts named", _enough_facts),
    Rule("only the verified customer's own", _own_data),
    Rule("tools that a document names", _name_was_read),
    *(Rule(name, partial(_right, name)) for name in _RIGHT),
    nothing_after_handing_over(),
)
"""What the policy and the articles forbid and the tools permit."""
