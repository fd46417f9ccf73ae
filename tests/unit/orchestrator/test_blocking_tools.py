"""Tools that ask an endpoint: its failures are nobody's mistake, and no other episode waits."""

from __future__ import annotations

import asyncio
import threading

import pytest
from tests.cast import calls, says, stage

from tau2.data_model.message import ToolCall
from tau2.domains.mock.environment import get_environment
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import DeadlineExceeded, ModelUnavailable
from tau2.user.base_user import STOP


class Library(ToolKitBase):
    """Looks things up somewhere else, by a function of the test."""

    blocking = True

    def __init__(self, ask):
        super().__init__(None)
        self.ask = ask

    @is_tool(ToolType.READ)
    def look_up(self) -> str:
        """Look something up."""
        return self.ask()


def library(ask):
    return Environment("library", "Be helpful.", Library(ask))


def look_up(ask):
    agent = says(calls("look_up"), "There it is.")
    user = says("Please look it up.", STOP)
    return stage("create_task_1", agent, user, environment=library(ask))


def raising(problem):
    def ask():
        raise problem

    return ask


def test_an_endpoint_that_fails_is_no_result_of_a_tool():
    with pytest.raises(ModelUnavailable, match="no answer"):
        library(raising(ModelUnavailable("no answer"))).get_response(
            ToolCall(id="1", name="look_up", arguments={})
        )


@pytest.mark.parametrize("driver", ["run", "arun"])
def test_an_endpoint_that_fails_ends_the_attempt_as_a_model_does(driver):
    episode = look_up(raising(ModelUnavailable("no answer")))
    with pytest.raises(ModelUnavailable):
        episode.run() if driver == "run" else asyncio.run(episode.arun())


@pytest.mark.parametrize("driver", ["run", "arun"])
def test_time_that_runs_out_in_a_tool_ends_the_episode(driver):
    episode = look_up(raising(DeadlineExceeded("the time was over")))
    run = episode.run() if driver == "run" else asyncio.run(episode.arun())
    assert run.termination_reason == "timeout"


def test_a_bug_of_a_tool_is_still_a_result():
    run = look_up(raising(RuntimeError("a bug"))).run()
    assert [m.content for m in run.messages if m.role == "tool"] == ["Error: a bug"]


def test_while_one_episode_waits_for_an_endpoint_others_go_on():
    answered = threading.Event()

    async def both():
        waiting = look_up(lambda: "found" if answered.wait(10) else "nobody came").arun()
        answering = look_up(lambda: answered.set() or "answered").arun()
        return await asyncio.gather(waiting, answering)

    first, _ = asyncio.run(both())
    assert "found" in [message.content for message in first.messages]


def test_the_tools_of_a_usual_domain_need_no_thread():
    assert get_environment().blocking is False
    assert library(lambda: "").blocking is True
