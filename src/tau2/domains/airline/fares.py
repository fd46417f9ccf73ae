"""What the airline charges and allows, as the policy states it."""

from __future__ import annotations

from datetime import datetime, timedelta

from tau2.domains.airline.data_model import CabinClass, MembershipLevel, Reservation
from tau2.domains.airline.lookups import NOW

INSURANCE_PRICE = 30  # US dollars per passenger
BAG_PRICE = 50  # US dollars per bag beyond the free ones
CANCELLED_COMPENSATION = 100  # US dollars per passenger
DELAYED_COMPENSATION = 50  # US dollars per passenger
MOST_PASSENGERS = 5  # of one reservation
MOST_CERTIFICATES = 1  # that pay for one booking
MOST_CREDIT_CARDS = 1
MOST_GIFT_CARDS = 3

FREE_BAGS: dict[MembershipLevel, dict[CabinClass, int]] = {
    "regular": {"basic_economy": 0, "economy": 1, "business": 2},
    "silver": {"basic_economy": 1, "economy": 2, "business": 3},
    "gold": {"basic_economy": 2, "economy": 3, "business": 4},
}
"""Checked bags that each passenger has free, by the membership of the traveller who booked."""

FLOWN = frozenset({"flying", "landed"})
"""States of a flight that has left."""

_DAY = timedelta(hours=24)


def free_bags(membership: MembershipLevel, cabin: CabinClass, people: int) -> int:
    """Return how many bags a reservation has free."""
    return FREE_BAGS[membership][cabin] * people


def qualifies_for_compensation(membership: MembershipLevel, trip: Reservation) -> bool:
    """Return whether a reservation of such a customer entitles to compensation at all."""
    return membership != "regular" or trip.insurance == "yes" or trip.cabin == "business"


def is_recent(reservation: Reservation) -> bool:
    """Return whether a reservation was booked within the last 24 hours."""
    return datetime.fromisoformat(NOW) - datetime.fromisoformat(reservation.created_at) <= _DAY
