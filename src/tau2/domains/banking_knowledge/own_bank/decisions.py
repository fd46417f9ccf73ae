"""What is right by the rules of our own bank: pure functions of the table.

The articles say the same in words. Dates are days; where a day is left out, it is the bank's today.
Amounts are in US dollars.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from tau2.domains.banking_knowledge.own_bank.table import (
    AccountClass,
    CardDesign,
    CheckingLevel,
    DeliveryOption,
    SavingsLevel,
    own_bank,
    parse_date,
)

_HALF_A_CENT = 0.005


def today() -> date:
    """Return the day on which everything happens."""
    return own_bank().institution.today


def age_days(day: date) -> int:
    """Return how many days ago a day was."""
    return (today() - day).days


def age_months(day: date) -> int:
    """Return how many whole months ago a day was."""
    now = today()
    return (now.year - day.year) * 12 + now.month - day.month - (now.day < day.day)


# Rewards


RewardsFinding = Literal["right", "dispute", "too_old", "too_small", "in_favor"]


def rewards_due(card: str, category: str, amount: float, day: date) -> int:
    """Return the points for a purchase on a day, with the promotions of that day, rounded down."""
    bank = own_bank()
    facts = bank.cards[card]
    rate = facts.category_rates.get(category, facts.default_rate)
    for promotion in bank.rules.rewards.promotions.values():
        if (promotion.card, promotion.category) == (card, category) and promotion.holds_on(day):
            rate = promotion.rate
    return int(round(amount * rate, 6))


def rewards_finding(
    card: str, category: str, amount: float, day: date, earned: int
) -> RewardsFinding:
    """Return what is to be done about the points that a purchase earned."""
    rules = own_bank().rules.rewards
    missing = rewards_due(card, category, amount, day) - earned
    if missing == 0:
        return "right"
    if missing < 0:
        return "in_favor"
    if missing < rules.smallest_difference_points:
        return "too_small"
    return "too_old" if age_days(day) > rules.window_days else "dispute"


# Disputes


@dataclass(frozen=True, slots=True)
class CardDispute:
    """What becomes of a dispute about a purchase on a credit card."""

    refusal: Literal["too_late", "merchant_first", "too_many_open"] | None
    """Why it is not filed; None: it is filed."""
    card_action: Literal["keep_active", "cancel_and_reissue"]
    resolution: Literal["full_refund", "partial_refund"]
    provisional_credit: bool


def card_dispute(
    reason: str,
    amount: float,
    purchase: date,
    *,
    account_opened: date,
    merchant_contacted: date | None = None,
    open_disputes: int = 0,
    disputes_in_year: int = 0,
    past_due: bool = False,
) -> CardDispute:
    """Decide a dispute.

    `merchant_contacted`: when the customer turned to the merchant; None: not at all.
    `open_disputes` are those SUBMITTED or UNDER_REVIEW; `disputes_in_year` those submitted in the
    last 365 days.
    """
    rules = own_bank().rules.card_dispute
    fraud = reason == rules.fraud_reason
    waited = merchant_contacted is not None and (
        age_days(merchant_contacted) >= rules.merchant_wait_days
    )
    refusal: Literal["too_late", "merchant_first", "too_many_open"] | None = None
    if open_disputes >= rules.most_open:
        refusal = "too_many_open"
    elif age_days(purchase) > rules.window_days:
        refusal = "too_late"
    elif not fraud and not waited:
        refusal = "merchant_first"
    credit = (
        reason in rules.credit_reasons
        and amount >= rules.credit_smallest_amount
        and age_days(account_opened) >= rules.credit_account_age_days
        and disputes_in_year <= rules.credit_most_disputes_in_year
        and not past_due
    )
    return CardDispute(
        refusal=refusal,
        card_action="cancel_and_reissue" if fraud else "keep_active",
        resolution="partial_refund" if reason == rules.partial_reason else "full_refund",
        provisional_credit=credit,
    )


@dataclass(frozen=True, slots=True)
class DebitDispute:
    """What becomes of a dispute about a transaction on a debit card."""

    refusal: Literal["too_late", "merchant_first"] | None
    liability: int
    """What the customer bears at most; -1: everything."""
    provisional_credit: bool
    card_action: Literal["keep_active", "freeze_pending_investigation", "close_and_reissue"]


def debit_dispute(
    category: str,
    amount: float,
    transaction: date,
    discovered: date,
    *,
    account_opened: date,
    card_in_possession: bool = True,
    pin_compromised: str = "no",
    contacted_merchant: bool = False,
    police_report: bool = False,
    written_statement: bool = False,
) -> DebitDispute:
    """Decide a dispute. `pin_compromised`: yes_shared, yes_observed, no or unknown."""
    rules = own_bank().rules.debit_dispute
    fraud = category in rules.fraud_categories
    merchant = category in rules.merchant_categories
    if fraud:
        window = rules.fraud_window_days
    else:
        window = rules.merchant_window_days if merchant else rules.atm_window_days
    refusal: Literal["too_late", "merchant_first"] | None = None
    if age_days(transaction) > window:
        refusal = "too_late"
    elif merchant and not contacted_merchant:
        refusal = "merchant_first"
    shared = pin_compromised == "yes_shared"
    credit = (
        written_statement
        and amount >= rules.credit_smallest_amount
        and age_days(account_opened) >= rules.credit_account_age_days
        and not (fraud and shared)
        and not (fraud and amount >= rules.police_report_from and not police_report)
    )
    safe = card_in_possession and pin_compromised == "no"
    action: Literal["keep_active", "freeze_pending_investigation", "close_and_reissue"]
    if fraud:
        action = "freeze_pending_investigation" if safe else "close_and_reissue"
    else:
        action = "keep_active"
    return DebitDispute(refusal, _liability(fraud, shared, discovered), credit, action)


def _liability(fraud: bool, shared: bool, discovered: date) -> int:
    if not fraud:
        return 0
    if shared:
        return -1
    steps = own_bank().rules.debit_dispute.liability_steps
    return next((step.amount for step in steps if age_days(discovered) <= step.days), -1)


# Credit cards


def free_expedited(card: str, reason: str) -> bool:
    """Return whether a replacement credit card goes by the fast way at no charge.

    For `free_expedited_reasons` it always does; for cards with priority shipping if the customer
    asks for it.
    """
    bank = own_bank()
    free = bank.rules.card_replacement.free_expedited_reasons
    return reason in free or bank.cards[card].priority_shipping


@dataclass(frozen=True, slots=True)
class RetentionOffer:
    """What is offered to a customer who wants to close a credit card."""

    kind: Literal["annual_fee_waived", "statement_credit"]
    amount: int
    """The statement credit; 0 for a waiver."""
    expires: str
    """The last day of a waiver; empty for a credit."""


def retention_offer(
    card: str, closure_reason: str, opened: date, last_reason_logged: date | None = None
) -> RetentionOffer | None:
    """Return the offer, if there is one.

    `last_reason_logged`: when the latest earlier closure reason was logged.
    """
    bank = own_bank()
    facts = bank.cards[card]
    rules = bank.rules.card_closure
    paused = last_reason_logged is not None and (
        age_days(last_reason_logged) <= rules.offer_pause_days
    )
    months = age_months(opened)
    if paused:
        return None
    if closure_reason == rules.fee_reason:
        if facts.annual_fee == 0 or months < rules.fee_offer_age_months:
            return None
        return RetentionOffer("annual_fee_waived", 0, _in_months(rules.waiver_months))
    if closure_reason in rules.credit_reasons:
        old_enough = months >= rules.credit_offer_age_months
    elif closure_reason == rules.long_customer_reason:
        old_enough = months >= rules.better_card_offer_age_months
    else:
        old_enough = False
    if not old_enough or facts.retention_credit == 0:
        return None
    return RetentionOffer("statement_credit", facts.retention_credit, "")


def _in_months(months: int) -> str:
    now = today()
    index = now.month - 1 + months
    return f"{index % 12 + 1:02}/{now.day:02}/{now.year + index // 12}"


def limit_increase_denial(
    card: str,
    *,
    limit: float,
    requested: float,
    balance: float,
    opened: date,
    last_decision: date | None = None,
    open_disputes: int = 0,
    pending_orders: int = 0,
    past_due: bool = False,
    late_payments: int = 0,
) -> str | None:
    """Return the reason why a higher limit is denied: the first in the order of the rules.

    None: it is approved, and the new limit is `limit + requested`. `late_payments` are those among
    the last payments that the rules check.
    """
    bank = own_bank()
    facts = bank.cards[card]
    rules = bank.rules.limit_increase
    failed = {
        "insufficient_account_age": age_months(opened) < facts.limit_age_months,
        "cooldown_period_active": last_decision is not None
        and age_days(last_decision) <= rules.cooldown_days,
        "pending_disputes": open_disputes > 0,
        "pending_replacement_card": pending_orders > 0,
        "past_due_balance": past_due,
        "high_utilization": balance > limit * rules.highest_utilization_percent / 100,
        "insufficient_payment_history": late_payments > 0,
        "requested_amount_exceeds_limit": requested > limit * facts.limit_percent / 100,
    }
    return next((reason for reason in rules.decision_order if failed[reason]), None)


def late_fee_credit(card: str, *, reversals_in_year: int, late_payments: int) -> int:
    """Return how much of a late fee is given back; 0: nothing.

    `late_payments` are those among the last payments that the rules check, this one included.
    """
    bank = own_bank()
    rules = bank.rules.late_fee
    refused = (
        reversals_in_year >= rules.reversals_per_year or late_payments > rules.most_late_payments
    )
    return 0 if refused else bank.cards[card].late_fee


def card_refusal(
    card: str, *, income: float, plus: bool, cards_held: int
) -> Literal["income", "plus", "most_cards"] | None:
    """Return why a customer may not apply for a card now, or None."""
    bank = own_bank()
    rules = bank.rules.new_card
    facts = bank.cards[card]
    if cards_held >= rules.most_cards:
        return "most_cards"
    if facts.plus_required and not plus:
        return "plus"
    return "income" if income < facts.min_income else None


# Bank accounts


@dataclass(frozen=True, slots=True)
class AccountClosure:
    """What it takes to close a bank account."""

    fee: int
    """What the account must hold when it is closed, and what is kept; 0: nothing."""
    waive: bool
    """The argument `waive_early_closure_fee`."""


def account_closure(
    account_class: AccountClass,
    level: str,
    opened: date,
    *,
    plus: bool = False,
    reason: str = "account_not_needed",
    other_account_opened: date | None = None,
) -> AccountClosure:
    """Decide the fee. `other_account_opened`: the latest other account of the same class."""
    bank = own_bank()
    rules = bank.rules.account_closure
    facts = bank.levels(account_class)[level]
    early = age_days(opened) < facts.early_closure_days
    moved = (
        reason == rules.waiver_reason
        and other_account_opened is not None
        and age_days(other_account_opened) <= rules.waiver_new_account_days
    )
    waive = early and (plus or moved)
    return AccountClosure(facts.early_closure_fee if early and not waive else 0, waive)


def atm_rebate_due(level: str, fees: float, rebated: float) -> float:
    """Return what is still owed for the fees of other banks' machines in the last month."""
    facts = own_bank().checking[level]
    return max(0.0, round(min(fees, facts.atm_rebate_per_month) - rebated, 2))


def monthly_interest(level: SavingsLevel, balance: float) -> float:
    """Return the interest of a month on a balance that did not change."""
    months = own_bank().rules.interest.months_in_year
    return round(balance * level.apy(balance) / 100 / months, 2)


@dataclass(frozen=True, slots=True)
class InterestFinding:
    """What is to be done about a month's interest."""

    expected_apy: float
    difference: float
    """How much is missing."""
    report: bool
    credit: bool


def interest_finding(level: SavingsLevel, balance: float, paid: float) -> InterestFinding:
    """Compare what was paid for a month with what is due."""
    rules = own_bank().rules.interest
    difference = round(monthly_interest(level, balance) - paid, 2)
    report = difference >= rules.report_from_difference - _HALF_A_CENT / 10
    return InterestFinding(
        level.apy(balance), difference, report, report and difference <= rules.credit_up_to
    )


# Debit cards


@dataclass(frozen=True, slots=True)
class DebitOrder:
    """The fees of an order of a debit card."""

    delivery_fee: int
    design_fee: int
    excess_replacement_fee: int | None


def debit_order(
    level: str, delivery: DeliveryOption, design: CardDesign, *, replacements_in_year: int = 0
) -> DebitOrder:
    """Return the fees.

    `replacements_in_year`: lost, stolen or fraud replacements before this one; 0 for a first,
    expired or damaged card.
    """
    facts: CheckingLevel = own_bank().checking[level]
    excess = replacements_in_year >= facts.free_replacements
    return DebitOrder(
        facts.delivery_fees[delivery],
        facts.design_fees[design],
        facts.excess_replacement_fee if excess else None,
    )


def raised_limit_allowed(
    level: str, *, present: int, wanted: int, account_opened: date, card_active: bool = True
) -> bool:
    """Return whether a limit of a debit card is raised for a time."""
    bank = own_bank()
    rules = bank.rules.debit_limits
    return (
        card_active
        and bank.checking[level].temporary_increase
        and age_days(account_opened) >= rules.account_age_days
        and present < wanted <= int(present * (100 + rules.increase_percent) / 100)
    )


def activation_tool(issue_reason: str) -> str:
    """Return the tool that activates a card that was issued for a reason."""
    if issue_reason in {"new_account", "first_card"}:
        return "activate_debit_card_8291"
    if issue_reason in {"lost", "stolen", "fraud"}:
        return "activate_debit_card_8292"
    return "activate_debit_card_8293"


# Others


def check_deposit_allowed(level: str, amount: float, account_opened: date) -> bool:
    """Return whether the customer may deposit a check without going to a branch."""
    bank = own_bank()
    return (
        amount <= bank.checking[level].check_limit
        and age_days(account_opened) >= bank.rules.check_deposit.account_age_days
    )


def referral_allowed(days_of_referrals: list[date]) -> bool:
    """Return whether one more referral is allowed."""
    rules = own_bank().rules.referral
    recent = [day for day in days_of_referrals if age_days(day) <= rules.window_days]
    return len(recent) < rules.most_in_window


def promotions_on(card: str, day: str) -> list[str]:
    """Return the keys of a card's promotions on a record's date."""
    return [
        key
        for key, promotion in own_bank().rules.rewards.promotions.items()
        if promotion.card == card and promotion.holds_on(parse_date(day))
    ]
