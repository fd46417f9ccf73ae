"""The records of our own bank agree with its table."""

from __future__ import annotations

import json
import re
from typing import Any

from tau2.domains.banking_knowledge.own_bank import customers, decisions, own_bank, parse_date


def records() -> dict[str, dict[str, dict[str, Any]]]:
    content = json.loads(customers.DATABASE.read_text(encoding="utf-8"))
    return {table: rows["data"] for table, rows in content.items()}


def test_the_committed_records_are_those_that_the_seed_gives() -> None:
    assert customers.main(["--check"]) == 0


def test_every_record_belongs_to_a_customer_and_every_name_is_one_person() -> None:
    tables = records()
    people = tables["users"]
    assert len({person["name"] for person in people.values()}) == len(people) >= 40
    for rows in tables.values():
        owners = {row.get("user_id", row.get("referrer_id")) for row in rows.values()} - {None}
        assert owners <= set(people)
    for table in ("debit_cards", "bank_account_transaction_history"):
        assert {row["account_id"] for row in tables[table].values()} <= set(tables["accounts"])


def test_products_are_those_of_the_bank_and_points_those_that_are_due() -> None:
    bank = own_bank()
    tables = records()
    for row in tables["accounts"].values():
        names = {level.name for level in bank.levels(row["class"]).values()}
        assert row["level"] in names
    for row in tables["credit_card_transaction_history"].values():
        key, _card = bank.card(row["credit_card_type"])
        amount = float(row["transaction_amount"].lstrip("$"))
        day = parse_date(row["transaction_date"])
        due = decisions.rewards_due(key, row["category"], amount, day)
        assert row["rewards_earned"] == f"{due} points"


def test_nothing_happens_after_today_and_money_is_written_one_way() -> None:
    today = own_bank().institution.today
    for rows in records().values():
        for row in rows.values():
            for name, value in row.items():
                if not isinstance(value, str):
                    continue
                if re.fullmatch(r"\d\d/\d\d/\d{4}", value) and name != "expiration_date":
                    assert parse_date(value) <= today
                if name in {"current_balance", "credit_limit", "transaction_amount"}:
                    assert re.fullmatch(r"\$\d+\.\d\d", value)
                if name == "current_holdings":
                    assert re.fullmatch(r"\d+\.\d\d", value)
