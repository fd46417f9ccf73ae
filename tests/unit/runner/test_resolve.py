"""A configuration with every name resolved.

Who plays, who needs a model, and how an episode continues.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from tests.cast import Agent, mock_task

from tau2.data_model.simulation import TextRunConfig
from tau2.errors import UnknownName
from tau2.evaluator.evaluator import EvaluationType
from tau2.registry import registry
from tau2.runner.episode_resume import Participants
from tau2.runner.resolve import resolve


def a_run(**fields):
    return resolve(TextRunConfig(**{"domain": "mock", "user": "scripted_user", **fields}))


def test_roles_that_need_no_model_have_none():
    assert a_run(agent="oracle_agent").models([]) == {}
    models = a_run(llm_agent="openai/mine", llm_args_agent={"top_p": 1}).models([])
    assert models == {"agent": ("openai/mine", {"top_p": 1})}
    both = resolve(TextRunConfig(domain="mock")).models([])
    assert list(both) == ["agent", "user"]


def test_judge_and_reviewer_are_called_only_where_they_are_needed():
    judged = [mock_task("create_task_1_nl_eval")]
    run = a_run(agent="oracle_agent", llm_judge="scripted/echo", auto_review=True)
    assert list(run.models([])) == ["reviewer"]
    with_judge = run.models(judged, EvaluationType.ALL_WITH_NL_ASSERTIONS)
    assert with_judge["judge"].model == "scripted/echo"


def test_an_agent_on_its_own_gets_the_absent_user_and_an_environment_in_solo_mode():
    run = a_run(agent="llm_agent_solo", user="user_simulator")
    assert run.is_solo
    assert run.environment().solo_mode
    assert list(run.models([])) == ["agent"]
    assert not a_run(agent="llm_agent").environment().solo_mode


def test_participants_continue_only_if_both_can():
    assert a_run(agent="oracle_agent").participants == Participants("replies", "replies")
    assert a_run(agent="llm_agent_solo").participants is None


def test_a_factory_without_a_spec_needs_no_model_and_does_not_continue():
    registry.register_agent_factory(lambda **_: Agent(), "bare")
    try:
        run = a_run(agent="bare")
        assert (run.models([]), run.participants, run.accepts) == ({}, None, None)
    finally:
        del registry._agent_factories.own["bare"]
        del registry._agent_filters["bare"]
        del registry._agent_metadata["bare"]


def test_names_that_nothing_has_are_refused():
    for field in ("domain", "agent", "user"):
        with pytest.raises(UnknownName, match=f"no {field} named 'nobody'"):
            a_run(**{field: "nobody"})


def test_a_resolved_run_does_not_change():
    with pytest.raises(FrozenInstanceError):
        a_run().is_solo = True
