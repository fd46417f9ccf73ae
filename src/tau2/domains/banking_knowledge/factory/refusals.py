"""Tasks whose right outcome is a clear no, after what the procedure wants looked up first."""

from __future__ import annotations

from datetime import timedelta

from tau2.domains.banking_knowledge.factory.debit_cards import open_checking
from tau2.domains.banking_knowledge.factory.draft import Draft, Unsuitable, written
from tau2.domains.banking_knowledge.factory.kinds import HARD, kinds
from tau2.domains.banking_knowledge.own_bank import decisions

REFUSED_KINDS, kind = kinds()

_ACCOUNTS = "get_all_user_accounts_by_user_id_3847"
_CARDS = "get_debit_cards_by_account_id_7823"
_TRANSACTIONS = "get_bank_account_transactions_9173"
_ACCEPTS = "If the agent says no, you accept it and do not want to talk to a person."


@kind(level=HARD)
def card_dispute_refused(d: Draft) -> None:
    """A purchase is too old to be disputed, or the merchant has not been asked in time."""
    key = d.one(d.bank.cards)
    facts = d.bank.cards[key]
    rules = d.bank.rules.card_dispute
    late = d.rng.random() < 0.5
    opened = d.ago(300, 900)
    d.card_account(key, opened, d.amount(20, 300), 100 * (facts.limit_from // 100 + 10))
    day = d.ago(rules.window_days + 3, rules.window_days + 60) if late else d.ago(8, 60)
    amount = d.amount(25, 420)
    shop = d.shop("Electronics")
    points = decisions.rewards_due(key, "Electronics", amount, day)
    d.purchase(key, shop, amount, "Electronics", day, points)
    asked = d.ago(20, 60) if late else d.ago(1, rules.merchant_wait_days - 3)
    right = decisions.card_dispute(
        "goods_services_not_received",
        amount,
        day,
        account_opened=opened,
        merchant_contacted=asked,
    )
    if right.refusal is None or asked < day:
        raise Unsuitable
    d.say(
        f"You want to dispute a purchase of ${amount:.2f} at {shop} on {written(day)} with your "
        f"{facts.name}.",
        "What you ordered never arrived.",
    )
    d.know(f"You contacted the merchant, the shop, on {written(asked)}.")
    d.behave(_ACCEPTS)
    d.verify()
    d.look("get_credit_card_transactions_by_user", user_id=d.customer.user_id)
    d.look("get_credit_card_accounts_by_user", user_id=d.customer.user_id)
    d.agent("get_user_dispute_history_7291", user_id=d.customer.user_id)
    d.read("card_dispute")


@kind(level=HARD)
def debit_dispute_refused(d: Draft) -> None:
    """A transaction is too old to be disputed, or the merchant was not asked."""
    _, account = open_checking(d)
    rules = d.bank.rules.debit_dispute
    late = d.rng.random() < 0.5
    card = d.debit_card(account, "ACTIVE", d.ago(200, 900))
    digits = d.tables["debit_cards"][card]["last_4_digits"]
    window = rules.merchant_window_days
    day = d.ago(window + 3, window + 50) if late else d.ago(3, window - 3)
    amount = d.amount(60, 400)
    shop = d.shop("Electronics")
    d.bank_transaction(account, day, shop.upper(), -amount, "debit_card_purchase")
    right = decisions.debit_dispute(
        "duplicate_charge",
        amount,
        day,
        day,
        account_opened=d.today - timedelta(days=300),
        contacted_merchant=late,
        written_statement=True,
    )
    if right.refusal is None:
        raise Unsuitable
    d.say(
        f"You want to dispute a payment of ${amount:.2f} on {written(day)} to {shop} with your "
        f"debit card ending in {digits}.",
        "You were charged twice for one purchase.",
    )
    d.know(
        "You have the card, and nobody knows your PIN.",
        "You contacted the merchant, the shop, and it did not help."
        if late
        else "You have not contacted the merchant, the shop.",
    )
    d.behave(_ACCEPTS)
    d.verify()
    d.agent(_ACCOUNTS, user_id=d.customer.user_id)
    d.agent(_TRANSACTIONS, account_id=account)
    d.agent(_CARDS, account_id=account)
    d.read("debit_dispute")


@kind()
def savings_refused(d: Draft) -> None:
    """A savings account is refused because the checking account is too young."""
    age = d.bank.rules.new_account.savings_checking_age_days
    open_checking(d, (2, age - 2))
    key = d.one(d.bank.savings)
    d.say(f"You want to open a {d.bank.savings[key].name} account.")
    d.behave(_ACCEPTS)
    d.verify()
    d.agent(_ACCOUNTS, user_id=d.customer.user_id)
    d.read("open_savings", levels=[key])


@kind(level=HARD)
def late_fee_refused(d: Draft) -> None:
    """A late fee stays because too many payments were late."""
    key = d.one(d.bank.cards)
    facts = d.bank.cards[key]
    rules = d.bank.rules.late_fee
    limit = 100 * (facts.limit_from // 100 + 10)
    account = d.card_account(key, d.ago(300, 900), d.amount(20, 300), limit)
    late = rules.most_late_payments + d.rng.randint(1, 2)
    for number in range(rules.payments_checked):
        d.payment(account, number, "LATE" if number < late else "ON_TIME")
    d.purchase(key, "LATE PAYMENT FEE", float(facts.late_fee), "Fee", d.ago(10, 28), 0)
    if decisions.late_fee_credit(key, reversals_in_year=0, late_payments=late):
        raise Unsuitable
    d.say(f"You were charged a late fee on your {facts.name} last month.", "You want it back.")
    d.behave(_ACCEPTS)
    d.verify()
    d.look("get_credit_card_accounts_by_user", user_id=d.customer.user_id)
    d.look("get_credit_card_transactions_by_user", user_id=d.customer.user_id)
    d.agent(
        "get_payment_history_6183", credit_card_account_id=account, months=rules.payments_checked
    )
    d.read("late_fee", cards=[key])


@kind(level=HARD)
def unfreezing_refused(d: Draft) -> None:
    """A debit card stays frozen because a dispute about it is open."""
    _, account = open_checking(d)
    frozen = d.ago(5, 20)
    card = d.debit_card(account, "FROZEN", d.ago(100, 800), frozen_date=written(frozen))
    digits = d.tables["debit_cards"][card]["last_4_digits"]
    disputed = d.bank_transaction(
        account, frozen - timedelta(days=1), "CIRCUIT CORNER", -d.amount(60, 400),
        "debit_card_purchase",
    )  # fmt: skip
    dispute = d.new_id("dsp_")
    d.add(
        "debit_card_disputes",
        dispute,
        {
            "dispute_id": dispute,
            "transaction_id": disputed,
            "account_id": account,
            "card_id": card,
            "user_id": d.customer.user_id,
            "dispute_category": "card_not_present_fraud",
            "card_action": "freeze_pending_investigation",
            "submitted_at": written(frozen),
            "status": "OPEN",
        },
    )
    d.say(
        f"Your debit card ending in {digits} is frozen.",
        "You have it with you and want to use it again.",
    )
    d.know(f"Your debit card belongs to the checking account with the number {account}.")
    d.behave(_ACCEPTS)
    d.verify()
    d.agent(_CARDS, account_id=account)
    d.agent("get_debit_dispute_status_7483", user_id=d.customer.user_id)
    d.read("debit_unfreeze")


@kind(held_out=True)
def raised_limit_refused(d: Draft) -> None:
    """A limit of a debit card is not raised: the level never allows it, or it is too much."""
    key, account = open_checking(d)
    facts = d.bank.checking[key]
    more = {"daily_atm_limit": facts.atm_limit, "daily_purchase_limit": facts.purchase_limit}
    card = d.debit_card(account, "ACTIVE", d.ago(100, 900), **more)
    digits = d.tables["debit_cards"][card]["last_4_digits"]
    least = 0 if not facts.temporary_increase else d.bank.rules.debit_limits.increase_percent + 20
    wanted = 50 * (facts.atm_limit * (100 + least) // 5000 + 2)
    opened = d.today - timedelta(days=200)
    if decisions.raised_limit_allowed(
        key, present=facts.atm_limit, wanted=wanted, account_opened=opened
    ):
        raise Unsuitable
    d.say(
        f"You want to withdraw ${wanted} a day with your debit card ending in {digits} next week.",
        "You want its limit raised to that amount.",
    )
    d.know(f"Your debit card belongs to the checking account with the number {account}.")
    d.behave(_ACCEPTS, "You do not want a smaller amount.")
    d.verify()
    d.agent(_CARDS, account_id=account)
    d.read("temporary_limit", levels=[key])


@kind()
def check_too_large(d: Draft) -> None:
    """A check is larger than what the level allows without a branch."""
    key, _ = open_checking(d)
    most = d.bank.checking[key].check_limit
    amount = d.amount(most + 50, most + 900)
    opened = d.today - timedelta(days=100)
    if decisions.check_deposit_allowed(key, amount, opened):
        raise Unsuitable
    d.say(f"You have a check over ${amount:.2f} and want to deposit it into your checking account.")
    d.behave(_ACCEPTS)
    d.verify()
    d.agent(_ACCOUNTS, user_id=d.customer.user_id)
    d.read("check_deposit", levels=[key])


@kind(level=HARD)
def withdrawals_used_up(d: Draft) -> None:
    """Money is not moved from savings because the free withdrawals of the month are used up."""
    key = d.one(d.bank.savings)
    level = d.bank.savings[key]
    savings = d.account("saving", level.name, d.ago(200, 900), d.amount(3000, 9000))
    open_checking(d)
    for _ in range(level.withdrawals_per_month):
        day = d.ago(0, d.today.day - 1)
        name, amount = "MOVED TO CHECKING", -float(10 * d.rng.randint(2, 20))
        d.bank_transaction(savings, day, name, amount, d.one(("withdrawal", "transfer_out")))
    wanted = 50 * d.rng.randint(2, 10)
    d.say(f"You want to move ${wanted} from your {level.name} account to your checking account.")
    d.behave(_ACCEPTS)
    d.verify()
    d.agent(_ACCOUNTS, user_id=d.customer.user_id)
    d.agent(_TRANSACTIONS, account_id=savings)
    d.read("own_transfer", levels=[key])
