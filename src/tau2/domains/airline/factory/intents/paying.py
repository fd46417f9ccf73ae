"""Customers who want a new reservation and pay for it in a particular way."""

from __future__ import annotations

from tau2.domains.airline.factory.draft import AirlineDraft, best
from tau2.domains.airline.factory.intents.bookings import booking_request, cheapest_booking
from tau2.domains.airline.factory.intents.intent import BOOKS, intents
from tau2.domains.airline.factory.phrasing import day_name
from tau2.taskgen.drafts import UnsuitableCustomer

INTENTS, intent = intents(__file__)


@intent(level=2, tags=(BOOKS,))
def book_with_certificate(draft: AirlineDraft) -> None:
    """Book with a certificate and a card for the rest."""
    booking, day = cheapest_booking(draft)
    certificate = draft.one(draft.certificates())
    card = draft.card()
    price = booking.price
    voucher = draft.named(certificate)
    name = draft.named(card)
    if certificate.amount >= price:
        raise UnsuitableCustomer
    booking.book([(certificate, int(certificate.amount)), (card, price - int(certificate.amount))])
    draft.want(voucher=voucher, booking=booking, day=day_name(day), name=name)


@intent(level=2, tags=(BOOKS,))
def book_with_gift_card(draft: AirlineDraft) -> None:
    """Use up a gift card and pay the rest with a credit card."""
    booking, day = cheapest_booking(draft)
    gift = draft.gift_card()
    card = draft.card()
    price = booking.price
    gift_name = draft.named(gift)
    name = draft.named(card)
    if not 0 < gift.amount < price:
        raise UnsuitableCustomer
    booking.book([(gift, int(gift.amount)), (card, price - int(gift.amount))])
    draft.want(booking=booking, day=day_name(day), gift_name=gift_name, name=name)


@intent(level=2, tags=(BOOKS,), held_out=True)
def book_with_two_certificates(draft: AirlineDraft) -> None:
    """Two certificates are refused; then the larger one and a card."""
    booking, day = cheapest_booking(draft)
    certificates = draft.certificates()
    card = draft.card()
    price = booking.price
    if len(certificates) != 2 or certificates[0].amount == certificates[1].amount:
        raise UnsuitableCustomer
    if certificates[0].amount + certificates[1].amount >= price:
        raise UnsuitableCustomer
    larger = certificates[0]
    name = draft.named(card)
    booking.book([(larger, int(larger.amount)), (card, price - int(larger.amount))])
    draft.want(booking=booking, day=day_name(day), name=name)


@intent(level=2, tags=(BOOKS,))
def book_with_foreign_card(draft: AirlineDraft) -> None:
    """A card that is not in the profile is refused; then one that is."""
    booking, day = cheapest_booking(draft)
    name = booking.book_with()
    digits = f"{draft.rng.randrange(10_000):04}"
    draft.want(booking=booking, day=day_name(day), digits=digits, name=name)


@intent(level=3, tags=(BOOKS,))
def book_within_budget(draft: AirlineDraft) -> None:
    """Business within a budget, otherwise economy."""
    booking = booking_request(draft, cabin="business")
    booking.bags = 0
    booking.insured = False
    day = draft.date()
    business = best(booking.offers(day), lambda f: f.prices["business"])
    affordable = draft.one((True, False))
    price = business.prices["business"]
    budget = 25 * (price // 25 + 1) if affordable else 25 * ((price - 1) // 25)
    if affordable:
        booking.legs.append((business, day))
    else:
        booking.cabin = "economy"
        booking.take_cheapest(day)
    name = booking.book_with()
    draft.want(booking=booking, day=day_name(day), budget=budget, name=name)
