"""When an episode is stopped from outside."""

from __future__ import annotations

from dataclasses import dataclass

from tau2.data_model.simulation import TerminationReason


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one episode. `timeout` in seconds of wall clock; None is unbounded."""

    max_steps: int = 100
    max_errors: int = 10
    timeout: float | None = None

    def reached(self, steps: int, errors: int, elapsed: float) -> TerminationReason | None:
        """Return which bound is reached, or None."""
        if self.timeout is not None and elapsed >= self.timeout:
            return TerminationReason.TIMEOUT
        if errors >= self.max_errors:
            return TerminationReason.TOO_MANY_ERRORS
        return TerminationReason.MAX_STEPS if steps >= self.max_steps else None
