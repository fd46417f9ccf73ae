"""Customers who want a new reservation and pay for it in a particular way."""

from __future__ import annotations

from tau2.domains.airline.factory.case import Case, Unfit, best
from tau2.domains.airline.factory.goals.goal import BOOKS, collector
from tau2.domains.airline.factory.goals.wishes import a_wish
from tau2.domains.airline.factory.phrasing import day_name

GOALS, goal = collector()


@goal(2, BOOKS)
def book_with_certificate(case: Case) -> None:
    """Book with a certificate and a card for the rest."""
    wish = a_wish(case)
    (day,) = case.dates(1)
    wish.take_cheapest(day)
    certificate, card, price = case.one(case.certificates()), case.card(), wish.price
    voucher, name = case.named(certificate), case.named(card)
    if certificate.amount >= price:
        raise Unfit
    wish.book([(certificate, int(certificate.amount)), (card, price - int(certificate.amount))])
    case.want(
        f"You want to use {voucher} for a one-way flight {wish.route} on {day_name(day)}: nonstop, "
        f"{wish.cabin_name}, as cheap as possible."
    )
    case.behave(
        f"What the certificate does not cover goes on {name}. You fly alone, with {wish.extras}."
    )


@goal(2, BOOKS)
def book_with_gift_card(case: Case) -> None:
    """Use up a gift card and pay the rest with a credit card."""
    wish = a_wish(case)
    (day,) = case.dates(1)
    wish.take_cheapest(day)
    gift, card, price = case.gift_card(), case.card(), wish.price
    gift_name, name = case.named(gift), case.named(card)
    if not 0 < gift.amount < price:
        raise Unfit
    wish.book([(gift, int(gift.amount)), (card, price - int(gift.amount))])
    case.want(
        f"You would like to fly {wish.route} on {day_name(day)}, one way, on the cheapest nonstop flight in "
        f"{wish.cabin_name}."
    )
    case.behave(
        f"Use up all the money on {gift_name} first; {name} pays what is left. For yourself only, with {wish.extras}."
    )


@goal(2, BOOKS)
def book_with_two_certificates(case: Case) -> None:
    """Two certificates are refused; then the larger one and a card."""
    wish = a_wish(case)
    (day,) = case.dates(1)
    wish.take_cheapest(day)
    certificates, card, price = case.certificates(), case.card(), wish.price
    if len(certificates) != 2 or certificates[0].amount == certificates[1].amount:
        raise Unfit
    if certificates[0].amount + certificates[1].amount >= price:
        raise Unfit
    larger, name = certificates[0], case.named(card)
    wish.book([(larger, int(larger.amount)), (card, price - int(larger.amount))])
    case.want(
        f"You want a one-way flight {wish.route} on {day_name(day)}, the cheapest nonstop one in {wish.cabin_name}. "
        f"You have two travel certificates and want to use both of them, and {name} for the rest."
    )
    case.behave(
        f"If only one certificate is allowed, use the larger one and let {name} pay more. You are the only passenger "
        f"and want {wish.extras}."
    )


@goal(2, BOOKS)
def book_with_foreign_card(case: Case) -> None:
    """A card that is not in the profile is refused; then one that is."""
    wish = a_wish(case)
    (day,) = case.dates(1)
    wish.take_cheapest(day)
    name = wish.book_with()
    digits = f"{case.rng.randrange(10_000):04}"
    case.want(
        f"You are after the cheapest nonstop flight {wish.route} on {day_name(day)} in {wish.cabin_name}, one way. "
        f"You want to put it on your new American Express card, which ends in {digits}."
    )
    case.behave(
        f"The card is not in your profile. If the agent cannot use it, take {name} instead. You fly alone and want "
        f"{wish.extras}."
    )


@goal(3, BOOKS)
def book_within_budget(case: Case) -> None:
    """Business within a budget, otherwise economy."""
    wish = a_wish(case, cabin="business")
    wish.bags, wish.insured = 0, False
    (day,) = case.dates(1)
    business = best(wish.offers(day), lambda f: f.prices["business"])
    affordable = case.one((True, False))
    price = business.prices["business"]
    budget = 25 * (price // 25 + 1) if affordable else 25 * ((price - 1) // 25)
    if affordable:
        wish.legs.append((business, day))
    else:
        wish.cabin = "economy"
        wish.take_cheapest(day)
    name = wish.book_with()
    case.want(
        f"You want to go {wish.route} on {day_name(day)}, one way and nonstop. If a seat in business costs no more "
        f"than ${budget}, you take the cheapest one of those; otherwise the cheapest seat in economy."
    )
    case.behave(
        f"Basic economy is out of the question. You are alone and want {wish.extras}. Pay with {name}."
    )
