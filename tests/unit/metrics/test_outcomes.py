"""Whose failure a simulation was."""

from __future__ import annotations

import pytest

from tau2.data_model.simulation import DBCheck, RewardInfo, SimulationRun, TerminationReason
from tau2.metrics.outcomes import Outcome, counted, environment_faults, outcome_of


def ended(reason: str = "user_stop", reward: float | None = 1.0, **info) -> SimulationRun:
    return SimulationRun(
        id="1", task_id="t", start_time="", end_time="", duration=1.0,
        termination_reason=TerminationReason(reason),
        reward_info=None if reward is None else RewardInfo(reward=reward, **info), messages=[],
    )  # fmt: skip


SAME, OTHER = DBCheck(db_match=True, db_reward=1.0), DBCheck(db_match=False, db_reward=0.0)
GOLD = {"env": {"gold_errors": ["cancel(order=1): no such order"]}}


@pytest.mark.parametrize(
    ("run", "outcome"),
    [
        (ended(), Outcome.PASSED),
        (ended(reward=0.0), Outcome.AGENT_FAILURE),
        (ended("max_steps", 0.0), Outcome.AGENT_FAILURE),
        (ended("timeout", 0.0), Outcome.AGENT_FAILURE),
        (ended("context_window_exceeded", 0.0), Outcome.AGENT_FAILURE),
        (ended("user_error", 0.0), Outcome.USER_FAILURE),
        (ended("user_error", None), Outcome.USER_FAILURE),
        (ended("infrastructure_error", None), Outcome.INFRASTRUCTURE),
        (ended("unexpected_error", 0.0), Outcome.INFRASTRUCTURE),
        (ended(reward=None), Outcome.INFRASTRUCTURE),
        (
            ended(reward=0.0, info={"env": {"error": "the data is broken"}}),
            Outcome.ENVIRONMENT_FAULT,
        ),
        (ended(reward=0.0, info={"error": "the data is broken"}), Outcome.ENVIRONMENT_FAULT),
        (ended(reward=0.0, db_check=OTHER, info=GOLD), Outcome.ENVIRONMENT_FAULT),
        (ended(reward=0.0, db_check=SAME, info=GOLD), Outcome.AGENT_FAILURE),
        (ended(reward=1.0, db_check=SAME, info=GOLD), Outcome.PASSED),
        (ended(reward=0.0, info={"env": None, "note": "ended early"}), Outcome.AGENT_FAILURE),
    ],
)
def test_whose_failure_it_was(run, outcome):
    assert outcome_of(run) is outcome


def test_only_passes_and_failures_of_the_agent_count():
    runs = [ended(), ended(reward=0.0), ended("user_error"), ended("infrastructure_error", None)]
    assert counted(runs) == runs[:2]


def test_a_fault_of_the_world_says_what_it_is():
    info = ended(reward=0.0, db_check=OTHER, info=GOLD).reward_info
    assert environment_faults(info) == ["a reference action failed: cancel(order=1): no such order"]
