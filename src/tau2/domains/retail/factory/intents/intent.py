"""What an intent of the shop's customers is, and how modules list theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.words import FORMATTER
from tau2.taskgen.intents import Intent, collector
from tau2.taskgen.wording import Slots, Wording


class IntentText(NamedTuple):
    """What the simulated user is told about one intent."""

    reason: str
    """One to four sentences: what the customer calls about."""
    instructions: str
    """How the customer behaves, and what happens if the agent says this or that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetailIntent(Intent):
    """One thing, or a few that belong together, that a customer of the shop wants."""

    act: Callable[[RetailDraft], Slots]
    """Records what the ideal agent does and returns what fills the slots of the texts."""
    wording: Wording
    about: str
    """What the customer calls it: "return" as in "the return"."""
    alone: bool = False
    """Whether it is about all orders or the whole conversation, and so combines with no other."""
    profile: bool = False
    """Whether it changes the default address or rests on it."""
    hurdle: bool = False
    """Whether something is refused, sold out, missing or changed in mind on the way."""
    idle: bool = False
    """Whether nothing can be done or told, so that it needs company."""
    last: bool = False
    """Whether it ends with a hand-over, after which nothing can follow."""
    wants: int = 1
    """How many things the customer wants."""

    def tell(self, draft: RetailDraft) -> IntentText:
        """Record the ideal agent's actions and return the text.

        Raises:
            UnsuitableCustomer: the customer cannot have this intent.
        """
        slots = self.act(draft)
        return IntentText(*(self.text(part, draft.turn, slots) for part in IntentText._fields))

    def text(self, part: str, turn: int, slots: Slots) -> str:
        """Return the wording of a part whose turn it is."""
        texts = self.wording.texts(self.name, part)
        return FORMATTER.fill(texts[turn % len(texts)], slots)


Act = Callable[[RetailDraft], Slots]


def intents(
    module_file: str, **common: Any
) -> tuple[list[RetailIntent], Callable[..., Callable[[Act], Act]]]:
    """Return a list and a decorator that adds an intent to it (see `taskgen.intents.collector`).

    The texts are in a TOML file beside the module, under the name of the function.
    """
    wording = Wording(Path(module_file).with_suffix(".toml"))
    return collector(partial(RetailIntent, wording=wording), **common)
