"""Public path of the original package."""

from tau2.participant.base import HalfDuplexParticipant

__all__ = ["HalfDuplexParticipant"]
