"""The dialogue acts of an agent's message, and the message once it is understood."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tau2.user.scripted_user.understanding.reading import Unit


class Act(StrEnum):
    """What an agent does by saying something; one message may do several of these."""

    GREETS = "greets"
    """It asks how it can help."""
    ASKS_FACTS = "asks_facts"
    """It asks for facts: `Heard.kinds`."""
    ASKS_IDENTITY = "asks_identity"
    """It asks who the customer is, in general words."""
    ASKS_CONSENT = "asks_consent"
    """It asks whether to go ahead with `Heard.proposal`."""
    ASKS_CHOICE = "asks_choice"
    """It asks which of several things the customer prefers."""
    ASKS = "asks"
    """It wants something else from the customer: `Heard.requests`."""
    ASKS_AGAIN = "asks_again"
    """It did not understand, and wants the last message once more."""
    INSTRUCTS = "instructs"
    """It may want the customer to do or look at something: `Heard.orders`."""
    OFFERS_GUIDANCE = "offers_guidance"
    """It offers instructions for a step."""
    OFFERS_TRANSFER = "offers_transfer"
    """It offers to hand over to a person."""
    OFFERS_OPTION = "offers_option"
    """It offers something that may be left without an answer: "if you like, I can ..."."""
    OFFERS_INSTEAD = "offers_instead"
    """It asks whether to leave things as they are, or whether something else would do."""
    OFFERS_MORE = "offers_more"
    """It asks whether there is anything else, or says that it is there for it."""
    REFUSES = "refuses"
    """It says that something cannot be done."""
    REPORTS_DONE = "reports_done"
    """It says that something has been done."""
    PROMISES = "promises"
    """It says that it is about to do something."""
    SAYS_BYE = "says_bye"
    TRANSFERS = "transfers"
    """It hands over to a person now."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of the agent, understood."""

    text: str
    units: tuple[Unit, ...]
    acts: frozenset[Act]
    requests: tuple[str, ...]
    """Sentences that want something from the customer."""
    orders: tuple[str, ...]
    """Sentences that may want something done or looked at by the customer."""
    kinds: tuple[str, ...]
    """Facts that are asked for."""
    settles: str
    """What says that something was done or cannot be done, or ""."""
    proposal: str
    """What consent is asked for: the message without its questions for facts, or ""."""
    checksum: int

    def __contains__(self, act: Act) -> bool:
        return act in self.acts

    def has_any(self, *acts: Act) -> bool:
        """Return whether the message does one of these things."""
        return not self.acts.isdisjoint(acts)
