"""Public path of the original package."""

from tau2.participant.base import HalfDuplexParticipant
from tau2.participant.full_duplex import FullDuplexParticipant

__all__ = ["FullDuplexParticipant", "HalfDuplexParticipant"]
