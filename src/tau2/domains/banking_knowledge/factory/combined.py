"""Tasks of customers who want two things in one conversation."""

from __future__ import annotations

from tau2.domains.banking_knowledge.factory import bank_accounts, credit_cards, debit_cards
from tau2.domains.banking_knowledge.factory.debit_disputes import debit_dispute
from tau2.domains.banking_knowledge.factory.draft import Draft
from tau2.domains.banking_knowledge.factory.kinds import HARD, kinds

COMBINED_KINDS, kind = kinds()

_ABOUT_A_CREDIT_CARD = (
    credit_cards.missing_points,
    credit_cards.missing_points_of_several,
    credit_cards.card_dispute,
    credit_cards.card_replacement,
    credit_cards.card_closure,
    credit_cards.limit_increase,
    credit_cards.limit_increase_denied,
    credit_cards.late_fee,
)
_ABOUT_AN_ACCOUNT = (
    bank_accounts.machine_fees,
    bank_accounts.missing_interest,
    bank_accounts.move_money,
    debit_cards.activate_card,
    debit_cards.clear_fraud_alert,
    debit_cards.first_card,
    debit_cards.lost_card,
    debit_cards.raise_limit_for_a_time,
    debit_cards.unfreeze_card,
    debit_dispute,
)


@kind(level=HARD, shipped=15)
def two_requests(d: Draft) -> None:
    """A credit card and a bank account or debit card, in one conversation."""
    d.one(_ABOUT_A_CREDIT_CARD)(d)
    d.one(_ABOUT_AN_ACCOUNT)(d)
