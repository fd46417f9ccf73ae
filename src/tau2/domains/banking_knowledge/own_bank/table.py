"""The table of facts about our own bank, as typed and frozen objects.

The folder's TOML files hold every figure. The articles are written from these objects, the tools
work by the same table, and the tasks' right outcomes follow from `decisions`, so that all three
agree. Money is in US dollars, rates are percent a year unless a field says points.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tau2.environment.db import describe_validation_error, read_data_file
from tau2.errors import DataFileError

FOLDER = Path(__file__).parent
DATE_FORMAT = "%m/%d/%Y"
"""How a date stands in a record and in the table."""

DeliveryOption = Literal["STANDARD", "EXPEDITED", "RUSH"]
CardDesign = Literal["CLASSIC", "PREMIUM", "CUSTOM"]
AccountClass = Literal["checking", "saving", "business_checking", "business_savings"]


def parse_date(text: str) -> date:
    """Return the day of a record's date, for example "11/14/2025"."""
    return datetime.strptime(text, DATE_FORMAT).date()  # noqa: DTZ007  -- a day has no time zone


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Institution(_Facts):
    """The bank itself."""

    name: str
    short_name: str
    plus_name: str
    plus_monthly_fee: int
    plus_trial_days: int
    now: datetime
    timezone: str
    referral_url: str
    service_opens: str
    service_closes: str
    branch_days: str
    branch_opens: str
    branch_closes: str
    app_name: str
    payments_name: str
    atm_network: str
    atm_count: int
    branch_count: int

    @property
    def today(self) -> date:
        """The day on which everything happens."""
        return self.now.date()


class Card(_Facts):
    """A credit card."""

    name: str
    business: bool
    tier: Literal["starter", "standard", "preferred", "premier"]
    annual_fee: int
    apr: float
    default_rate: float
    """Points for each dollar."""
    category_rates: dict[str, float]
    """Category of a transaction → points for each dollar, where they differ."""
    min_income: int
    plus_required: bool
    limit_from: int
    limit_to: int
    limit_age_months: int
    """Months that the account must be old before its limit is raised."""
    limit_percent: int
    """The largest increase, in percent of the present limit."""
    foreign_fee_percent: float
    late_fee: int
    cash_advance_fee_percent: float
    balance_transfer_fee_percent: float
    retention_credit: int
    """What may be credited to keep a customer who wants to close the card; 0: nothing."""
    priority_shipping: bool
    """Whether a replacement is sent by the fast way without a fee."""
    extra_cards: int
    referral_bonus_points: int
    audience: str
    perks: list[str]


class Level(_Facts):
    """A bank account."""

    name: str
    audience: str
    perk: str
    monthly_fee: int
    waiver_balance: int
    """The lowest balance of a month from which its monthly fee is not charged."""
    early_closure_fee: int = 0
    early_closure_days: int = 0


class CheckingLevel(Level):
    """A personal checking account."""

    age_from: int
    age_to: int = 0
    """0: no upper limit."""
    opening_deposit: int
    atm_rebate_per_month: int
    atm_limit: int
    purchase_limit: int
    temporary_increase: bool
    foreign_fee_percent: float
    overdraft_fee: int
    check_limit: int
    free_replacements: int
    """Replacements of the debit card within a year that cost nothing extra."""
    excess_replacement_fee: int
    delivery_fees: dict[DeliveryOption, int]
    design_fees: dict[CardDesign, int]


class ApyStep(_Facts):
    """The rate of a savings account from some balance on."""

    balance_from: int
    apy: float


class SavingsLevel(Level):
    """A savings account, personal or of a business."""

    withdrawals_per_month: int
    excess_withdrawal_fee: int
    apy_steps: list[ApyStep]

    def apy(self, balance: float) -> float:
        """Return the rate for a balance: that of the highest step that it reaches."""
        return max(
            (step for step in self.apy_steps if step.balance_from <= balance),
            key=lambda step: step.balance_from,
        ).apy


class BusinessCheckingLevel(Level):
    """A checking account of a business."""

    opening_deposit: int
    free_items: int
    item_fee: float
    check_limit: int


class Promotion(_Facts):
    """A rate of points that holds for a category between two days."""

    name: str
    card: str
    """The card's key in `OwnBank.cards`."""
    card_name: str
    category: str
    rate: float
    starts: str = Field(alias="from")
    ends: str = Field(alias="to")

    def holds_on(self, day: date) -> bool:
        """Return whether it holds on a day; both ends belong to it."""
        return parse_date(self.starts) <= day <= parse_date(self.ends)


class Rewards(_Facts):
    """Wrong points."""

    window_days: int
    smallest_difference_points: int
    points_per_dollar_of_credit: int
    promotions: dict[str, Promotion]


class CardDisputeRules(_Facts):
    """Disputes about purchases on credit cards."""

    window_days: int
    merchant_wait_days: int
    most_open: int
    credit_smallest_amount: int
    credit_account_age_days: int
    credit_most_disputes_in_year: int
    year_days: int
    decision_business_days: int
    credit_reasons: list[str]
    no_credit_reasons: list[str]
    fraud_reason: str
    partial_reason: str


class LiabilityStep(_Facts):
    """What a customer bears of a loss that is reported within some days."""

    days: int
    amount: int


class DebitDisputeRules(_Facts):
    """Disputes about transactions on debit cards."""

    fraud_window_days: int
    atm_window_days: int
    merchant_window_days: int
    fraud_categories: list[str]
    atm_categories: list[str]
    merchant_categories: list[str]
    liability_steps: list[LiabilityStep]
    police_report_from: int
    credit_smallest_amount: int
    credit_account_age_days: int
    decision_business_days: int


class CardReplacementRules(_Facts):
    """Replacement credit cards."""

    normal_days: str
    expedited_days: str
    free_expedited_reasons: list[str]


class CardClosureRules(_Facts):
    """Closing a credit card, and what may keep the customer."""

    offer_pause_days: int
    fee_offer_age_months: int
    credit_offer_age_months: int
    better_card_offer_age_months: int
    waiver_months: int
    fee_reason: str
    credit_reasons: list[str]
    long_customer_reason: str


class LimitIncreaseRules(_Facts):
    """Higher credit limits."""

    cooldown_days: int
    payments_checked: int
    highest_utilization_percent: int
    smallest_request: int
    decision_order: list[str]
    """The reasons for a denial in the order in which they are checked."""


class Verification(_Facts):
    """How a customer is identified."""

    facts_needed: int
    facts_for_email_change: int
    facts: list[str]


class CardPaymentRules(_Facts):
    """Paying a credit card from checking."""

    smallest_amount: int


class LateFeeRules(_Facts):
    """Giving a late fee back."""

    reversals_per_year: int
    year_days: int
    payments_checked: int
    most_late_payments: int


class AnnualFeeRules(_Facts):
    """Giving an annual fee back."""

    reversal_days: int


class GoodwillRules(_Facts):
    """Credits without a claim."""

    largest_credit: int


class NewCardRules(_Facts):
    """Applications for credit cards."""

    most_cards: int
    decision_days: int


class NewAccountRules(_Facts):
    """Opening bank accounts."""

    savings_checking_age_days: int
    business_savings_checking_age_days: int
    most_checking: int
    most_savings: int


class AccountClosureRules(_Facts):
    """Closing bank accounts."""

    reasons: list[str]
    waiver_new_account_days: int
    waiver_reason: str


class OwnTransferRules(_Facts):
    """Moving money between a customer's own accounts."""

    smallest_amount: int


class AtmRebateRules(_Facts):
    """Rebates for fees of other banks' machines."""

    month_days: int


class MaintenanceFeeRules(_Facts):
    """Monthly fees that were charged wrongly."""

    refund_days: int


class InterestRules(_Facts):
    """Interest that was paid wrongly."""

    report_from_difference: float
    credit_up_to: int
    months_in_year: int


class DebitOrderRules(_Facts):
    """Ordering debit cards."""

    smallest_balance: int
    replacement_year_days: int
    delivery_days: dict[DeliveryOption, str]
    lost_reasons: list[str]


class DebitLimitRules(_Facts):
    """Limits of debit cards that are raised for a time."""

    account_age_days: int
    increase_percent: int
    lasts_days: int


class DebitPinRules(_Facts):
    """PINs."""

    digits: int
    tries: int


class CheckDepositRules(_Facts):
    """Checks that customers deposit themselves."""

    account_age_days: int
    hold_days: int


class ReferralRules(_Facts):
    """Recommending the bank to a friend."""

    window_days: int
    most_in_window: int
    bonus_wait_days: int
    account_bonus: int
    friend_purchase_days: int


class EmailRules(_Facts):
    """Changing an e-mail address."""

    hold_days: int


class HumanRules(_Facts):
    """Talking to a person."""

    wish_repeats: int


class Rules(_Facts):
    """What the bank allows; a table for each area."""

    verification: Verification
    rewards: Rewards
    card_dispute: CardDisputeRules
    debit_dispute: DebitDisputeRules
    card_replacement: CardReplacementRules
    card_closure: CardClosureRules
    limit_increase: LimitIncreaseRules
    card_payment: CardPaymentRules
    late_fee: LateFeeRules
    annual_fee: AnnualFeeRules
    goodwill: GoodwillRules
    new_card: NewCardRules
    new_account: NewAccountRules
    account_closure: AccountClosureRules
    own_transfers: OwnTransferRules
    atm_rebate: AtmRebateRules
    maintenance_fee: MaintenanceFeeRules
    interest: InterestRules
    debit_order: DebitOrderRules
    debit_limits: DebitLimitRules
    debit_pin: DebitPinRules
    check_deposit: CheckDepositRules
    referral: ReferralRules
    email: EmailRules
    human: HumanRules


class Transfer(_Facts):
    """A case that goes to a person."""

    reason: str
    """The reason code of `transfer_to_human_agents`."""
    when: str
    first: str | None = None
    """A discoverable tool that must be called before the transfer."""


class OwnBank(_Facts):
    """All facts. The keys of products are short names, for example `orchard`."""

    services: dict[str, dict[str, int | float | str | list[str]]]
    """What agents explain without having tools for it."""

    institution: Institution
    cards: dict[str, Card]
    checking: dict[str, CheckingLevel]
    savings: dict[str, SavingsLevel]
    business_checking: dict[str, BusinessCheckingLevel]
    business_savings: dict[str, SavingsLevel]
    rules: Rules
    transfers: dict[str, Transfer]

    def card(self, name: str) -> tuple[str, Card]:
        """Return the key and the facts of a card by its name. Raises KeyError: unknown."""
        return next(
            ((key, card) for key, card in self.cards.items() if card.name == name), None
        ) or _unknown(name)

    def levels(self, account_class: AccountClass) -> dict[str, Level]:
        """Return the levels of an account class by their keys."""
        table = "savings" if account_class == "saving" else account_class
        levels: dict[str, Level] = dict(getattr(self, table))
        return levels


def _unknown(name: str) -> tuple[str, Card]:
    raise KeyError(name)


@lru_cache(maxsize=1)
def own_bank() -> OwnBank:
    """Return the table.

    Raises:
        DataFileError: a file of the folder does not have the fields that are read from it.
    """
    tables = {
        "institution": read_data_file(FOLDER / "institution.toml"),
        "cards": read_data_file(FOLDER / "cards.toml"),
        "rules": read_data_file(FOLDER / "rules.toml"),
        "services": read_data_file(FOLDER / "services.toml"),
        "transfers": read_data_file(FOLDER / "transfers.toml"),
        **read_data_file(FOLDER / "accounts.toml"),
    }
    try:
        return OwnBank.model_validate(tables)
    except ValidationError as error:
        raise DataFileError(describe_validation_error(error, FOLDER)) from error
