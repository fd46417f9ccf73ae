"""What the tools know of our own bank, taken from the table from which its articles are written."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType

from tau2.domains.banking_knowledge.bank_rules import AccountLevel, BankRules, CardType, Limits
from tau2.domains.banking_knowledge.own_bank.table import CheckingLevel, Level, OwnBank, own_bank


@lru_cache(maxsize=1)
def own_rules() -> BankRules:
    """Return the rules of our own bank."""
    bank = own_bank()
    return BankRules(
        institution=bank.institution.name,
        now=bank.institution.now,
        timezone=bank.institution.timezone,
        referral_url=bank.institution.referral_url,
        limits=_limits(bank),
        cards=MappingProxyType(
            {
                card.name: CardType(card.name, card.default_rate, card.category_rates)
                for card in bank.cards.values()
            }
        ),
        levels=MappingProxyType(
            {
                (kind, level.name): _account_level(kind, level)
                for kind, levels in (
                    ("checking", bank.checking),
                    ("saving", bank.savings),
                    ("business_checking", bank.business_checking),
                    ("business_savings", bank.business_savings),
                )
                for level in levels.values()
            }
        ),
    )


def _limits(bank: OwnBank) -> Limits:
    rules = bank.rules
    return Limits(
        savings_checking_age=rules.new_account.savings_checking_age_days,
        business_savings_checking_age=rules.new_account.business_savings_checking_age_days,
        debit_card_balance=rules.debit_order.smallest_balance,
        limit_increase_account_age=rules.debit_limits.account_age_days,
        limit_increase_factor=(100 + rules.debit_limits.increase_percent) / 100,
    )


def _account_level(kind: str, level: Level) -> AccountLevel:
    fee = level.early_closure_fee or None
    days = level.early_closure_days
    if not isinstance(level, CheckingLevel):
        return AccountLevel(level.name, kind, fee, days)
    return AccountLevel(
        level.name, kind, fee, days, level.atm_limit, level.purchase_limit, level.temporary_increase
    )
