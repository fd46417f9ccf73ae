"""How a conversation ended, and what the customer left unsaid or unanswered."""

from __future__ import annotations

from dataclasses import dataclass

from tau2.blame.acts import Act, acts_in_order, acts_of, declines
from tau2.blame.conversation import Conversation, Said
from tau2.blame.finding import Finding, Kind, Side
from tau2.blame.values import content_words, overlap
from tau2.data_model.message import UserMessage
from tau2.data_model.simulation import SimulationRun, TerminationReason

_RELATED = 0.12  # share of the words of the reason for calling that a stated wish repeats
_FEW_WORDS = 3  # a reason for calling with fewer words is not looked for


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
    """Return a finding when nothing that the customer said is about the reason for calling."""
    instructions = conversation.setup.task.user_scenario.instructions
    reason = getattr(instructions, "reason_for_call", None) or str(instructions)
    words = content_words(reason)
    if len(words) < _FEW_WORDS or not conversation.user:
        return None
    said = "\n".join(one.text for one in conversation.user)
    if overlap(said, words) >= _RELATED:
        return None
    if conversation.hand_over is not None or not ending.by_user:
        return None
    return Finding(
        Side.USER,
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
    order = acts_in_order(ending.last.text)
    if Act.PROPOSES in order and declines(text):
        return Finding(
            Side.USER,
            Kind.REFUSED_OWN_WISH,
            ending.turn,
            "The customer declined the proposal and ended the conversation.",
        )
    what = _WAITING.get(order[-1]) if order else None
    if what is None or (order[-1] is Act.PROMISES and {Act.REPORTS, Act.REFUSES} & set(order)):
        return None
    return Finding(
        Side.USER,
        Kind.ENDED_EARLY,
        ending.turn,
        f"The customer ended the conversation although {what}.",
    )


_WAITING = {
    Act.PROPOSES: "the agent was waiting for consent",
    Act.ASKS: "the agent had asked a question",
    Act.PROMISES: "the agent had only said what it was going to do",
}
"""What the agent waits for, or has still to do, after its last sentence."""
