"""How the two sides share the line."""

from __future__ import annotations

from enum import StrEnum


class CommunicationMode(StrEnum):
    """Whether the sides take turns or may speak at once."""

    HALF_DUPLEX = "half_duplex"
    FULL_DUPLEX = "full_duplex"
