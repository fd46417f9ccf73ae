"""Layer 1: an orchestrator is played and graded, without a name being looked up anywhere."""

from __future__ import annotations

import asyncio

import pytest
from tests.cast import AsyncAgent, create_meeting, says, stage

from tau2.environment.environment import Environment
from tau2.evaluator.evaluator import EvaluationType
from tau2.registry import registry
from tau2.runner.simulation import arun_simulation, run_simulation


@pytest.fixture
def no_registry(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a name was looked up")

    for name in (
        "get_env_constructor",
        "get_tasks_loader",
        "get_agent_factory",
        "get_user_constructor",
    ):
        monkeypatch.setattr(type(registry), name, refuse)


def test_a_run_is_graded_and_keeps_its_policy(no_registry):
    run = run_simulation(
        stage("create_task_1", says(create_meeting()), says("Hi")), env_kwargs={"anything": 1}
    )
    assert run.reward_info.reward == 1.0
    assert run.policy.startswith("#")


def test_on_a_loop_too(no_registry):
    episode = stage("create_task_1", AsyncAgent(says(create_meeting())), says("Hi"))
    assert asyncio.run(arun_simulation(episode)).reward_info.reward == 1.0


def test_a_domain_nobody_has_heard_of(no_registry):
    class Nowhere(Environment):
        pass

    episode = stage("create_task_1", says(), says("Hi"), environment=Nowhere("nowhere", "Be kind."))
    episode.domain = "nowhere"
    run = run_simulation(episode, evaluation_type=EvaluationType.ACTION)
    assert run.reward_info.reward == 0.0
    assert run.policy == "Be kind."
