"""What the simulated user is told, and the ticket of a task that is solved without a user."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tau2.domains.telecom.tasks.issues import Complaint, Resolution
from tau2.domains.telecom.tasks.recipes import Recipe
from tau2.domains.telecom.tasks.subjects import TaskValues, pick
from tau2.taskgen.wording import Wording

WORDING = Wording(Path(__file__).with_name("wording.toml"))


class ScenarioWriter:
    """The words of one task."""

    def __init__(self, rng: Random, values: TaskValues, recipe: Recipe) -> None:
        self.rng = rng
        self.kind = recipe.kind
        self.persona = recipe.persona
        issues = recipe.issues
        self.names = {issue.name for issue in issues}
        self.is_abroad = any(issue.group == "abroad" for issue in issues)
        self.hands_over = any(issue.resolution is Resolution.HANDED_OVER for issue in issues)
        self.leaves = any(issue.resolution is Resolution.LEFT for issue in issues)
        self.wish = next((issue.name for issue in issues if issue.group == "wish"), "")
        self.slots = {
            **pick(rng, WORDING.texts("places")),
            "name": values.subject.name,
            "phone": values.subject.phone_number,
            "gb": f"{values.gb:g}",
            "too_many": f"{values.too_many_gb:g}",
            "other_phone": values.other.phone_number if values.other else "",
            "other_device": values.other.device if values.other else "",
            "stranger_phone": values.stranger.phone_number,
        }

    def _one(self, part: str, name: str) -> str:
        text: str = pick(self.rng, WORDING.texts(part, name))
        return text.format_map(self.slots)

    def reason(self) -> str:
        """Return why the customer calls."""
        return self._one("complaints", f"{self.kind}_abroad" if self.is_abroad else self.kind)

    def known(self) -> str:
        """Return what the customer knows."""
        who = self._one("facts", "who")
        return f"{who} {self._one('facts', 'abroad' if self.is_abroad else 'at_home')}"

    def unknown(self) -> str | None:
        """Return what the customer does not know, where that is said."""
        return self._one("facts", "unknown") or None

    def instructions(self) -> str:
        """Return how the customer acts."""
        parts = [] if self.leaves else [self._one("goals", self.kind)]
        parts += [self._one("stances", name) for name in self._stances()]
        if self.wish:
            parts.append(self._one("wishes", self.wish))
        elif self.hands_over:
            parts.append(self._one("stances", "handed_over"))
        return " ".join([*parts, self._one("stances", "manners")])

    def _stances(self) -> list[str]:
        """Return what the customer agrees to and what not, even where it does not come up."""
        if self.kind is Complaint.SERVICE:
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
            text.format_map(self.slots) for name in names for text in WORDING.texts("tickets", name)
        )
