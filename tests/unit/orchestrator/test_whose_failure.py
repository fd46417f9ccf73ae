"""Whose failure the end of an episode is: the agent's, the user's, or the infrastructure's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.cast import Agent, HangingAgent, User, calls, play, says, stage
from tests.stub import Hang, StubServer, failing

from tau2.agent.llm_agent import LLMAgent
from tau2.data_model.simulation import TerminationReason
from tau2.domains.mock.environment import get_environment
from tau2.errors import DeadlineExceeded, NeverAnswered
from tau2.llm.answer_count import answer_count
from tau2.orchestrator.orchestrator import Orchestrator

WRONG = calls("reboot_the_moon")


def model_agent(stub: StubServer, **args: Any) -> LLMAgent:
    """Return an agent whose model is a stub."""
    environment = get_environment()
    given = {"api_base": stub.base_url, **args}
    return LLMAgent(environment.get_tools(), environment.get_policy(), "openai/m", given)


def run_of(episode: Orchestrator, driver: str) -> Any:
    """Play an episode to its end with one of the drivers."""
    return asyncio.run(episode.arun()) if driver == "arun" else episode.run()


def test_failing_calls_of_the_user_end_the_episode_without_a_score() -> None:
    run = play("create_task_1", says("Try it."), User(says(*[WRONG] * 5)), max_errors=3)
    assert run.termination_reason is TerminationReason.USER_ERROR
    assert not run.is_scored
    assert "user's own tool calls" in str(run.info)


def test_failing_calls_of_both_are_not_added_up() -> None:
    agent = says(WRONG, WRONG, "Try it.", WRONG, "That is all. ###STOP###")
    user = says("Please.", WRONG, WRONG, "It does not work.")
    assert play("create_task_1", agent, user, max_errors=3).termination_reason == "too_many_errors"
    assert play("create_task_1", agent, user, max_errors=4).termination_reason == "agent_stop"


def test_an_episode_that_goes_on_from_a_snapshot_remembers_whose_errors_they_were() -> None:
    episode = stage("create_task_1", says("Try it."), says(WRONG, WRONG, WRONG), max_errors=3)
    while episode.num_errors < 2:
        episode.step()
    forked = episode.fork()
    assert (forked.num_errors, forked.user_errors) == (2, 2)
    assert forked.run().termination_reason is TerminationReason.USER_ERROR


@pytest.mark.parametrize("driver", ["run", "arun"])
def test_a_server_that_never_answers_is_no_failure_of_the_agent(driver: str) -> None:
    with StubServer(Hang()) as stub:
        episode = stage("create_task_1", model_agent(stub), says("Hi"), timeout=0.3)
        with pytest.raises(NeverAnswered, match="'openai/m', did not answer once") as caught:
            run_of(episode, driver)
    assert caught.value.model == "openai/m"


def test_an_agent_may_have_a_time_limit_where_the_episode_has_none() -> None:
    class Impatient(Agent):
        def generate_next_message(self, message: Any, state: Any) -> Any:
            answer_count.get().asked += 1
            raise DeadlineExceeded("no answer within 2 s")

    with pytest.raises(NeverAnswered, match="within its time limit"):
        stage("create_task_1", Impatient(), says("Hi")).run()


@pytest.mark.parametrize("driver", ["run", "arun"])
def test_a_server_that_answered_before_may_be_too_slow_for_the_limit(driver: str) -> None:
    with StubServer(["Which title?", Hang()]) as stub:
        episode = stage("create_task_1", model_agent(stub), says("Hi", "Tea"), timeout=1)
        assert run_of(episode, driver).termination_reason is TerminationReason.TIMEOUT


@pytest.mark.parametrize("driver", ["run", "arun"])
def test_an_endpoint_that_fails_until_the_time_is_over_is_infrastructure(driver: str) -> None:
    busy = failing(503, "overloaded", retry_after=30)
    with StubServer(["Which title?", busy]) as stub:
        episode = stage("create_task_1", model_agent(stub), says("Hi", "Tea"), timeout=10)
        with pytest.raises(NeverAnswered, match="overloaded"):
            run_of(episode, driver)


def test_an_agent_that_hangs_by_itself_is_its_own_failure() -> None:
    episode = stage("create_task_1", HangingAgent(), says("Hi"), timeout=0.1)
    assert asyncio.run(episode.arun()).termination_reason is TerminationReason.TIMEOUT
    assert isinstance(episode.agent, Agent)
