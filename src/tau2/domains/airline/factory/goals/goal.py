"""What a goal is, and how the modules of this package list theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tau2.domains.airline.factory.case import Case

BOOKS = "books"
"""Makes a reservation: two of them in one task would make the ids depend on their order."""
SENDS = "sends"
"""Sends a certificate: as above."""
HANDS_OVER = "hands over"
"""Ends with a transfer, so it comes last."""
ASKS = "asks"
"""Changes nothing; the agent's answer counts."""
REFUSES = "refuses"
"""Begins with something that the policy forbids; two refusals could be taken for each other."""
ALL_TRIPS = "all trips"
"""Is about all reservations of the customer and goes with no other goal."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Something a customer wants."""

    name: str
    purpose: str
    """What it tests, for people."""
    level: int
    """1: one step; 2: something to find out or to refuse; 3: several of these."""
    tags: frozenset[str]
    tell: Callable[[Case], None]


Tell = Callable[[Case], None]


def collector() -> tuple[list[Goal], Callable[..., Callable[[Tell], Tell]]]:
    """Return a list and a decorator that adds a goal to it: its level and tags; its purpose is its docstring."""
    goals: list[Goal] = []

    def goal(level: int, *tags: str) -> Callable[[Tell], Tell]:
        def add(tell: Tell) -> Tell:
            purpose = (tell.__doc__ or tell.__name__).rstrip(".")
            goals.append(Goal(tell.__name__, purpose, level, frozenset(tags), tell))
            return tell

        return add

    return goals, goal
