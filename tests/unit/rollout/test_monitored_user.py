"""A rollout monitors its simulated user only when it is told to."""

from __future__ import annotations

from typing import Any

from tests.cast import User, says

from tau2.rollout import Rollout
from tau2.rollout.setup import RolloutSetup

WISH = "I am user_1. Please put 'Important Meeting' on my task list."
AS_AGENT = "Sure, I can help you with that. What is your user id?"


def stepped(**options: Any) -> Any:
    """Return what the first step returns when the user then speaks as the agent."""
    setup = RolloutSetup("mock", user=lambda *_: User(says(WISH, AS_AGENT)), **options)
    rollout = Rollout(setup)
    rollout.reset("create_task_1", seed=1)
    return rollout.step("What is it about?")


def test_training_is_not_changed_by_the_monitor() -> None:
    step = stepped()
    assert (step.reward, step.terminated, step.truncated) == (0.0, False, False)


def test_a_failed_user_truncates_the_episode_without_a_reward() -> None:
    step = stepped(user_monitor="act")
    assert (step.reward, step.terminated, step.truncated) == (None, False, True)


def test_a_reported_failure_changes_nothing() -> None:
    step = stepped(user_monitor="report")
    assert (step.reward, step.terminated, step.truncated) == (0.0, False, False)
