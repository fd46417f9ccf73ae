"""What an orchestrator checks of its participants, gives them before, and ends after an episode."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from tau2.errors import ConfigError
from tau2.participant.protocols import AgentProtocol, ParticipantProtocol, UserProtocol

logger = logging.getLogger(__name__)


def check_participant(role: str, participant: AgentProtocol | UserProtocol) -> None:
    """Raise ConfigError when a participant lacks a method that every episode needs."""
    needed = ["get_init_state", "is_stop"]
    if not hasattr(participant, "agenerate_next_message"):
        needed.insert(0, "generate_next_message")
    check_methods(role, participant, needed)


def check_methods(role: str, participant: object, needed: Sequence[str]) -> None:
    """Raise ConfigError when a participant lacks one of the methods."""
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


def stop_participant(role: str, participant: object, last_received: object, state: Any) -> None:
    """Call `stop` of a participant that has it, with what it received last; log an error of it."""
    stop = getattr(participant, "stop", None)
    if stop is None:
        return
    try:
        stop(last_received, state)
    except Exception:  # clean-up of foreign code must not cost a finished simulation
        logger.warning("%s.stop failed", role, exc_info=True)
