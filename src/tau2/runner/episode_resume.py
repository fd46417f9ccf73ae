"""Taking up an interrupted episode: the world is replayed, and each participant is brought to where it stood.

Two kinds of participants can be brought back. What a model-driven one remembers is what was said: it is handed the
messages. A deterministic one that needs no model is spoken to once more, without the world, and must say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tau2.data_model.message import AssistantMessage, Message, UserMessage
from tau2.data_model.simulation import TerminationReason
from tau2.errors import Tau2Error
from tau2.orchestrator.episode import Ask, Role, next_after, seen_by
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.orchestrator.snapshot import Moment
from tau2.orchestrator.wiring import seed_participants
from tau2.participant.spec import Continues


class CannotContinue(Tau2Error):
    """An interrupted episode has to be played from the start."""


@dataclass(frozen=True, slots=True)
class Cast:
    """How both participants of a run are brought back."""

    agent: Continues
    user: Continues


@dataclass(frozen=True, slots=True)
class Played:
    """What is known of an interrupted episode."""

    messages: list[Message]
    opening: int
    """How many of the messages were there before the first turn."""
    steps: int
    errors: int
    elapsed: float
    start_time: str
    end: tuple[TerminationReason, str | None] | None
    """How it ended, when only its grade or its record is missing."""


def taken_up(orchestrator: Orchestrator, played: Played, cast: Cast) -> Orchestrator:
    """Return a fresh orchestrator standing where an episode stood. Raise when that cannot be said with certainty."""
    seed_participants(orchestrator.seed, orchestrator.agent, orchestrator.user)
    orchestrator.resume(
        Moment(
            messages=tuple(played.messages),
            steps=played.steps,
            errors=played.errors,
            agent_state=_state(orchestrator.agent, cast.agent, Role.AGENT, played),
            user_state=_state(orchestrator.user, cast.user, Role.USER, played),
            elapsed=played.elapsed,
            start_time=played.start_time,
            end=played.end,
        )
    )
    return orchestrator


def _state(participant: Any, how: Continues, role: Role, played: Played) -> Any:
    if how == "messages":
        return participant.get_init_state(message_history=_remembered(role, played.messages))
    return _spoken_to_again(participant, role, played)


def _ask_after(messages: Sequence[Message]) -> tuple[Ask, int]:
    return next_after(messages) if messages else (Ask(Role.AGENT, None), 0)


def _remembered(role: Role, messages: Sequence[Message]) -> list[Message]:
    """Return what a participant has lived through, less what it is about to be told."""
    ask, unheard = _ask_after(messages)
    return seen_by(role, messages[: len(messages) - unheard] if ask.to is role else messages)


def _spoken_to_again(participant: Any, role: Role, played: Played) -> Any:
    state = participant.get_init_state(
        message_history=_remembered(role, played.messages[: played.opening])
    )
    own = AssistantMessage if role is Role.AGENT else UserMessage
    for number in range(played.opening, len(played.messages)):
        said = played.messages[number]
        if not isinstance(said, own):
            continue
        ask, _ = _ask_after(played.messages[:number])
        again, state = participant.generate_next_message(ask.heard, state)
        if ask.to is not role or _told(again) != _told(said):
            raise CannotContinue(
                f"the {role} would say something else in message {number} than it did"
            )
    return state


def _told(message: Any) -> tuple[Any, ...]:
    return message.content, [(call.name, call.arguments) for call in message.calls]
