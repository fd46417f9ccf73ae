"""What is right at our own bank follows from its table."""

from __future__ import annotations

from datetime import date

import pytest

from tau2.domains.banking_knowledge.own_bank import decisions, own_bank, procedures

LONG_AGO = date(2019, 3, 4)
LATELY = date(2025, 11, 10)


def test_a_promotion_raises_the_points_from_its_first_day_to_its_last() -> None:
    promotion = own_bank().rules.rewards.promotions["harvest_weeks"]
    usual = own_bank().cards["orchard"].category_rates["Groceries"]
    days = [date(2025, 10, 5), date(2025, 10, 6), date(2025, 10, 26), date(2025, 10, 27)]
    points = [decisions.rewards_due("orchard", "Groceries", 10, day) for day in days]
    assert points == [10 * usual, 10 * promotion.rate, 10 * promotion.rate, 10 * usual]
    assert decisions.rewards_due("orchard", "Pharmacy", 10.59, days[1]) == 31


@pytest.mark.parametrize(
    ("earned", "day", "finding"),
    [
        (200, LATELY, "right"),
        (100, LATELY, "dispute"),
        (195, LATELY, "too_small"),
        (250, LATELY, "in_favor"),
        (100, date(2025, 8, 15), "too_old"),
        (100, date(2025, 8, 16), "dispute"),
    ],
)
def test_missing_points_are_disputed_within_the_window(
    earned: int, day: date, finding: str
) -> None:
    assert decisions.rewards_finding("orchard", "Groceries", 50, day, earned) == finding


def test_fraud_needs_no_word_with_the_merchant_and_replaces_the_card() -> None:
    decided = decisions.card_dispute(
        "unauthorized_fraudulent_charge", 80, LATELY, account_opened=LONG_AGO
    )
    assert decided.refusal is None
    assert decided.card_action == "cancel_and_reissue"
    assert decided.provisional_credit
    other = decisions.card_dispute("duplicate_charge", 80, LATELY, account_opened=LONG_AGO)
    assert other.refusal == "merchant_first"


def test_who_gave_the_pin_away_bears_the_loss() -> None:
    def liability(pin: str, discovered: date) -> int:
        return decisions.debit_dispute(
            "card_present_fraud",
            300,
            date(2025, 10, 1),
            discovered,
            account_opened=LONG_AGO,
            pin_compromised=pin,
        ).liability

    first, second, third = own_bank().rules.debit_dispute.liability_steps
    assert liability("no", date(2025, 11, 12)) == first.amount
    assert liability("no", date(2025, 11, 11)) == second.amount
    assert liability("unknown", date(2025, 10, 2)) == third.amount
    assert liability("yes_shared", date(2025, 11, 12)) == -1


def test_a_customer_is_kept_by_one_offer_a_year() -> None:
    offer = decisions.retention_offer("orchard", "annual_fee", LONG_AGO)
    assert offer is not None
    assert (offer.kind, offer.expires) == ("annual_fee_waived", "11/14/2026")
    assert decisions.retention_offer("orchard", "annual_fee", LONG_AGO, LATELY) is None
    assert decisions.retention_offer("lantern", "annual_fee", LONG_AGO) is None
    credit = decisions.retention_offer("lantern", "unhappy_with_rewards", LONG_AGO)
    assert credit is not None
    assert credit.amount == own_bank().cards["lantern"].retention_credit


def test_the_first_failed_condition_is_the_reason_for_a_denial() -> None:
    def denial(requested: float = 1000, **facts: object) -> str | None:
        common = {"limit": 4000.0, "balance": 0.0, "opened": LONG_AGO, **facts}
        return decisions.limit_increase_denial("orchard", requested=requested, **common)  # type: ignore[arg-type]

    assert denial() is None
    assert denial(1601) == "requested_amount_exceeds_limit"
    assert denial(1601, late_payments=1) == "insufficient_payment_history"
    assert denial(1601, opened=LATELY) == "insufficient_account_age"
    assert denial(balance=2801.0) == "high_utilization"


def test_an_early_closure_costs_nothing_for_who_moves_to_another_account() -> None:
    opened = date(2025, 10, 1)
    brook = own_bank().checking["brook"]
    assert decisions.account_closure("checking", "brook", opened).fee == brook.early_closure_fee
    assert decisions.account_closure("checking", "brook", LONG_AGO).fee == 0
    moved = decisions.account_closure(
        "checking",
        "brook",
        opened,
        reason="moving_to_other_account",
        other_account_opened=LATELY,
    )
    assert (moved.fee, moved.waive) == (0, True)


def test_every_card_of_a_promotion_is_a_card_of_the_bank() -> None:
    bank = own_bank()
    for promotion in bank.rules.rewards.promotions.values():
        assert bank.cards[promotion.card].name == promotion.card_name
        assert promotion.category in bank.cards[promotion.card].category_rates
    names = [card.name for card in bank.cards.values()]
    assert len(set(names)) == len(names)
    assert procedures()["limit_increase"].card_topics == ("card.service",)
