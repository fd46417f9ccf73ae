"""Shaped rewards that leave the optimum where it is: the difference of a potential between two turns.

Ng, Harada and Russell (1999): a term `gamma * potential(after) - potential(before)`, with a potential of 0 at every
end, changes the return of each policy from the same start by the same amount, so the best policy stays the best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tau2.evaluator.evaluator_action import check_actions
from tau2.evaluator.evaluator_communicate import check_communication
from tau2.evaluator.evaluator_env import check_assertions
from tau2.evaluator.evidence import Evidence
from tau2.orchestrator.orchestrator import Orchestrator


def partial_credit(orchestrator: Orchestrator) -> float:
    """Return how much of what the task checks is done so far, from 0 to 1; needs no judge.

    The mean over the kinds of checks the task has of the share that is met: reference actions carried out, assertions
    about the world that hold, pieces of information told.
    """
    evidence = Evidence(
        orchestrator.world, orchestrator.trajectory, live=orchestrator.environment.fork()
    )
    evidence.strict_compat = orchestrator.environment.strict_compat
    kinds = (
        [check.action_match for check in check_actions(evidence)],
        [check.met for check in check_assertions(evidence)],
        [check.met for check in check_communication(evidence)],
    )
    shares = [sum(met) / len(met) for met in kinds if met]
    return sum(shares) / len(shares) if shares else 0.0


@dataclass(frozen=True, slots=True)
class Shaping:
    """How the extra term of each turn is made."""

    gamma: float = 1.0
    """The trainer's discount; with another one the optimum may move."""
    weight: float = 1.0
    potential: Callable[[Orchestrator], float] = partial_credit
    """Any function of where the episode stands; it must not change it."""

    def term(self, before: float, after: float) -> float:
        """Return the term of a turn that went from one potential to another."""
        return self.weight * (self.gamma * after - before)
