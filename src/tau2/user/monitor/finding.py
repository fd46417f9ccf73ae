"""What the monitor finds: a kind, the turn, and a reason in words."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class FindingKind(StrEnum):
    """How a simulated user can fail."""

    REPEATS_AGENT = "repeats_agent"
    """Says the agent's words again instead of answering."""
    SPEAKS_AS_AGENT = "speaks_as_agent"
    """Says what only the company's side says."""
    NO_WISH = "no_wish"
    """Never says what the scenario wants."""
    CONTRADICTS_FACT = "contradicts_fact"
    """States another value than the scenario, or than a tool of its own, gives."""
    INVENTS_FACT = "invents_fact"
    """States a value that is nowhere in what the user can know."""
    CLAIMS_ACTION = "claims_action"
    """Says that it did or saw something on its device, and made no such call."""
    ENDS_EARLY = "ends_early"
    """Ends before an agreed change was made and confirmed."""
    KEEPS_CLOSING = "keeps_closing"
    """Says goodbye again and again without ending the conversation."""
    OUT_OF_SCOPE = "out_of_scope"
    """Leaves as out of scope although the scenario covers what was asked."""


class Finding(BaseModel):
    """One failure of a simulated user."""

    model_config = ConfigDict(frozen=True)

    kind: FindingKind
    turn: int
    """Index of the user's message in the conversation (`turn_idx`)."""
    reason: str
    """One sentence for people."""
    is_decisive: bool = True
    """Whether it ends an episode; otherwise it is only recorded.

    Not where the user hangs up at once, without a word, nor where it has not said its wish and says
    one and the same thing: stubs of clients and tests do so.
    """

    def __str__(self) -> str:
        return f"turn {self.turn}: {self.reason} ({self.kind})"
