"""Tasks about debit cards: orders, activation, freezing, PINs, limits and disputes."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any, get_args

from tau2.domains.banking_knowledge.factory.bank_accounts import fits_age
from tau2.domains.banking_knowledge.factory.draft import Draft, Unsuitable, written
from tau2.domains.banking_knowledge.factory.kinds import HARD, kinds
from tau2.domains.banking_knowledge.own_bank import decisions
from tau2.domains.banking_knowledge.own_bank.table import CardDesign, DeliveryOption

DEBIT_CARD_KINDS, kind = kinds()

_CARDS = "get_debit_cards_by_account_id_7823"
_STEPS = 3  # between the digits of a PIN, all of them different


def open_checking(
    d: Draft, age: tuple[int, int] = (220, 1100), holdings: tuple[int, int] = (200, 3000)
) -> tuple[str, str]:
    """Add a checking account of an age in days; return its level's key and its id."""
    key = d.one(key for key, level in d.bank.checking.items() if fits_age(d, level))
    opened = d.ago(*age)
    return key, d.account("checking", d.bank.checking[key].name, opened, d.amount(*holdings))


def _begin(d: Draft, account: str) -> None:
    """Say which account it is about, verify, and list its cards."""
    d.know(f"Your debit card belongs to the checking account with the number {account}.")
    d.verify()
    d.agent(_CARDS, account_id=account)


def ending(d: Draft, card: str) -> str:
    """Return what the customer calls a card."""
    return f"debit card ending in {d.tables['debit_cards'][card]['last_4_digits']}"


def _new_pin(d: Draft) -> str:
    """Return a PIN that the rules allow: no sequence, not all digits the same."""
    while True:
        pin = f"{d.rng.randint(1000, 9999)}"
        steps = {int(b) - int(a) for a, b in pairwise(pin)}
        month, day, year = d.customer.born.split("/")
        if len(steps) == _STEPS and pin not in {year, month + day, day + month}:
            return pin


@kind()
def freeze_card(d: Draft) -> None:
    """A debit card is frozen until it is found."""
    _, account = open_checking(d)
    card = d.debit_card(account, "ACTIVE", d.ago(100, 900))
    d.say(
        f"You cannot find your {ending(d, card)}, but you think that it is somewhere at home.",
        "You want it frozen until you find it, and no new card.",
    )
    _begin(d, account)
    d.agent("freeze_debit_card_3892", card_id=card)
    d.read("debit_freeze")


@kind()
def unfreeze_card(d: Draft) -> None:
    """A debit card that was frozen is used again."""
    _, account = open_checking(d)
    frozen = written(d.ago(3, 20))
    card = d.debit_card(account, "FROZEN", d.ago(100, 900), frozen_date=frozen)
    d.say(
        f"You had your {ending(d, card)} frozen on {frozen} because you could not find it.",
        "You have found it again and want to use it.",
    )
    d.know("You have the card in your hands.")
    _begin(d, account)
    d.agent("get_debit_dispute_status_7483", user_id=d.customer.user_id)
    d.agent("unfreeze_debit_card_3893", card_id=card)
    d.read("debit_unfreeze")


@kind(level=HARD)
def clear_fraud_alert(d: Draft) -> None:
    """An alert that the customer set, or a block because of many purchases, is cleared."""
    _, account = open_checking(d)
    velocity = d.rng.random() < 0.5
    if velocity:
        more: dict[str, Any] = {"velocity_blocked": True}
        story = "You bought things in many shops within an hour, and now it is declined."
    else:
        more = {"fraud_alert_active": True, "alert_source": "customer_initiated"}
        story = "You set a fraud alert on it in the app, but it was a mistake: all purchases are "
        story += "yours."
    card = d.debit_card(account, "ACTIVE", d.ago(100, 900), **more)
    d.say(f"It is about your {ending(d, card)}.", story, "You want to use the card again.")
    d.know("All recent purchases with the card are yours.")
    _begin(d, account)
    reason = "velocity_clear" if velocity else "customer_verified"
    d.agent("clear_debit_card_fraud_alert_4892", card_id=card, reason=reason)
    d.read("fraud_alert")


@kind(held_out=True)
def alert_of_the_bank(d: Draft) -> None:
    """An alert that the bank itself has set goes to a person."""
    _, account = open_checking(d)
    more = {"fraud_alert_active": True, "alert_source": "bank_initiated"}
    card = d.debit_card(account, "ACTIVE", d.ago(100, 900), **more)
    d.say(
        f"Your {ending(d, card)} is declined everywhere.",
        "You want to use it again, since all recent purchases are yours.",
    )
    _begin(d, account)
    d.transfer("bank_fraud_alert", "A debit card has a fraud alert that the bank has set.")
    d.read("fraud_alert")


@kind()
def reset_pin(d: Draft) -> None:
    """A forgotten PIN is set anew."""
    _, account = open_checking(d)
    card = d.debit_card(account, "ACTIVE", d.ago(100, 900))
    digits = d.tables["debit_cards"][card]["last_4_digits"]
    pin = _new_pin(d)
    d.say(f"You have forgotten the PIN of your {ending(d, card)}.", "You want a new PIN.")
    d.know(f"The new PIN that you would like to set is {pin}.")
    _begin(d, account)
    d.agent("reset_debit_card_pin_6284", card_id=card, last_4_digits=digits, new_pin=pin)
    d.read("pin_reset")


@kind(held_out=True)
def change_pin(d: Draft) -> None:
    """A PIN that the customer knows is changed."""
    _, account = open_checking(d)
    card = d.debit_card(account, "ACTIVE", d.ago(100, 900))
    old = _new_pin(d)
    new = _new_pin(d)
    if old == new:
        raise Unsuitable
    d.say(f"You want another PIN for your {ending(d, card)}; you still know the old one.")
    d.know(
        f"Your present, current PIN is {old}.", f"The new PIN that you would like to set is {new}."
    )
    _begin(d, account)
    d.agent("change_debit_card_pin_6285", card_id=card, current_pin=old, new_pin=new)
    d.read("pin_change")


@kind(level=HARD)
def activate_card(d: Draft) -> None:
    """A new debit card is activated with the tool for the reason it was issued for."""
    _, account = open_checking(d)
    reason = d.one(("new_account", "lost", "stolen", "expired", "damaged", "upgrade"))
    card = d.debit_card(account, "PENDING", d.ago(6, 20), issue_reason=reason)
    record = d.tables["debit_cards"][card]
    pin = _new_pin(d)
    d.say("Your new debit card has come with the post, and you want to activate it.")
    d.know(
        f"On the new card you read the last four digits {record['last_4_digits']}, the expiration "
        f"date {record['expiration_date']} and the security code, or CVV, {record['cvv']}.",
        f"The PIN that you would like to set is {pin}.",
    )
    _begin(d, account)
    d.agent(
        decisions.activation_tool(reason),
        card_id=card,
        last_4_digits=record["last_4_digits"],
        expiration_date=record["expiration_date"],
        cvv=record["cvv"],
        pin=pin,
    )
    d.read("debit_activation")


@kind()
def block_recurring(d: Draft) -> None:
    """Recurring charges are blocked on a debit card, or allowed again."""
    _, account = open_checking(d)
    block = d.rng.random() < 0.5
    card = d.debit_card(account, "ACTIVE", d.ago(100, 900), recurring_blocked=not block)
    if block:
        d.say(f"You want no more recurring charges, such as subscriptions, on your "
              f"{ending(d, card)}.")  # fmt: skip
    else:
        d.say(f"Recurring charges are blocked on your {ending(d, card)}.",
              "You want to allow them again.")  # fmt: skip
    _begin(d, account)
    d.agent("set_debit_card_recurring_block_7382", card_id=card, block_recurring=block)
    d.read("recurring_block")


@kind()
def raise_limit_for_a_time(d: Draft) -> None:
    """A limit of a debit card is raised for some days, within what is allowed."""
    key, account = open_checking(d)
    facts = d.bank.checking[key]
    if not facts.temporary_increase:
        raise Unsuitable
    which = d.one(("atm", "purchase"))
    present = facts.atm_limit if which == "atm" else facts.purchase_limit
    most = int(present * (100 + d.bank.rules.debit_limits.increase_percent) / 100)
    card = d.debit_card(
        account,
        "ACTIVE",
        d.ago(100, 900),
        daily_atm_limit=facts.atm_limit,
        daily_purchase_limit=facts.purchase_limit,
    )
    wanted = 50 * d.rng.randint(present // 50 + 1, most // 50)
    opened = d.today - timedelta(days=100)
    if not decisions.raised_limit_allowed(
        key, present=present, wanted=wanted, account_opened=opened
    ):
        raise Unsuitable
    use = "withdraw at machines" if which == "atm" else "spend with"
    d.say(
        f"Next week you have to {use} your {ending(d, card)} more a day than its limit allows.",
        f"You want the limit raised to ${wanted} a day for that time.",
    )
    _begin(d, account)
    d.agent(
        "request_temporary_debit_card_limit_increase_8374",
        card_id=card,
        limit_type=which,
        new_limit=wanted,
    )
    d.read("temporary_limit", levels=[key])


# Orders.


def _order(d: Draft, key: str, account: str, *, replaced: int | None = None) -> None:
    """Order a card: a first one, or one more after so many were `replaced` within a year."""
    delivery: DeliveryOption = d.one(get_args(DeliveryOption))
    design: CardDesign = d.one(get_args(CardDesign))
    fees = decisions.debit_order(key, delivery, design, replacements_in_year=replaced or 0)
    d.say(
        f"You want {delivery.lower()} delivery and the {design.lower()} design, sent to where "
        "you live.",
    )
    arguments: dict[str, Any] = {
        "account_id": account,
        "user_id": d.customer.user_id,
        "delivery_option": delivery,
        "delivery_fee": float(fees.delivery_fee),
        "card_design": design,
        "design_fee": float(fees.design_fee),
        "shipping_address": d.customer.address,
    }
    if replaced is not None and fees.excess_replacement_fee is not None:
        arguments["excess_replacement_fee"] = float(fees.excess_replacement_fee)
    d.agent("order_debit_card_5739", **arguments)


@kind()
def first_card(d: Draft) -> None:
    """A debit card is ordered for an account that has none."""
    key, account = open_checking(d)
    d.say("You want a debit card for your checking account, which has none so far.")
    _begin(d, account)
    _order(d, key, account)
    d.read("debit_order", levels=[key])


@kind(level=HARD)
def lost_card(d: Draft) -> None:
    """A lost or stolen debit card is closed and replaced, with the fees of the level."""
    key, account = open_checking(d)
    reason = d.one(("lost", "stolen"))
    before = d.rng.randint(0, d.bank.checking[key].free_replacements + 1)
    for number in range(before):
        day = d.ago(30 + 40 * number, 60 + 40 * number)
        d.debit_card(
            account, "CLOSED", day - timedelta(days=90), closed_date=written(day),
            closure_reason=d.one(("lost", "stolen")),
        )  # fmt: skip
    card = d.debit_card(account, "ACTIVE", d.ago(10, 25), issue_reason="lost")
    how = "You have lost" if reason == "lost" else "Somebody has stolen"
    d.say(f"{how} your {ending(d, card)}.", "You want it closed and a new one sent.")
    _begin(d, account)
    d.agent("close_debit_card_4721", card_id=card, reason=reason)
    _order(d, key, account, replaced=before)
    d.read("debit_lost", levels=[key])
