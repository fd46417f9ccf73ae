"""Bank accounts: who may open which, what closing costs, and where money can go."""

from __future__ import annotations

import pytest
from tests.unit.domains.banking_knowledge.teller import TODAY, Teller, account

OPEN = "open_bank_account_4821"
CLOSE = "close_bank_account_7392"
TRANSFER = "transfer_funds_between_bank_accounts_7291"
CREDIT = "apply_checking_account_credit_5829"
SAVINGS_CREDIT = "apply_savings_account_credit_6831"
REPORT = "submit_interest_discrepancy_report_7294"


@pytest.fixture(params=[True, False], ids=["strict", "ours"])
def bank(request) -> Teller:
    return Teller(strict_compat=request.param)


@pytest.fixture
def strict() -> Teller:
    return Teller(strict_compat=True)


@pytest.fixture
def ours() -> Teller:
    return Teller(strict_compat=False)


def opened(bank, **arguments):
    before = set(bank.db.accounts)
    bank.does(OPEN, **arguments)
    (account_id,) = set(bank.db.accounts) - before
    return bank.db.accounts[account_id]


def test_anybody_known_opens_a_checking_account(bank):
    record = opened(bank, user_id="cem", account_type="checking", account_class="Blue Account")
    assert record["status"] == "OPEN"
    assert record["date_opened"] == TODAY
    assert record["current_holdings"] == "0.00"
    bank.cannot(
        OPEN, "no customer", user_id="nobody", account_type="checking", account_class="Blue Account"
    )
    bank.cannot(
        OPEN, "must be one of", user_id="cem", account_type="gold", account_class="Blue Account"
    )
    bank.cannot(
        OPEN, "already", user_id="cem", account_type="checking", account_class="Blue Account"
    )


def test_a_new_account_has_the_fields_of_the_others_only_with_us(strict, ours):
    arguments = {"user_id": "cem", "account_type": "checking", "account_class": "Blue Account"}
    record = opened(strict, **arguments)
    assert (record["account_type"], record["account_class"]) == ("checking", "Blue Account")
    assert "class" not in record
    record = opened(ours, **arguments)
    assert (record["class"], record["level"]) == ("checking", "Blue Account")
    ours.cannot(
        OPEN, "no checking account named", user_id="ann", account_type="checking", account_class="?"
    )


def test_savings_need_a_checking_account_that_is_two_weeks_old(bank):
    wanted = {"account_type": "savings", "account_class": "Gold Account"}
    opened(bank, user_id="ann", **wanted)
    bank.cannot(OPEN, "at least 14 days", user_id="bob", **wanted)
    bank.cannot(OPEN, "at least 14 days", user_id="cem", **wanted)
    bank.has("accounts", account("bob_chk", "bob", date_opened="10/31/2025"))
    opened(bank, user_id="bob", **wanted)


def test_business_accounts_need_what_came_before_them(strict):
    checking = {"account_type": "business_checking", "account_class": "Navy Blue"}
    savings = {"account_type": "business_savings", "account_class": "Gold Saver Account"}
    strict.cannot(OPEN, "open personal checking", user_id="cem", **checking)
    opened(strict, user_id="bob", **checking)
    strict.cannot(OPEN, "at least 30 days", user_id="bob", **savings)
    strict.has("accounts", account("biz", "bob", **{"class": "business_checking"}))
    opened(strict, user_id="bob", **savings)
    strict.has("accounts", account("red", "bob", current_holdings="-$1.00"))
    strict.cannot(OPEN, "overdrawn", user_id="bob", **savings)
    strict.has("accounts", account("old", "ann", status="CLOSED"))
    strict.cannot(OPEN, "closed account", user_id="ann", **checking)


def test_only_an_empty_account_is_closed(bank):
    bank.cannot(CLOSE, "holds $500.00", account_id="chk")
    bank.has("accounts", account("chk", "ann", current_holdings="$0.00"))
    bank.does(CLOSE, account_id="chk", reason="moves away")
    record = bank.db.accounts["chk"]
    assert (record["status"], record["date_closed"]) == ("CLOSED", TODAY)
    assert record["early_closure_fee_waived"] is False
    bank.cannot(CLOSE, "is closed", account_id="chk")
    bank.cannot(CLOSE, "no bank account", account_id="unknown")


def test_closing_early_costs_what_the_level_says(bank):
    bank.has("accounts", account("chk", "ann", date_opened="10/01/2025", current_holdings="0.00"))
    bank.cannot(CLOSE, "25.00", account_id="chk")
    bank.has("accounts", account("chk", "ann", date_opened="10/01/2025", current_holdings="25.00"))
    assert "25.00" in bank.does(CLOSE, account_id="chk")
    bank.has("accounts", account("chk", "ann", date_opened="10/01/2025", current_holdings="0.00"))
    bank.does(CLOSE, account_id="chk", waive_early_closure_fee=True)
    assert bank.db.accounts["chk"]["early_closure_fee_waived"] is True
    # On the 60th day it is no longer early.
    bank.has("accounts", account("chk", "ann", date_opened="09/15/2025", current_holdings="0.00"))
    bank.does(CLOSE, account_id="chk")


def test_savings_are_closed_early_for_nothing_only_with_the_original(strict, ours):
    early = account(
        "sav",
        "ann",
        **{"class": "saving", "level": "Bronze Account"},
        date_opened="11/01/2025",
        current_holdings="0.00",
    )
    strict.has("accounts", dict(early))
    strict.does(CLOSE, account_id="sav")
    ours.has("accounts", dict(early))
    ours.cannot(CLOSE, "20.00", account_id="sav")


def test_free_words_are_not_compared_with_us(strict, ours):
    for bank, kept in ((strict, "moves away"), (ours, "Customer requested closure")):
        bank.has("accounts", account("chk", "ann", current_holdings="0.00"))
        bank.does(CLOSE, account_id="chk", reason="moves away")
        assert bank.db.accounts["chk"]["closure_reason"] == kept


def test_money_moves_between_open_accounts_of_a_customer(bank):
    bank.does(TRANSFER, source_account_id="chk", destination_account_id="sav", amount=120.5)
    sign = "$" if bank.strict_compat else ""
    assert (bank.holds("chk"), bank.holds("sav")) == (f"{sign}379.50", f"{sign}620.50")
    bank.does(TRANSFER, source_account_id="chk", destination_account_id="sav", amount=379.5)
    bank.cannot(
        TRANSFER, "holds", source_account_id="chk", destination_account_id="sav", amount=0.01
    )
    for wrong, why in (
        ({"destination_account_id": "chk"}, "same account"),
        ({"destination_account_id": "x"}, "no bank account"),
        ({"amount": -1}, "more than 0"),
        ({"amount": None}, "amount must not be empty"),
    ):
        call = {"source_account_id": "chk", "destination_account_id": "sav", "amount": 1, **wrong}
        bank.cannot(TRANSFER, why, **call)
    bank.has("accounts", account("chk", "ann", status="CLOSED"))
    bank.cannot(
        TRANSFER, "not open", source_account_id="sav", destination_account_id="chk", amount=1
    )


def test_money_reaches_other_customers_only_with_the_original(strict, ours):
    call = {"source_account_id": "chk", "destination_account_id": "bob_chk", "amount": 1}
    strict.does(TRANSFER, **call)
    ours.cannot(TRANSFER, "different customers", **call)


def test_credits_go_to_accounts_of_their_kind(bank):
    bank.does(CREDIT, account_id="chk", amount=14, credit_type="rebate_credit")
    bank.does(SAVINGS_CREDIT, account_id="sav", amount=2.5, credit_type="goodwill_credit")
    assert bank.holds("chk") == ("$514.00" if bank.strict_compat else "514.00")
    assert bank.holds("sav") == "502.50"
    rows = {row["type"]: row for row in bank.db.bank_account_transaction_history.values()}
    assert rows["rebate_credit"]["amount"] == 14.0
    assert rows["goodwill_credit"]["account_id"] == "sav"
    assert rows["goodwill_credit"]["status"] == "posted"
    bank.cannot(CREDIT, "no checking", account_id="sav", amount=1, credit_type="fee_refund")
    bank.cannot(SAVINGS_CREDIT, "no savings", account_id="chk", amount=1, credit_type="fee_refund")
    bank.cannot(CREDIT, "must be one of", account_id="chk", amount=1, credit_type="gift")
    bank.cannot(CREDIT, "more than 0", account_id="chk", amount=-1, credit_type="fee_refund")
    bank.has("accounts", account("chk", "ann", status="CLOSED"))
    bank.cannot(CREDIT, "not open", account_id="chk", amount=1, credit_type="fee_refund")


@pytest.mark.parametrize("amount", [None, "", "unknown_9", "01/01/2020", 0, -1])
def test_an_amount_that_is_no_number_above_zero_is_refused(strict, amount):
    strict.cannot(CREDIT, "amount", account_id="chk", amount=amount, credit_type="fee_refund")
    strict.cannot(
        SAVINGS_CREDIT, "amount", account_id="sav", amount=amount, credit_type="fee_refund"
    )
    strict.cannot(
        TRANSFER, "amount", source_account_id="chk", destination_account_id="sav", amount=amount
    )


def test_an_equal_credit_is_booked_once_only_by_us(strict, ours):
    call = {"account_id": "chk", "amount": 14, "credit_type": "fee_refund"}
    strict.does(CREDIT, **call)
    strict.does(CREDIT, **call)
    assert strict.holds("chk") == "$528.00"
    assert len(strict.db.bank_account_transaction_history) == 1
    ours.does(CREDIT, **call)
    ours.cannot(CREDIT, "applied to this account today", **call)


def test_a_report_names_an_account_and_its_owner_and_is_kept_only_by_us(strict, ours):
    rates = {"expected_apy": 3.25, "actual_apy": 2.5, "amount_difference": 17.5}
    for bank in (strict, ours):
        assert "IDR_" in bank.does(REPORT, account_id="sav", user_id="ann", **rates)
        bank.cannot(REPORT, "no customer", account_id="sav", user_id="x", **rates)
        bank.cannot(REPORT, "no bank account", account_id="x", user_id="ann", **rates)
    assert "interest_reports" not in strict.db.accounts["sav"]
    (report,) = ours.db.accounts["sav"]["interest_reports"].values()
    assert report["amount_difference"] == 17.5
    ours.cannot(REPORT, "reported before", account_id="sav", user_id="ann", **rates)
    strict.does(REPORT, account_id="sav", user_id="bob", **rates)
    ours.cannot(REPORT, "not the customer's", account_id="sav", user_id="bob", **rates)


def test_transactions_are_shown_newest_first(bank):
    for number, day in enumerate(("12/31/2024", "01/15/2025", "01/15/2025 10:30:00", "?"), 1):
        bank.db.bank_account_transaction_history[f"t{number}"] = {
            "transaction_id": f"t{number}",
            "account_id": "chk",
            "date": day,
        }
    text = bank.does("get_bank_account_transactions_9173", account_id="chk")
    places = [text.index(f"t{number}") for number in (3, 2, 1, 4)]
    assert places == sorted(places)
    bank.cannot("get_bank_account_transactions_9173", "no bank account", account_id="x")


def test_both_kinds_of_accounts_are_shown(bank):
    bank.db.credit_card_accounts["cc"] = {"account_id": "cc", "user_id": "ann"}
    text = bank.does("get_all_user_accounts_by_user_id_3847", user_id="ann")
    assert "sav" in text
    assert "cc" in text
    assert "bob_chk" not in text
