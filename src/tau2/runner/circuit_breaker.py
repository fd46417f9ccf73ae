"""Stops a run whose model has failed several times in a row."""

from __future__ import annotations

from collections import Counter

from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.utils.text import plural

FAILED_MODEL = "failed_model"
"""Entry of a simulation's `info`: the model whose endpoint failed."""


class CircuitBreaker:
    """Counts infrastructure failures in a row, for each model.

    Args:
        limit: Failures of one model, without a simulation that succeeded in between, after which
            the run is to stop; 0 for never.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._failures: Counter[str] = Counter()

    def reason_to_stop(self, run: SimulationRun) -> str | None:
        """Count a finished simulation; return why the run is to stop, or None."""
        info = run.info or {}
        model = info.get(FAILED_MODEL)
        if run.termination_reason is not TerminationReason.INFRASTRUCTURE_ERROR:
            # Only a judge can have failed: every other model of the episode has answered.
            kept = self._failures[model] if model else 0
            self._failures.clear()
            if model:
                self._failures[model] = kept
        if not isinstance(model, str):
            return None
        self._failures[model] += 1
        if not self.limit or self._failures[model] < self.limit:
            return None
        failures = plural(self._failures[model], "simulation")
        return f"model {model!r} failed {failures} in a row; last: {info.get('error')}"
