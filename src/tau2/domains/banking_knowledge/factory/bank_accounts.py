"""Tasks about bank accounts: opening, closing, transfers, rebates, fees and interest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tau2.domains.banking_knowledge.factory.draft import Draft, Unsuitable, written
from tau2.domains.banking_knowledge.factory.kinds import HARD, kinds
from tau2.domains.banking_knowledge.own_bank import decisions

BANK_ACCOUNT_KINDS, kind = kinds()

_ACCOUNTS = "get_all_user_accounts_by_user_id_3847"
_TRANSACTIONS = "get_bank_account_transactions_9173"


def fits_age(d: Draft, level: Any) -> bool:
    """Return whether the customer's age is one that a level of checking accounts is for."""
    age = d.today.year - int(d.customer.born[-4:])
    return bool(level.age_from <= age and (not level.age_to or age <= level.age_to))


def _checking(d: Draft, least: int, most: int, holdings: float) -> tuple[str, str]:
    """Add a checking account of an age in days; return its level's key and its id."""
    key = d.one(key for key, level in d.bank.checking.items() if fits_age(d, level))
    level = d.bank.checking[key].name
    return key, d.account("checking", level, d.ago(least, most), holdings)


def _savings(d: Draft, least: int, most: int, holdings: float) -> tuple[str, str]:
    key = d.one(d.bank.savings)
    return key, d.account("saving", d.bank.savings[key].name, d.ago(least, most), holdings)


def _begin(d: Draft) -> None:
    d.verify()
    d.agent(_ACCOUNTS, user_id=d.customer.user_id)


def _open(d: Draft, account_type: str, level: str) -> None:
    d.agent(
        "open_bank_account_4821",
        user_id=d.customer.user_id,
        account_type=account_type,
        account_class=level,
    )


@kind()
def open_savings(d: Draft) -> None:
    """A savings account is opened for a customer whose checking account is old enough."""
    age = d.bank.rules.new_account.savings_checking_age_days
    _checking(d, age + 10, 900, d.amount(500, 4000))
    key = d.one(d.bank.savings)
    level = d.bank.savings[key].name
    d.say(f"You want to open a {level} account.")
    _begin(d)
    _open(d, "savings", level)
    d.read("open_savings", levels=[key])


@kind()
def open_checking(d: Draft) -> None:
    """A checking account is opened whose name the customer knows."""
    key = d.one(key for key, level in d.bank.checking.items() if fits_age(d, level))
    level = d.bank.checking[key].name
    d.say(f"You want to open a {level} account.")
    _begin(d)
    _open(d, "checking", level)
    d.read("open_checking", levels=[key])


@kind(level=HARD)
def best_savings(d: Draft) -> None:
    """The savings account with the highest rate for an amount is found and opened."""
    age = d.bank.rules.new_account.savings_checking_age_days
    amount = d.one((400, 1500, 3000, 6000, 12000, 18000, 26000, 55000, 120000))
    _checking(d, age + 10, 900, amount + d.amount(200, 900))
    rates = {
        key: level.apy(amount)
        for key, level in d.bank.savings.items()
        if not level.monthly_fee or amount >= level.waiver_balance
    }
    best = max(rates, key=lambda key: rates[key])
    if sorted(rates.values())[-2:] == [rates[best], rates[best]]:
        raise Unsuitable
    level = d.bank.savings[best].name
    d.say(
        f"You want to put ${amount} into a new savings account and leave it there.",
        "You want the account that pays the highest interest on that amount and charges you no "
        "monthly fee for it.",
    )
    d.behave("You take the account that the agent recommends, and you want it opened.")
    _begin(d)
    _open(d, "savings", level)
    rates_of_all = [f"level.rates:{key}" for key in d.bank.savings]
    d.read("open_savings", levels=d.bank.savings, also=rates_of_all)


@kind(level=HARD)
def close_account(d: Draft) -> None:
    """A checking account is closed: its card, its balance, and its fee if it is early."""
    early = d.rng.random() < 0.5
    key = d.one(
        key
        for key, level in d.bank.checking.items()
        if fits_age(d, level) and (level.early_closure_days or not early)
    )
    facts = d.bank.checking[key]
    window = facts.early_closure_days
    opened = d.ago(5, window - 3) if early else d.ago(window + 5, window + 600)
    if d.rng.random() < 0.3:
        d.subscribe()
    plus = d.tables["users"][d.customer.user_id]["rho_bank_plus_subscription"]
    balance = d.amount(facts.early_closure_fee + 40, facts.early_closure_fee + 900)
    account = d.account("checking", facts.name, opened, balance)
    card = d.debit_card(account, "ACTIVE", opened)
    _, other = _savings(d, 300, 900, d.amount(100, 3000))
    reason = d.one(("account_not_needed", "moving_to_other_bank", "moving_abroad"))
    right = decisions.account_closure("checking", key, opened, plus=plus)
    d.say(f"You want to close your {facts.name} account {_LEAVING[reason]}.")
    d.know(
        "The money in it shall go to your savings account.",
        "You no longer need the debit card of the account.",
    )
    d.behave("If there is a fee for closing the account early, you accept it.")
    _begin(d)
    d.agent("get_debit_cards_by_account_id_7823", account_id=account)
    d.agent("close_debit_card_4721", card_id=card, reason="account_closing")
    d.agent(
        "transfer_funds_between_bank_accounts_7291",
        source_account_id=account,
        destination_account_id=other,
        amount=round(balance - right.fee, 2),
    )
    waived = {"waive_early_closure_fee": True} if right.waive else {}
    d.agent("close_bank_account_7392", account_id=account, reason=reason, **waived)
    d.read("account_closure", levels=[key])


_LEAVING = {
    "account_not_needed": "because you no longer need it",
    "moving_to_other_bank": "because you are going to another bank",
    "moving_abroad": "because you are moving abroad",
}


@kind()
def move_money(d: Draft) -> None:
    """Money is moved from checking to savings."""
    _, source = _checking(d, 60, 900, d.amount(900, 5000))
    key, target = _savings(d, 60, 900, d.amount(100, 5000))
    amount = float(25 * d.rng.randint(4, 30))
    d.say(
        f"You want to move ${amount:.0f} from your checking account to your "
        f"{d.bank.savings[key].name} account.",
    )
    _begin(d)
    d.agent(
        "transfer_funds_between_bank_accounts_7291",
        source_account_id=source,
        destination_account_id=target,
        amount=amount,
    )
    d.read("own_transfer", levels=[key])


@kind(level=HARD)
def machine_fees(d: Draft) -> None:
    """Fees of other banks' machines are given back up to what the level allows for a month."""
    key = d.one(
        key
        for key, level in d.bank.checking.items()
        if level.atm_rebate_per_month and fits_age(d, level)
    )
    facts = d.bank.checking[key]
    account = d.account("checking", facts.name, d.ago(200, 900), d.amount(300, 3000))
    fees = 0.0
    for _ in range(d.rng.randint(2, 5)):
        day = d.ago(2, d.bank.rules.atm_rebate.month_days - 2)
        fee = d.one((2.5, 3.0, 3.5, 4.0))
        fees += fee
        taken = float(20 * d.rng.randint(1, 10))
        d.bank_transaction(account, day, "WITHDRAWAL AT ANOTHER BANK", -taken, "atm_withdrawal")
        d.bank_transaction(account, day, "FEE OF ANOTHER BANK'S MACHINE", -fee, "atm_fee")
    rebated = 0.0
    if d.rng.random() < 0.5:
        rebated = 2.5
        d.bank_transaction(account, d.ago(1, 20), "REBATE OF A MACHINE FEE", rebated, "fee_rebate")
    due = decisions.atm_rebate_due(key, fees, rebated)
    if not due:
        raise Unsuitable
    d.say(
        f"You think that not all fees of other banks' machines were given back to your "
        f"{facts.name} account in the last month.",
        "You want what is still owed to you.",
    )
    d.know(f"The number of that account is {account}.")
    d.verify()
    d.agent(_TRANSACTIONS, account_id=account)
    d.agent(
        "apply_checking_account_credit_5829",
        account_id=account,
        amount=due,
        credit_type="rebate_credit",
    )
    d.read("atm_rebate", levels=[key])


@kind(held_out=True, level=HARD)
def monthly_fee(d: Draft) -> None:
    """A monthly fee is given back because the lowest balance of the month was high enough."""
    key = d.one(
        key for key, level in d.bank.checking.items() if level.monthly_fee and fits_age(d, level)
    )
    facts = d.bank.checking[key]
    holdings = facts.waiver_balance + d.amount(300, 2000)
    account = d.account("checking", facts.name, d.ago(200, 900), holdings)
    day = d.ago(3, d.bank.rules.maintenance_fee.refund_days - 25)
    lowest = facts.waiver_balance + d.amount(5, 250)
    statement = f"STATEMENT, LOWEST BALANCE OF THE MONTH ${lowest:,.2f}"
    d.bank_transaction(account, day - timedelta(days=1), statement, 0.0, "statement")
    d.bank_transaction(account, day, "MONTHLY FEE", -float(facts.monthly_fee), "monthly_fee")
    d.say(
        f"On {written(day)} your {facts.name} account was charged its monthly fee.",
        "You think that your balance was always high enough, and you want the fee back.",
    )
    d.know(f"The number of that account is {account}.")
    d.verify()
    d.agent(_TRANSACTIONS, account_id=account)
    d.agent(
        "apply_checking_account_credit_5829",
        account_id=account,
        amount=float(facts.monthly_fee),
        credit_type="fee_refund",
    )
    d.read("maintenance_fee", levels=[key])


@kind(level=HARD)
def missing_interest(d: Draft) -> None:
    """Interest was paid by too low a rate: it is reported, and credited where that is allowed."""
    key = d.one(d.bank.savings)
    level = d.bank.savings[key]
    steps = level.apy_steps
    right_step = d.one(steps[1:])
    used = steps[steps.index(right_step) - 1].apy
    most = next((one.balance_from for one in steps[steps.index(right_step) + 1 :]), 250_000)
    balance = d.amount(right_step.balance_from, min(most, right_step.balance_from * 4))
    paid = round(balance * used / 100 / d.bank.rules.interest.months_in_year, 2)
    right = decisions.interest_finding(level, balance, paid)
    if not right.report:
        raise Unsuitable
    account = d.account("saving", level.name, d.ago(200, 900), balance + paid)
    day = d.today.replace(day=1) - timedelta(days=1)
    text = f"INTEREST ON ${balance:,.2f} AT {used:g}%"
    d.bank_transaction(account, day, text, paid, "interest")
    d.say(
        f"You think that your {level.name} account was paid too little interest on {written(day)}.",
        "You want that looked into and put right.",
    )
    d.behave("If the agent can only report it, you accept that.")
    d.know(f"The number of that account is {account}.")
    d.verify()
    d.agent(_TRANSACTIONS, account_id=account)
    d.agent(
        "submit_interest_discrepancy_report_7294",
        account_id=account,
        user_id=d.customer.user_id,
        expected_apy=right.expected_apy,
        actual_apy=used,
        amount_difference=right.difference,
    )
    if right.credit:
        d.agent(
            "apply_savings_account_credit_6831",
            account_id=account,
            amount=right.difference,
            credit_type="interest_correction",
        )
    d.read("interest", levels=[key])


@kind(level=HARD, held_out=True)
def change_of_level(d: Draft) -> None:
    """A checking account is closed in favor of a new one, without the fee for closing early."""
    key = d.one(
        key
        for key, level in d.bank.checking.items()
        if fits_age(d, level) and level.early_closure_days
    )
    facts = d.bank.checking[key]
    other = d.one(
        one for one, level in d.bank.checking.items() if one != key and fits_age(d, level)
    )
    opened = d.ago(8, facts.early_closure_days - 3)
    balance = d.amount(60, 900)
    account = d.account("checking", facts.name, opened, balance)
    newly = d.ago(2, min(7, d.bank.rules.account_closure.waiver_new_account_days))
    target = d.account("checking", d.bank.checking[other].name, newly, d.amount(20, 400))
    reason = d.bank.rules.account_closure.waiver_reason
    right = decisions.account_closure(
        "checking", key, opened, reason=reason, other_account_opened=newly
    )
    d.say(
        f"You want to close your {facts.name} account because you use your new "
        f"{d.bank.checking[other].name} account instead.",
    )
    d.know("The money in it shall go to your new account.")
    _begin(d)
    d.agent("get_debit_cards_by_account_id_7823", account_id=account)
    d.agent(
        "transfer_funds_between_bank_accounts_7291",
        source_account_id=account,
        destination_account_id=target,
        amount=round(balance - right.fee, 2),
    )
    waived = {"waive_early_closure_fee": True} if right.waive else {}
    d.agent("close_bank_account_7392", account_id=account, reason=reason, **waived)
    d.read("account_closure", levels=[key])
