"""Writes what the actor is told, and the ticket of a task without an actor."""

from __future__ import annotations

from random import Random

from tau2.domains.telecom.factory.case import Case, pick
from tau2.domains.telecom.factory.issues import End, Kind
from tau2.domains.telecom.factory.recipes import Recipe
from tau2.domains.telecom.factory.wording import places, texts

_SPELLED_OUT = 2  # rules of conduct per scenario


class Script:
    """The words of one task."""

    def __init__(self, rng: Random, case: Case, recipe: Recipe) -> None:
        self.rng, self.kind, self.persona = rng, recipe.kind, recipe.persona
        troubles = recipe.troubles
        self.names = {trouble.name for trouble in troubles}
        self.is_abroad = any(trouble.group == "abroad" for trouble in troubles)
        self.hands_over = any(trouble.end is End.HANDED_OVER for trouble in troubles)
        self.leaves = any(trouble.end is End.LEFT for trouble in troubles)
        self.wish = next((trouble.name for trouble in troubles if trouble.group == "wish"), "")
        self.slots = {
            **pick(rng, places()),
            "name": case.subject.name,
            "phone": case.subject.phone_number,
            "gb": f"{case.gb:g}",
            "too_many": f"{case.too_many_gb:g}",
            "other_phone": case.other.phone_number if case.other else "",
            "other_device": case.other.device if case.other else "",
            "stranger_phone": case.stranger.phone_number,
        }

    def _one(self, part: str, name: str) -> str:
        return pick(self.rng, texts(part, name)).format_map(self.slots)

    def reason(self) -> str:
        """Return why the customer calls."""
        return self._one("complaints", f"{self.kind}_abroad" if self.is_abroad else self.kind)

    def known(self) -> str:
        """Return what the customer knows."""
        return f"{self._one('facts', 'who')} {self._one('facts', 'abroad' if self.is_abroad else 'at_home')}"

    def unknown(self) -> str:
        """Return what the customer does not know."""
        return self._one("facts", "unknown")

    def instructions(self) -> str:
        """Return how the customer acts."""
        parts = [] if self.leaves else [self._one("goals", self.kind)]
        parts += [self._one("stances", name) for name in self._stances()]
        if self.wish:
            parts.append(self._one("wishes", self.wish))
        elif self.hands_over:
            parts.append(self._one("stances", "handed_over"))
        manners = texts("stances", "manners")
        first = int(self.rng.random() * len(manners))
        return " ".join([*parts, *(manners[first - number] for number in range(_SPELLED_OUT))])

    def _stances(self) -> list[str]:
        """Return what the customer agrees to and what not; also where it does not come up, as a person would."""
        if self.kind is Kind.SERVICE:
            found = ["pays_not" if "overdue_bill_declined" in self.names else "pays"]
            return [*found, "rested"] if "suspended_on_request" in self.names else found
        return [self._data_stance(), "roams"] if self.is_abroad else [self._data_stance()]

    def _data_stance(self) -> str:
        if "data_usage_declined" in self.names:
            return "buys_not"
        return "buys_too_much" if "data_usage_wants_too_much" in self.names else "buys"

    def temper(self) -> str | None:
        """Return what kind of person the customer is, or None for nobody in particular."""
        return None if self.persona == "None" else self._one("persona", self.persona.lower())

    def ticket(self) -> str:
        """Return everything an agent needs who works without the customer."""
        names = [
            self.kind.value,
            "customer",
            "abroad" if self.is_abroad else "at_home",
            *self._stances(),
        ]
        names += [self.wish] if self.wish else []
        return " ".join(
            text.format_map(self.slots) for name in names for text in texts("tickets", name)
        )
