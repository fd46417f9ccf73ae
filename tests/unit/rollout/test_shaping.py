"""Shaped rewards move no optimum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cast import STOP, User, a_task, calls

from tau2.data_model.tasks import EnvAssertion, RewardType
from tau2.rollout import Rollout, RolloutSetup, Shaping, partial_credit

MEETING = {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Tea"}}
READ = {"name": "get_users", "arguments": {}}
TASK = a_task(
    calls("get_users"),
    calls("create_task", user_id="user_1", title="Tea"),
    told=["10"],
    basis=[RewardType.DB, RewardType.COMMUNICATE],
)


def shaped(shaping: Shaping | None) -> Rollout:
    return Rollout(RolloutSetup("mock", user=lambda *_: User(("Hi", *["Ok"] * 6))), shaping=shaping)


def test_it_is_off_unless_asked_for():
    rollout = shaped(None)
    rollout.reset(TASK)
    assert rollout.step(READ).shaping == 0.0


def test_progress_is_paid_when_it_is_made():
    rollout = shaped(Shaping())
    assert rollout.reset(TASK).shaping == 0.0
    assert rollout.step(READ).shaping == pytest.approx(0.25)
    assert rollout.step(READ).shaping == 0.0
    assert rollout.step(MEETING).shaping == pytest.approx(0.25)
    assert rollout.step("It is 10.").shaping == pytest.approx(0.5)
    last = rollout.step(STOP)
    assert (last.reward, last.shaping) == (1.0, pytest.approx(-1.0))


MOVES = st.lists(st.sampled_from([READ, MEETING, "It is 10.", "Hm."]), max_size=5)


@given(moves=MOVES, gamma=st.sampled_from([1.0, 0.9]))
def test_every_way_to_the_end_is_paid_the_same(moves, gamma):
    """The discounted sum of the terms is minus the potential of the start, whatever was done."""
    rollout = shaped(Shaping(gamma=gamma))
    rollout.reset(TASK)
    start = partial_credit(rollout.orchestrator)
    terms = [rollout.step(move).shaping for move in [*moves, STOP]]
    assert sum(term * gamma**n for n, term in enumerate(terms)) == pytest.approx(-start)


def test_looking_changes_nothing():
    assertion = EnvAssertion(
        env_type="assistant",
        func_name="assert_number_of_tasks",
        arguments={"user_id": "user_1", "expected_number": 1},
    )
    rollout = shaped(Shaping())
    rollout.reset(
        a_task(calls("get_users"), assertions=[assertion], basis=[RewardType.ENV_ASSERTION])
    )
    before = rollout.environment.get_db_hash()
    assert 0.0 <= partial_credit(rollout.orchestrator) <= 1.0
    assert rollout.environment.get_db_hash() == before


def test_a_task_that_checks_nothing_has_no_potential():
    rollout = shaped(Shaping())
    rollout.reset(a_task())
    assert partial_credit(rollout.orchestrator) == 0.0


def test_a_fork_is_paid_for_its_own_progress():
    rollout = shaped(Shaping())
    rollout.reset(TASK)
    rollout.step(READ)
    one, other = rollout.fork(2)
    assert (one.step(MEETING).shaping, other.step(READ).shaping) == (pytest.approx(0.25), 0.0)


def test_a_potential_of_ones_own():
    rollout = shaped(Shaping(weight=0.1, potential=lambda episode: float(len(episode.trajectory))))
    rollout.reset(TASK)
    assert rollout.step(READ).shaping == pytest.approx(0.2)  # a call and its result
