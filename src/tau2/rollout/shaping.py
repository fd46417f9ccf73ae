"""Potential-based reward shaping, which leaves the best policy unchanged.

Ng, Harada and Russell, "Policy invariance under reward transformations" (ICML 1999): with a term
`gamma * potential(after) - potential(before)` per step, and a potential of 0 at every end, the
return of each policy from the same start changes by the same amount.
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
    """Return how much of what the task checks is met so far, from 0 to 1; calls no judge.

    For each kind of check that the task has (reference actions, environment assertions,
    communicated information), take the share that is met; return the mean of these shares.
    """
    evidence = Evidence(
        orchestrator.task_setup, orchestrator.trajectory, live=orchestrator.environment.fork()
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
    """How the shaping term of each step is computed."""

    gamma: float = 1.0
    """The trainer's discount factor; with any other value the best policy may change."""
    weight: float = 1.0
    potential: Callable[[Orchestrator], float] = partial_credit
    """Any function of the episode that does not change it."""

    def term(self, before: float, after: float) -> float:
        """Return the term of a step between these two potentials."""
        return self.weight * (self.gamma * after - before)
