"""What a seat gets back after each of its moves, and what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass

from tau2.data_model.message import AssistantMessage, Message, UserMessage
from tau2.data_model.simulation import RewardInfo, TerminationReason
from tau2.rollout.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Turn:
    """What the seat heard, and where the episode stands."""

    heard: tuple[Message, ...] = ()
    """What was said and done since the seat's own last message, as far as the seat sees it."""
    reward: float | None = 0.0
    """0.0 until the end, then the grade; None when the episode says nothing about the seat's play."""
    shaping: float = 0.0
    """The potential-based term of this turn, to be added to the reward; 0.0 unless shaping is on."""
    terminated: bool = False
    """Somebody ended the conversation, or the seat's play broke it."""
    truncated: bool = False
    """It was cut off from outside: `max_steps`, time, the surroundings, or a failure of the other side."""
    reason: TerminationReason | None = None
    infra_failed: bool = False
    """The surroundings failed (a model endpoint, the judge): no reward, and nobody's fault."""
    user_failed: bool = False
    """The simulated other side failed: no reward either."""
    error: str | None = None
    """Why it failed, when it did."""
    rejected: str | None = None
    """Why the seat's action was not taken; the episode stands where it stood."""
    reward_info: RewardInfo | None = None

    @property
    def done(self) -> bool:
        """Whether the episode is over."""
        return self.terminated or self.truncated


@dataclass(slots=True)
class Step:
    """One move of the seat."""

    action: AssistantMessage | UserMessage
    tokens: Tokens | None = None
    turn: Turn | None = None
    """What it led to; None while the others have yet to answer."""
