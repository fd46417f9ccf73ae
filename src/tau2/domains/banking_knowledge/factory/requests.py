"""Tasks about other requests: new cards, checks, referrals, contact data, and people to talk to."""

from __future__ import annotations

from tau2.domains.banking_knowledge.factory.bank_accounts import fits_age
from tau2.domains.banking_knowledge.factory.draft import Draft, Unsuitable
from tau2.domains.banking_knowledge.factory.kinds import HARD, kinds
from tau2.domains.banking_knowledge.own_bank import decisions

OTHER_KINDS, kind = kinds()

_MONTHS = 12
_LEAD = 25  # dollars a year by which the best card leads


@kind()
def apply_for_card(d: Draft) -> None:
    """A customer who spends most on one thing is recommended the card that pays most for it."""
    business = d.rng.random() < 0.3
    offered = {key: card for key, card in d.bank.cards.items() if card.business is business}
    categories = sorted({one for card in offered.values() for one in card.category_rates})
    category = d.one(categories)
    monthly = d.one((150, 250, 400, 600, 900, 1500, 2500))
    income = 1000 * d.rng.randint(22, 160)
    gains = {
        key: monthly * _MONTHS * card.category_rates.get(category, card.default_rate) / 100
        - card.annual_fee
        for key, card in offered.items()
        if decisions.card_refusal(key, income=income, plus=False, cards_held=0) is None
    }
    ranked = sorted(gains, key=lambda key: gains[key], reverse=True)
    if len(ranked) < 3 or gains[ranked[0]] - gains[ranked[1]] < _LEAD:
        raise Unsuitable
    best = ranked[0]
    use = "for your business" if business else "for yourself"
    d.say(
        f"You want a credit card {use}.",
        f"You would pay about ${monthly} a month for {category.lower()} with it, and nothing else.",
        "You want the card with the highest gain in a year, after its annual fee.",
    )
    d.know(
        f"The annual income of your business is ${income}."
        if business
        else f"Your annual income is ${income}.",
        f"You do not subscribe to {d.bank.institution.plus_name}, the bank's paid subscription.",
        "You have no credit card of the bank.",
    )
    d.behave("You apply for the card that the agent recommends, with your own tool.")
    d.verify()
    d.look("get_credit_card_accounts_by_user", user_id=d.customer.user_id)
    d.user(
        "apply_for_credit_card",
        card_type=d.bank.cards[best].name,
        customer_name=d.customer.name,
        annual_income=float(income),
        rho_bank_subscription=False,
    )
    fitting = [key for key in offered if category in offered[key].category_rates]
    d.read(
        "new_card", cards=[best], also=[f"card.rewards:{key}" for key in sorted({*fitting, best})]
    )


@kind()
def deposit_check(d: Draft) -> None:
    """A check is deposited by the customer with a tool that the agent gives."""
    key = d.one(key for key, level in d.bank.checking.items() if fits_age(d, level))
    facts = d.bank.checking[key]
    opened = d.ago(60, 900)
    account = d.account("checking", facts.name, opened, d.amount(100, 2000))
    amount = d.amount(50, min(facts.check_limit, 900))
    if not decisions.check_deposit_allowed(key, amount, opened):
        raise Unsuitable
    d.say(f"You have a check over ${amount:.2f} and want to deposit it into your checking account.")
    d.verify()
    d.agent("get_all_user_accounts_by_user_id_3847", user_id=d.customer.user_id)
    d.give("deposit_check_3847", account_id=account, check_amount=amount)
    d.read("check_deposit", levels=[key])


@kind()
def recommend_card(d: Draft) -> None:
    """A friend is recommended a credit card by a link."""
    key = d.one(key for key, card in d.bank.cards.items() if not card.business)
    facts = d.bank.cards[key]
    d.card_account(key, d.ago(200, 900), d.amount(20, 300), 100 * (facts.limit_from // 100 + 5))
    d.say(f"You want to recommend the {facts.name} to a friend and need a link for that.")
    d.verify()
    d.look("get_referrals_by_user", user_id=d.customer.user_id)
    d.give("get_referral_link", user_id=d.customer.user_id, card_name=facts.name)
    d.read("card_referral")


@kind()
def recommend_account(d: Draft) -> None:
    """A friend is recommended a bank account with the customer's own tool."""
    level = d.one(d.bank.checking.values()).name
    d.say(f"You want to recommend the {level} account to a friend.")
    d.verify()
    d.look("get_referrals_by_user", user_id=d.customer.user_id)
    d.user("submit_referral", user_id=d.customer.user_id, account_type=level)
    d.read("account_referral")


@kind(held_out=True)
def change_email(d: Draft) -> None:
    """An e-mail address is changed after enough facts are told."""
    who = d.customer
    first, _, rest = who.email.partition("@")
    new = f"{first}.new@{rest}"
    d.say("You want to change the e-mail address that the bank has of you.")
    d.know(f"The new e-mail address shall be {new}.")
    d.verify()
    d.write("change_user_email", user_id=who.user_id, new_email=new)
    d.read("email_change")


_CASES = {
    "legal": (
        "You have a letter from a court: money in your account is to be garnished.",
        "You want to know what the bank does now.",
    ),
    "deceased": (
        "Your mother has died, and she had an account at this bank.",
        "You want to know what to do about her account.",
    ),
    "ownership": (
        "You and your brother disagree about who owns an account that your father opened.",
        "You want the bank to settle it.",
    ),
    "identity_theft": (
        "A credit bureau shows an account at this bank that you never opened.",
        "You want the bank to do something about it.",
    ),
    "unknown_contact": (
        "Somebody called you in the name of the bank and asked for your password.",
        "You want to know whether that was the bank.",
    ),
    "accessibility": ("You see badly and need your statements in large print.",),
    "other_department": ("You want to ask about a mortgage for a house.",),
}


@kind(level=HARD)
def person_for_a_case(d: Draft) -> None:
    """A case that a person has to handle is handed over with the right reason."""
    case = d.one(_CASES)
    d.say(*_CASES[case])
    d.behave("You accept to be handed over to a person if the agent offers it.")
    d.transfer(case, f"The customer's case: {d.bank.transfers[case].when}.")
