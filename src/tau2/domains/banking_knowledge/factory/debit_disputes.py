"""Tasks about disputes of debit card transactions."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tau2.domains.banking_knowledge.factory.debit_cards import ending, open_checking
from tau2.domains.banking_knowledge.factory.draft import Draft, Unsuitable, written
from tau2.domains.banking_knowledge.factory.kinds import HARD, kinds
from tau2.domains.banking_knowledge.own_bank import decisions
from tau2.domains.banking_knowledge.own_bank.table import parse_date

DEBIT_DISPUTE_KINDS, kind = kinds()

_SHARE_WITH_STATEMENT = 0.75
_STORIES = {
    "card_not_present_fraud": ("online_purchase", "You did not make this purchase."),
    "card_present_fraud": ("signature_purchase", "You did not make this purchase."),
    "atm_cash_discrepancy": ("atm_withdrawal", "The machine gave out less cash than it booked."),
    "duplicate_charge": ("signature_purchase", "You were charged twice for one purchase."),
    "goods_services_not_received": ("online_purchase", "What you ordered never arrived."),
}
"""Category → how it was paid, and what the customer tells."""
_MANNERS = {
    "online_purchase": "The payment was made online.",
    "signature_purchase": "The payment was made with a signature in the shop, without a PIN.",
    "atm_withdrawal": "The payment was a withdrawal at a machine.",
}


@kind(level=HARD)
def debit_dispute(d: Draft) -> None:
    """A transaction with a debit card is disputed, with liability and credit by the rules."""
    _, account = open_checking(d)
    card = d.debit_card(account, "ACTIVE", d.ago(100, 900))
    category = d.one(_STORIES)
    values = {"card_id": card, "account_id": account, "user_id": d.customer.user_id}
    values |= _transaction(d, account, category, ending(d, card))
    values |= _circumstances(d, category)
    right = _decided(d, values, parse_date(values["transaction_date"]))
    d.verify()
    d.agent("get_all_user_accounts_by_user_id_3847", user_id=d.customer.user_id)
    d.agent("get_bank_account_transactions_9173", account_id=account)
    d.agent("get_debit_cards_by_account_id_7823", account_id=account)
    d.agent(
        "file_debit_card_transaction_dispute_6281",
        **values,
        provisional_credit_eligible=right.provisional_credit,
        customer_max_liability_amount=float(right.liability),
        card_action=right.card_action,
    )
    d.read("debit_dispute")
    if right.card_action == "freeze_pending_investigation":
        d.agent("freeze_debit_card_3892", card_id=card)
    elif right.card_action == "close_and_reissue":
        d.agent("close_debit_card_4721", card_id=card, reason="fraud_suspected")
        d.behave("You do not want a new card for now.")


def _transaction(d: Draft, account: str, category: str, card: str) -> dict[str, Any]:
    """Add what is disputed, say so, and return its values."""
    machine = category in d.bank.rules.debit_dispute.atm_categories
    payment, story = _STORIES[category]
    day = d.ago(4, 40)
    amount = float(20 * d.rng.randint(6, 20)) if machine else d.amount(60, 1400)
    received = 20.0 * d.rng.randint(1, 4)
    shop = "COPPERLINE MACHINE" if machine else d.shop("Electronics").upper()
    kind_of = "atm_withdrawal" if machine else "debit_card_purchase"
    row = d.bank_transaction(account, day, shop, -amount, kind_of)
    for _ in range(3):
        other = d.shop("Groceries").upper()
        d.bank_transaction(account, d.ago(2, 60), other, -d.amount(10, 55), "debit_card_purchase")
    d.say(
        f"You want to dispute a transaction of ${amount:.2f} on {written(day)} with your {card}.",
        story,
    )
    if machine:
        d.say(f"You got only ${received:.0f} of the ${amount:.0f}.")
    discovered = day + timedelta(days=d.rng.randint(0, 3))
    d.know(_MANNERS[payment], f"You first noticed, or discovered, it on {written(discovered)}.")
    return {
        "transaction_id": row,
        "dispute_category": category,
        "transaction_date": written(day),
        "discovery_date": written(discovered),
        "disputed_amount": amount - received if machine else amount,
        "transaction_type": payment,
    }


def _circumstances(d: Draft, category: str) -> dict[str, Any]:
    """Draw what the customer is asked about, and return its values."""
    rules = d.bank.rules.debit_dispute
    fraud = category in rules.fraud_categories
    merchant = category in rules.merchant_categories
    has_card = not fraud or d.rng.random() < 0.5
    pin = "no" if has_card else d.one(("no", "unknown"))
    police = fraud and d.rng.random() < 0.5
    statement = d.rng.random() < _SHARE_WITH_STATEMENT
    asked = (
        "contacted the merchant, the shop, and it did not help"
        if merchant
        else "have not contacted any merchant or shop"
    )
    d.know(
        f"You {'still' if has_card else 'no longer'} have the card in your possession.",
        "Nobody else knows your PIN, and you have not shared it."
        if pin == "no"
        else "You do not know if somebody else knows your PIN.",
        f"You {asked}.",
        f"You have {'' if police else 'not '}filed a police report about it.",
        f"You have {'' if statement else 'not '}handed in a written statement in the app.",
    )
    return {
        "card_in_possession": has_card,
        "pin_compromised": pin,
        "contacted_merchant": merchant,
        "police_report_filed": police,
        "written_statement_provided": statement,
    }


def _decided(d: Draft, values: dict[str, Any], day: date) -> decisions.DebitDispute:
    opened = d.tables["accounts"][values["account_id"]]["date_opened"]
    right = decisions.debit_dispute(
        values["dispute_category"],
        values["disputed_amount"],
        day,
        parse_date(values["discovery_date"]),
        account_opened=parse_date(opened),
        card_in_possession=values["card_in_possession"],
        pin_compromised=values["pin_compromised"],
        contacted_merchant=values["contacted_merchant"],
        police_report=values["police_report_filed"],
        written_statement=values["written_statement_provided"],
    )
    if right.refusal is not None:
        raise Unsuitable
    return right
