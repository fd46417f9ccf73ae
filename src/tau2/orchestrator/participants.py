"""What an orchestrator checks of its participants, and gives them, before an episode."""

from __future__ import annotations

from tau2.errors import ConfigError
from tau2.participant.protocols import AgentProtocol, ParticipantProtocol, UserProtocol


def check_participant(role: str, participant: AgentProtocol | UserProtocol) -> None:
    """Raise ConfigError when a participant lacks a method that every episode needs."""
    needed = ["get_init_state", "is_stop"]
    if not hasattr(participant, "agenerate_next_message"):
        needed.insert(0, "generate_next_message")
    lacking = [method for method in needed if not hasattr(participant, method)]
    if lacking:
        raise ConfigError(
            f"the {role} ({type(participant).__name__}) must have {', '.join(lacking)}"
        )


def seed_participants(seed: int | None, *participants: ParticipantProtocol) -> None:
    """Give the episode's seed to every participant that takes one."""
    for participant in participants:
        if seed is not None and hasattr(participant, "set_seed"):
            participant.set_seed(seed)
