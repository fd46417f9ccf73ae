"""Whose failure each failed simulation is: the agent's, the user's, the task's or the machine's."""

from __future__ import annotations

from tau2.blame.finding import Blame, Finding, Kind, Side
from tau2.blame.verdict import blame_results, blame_simulation, with_blame

__all__ = [
    "Blame",
    "Finding",
    "Kind",
    "Side",
    "blame_results",
    "blame_simulation",
    "with_blame",
]
