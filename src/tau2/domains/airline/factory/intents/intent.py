"""What an intent of the airline's customers is, and how the modules of this package list theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tau2.domains.airline.factory.draft import AirlineDraft
from tau2.taskgen.intents import Intent, collector
from tau2.taskgen.wording import Wording

BOOKS = "books"
"""Makes a reservation: two of them in one task would make the ids depend on their order."""
SENDS = "sends"
"""Sends a certificate: as above."""
HANDS_OVER = "hands over"
"""Ends with a transfer, so it comes last."""
ASKS = "asks"
"""Changes nothing; what the agent says counts."""
REFUSES = "refuses"
"""Begins with something that the policy forbids; two refusals could be taken for each other."""
INSISTS = "insists"
"""Wants nothing in the end but what is forbidden, and a figure: goes with no other intent."""
ALL_TRIPS = "all trips"
"""Is about all reservations of the customer and goes with no other intent."""

Act = Callable[[AirlineDraft], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AirlineIntent(Intent):
    """Something a customer of the airline wants."""

    level: int
    """1: one step; 2: something to find out or to refuse; 3: several of these."""
    act: Act
    """Records what the ideal agent does and adds what the customer wants."""
    wording: Wording
    tags: tuple[str, ...] = ()

    def tell(self, draft: AirlineDraft) -> None:
        """Add the intent to a draft. Raise UnsuitableCustomer when the customer cannot have it."""
        draft.use(self.wording, self.name)
        self.act(draft)


def intents(module_file: str) -> tuple[list[AirlineIntent], Callable[..., Callable[[Act], Act]]]:
    """Return a list and a decorator that adds an intent to it (see `taskgen.intents.collector`).

    The texts are in a TOML file beside the module, under the name of the function.
    """
    wording = Wording(Path(module_file).with_suffix(".toml"))
    return collector(partial(AirlineIntent, wording=wording))
