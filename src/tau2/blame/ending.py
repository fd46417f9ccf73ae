"""How a conversation ended, and what the customer left unsaid or unanswered."""

from __future__ import annotations

from dataclasses import dataclass

from tau2.blame.acts import QUESTIONS, acts_of, declines
from tau2.blame.conversation import Conversation, Said
from tau2.blame.finding import Finding, Kind, user_finding
from tau2.data_model.message import UserMessage
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.user.monitor import FindingKind
from tau2.user.scripted_user.understanding import Act


@dataclass(frozen=True, slots=True)
class Ending:
    """The last exchange of a conversation."""

    by_user: bool
    turn: int | None
    """Index of the message that ended it; None for a conversation without messages."""
    last: Said | None
    """The agent's last message before the end."""

    @property
    def acts(self) -> frozenset[Act]:
        """What the agent's last message does."""
        return acts_of(self.last.text) if self.last is not None else frozenset()


def ending_of(run: SimulationRun, conversation: Conversation) -> Ending:
    """Return how a conversation ended."""
    turn = conversation.last_turn
    users = [said.turn for said in conversation.user]
    by_user = run.termination_reason is TerminationReason.USER_STOP
    if by_user and users:
        turn = users[-1]
    before = [
        said for said in conversation.agent if not by_user or turn is None or said.turn < turn
    ]
    return Ending(by_user, turn, before[-1] if before else None)


def wish_not_stated(conversation: Conversation, ending: Ending) -> Finding | None:
    """Return a finding when the customer ended without having said what the scenario wants."""
    unsaid = any(found.kind is FindingKind.NO_WISH for found in conversation.user_findings)
    if not unsaid or conversation.hand_over is not None or not ending.by_user:
        return None
    return user_finding(
        Kind.WISH_NOT_STATED,
        ending.turn,
        "The customer never stated the reason for calling.",
    )


def ended_early(conversation: Conversation, ending: Ending) -> Finding | None:
    """Return a finding when the customer ended on a proposal, a promise or a question."""
    if not ending.by_user or ending.last is None or ending.turn is None:
        return None
    final = conversation.messages[ending.turn]
    text = conversation.user[-1].text if isinstance(final, UserMessage) else ""
    acts = ending.acts
    if Act.ASKS_CONSENT in acts and declines(text):
        return user_finding(
            Kind.REFUSED_OWN_WISH,
            ending.turn,
            "The customer declined the proposal and ended the conversation.",
        )
    what = _waits_for(acts)
    if what is None:
        return None
    return user_finding(
        Kind.ENDED_EARLY,
        ending.turn,
        f"The customer ended the conversation although {what}.",
    )


def _waits_for(acts: frozenset[Act]) -> str | None:
    """Return what the agent waits for, or has still to do, after its last message."""
    if Act.ASKS_CONSENT in acts:
        return "the agent was waiting for consent"
    if Act.OFFERS_MORE in acts:
        return None
    if acts & QUESTIONS:
        return "the agent had asked a question"
    if Act.PROMISES in acts and not acts & {Act.REPORTS_DONE, Act.REFUSES}:
        return "the agent had only said what it was going to do"
    return None
