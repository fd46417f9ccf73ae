"""Tasks about credit cards: points, disputes, replacements, closures, limits and fees."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tau2.domains.banking_knowledge.factory.draft import Draft, Unsuitable, dollars, written
from tau2.domains.banking_knowledge.factory.kinds import HARD, kinds
from tau2.domains.banking_knowledge.ids import credit_card_last_4
from tau2.domains.banking_knowledge.own_bank import decisions
from tau2.domains.banking_knowledge.own_bank.table import Promotion

CREDIT_CARD_KINDS, kind = kinds()

_ORDINARY = ("Clothing", "Electronics", "Home")  # categories that no card rewards specially
_SHARE_SHOWN = 0.6  # of the right points that a wrong purchase earned, at most
_RECENT = 4  # days within which a purchase may not be completed
_SHARE_SETTLED = 0.6  # of the disputes about points
_MONTH = 31  # days, so that so many months are certainly over


# What several kinds share.


def _right_purchases(d: Draft, key: str, count: int) -> None:
    """Add purchases whose points are right."""
    categories = [*d.bank.cards[key].category_rates, *_ORDINARY]
    for _ in range(count):
        category = d.one(categories)
        amount = d.amount(12, 240)
        day = d.ago(4, 85)
        points = decisions.rewards_due(key, category, amount, day)
        d.purchase(key, d.shop(category), amount, category, day, points)


def _rewarded(d: Draft) -> str:
    """Return a card that rewards some category specially."""
    return d.one(key for key, card in d.bank.cards.items() if card.category_rates)


def _open_card(d: Draft, key: str, months: tuple[int, int] = (14, 40), **more: Any) -> str:
    facts = d.bank.cards[key]
    opened = d.ago(months[0] * _MONTH, months[1] * _MONTH)
    limit = 100 * (facts.limit_from // 100 + d.rng.randint(3, 20))
    return d.card_account(key, opened, d.amount(20, limit // 3), limit, **more)


def _verified_with_cards(d: Draft) -> None:
    d.verify()
    d.look("get_credit_card_accounts_by_user", user_id=d.customer.user_id)


def _wrong_purchase(d: Draft, key: str, category: str, day: date) -> tuple[str, str, float, int]:
    """Add a purchase with too few points; return its id, shop, amount and the right points."""
    amount = d.amount(80, 320)
    due = decisions.rewards_due(key, category, amount, day)
    earned = int(amount * min(d.bank.cards[key].default_rate, 1))
    if earned >= due * _SHARE_SHOWN:
        raise Unsuitable
    shop = d.shop(category)
    return d.purchase(key, shop, amount, category, day, earned), shop, amount, due


def _correct_points(d: Draft, wrong: list[tuple[str, int]], *, settled: bool = True) -> None:
    """Have the customer dispute the points of purchases, and correct them once that is settled."""
    if settled:
        d.settle_disputes()
    for transaction, _ in wrong:
        who = d.customer.user_id
        d.give("submit_cash_back_dispute_0589", user_id=who, transaction_id=transaction)
    for transaction, due in wrong if settled else ():
        d.agent(
            "update_transaction_rewards_3847",
            transaction_id=transaction,
            new_rewards_earned=f"{due} points",
        )


# Points.


@kind()
def missing_points(d: Draft) -> None:
    """A purchase earned too few points, within the time for complaints."""
    key = _rewarded(d)
    facts = d.bank.cards[key]
    _open_card(d, key)
    _right_purchases(d, key, 3)
    category = d.one(facts.category_rates)
    day = d.ago(5, 80)
    transaction, shop, amount, due = _wrong_purchase(d, key, category, day)
    d.say(
        f"You think that a purchase with your {facts.name} earned too few points.",
        f"It is the purchase of ${amount:.2f} at {shop} on {written(day)}.",
        "You want the points corrected.",
    )
    d.verify()
    d.look("get_credit_card_transactions_by_user", user_id=d.customer.user_id)
    _correct_points(d, [(transaction, due)], settled=d.rng.random() < _SHARE_SETTLED)
    d.read("rewards_dispute", cards=[key])


@kind(level=HARD)
def missing_points_of_a_promotion(d: Draft) -> None:
    """A purchase earned the usual points although a promotion held on its day."""
    rules = d.bank.rules.rewards
    name = d.one(name for name, one in rules.promotions.items() if _days_of(one, d))
    promotion = rules.promotions[name]
    days = _days_of(promotion, d)
    key = promotion.card
    facts = d.bank.cards[key]
    _open_card(d, key)
    _right_purchases(d, key, 3)
    day = d.one(days)
    transaction, shop, amount, due = _wrong_purchase(d, key, promotion.category, day)
    d.say(
        f"On {written(day)} you paid ${amount:.2f} at {shop} with your {facts.name}.",
        f"You have heard of a promotion for {promotion.category.lower()} at that time and think "
        "that it was not counted.",
        "You want the points corrected.",
    )
    d.verify()
    d.look("get_credit_card_transactions_by_user", user_id=d.customer.user_id)
    _correct_points(d, [(transaction, due)])
    d.read("rewards_dispute", cards=[key], also=[f"promotion:{name}"])


def _days_of(promotion: Promotion, d: Draft) -> list[date]:
    """Return the days of a promotion on which a purchase may still be complained about."""
    ages = range(_RECENT, d.bank.rules.rewards.window_days)
    days = [d.today - timedelta(days=age) for age in ages]
    return [day for day in days if promotion.holds_on(day)]


@kind(level=HARD)
def missing_points_of_several(d: Draft) -> None:
    """Of several purchases some earned too few points; others are right, too old or too small."""
    key = _rewarded(d)
    facts = d.bank.cards[key]
    rules = d.bank.rules.rewards
    _open_card(d, key)
    _right_purchases(d, key, 3)
    wrong = []
    for _ in range(2):
        category = d.one(facts.category_rates)
        transaction, _, _, due = _wrong_purchase(d, key, category, d.ago(5, 80))
        wrong.append((transaction, due))
    old = d.ago(rules.window_days + 5, rules.window_days + 40)
    _wrong_purchase(d, key, d.one(facts.category_rates), old)
    amount = d.amount(40, 90)
    day = d.ago(5, 60)
    small = decisions.rewards_due(key, "Home", amount, day) - d.rng.randint(2, 5)
    d.purchase(key, d.shop("Home"), amount, "Home", day, small)
    d.say(
        f"You think that several purchases with your {facts.name} earned too few points.",
        "You do not know which ones, and you want all of them corrected that can be corrected.",
    )
    d.behave("If something cannot be corrected, you accept that.")
    d.verify()
    d.look("get_credit_card_transactions_by_user", user_id=d.customer.user_id)
    _correct_points(d, wrong)
    d.read("rewards_dispute", cards=[key])


# Disputes.

_COMPLAINTS = {
    "duplicate_charge": "It was charged twice, and you want the second charge back.",
    "goods_services_not_received": "What you ordered never arrived, and you want your money back.",
    "goods_services_not_as_described": "What you got is not what was described, and you want all "
    "of your money back.",
    "canceled_subscription_still_charging": "It is a subscription that you cancelled before, and "
    "you want the charge back.",
    "refund_never_processed": "The shop promised a refund that never came.",
    "unauthorized_fraudulent_charge": "You did not make this purchase, and you want your money "
    "back.",
}


def _charge(d: Draft, key: str, day: date) -> tuple[str, str, float]:
    amount = d.amount(25, 420)
    category = d.one(_ORDINARY)
    shop = d.shop(category)
    points = decisions.rewards_due(key, category, amount, day)
    return d.purchase(key, shop, amount, category, day, points), shop, amount


def _dispute(d: Draft, reason: str, *, has_card: bool = True) -> None:
    """Make a dispute that is filed, with reason, credit and card action as the rules have it."""
    key = d.one(d.bank.cards)
    facts = d.bank.cards[key]
    rules = d.bank.rules.card_dispute
    opened = d.ago(40, 900)
    limit = 100 * (facts.limit_from // 100 + 10)
    account = d.card_account(key, opened, d.amount(20, 300), limit)
    digits = d.ids.digits(4) if has_card else credit_card_last_4(account)
    _right_purchases(d, key, 2)
    day = d.ago(rules.merchant_wait_days + 6, min(rules.window_days, decisions.age_days(opened)))
    transaction, shop, amount = _charge(d, key, day)
    noticed = day + timedelta(days=d.rng.randint(1, 4))
    fraud = reason == rules.fraud_reason
    waited = d.rng.randint(rules.merchant_wait_days, decisions.age_days(noticed))
    contacted = None if fraud else d.today - timedelta(days=waited)
    partial = round(amount * d.one((0.25, 0.4, 0.5)), 2) if reason == rules.partial_reason else None
    right = decisions.card_dispute(
        reason, amount, day, account_opened=opened, merchant_contacted=contacted
    )
    if right.refusal is not None:
        raise Unsuitable
    complaint = _COMPLAINTS.get(reason) or (
        f"The amount is too high by ${partial:.2f}, and you want that part back."
    )
    d.say(
        f"You want to dispute a purchase of ${amount:.2f} at {shop} on {written(day)} with your "
        f"{facts.name}.",
        complaint,
    )
    d.know(f"You first noticed the issue, the problem, on {written(noticed)}.")
    if contacted is None:
        d.know("You have not contacted the merchant, the shop.")
    else:
        d.know(
            f"You contacted the merchant, the shop, on {written(contacted)}, and it did not help."
        )
    if has_card:
        d.know(f"The last four digits of your card are {digits}.")
    else:
        d.know("You do not have the card with you, and do not know its last four digits.")
    _verified_with_cards(d)
    d.look("get_credit_card_transactions_by_user", user_id=d.customer.user_id)
    d.agent("get_user_dispute_history_7291", user_id=d.customer.user_id)
    if not has_card:
        d.give("get_card_last_4_digits", credit_card_account_id=account)
        d.read("card_dispute", also=["last_four"])
    who = d.customer
    arguments: dict[str, Any] = {
        "transaction_id": transaction,
        "card_action": right.card_action,
        "card_last_4_digits": digits,
        "full_name": who.name,
        "user_id": who.user_id,
        "phone": who.phone,
        "email": who.email,
        "address": who.address,
        "contacted_merchant": contacted is not None,
        "purchase_date": written(day),
        "issue_noticed_date": written(noticed),
        "dispute_reason": reason,
        "resolution_requested": right.resolution,
        "eligible_for_provisional_credit": right.provisional_credit,
    }
    if partial is not None:
        arguments["partial_refund_amount"] = partial
    d.agent("file_credit_card_transaction_dispute_4829", **arguments)
    d.read("card_dispute")
    if fraud:
        _replace(d, key, account, "fraud_suspected")


@kind()
def card_dispute(d: Draft) -> None:
    """A purchase with a credit card is disputed after the merchant was asked."""
    reasons = [
        *d.bank.rules.card_dispute.credit_reasons,
        *d.bank.rules.card_dispute.no_credit_reasons,
    ]
    _dispute(d, d.one(r for r in reasons if r != d.bank.rules.card_dispute.fraud_reason))


@kind(level=HARD, held_out=True)
def card_dispute_without_the_card(d: Draft) -> None:
    """A purchase is disputed by a customer who has to look the digits of the card up first."""
    _dispute(d, d.one(("duplicate_charge", "goods_services_not_received")), has_card=False)


@kind(level=HARD)
def card_fraud(d: Draft) -> None:
    """A purchase with a credit card that the customer did not make."""
    _dispute(d, d.bank.rules.card_dispute.fraud_reason)


@kind(level=HARD)
def too_many_card_disputes(d: Draft) -> None:
    """The customer has as many open disputes as are allowed and wants another."""
    key = d.one(d.bank.cards)
    rules = d.bank.rules.card_dispute
    _open_card(d, key)
    for _ in range(rules.most_open):
        before = d.ago(20, 60)
        disputed, _, _ = _charge(d, key, before)
        dispute = d.new_id("dsp_")
        d.add(
            "transaction_disputes",
            dispute,
            {
                "dispute_id": dispute,
                "transaction_id": disputed,
                "user_id": d.customer.user_id,
                "dispute_reason": "duplicate_charge",
                "submitted_at": written(before + timedelta(days=3)),
                "status": "SUBMITTED",
            },
        )
    day = d.ago(15, 40)
    _, shop, amount = _charge(d, key, day)
    d.say(
        f"You want to dispute a purchase of ${amount:.2f} at {shop} on {written(day)} with your "
        f"{d.bank.cards[key].name}.",
        _COMPLAINTS["duplicate_charge"],
    )
    d.know(f"You contacted the merchant, the shop, on {written(day + timedelta(days=1))}.")
    d.verify()
    d.agent("get_user_dispute_history_7291", user_id=d.customer.user_id)
    d.transfer("complex_billing", "The customer wants another dispute although too many are open.")
    d.read("card_dispute")


# Cards.

_HAPPENED = {
    "lost": "You have lost your {card}, and you need a new one.",
    "stolen": "Your {card} was stolen, and you need a new one.",
    "damaged": "Your {card} is broken and can no longer be read, so you need a new one.",
    "fraud_suspected": "You suspect that somebody else uses your {card}, and you want a new one.",
}


@kind()
def card_replacement(d: Draft) -> None:
    """A credit card is replaced, by the normal or the fast way."""
    key = d.one(d.bank.cards)
    reason = d.one(_HAPPENED)
    account = _open_card(d, key)
    d.say(_HAPPENED[reason].format(card=d.bank.cards[key].name))
    d.say("You want it sent the fast way if that costs nothing, to where you live.")
    _verified_with_cards(d)
    _replace(d, key, account, reason)


def _replace(d: Draft, key: str, account: str, reason: str) -> None:
    d.agent("get_pending_replacement_orders_5765", credit_card_account_id=account)
    d.agent(
        "order_replacement_credit_card_7291",
        credit_card_account_id=account,
        user_id=d.customer.user_id,
        shipping_address=d.customer.address,
        reason=reason,
        expedited_shipping=decisions.free_expedited(key, reason),
    )
    d.read("card_replacement", cards=[key])


_CLOSING = {
    "annual_fee": "because the annual fee is too high",
    "not_using_card": "because you hardly use it any more",
    "found_better_card": "because you have found a better card at another bank",
    "unhappy_with_rewards": "because you are unhappy with its rewards",
    "simplifying_finances": "because you want fewer cards, to keep things simple",
}


def _closing(d: Draft, *, offered: bool, accepts: bool) -> None:
    key = d.one(d.bank.cards)
    facts = d.bank.cards[key]
    reason = d.one(_CLOSING)
    opened = d.ago(7 * _MONTH, 40 * _MONTH)
    limit = 100 * (facts.limit_from // 100 + 10)
    account = d.card_account(key, opened, 0, limit)
    offer = decisions.retention_offer(key, reason, opened)
    if (offer is not None) is not offered:
        raise Unsuitable
    who = d.customer.user_id
    d.say(f"You want to close your {facts.name} {_CLOSING[reason]}.")
    if accepts:
        d.behave("If the bank offers you something so that you keep the card, you accept it.")
    else:
        d.behave("If the bank offers you something so that you keep the card, you decline it.")
    _verified_with_cards(d)
    d.agent("get_user_dispute_history_7291", user_id=who)
    d.agent("get_pending_replacement_orders_5765", credit_card_account_id=account)
    d.agent("get_closure_reason_history_8293", credit_card_account_id=account)
    d.agent(
        "log_credit_card_closure_reason_4521",
        credit_card_account_id=account,
        user_id=who,
        closure_reason=reason,
    )
    if offer is None or not accepts:
        d.agent("close_credit_card_account_7834", credit_card_account_id=account, user_id=who)
    elif offer.kind == "statement_credit":
        d.agent(
            "apply_statement_credit_8472",
            user_id=who,
            credit_card_account_id=account,
            amount=float(offer.amount),
            reason="retention_offer",
        )
    else:
        d.agent(
            "apply_credit_card_account_flag_6147",
            credit_card_account_id=account,
            user_id=who,
            flag_type=offer.kind,
            expiration_date=offer.expires,
            reason="retention_offer",
        )
    d.read("card_closure", cards=[key])


@kind()
def card_closure(d: Draft) -> None:
    """A credit card is closed for a reason for which nothing is offered."""
    _closing(d, offered=False, accepts=True)


@kind(level=HARD)
def card_kept_by_an_offer(d: Draft) -> None:
    """A customer who wants to close a credit card takes what is offered."""
    _closing(d, offered=True, accepts=True)


@kind(level=HARD, held_out=True)
def card_closed_despite_an_offer(d: Draft) -> None:
    """A customer who wants to close a credit card declines what is offered."""
    _closing(d, offered=True, accepts=False)


# Limits.


def _limit(d: Draft, denial: str | None) -> None:
    """Ask for a higher limit that is approved, or denied for a reason."""
    key = d.one(d.bank.cards)
    facts = d.bank.cards[key]
    rules = d.bank.rules.limit_increase
    young = denial == "insufficient_account_age"
    months = (1, facts.limit_age_months - 2) if young else (facts.limit_age_months + 1, 50)
    opened = d.ago(months[0] * _MONTH, months[1] * _MONTH)
    limit = 100 * d.rng.randint(facts.limit_from // 100, facts.limit_to // 200)
    share = rules.highest_utilization_percent / 100
    used = share * 1.15 if denial == "high_utilization" else share * 0.4
    largest = int(limit * facts.limit_percent / 100)
    exceeds = denial == "requested_amount_exceeds_limit"
    wanted = 50 * (largest // 50 + d.rng.randint(2, 6)) if exceeds else 50 * (largest // 70)
    if wanted < rules.smallest_request:
        raise Unsuitable
    balance = round(limit * used, 2)
    account = d.card_account(key, opened, balance, limit)
    late = d.rng.randint(1, 2) if denial == "insufficient_payment_history" else 0
    made = min(rules.payments_checked, decisions.age_months(opened))
    for number in range(made):
        d.payment(account, number, "LATE" if number < late else "ON_TIME")
    decided = None
    if denial == "cooldown_period_active":
        decided = d.ago(15, rules.cooldown_days - 5)
        _earlier_request(d, account, limit, decided)
    right = decisions.limit_increase_denial(
        key,
        limit=limit,
        requested=wanted,
        balance=balance,
        opened=opened,
        last_decision=decided,
        late_payments=late,
    )
    if right != denial:
        raise Unsuitable
    d.say(f"You want the credit limit of your {facts.name} raised by ${wanted}.")
    d.behave("If that is not possible, you accept it and do not want another amount.")
    _decide_limit(d, account, limit, wanted, denial)
    d.read("limit_increase", cards=[key])


def _decide_limit(d: Draft, account: str, limit: int, wanted: int, denial: str | None) -> None:
    who = d.customer.user_id
    both = {"credit_card_account_id": account, "user_id": who}
    _verified_with_cards(d)
    d.agent("get_credit_limit_increase_history_4829", credit_card_account_id=account)
    d.agent("get_user_dispute_history_7291", user_id=who)
    d.agent("get_pending_replacement_orders_5765", credit_card_account_id=account)
    months = d.bank.rules.limit_increase.payments_checked
    d.agent("get_payment_history_6183", credit_card_account_id=account, months=months)
    d.agent("submit_credit_limit_increase_request_7392", **both, requested_increase_amount=wanted)
    if denial is None:
        d.agent("approve_credit_limit_increase_5847", **both, new_credit_limit=limit + wanted)
    else:
        d.agent("deny_credit_limit_increase_5848", **both, denial_reason=denial)


def _earlier_request(d: Draft, account: str, limit: int, day: date) -> None:
    request = d.new_id("cli_")
    d.add(
        "credit_limit_increase_requests",
        request,
        {
            "request_id": request,
            "credit_card_account_id": account,
            "user_id": d.customer.user_id,
            "previous_limit": dollars(limit - 200),
            "new_limit": dollars(limit),
            "increase_amount": dollars(200),
            "decision_date": written(day),
            "status": "APPROVED",
        },
    )


@kind()
def limit_increase(d: Draft) -> None:
    """A higher credit limit is approved."""
    _limit(d, None)


@kind(level=HARD)
def limit_increase_denied(d: Draft) -> None:
    """A higher credit limit is denied for the right one of several reasons."""
    reasons = (
        "insufficient_account_age",
        "cooldown_period_active",
        "high_utilization",
        "insufficient_payment_history",
        "requested_amount_exceeds_limit",
    )
    _limit(d, d.one(reasons))


# Fees and payments.


def _fee(d: Draft, key: str, name: str, amount: int, day: date) -> None:
    d.purchase(key, name, float(amount), "Fee", day, 0)


@kind()
def late_fee(d: Draft) -> None:
    """A late fee is given back once."""
    key = d.one(d.bank.cards)
    facts = d.bank.cards[key]
    account = _open_card(d, key)
    rules = d.bank.rules.late_fee
    for number in range(rules.payments_checked):
        d.payment(account, number, "LATE" if number == 0 else "ON_TIME")
    _fee(d, key, "LATE PAYMENT FEE", facts.late_fee, d.ago(10, 28))
    credit = decisions.late_fee_credit(key, reversals_in_year=0, late_payments=1)
    d.say(
        f"You were charged a late fee on your {facts.name} last month.",
        "It is the first time that you paid late, and you want the fee back.",
    )
    _verified_with_cards(d)
    d.look("get_credit_card_transactions_by_user", user_id=d.customer.user_id)
    d.agent(
        "get_payment_history_6183", credit_card_account_id=account, months=rules.payments_checked
    )
    d.agent(
        "apply_statement_credit_8472",
        user_id=d.customer.user_id,
        credit_card_account_id=account,
        amount=float(credit),
        reason="late_fee_reversal",
    )
    d.read("late_fee", cards=[key])


@kind(level=HARD)
def annual_fee(d: Draft) -> None:
    """An annual fee is given back to a customer who leaves soon after it was charged."""
    key = d.one(key for key, card in d.bank.cards.items() if card.annual_fee)
    facts = d.bank.cards[key]
    reason = d.one(("not_using_card", "simplifying_finances"))
    opened = d.ago(14 * _MONTH, 40 * _MONTH)
    account = d.card_account(key, opened, 0, 100 * (facts.limit_from // 100 + 10))
    day = d.ago(3, d.bank.rules.annual_fee.reversal_days - 2)
    _fee(d, key, "ANNUAL FEE", facts.annual_fee, day)
    d.say(
        f"On {written(day)} you were charged the annual fee of your {facts.name}.",
        f"You want the fee back, and you want to close the card {_CLOSING[reason]}.",
    )
    who = d.customer.user_id
    both = {"credit_card_account_id": account, "user_id": who}
    _verified_with_cards(d)
    d.look("get_credit_card_transactions_by_user", user_id=who)
    d.agent("get_user_dispute_history_7291", user_id=who)
    d.agent("get_pending_replacement_orders_5765", credit_card_account_id=account)
    d.agent("get_closure_reason_history_8293", credit_card_account_id=account)
    d.agent("log_credit_card_closure_reason_4521", **both, closure_reason=reason)
    d.agent(
        "apply_statement_credit_8472",
        user_id=who,
        credit_card_account_id=account,
        amount=float(facts.annual_fee),
        reason="annual_fee_reversal",
    )
    d.agent("close_credit_card_account_7834", **both)
    d.read("annual_fee", cards=[key])
    d.read("card_closure", cards=[key])


@kind(held_out=True)
def card_payment(d: Draft) -> None:
    """A credit card is paid from checking."""
    key = d.one(d.bank.cards)
    facts = d.bank.cards[key]
    owed = d.amount(120, 600)
    account = d.card_account(key, d.ago(200, 900), owed, 100 * (facts.limit_from // 100 + 10))
    level = d.one(one.name for one in d.bank.checking.values())
    checking = d.account("checking", level, d.ago(200, 900), d.amount(900, 4000))
    amount = d.one((owed, float(10 * int(owed // 20))))
    whole = amount == owed
    what = "everything that you owe on" if whole else f"${amount:.2f} towards"
    d.say(f"You want to pay {what} your {facts.name} from your checking account.")
    _verified_with_cards(d)
    d.agent("get_all_user_accounts_by_user_id_3847", user_id=d.customer.user_id)
    d.agent(
        "pay_credit_card_from_checking_9182",
        user_id=d.customer.user_id,
        checking_account_id=checking,
        credit_card_account_id=account,
        amount=amount,
    )
    d.read("card_payment")
