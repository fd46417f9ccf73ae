"""Whether a simulation passed, or whose failure it was.

Only the agent's failures count against the agent; other simulations are left out of averages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from tau2.data_model.outline import BLAME, Outline
from tau2.data_model.simulation import (
    FINISHED,
    NO_SCORE,
    Info,
    RewardInfo,
    SimulationRun,
    TerminationReason,
)
from tau2.storage.results import Results
from tau2.utils.json_types import JsonMapping

Simulation = SimulationRun | Outline
"""A simulation, with its conversation or without."""
SimulationT = TypeVar("SimulationT", SimulationRun, Outline)

_TOLERANCE = 1e-6  # a reward is a product of floats


def is_successful(reward: float) -> bool:
    """Return whether a reward is full credit."""
    return abs(reward - 1.0) <= _TOLERANCE


class Outcome(StrEnum):
    """Whether a simulation passed, or whose failure it was."""

    PASSED = "passed"
    AGENT_FAILURE = "agent failure"
    USER_FAILURE = "user-simulator failure"
    ENVIRONMENT_FAULT = "environment or reference fault"
    INFRASTRUCTURE = "infrastructure failure"

    @property
    def counts(self) -> bool:
        """Whether it says something about the agent, and is part of every average and of pass^k."""
        return self is Outcome.PASSED or self is Outcome.AGENT_FAILURE


def run_passed(run: Simulation) -> bool:
    """Return whether a simulation was scored and earned full credit."""
    return run.is_scored and run.reward is not None and is_successful(run.reward)


def outcome_of(run: Simulation) -> Outcome:
    """Return the outcome of a simulation.

    One that was never graded is an infrastructure failure.
    """
    reward = run.reward
    if run.termination_reason is TerminationReason.USER_ERROR:
        return Outcome.USER_FAILURE
    if reward is None or run.termination_reason in NO_SCORE:
        return Outcome.INFRASTRUCTURE
    if is_successful(reward):
        return Outcome.PASSED
    return Outcome.ENVIRONMENT_FAULT if run.environment_faults else Outcome.AGENT_FAILURE


def environment_faults(info: RewardInfo) -> list[str]:
    """Return why a lost reward may not be the agent's doing.

    Either the environment could not be graded at all, or its database differs from that of
    reference actions that failed themselves.
    """
    return info.environment_faults


def blamed(run: Simulation) -> str | None:
    """Return whose failure a simulation is: agent, user, task or infrastructure.

    None when it passed, or when a failure has no stored verdict and the outcome does not tell.
    """
    stored = run.info.get(BLAME) if run.info is not None else None
    if stored is not None and isinstance(stored, Mapping) and isinstance(stored.get("side"), str):
        return str(stored["side"])
    return _SIDES.get(outcome_of(run))


_SIDES = {
    Outcome.USER_FAILURE: "user",
    Outcome.ENVIRONMENT_FAULT: "task",
    Outcome.INFRASTRUCTURE: "infrastructure",
}


def blame_note(run: SimulationRun) -> str | None:
    """Return the stored verdict on a failure as one line; None where there is none."""
    stored = (run.info or {}).get(BLAME)
    if not isinstance(stored, Mapping):
        return None
    turn = stored.get("turn")
    where = f", message {turn}" if isinstance(turn, int) else ""
    return f"at fault: {stored.get('side')} ({stored.get('kind')}{where}): {stored.get('reason')}"


def lost_on(run: Simulation) -> tuple[str, ...]:
    """Return what took a simulation's reward.

    The termination reason when it ended early, else the checks below full credit.
    """
    if not run.is_scored or run.reward is None:
        return ("not scored",)
    if is_successful(run.reward):
        return ()
    if run.termination_reason not in FINISHED:
        return (run.termination_reason.value,)
    lost = tuple(basis for basis, score in run.breakdown if not is_successful(score))
    return lost or ("reward",)


RAISED_AT = "raised_at"
"""Key of `SimulationRun.info`: the line of somebody's own code at which an exception was raised."""
BUG_PLACE = "bug_place"
"""The same of an exception that is a bug in that code."""

TOOL_BUGS = "tool_bugs"
"""Key of `SimulationRun.info`: what tools raised that only wrong code raises, one on a line."""


def why_unscored(run: Simulation) -> str:
    """Return why a simulation says nothing about the agent."""
    info = run.info or {}
    if "error" in info:
        kind = info.get("error_type")
        return f"{kind}: {info['error']}{place_of(info)}" if kind else error_of(info)
    return run.termination_reason.value if run.reward is not None else "it was never graded"


def error_of(info: JsonMapping) -> str:
    """Return the error of a participant, without the role before it: where it stands says whose."""
    return str(info["error"]).removeprefix("agent: ").removeprefix("user: ")


def place_of(info: JsonMapping) -> str:
    """Return at which line of somebody's own code the error was raised; empty when unknown."""
    place = info.get(BUG_PLACE) or info.get(RAISED_AT)
    return f", raised at {place}" if isinstance(place, str) else ""


def why_excluded(run: Simulation) -> str:
    """Return why a simulation does not count."""
    if outcome_of(run) is Outcome.ENVIRONMENT_FAULT:
        return "; ".join(run.environment_faults)
    return why_unscored(run)


def counted(runs: Iterable[SimulationT]) -> list[SimulationT]:
    """Return the simulations that say something about the agent."""
    return [run for run in runs if outcome_of(run).counts]


def counted_in(results: Results, *, as_published: bool | None = None) -> list[Outline]:
    """Return the simulations that a run's averages are over, without their conversations.

    Published scores count environment faults as failures of the agent. `as_published` does so too;
    by default where the original's behaviour is reproduced (`info.strict_compat`).
    """
    return counted_of(results.info, results.outlines(), as_published=as_published)


def counted_of(
    info: Info, runs: Iterable[SimulationT], *, as_published: bool | None = None
) -> list[SimulationT]:
    """Do what `counted_in` does for simulations of a run with these settings."""
    if as_published is None:
        as_published = info.strict_compat
    if as_published:
        return [run for run in runs if run.is_scored]
    return counted(runs)
