"""Continuing an interrupted episode: replaying the environment, and bringing participants back.

Two kinds of participants can be brought back. The state of a model-driven one is the messages it
has seen: it is given those. A deterministic one that needs no model is asked for its turns again,
and must give the recorded ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tau2.data_model.message import AssistantMessage, Message, ToolMessage, UserMessage
from tau2.data_model.simulation import TerminationReason
from tau2.errors import Tau2Error
from tau2.orchestrator.episode import Ask, Role, next_after, seen_by
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.orchestrator.participants import seed_participants
from tau2.orchestrator.snapshot import EpisodeSnapshot
from tau2.participant.spec import Continues


class CannotContinue(Tau2Error):
    """An interrupted episode has to be played from the start."""


@dataclass(frozen=True, slots=True)
class Participants:
    """How both participants of a run are brought back."""

    agent: Continues
    user: Continues


@dataclass(frozen=True, slots=True)
class PlayedTurns:
    """What is known of an interrupted episode."""

    messages: list[Message]
    opening: int
    """How many of the messages were there before the first turn."""
    steps: int
    errors: int
    elapsed: float
    start_time: str
    end: tuple[TerminationReason, str | None] | None
    """How it ended, if only its grade or its record is missing."""


def continued(
    orchestrator: Orchestrator, played: PlayedTurns, participants: Participants
) -> Orchestrator:
    """Return a fresh orchestrator after it was brought to where an episode was interrupted.

    Raise CannotContinue, or whatever a participant or the environment raises, if that is not
    certain.
    """
    seed_participants(orchestrator.seed, orchestrator.agent, orchestrator.user)
    agent_state = _state(orchestrator.agent, participants.agent, Role.AGENT, played)
    user_state = _state(orchestrator.user, participants.user, Role.USER, played)
    orchestrator.resume(
        EpisodeSnapshot(
            messages=tuple(played.messages),
            steps=played.steps,
            errors=played.errors,
            agent_state=agent_state,
            user_state=user_state,
            elapsed=played.elapsed,
            start_time=played.start_time,
            end=played.end,
            user_errors=sum(
                isinstance(message, ToolMessage) and message.error and message.requestor == "user"
                for message in played.messages[played.opening :]
            ),
        )
    )
    return orchestrator


def _state(participant: Any, how: Continues, role: Role, played: PlayedTurns) -> Any:
    if how == "messages":
        return participant.get_init_state(message_history=_remembered(role, played.messages))
    return _asked_again(participant, role, played)


def _ask_after(messages: Sequence[Message]) -> tuple[Ask, int]:
    return next_after(messages) if messages else (Ask(Role.AGENT, None), 0)


def _remembered(role: Role, messages: Sequence[Message]) -> list[Message]:
    """Return what a participant has seen, without what it is about to observe."""
    ask, unseen = _ask_after(messages)
    return seen_by(role, messages[: len(messages) - unseen] if ask.to is role else messages)


def _asked_again(participant: Any, role: Role, played: PlayedTurns) -> Any:
    state = participant.get_init_state(
        message_history=_remembered(role, played.messages[: played.opening])
    )
    own = AssistantMessage if role is Role.AGENT else UserMessage
    for number in range(played.opening, len(played.messages)):
        recorded = played.messages[number]
        if not isinstance(recorded, own):
            continue
        ask, _ = _ask_after(played.messages[:number])
        again, state = participant.generate_next_message(ask.observation, state)
        if ask.to is not role or _content(again) != _content(recorded):
            raise CannotContinue(f"the {role} would send another message {number} today")
    return state


def _content(message: AssistantMessage | UserMessage) -> tuple[Any, ...]:
    return message.content, [(call.name, call.arguments) for call in message.calls]
