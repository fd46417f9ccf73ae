"""A monitored user: asked again once, and otherwise a user failure that names the turn."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.cast import Agent, AsyncUser, User, says
from tests.unit.agent.test_llm_agent import Model

from tau2.data_model.message import UserMessage
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.domains.mock.environment import get_environment, get_tasks
from tau2.metrics.outcomes import Outcome, outcome_of
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.orchestrator.user_watch import marked
from tau2.participant.monitoring import ASKED_AGAIN
from tau2.runner.simulation import run_simulation
from tau2.user.base_user import STOP
from tau2.user.monitor import monitor_setup
from tau2.user.user_simulator import UserSimulator

WISH = "I am user_1. Please put 'Important Meeting' on my task list."
AS_AGENT = "Sure, I can help you with that. What is your user id?"


def an_episode(user: Any, mode: Any = "act", agent: Any = None) -> Orchestrator:
    task = next(task for task in get_tasks() if task.id == "create_task_1")
    environment = get_environment()
    return Orchestrator(
        domain="mock",
        agent=agent or Agent(says("What is it about?", "I cannot do that.", "Anything else?")),
        user=user,
        environment=environment,
        task=task,
        user_monitor=monitor_setup(environment, task, mode),
    )


def a_model(*lines: str) -> tuple[UserSimulator, Model]:
    model = Model(*lines)
    story = str(get_tasks()[0].user_scenario)
    return UserSimulator(llm="any/model", instructions=story, completion_fn=model), model


def remarks(run: SimulationRun) -> Any:
    return (run.info or {}).get("user_monitor")


def test_one_who_does_well_leaves_no_remark() -> None:
    run = an_episode(User(says(WISH, "No.", f"Thanks, bye. {STOP}"))).run()
    assert run.termination_reason is TerminationReason.USER_STOP
    assert run.info is None


def test_a_scripted_user_that_fails_is_a_user_failure_named_with_the_turn() -> None:
    run = run_simulation(an_episode(User(says(WISH, AS_AGENT, STOP))))
    assert run.termination_reason is TerminationReason.USER_ERROR
    assert outcome_of(run) is Outcome.USER_FAILURE
    assert not run.is_scored
    assert "turn 3" in run.info["error"]
    assert run.messages[-1].content == AS_AGENT
    [finding] = remarks(run)["findings"]
    assert (finding["kind"], finding["turn"]) == ("speaks_as_agent", 3)


def test_an_asynchronous_user_is_monitored_too() -> None:
    assert an_episode(AsyncUser(says(WISH, AS_AGENT))).run().termination_reason == "user_error"


def test_in_report_mode_it_is_recorded_only() -> None:
    run = an_episode(User(says(WISH, AS_AGENT, f"Bye. {STOP}")), "report").run()
    assert run.termination_reason is TerminationReason.USER_STOP
    assert [finding["turn"] for finding in remarks(run)["findings"]] == [3]
    assert remarks(run)["mode"] == "report"


def test_switched_off_it_says_nothing() -> None:
    run = an_episode(User(says(WISH, AS_AGENT, f"Bye. {STOP}")), "off").run()
    assert run.info is None


def played(episode: Orchestrator, drive: str) -> SimulationRun:
    return episode.run() if drive == "run" else asyncio.run(episode.arun())


@pytest.mark.parametrize("drive", ["run", "arun"])
def test_a_model_is_asked_again_and_told_why(drive: str) -> None:
    user, model = a_model(AS_AGENT, WISH, f"No, thanks. {STOP}")
    run = played(an_episode(user), drive)
    assert run.termination_reason is TerminationReason.USER_STOP
    assert "speaks as the agent" not in model.asked[0]["messages"][0]["content"]
    assert "speaks as the agent" in model.asked[1]["messages"][0]["content"]
    assert "speaks as the agent" not in model.asked[2]["messages"][0]["content"]
    assert [message["content"] for message in model.asked[2]["messages"]].count(AS_AGENT) == 0
    said = [m for m in run.messages if isinstance(m, UserMessage)]
    assert said[0].content == WISH
    assert said[0].raw_data[ASKED_AGAIN]["text"] == AS_AGENT
    [again] = remarks(run)["asked_again"]
    assert (again["turn"], again["reasons"][0]["kind"]) == (1, "speaks_as_agent")
    assert remarks(run)["findings"] == []


@pytest.mark.parametrize("drive", ["run", "arun"])
def test_a_model_that_fails_twice_is_a_user_failure(drive: str) -> None:
    user, model = a_model(AS_AGENT, AS_AGENT)
    run = played(an_episode(user), drive)
    assert run.termination_reason is TerminationReason.USER_ERROR
    assert len(model.asked) == 2
    assert "turn 1" in run.info["error"]
    assert run.messages[-1].content == AS_AGENT


def test_what_a_refused_answer_cost_is_counted() -> None:
    refused = UserMessage(content=AS_AGENT, cost=0.5, usage={"prompt_tokens": 7})
    second = UserMessage(
        content=WISH, cost=0.25, usage={"prompt_tokens": 9, "completion_tokens": 1}
    )
    marked(second, refused, [])
    assert second.cost == 0.75
    assert second.usage == {"prompt_tokens": 16, "completion_tokens": 1}
    assert marked(UserMessage(content=WISH, cost=None), refused, []).cost is None


def test_one_who_hangs_up_at_once_is_recorded_and_not_refused() -> None:
    run = an_episode(User(says(STOP))).run()
    assert run.termination_reason is TerminationReason.USER_STOP
    assert {finding["kind"] for finding in remarks(run)["findings"]} == {"ends_early", "no_wish"}


def test_a_resumed_episode_knows_what_was_found() -> None:
    def fresh() -> Orchestrator:
        return an_episode(User(says(WISH, AS_AGENT, f"Bye. {STOP}")), "report")

    episode = fresh()
    episode.initialize()
    for _ in range(3):
        episode.step()
    again = fresh()
    again.resume(episode.snapshot())
    found = remarks(again.run())
    assert found is not None
    assert found == remarks(episode.run())


def test_a_fork_has_a_monitor_of_its_own() -> None:
    episode = an_episode(User(says(WISH, AS_AGENT, f"Bye. {STOP}")))
    episode.initialize()
    episode.step()
    fork = episode.fork()
    assert fork.run().info == episode.run().info
