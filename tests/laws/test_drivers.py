"""Law: an episode is the same however it is driven, and grading it later is grading it at once."""

from __future__ import annotations

import asyncio
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cast import (
    Agent,
    AsyncAgent,
    AsyncUser,
    Call,
    User,
    a_task,
    create_meeting,
    mock_task,
    stage,
    ticking,
)
from tests.laws.casts import AGENT_CALLS, READS, USER_CALLS, script

from tau2.data_model.simulation import SimulationRun
from tau2.data_model.tasks import RewardType, Task
from tau2.domains.mock.environment import get_environment
from tau2.environment.task_setup import TaskSetup, set_initial_state
from tau2.evaluator.evaluator import grade
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.runner.simulation import grade_live

TASKS = st.sampled_from(
    [
        "create_task_1_with_env_assertions",
        "update_task_with_message_history",
        "update_task_with_initialization_data",
        "update_task_with_user_tools",
    ]
).map(mock_task)
RULES = st.fixed_dictionaries(
    {
        "max_steps": st.integers(1, 14),
        "max_errors": st.integers(1, 3),
        "validate_communication": st.booleans(),
        "seed": st.sampled_from([None, 7]),
    }
)
EPISODES = {"task": TASKS, "agent": script(AGENT_CALLS), "user": script(USER_CALLS), "rules": RULES}


def recorded(episode: Orchestrator, run: SimulationRun) -> str:
    """Return all there is to know of a played and graded episode, except how long it took."""
    run.reward_info = grade_live(run, episode, "all")
    raw = json.loads(run.model_dump_json(exclude={"duration"}))
    raw["worlds"] = [episode.environment.get_db_hash(), episode.environment.get_user_db_hash()]
    raw["steps"] = [episode.step_count, episode.num_errors]
    return json.dumps(raw)


def by_run(episode: Orchestrator) -> SimulationRun:
    return episode.run()


def by_loop(episode: Orchestrator) -> SimulationRun:
    return asyncio.run(episode.arun())


def by_step(episode: Orchestrator) -> SimulationRun:
    while not episode.done:
        episode.step()
    return episode.finalize()


def by_hand(episode: Orchestrator) -> SimulationRun:
    """Answer every question from outside, as a trainer does."""
    episode.initialize()
    while (ask := episode.pending) is not None:
        episode.answer(episode._answer_of(ask))
    return episode.finalize()


@settings(max_examples=150)
@given(**EPISODES)
def test_every_driver_plays_the_same_episode(task, agent, user, rules):
    plays = [
        (Agent, User, by_run),
        (Agent, User, by_step),
        (Agent, User, by_hand),
        (AsyncAgent, AsyncUser, by_loop),
    ]
    seen = set()
    for a, u, drive in plays:
        episode = stage(task, a(agent), u(user), now=ticking(), **rules)
        seen.add(recorded(episode, drive(episode)))
    assert len(seen) == 1


@settings(max_examples=60)
@given(agent=script(AGENT_CALLS), rules=RULES)
def test_so_it_is_without_a_user(agent, rules):
    task = mock_task("create_task_1_with_env_assertions")
    seen = set()
    for kind, drive in ((Agent, by_run), (Agent, by_step), (AsyncAgent, by_loop)):
        episode = stage(task, kind(agent), User(), now=ticking(), solo_mode=True, **rules)
        seen.add(recorded(episode, drive(episode)))
    assert len(seen) == 1


@settings(max_examples=150)
@given(**EPISODES)
def test_a_stored_episode_is_worth_what_it_was_worth_live(task, agent, user, rules):
    episode = stage(task, Agent(agent), User(user), **rules)
    run = episode.run()
    live = grade_live(run, episode, "all")
    stored = SimulationRun.model_validate_json(run.model_dump_json())
    later = grade(stored, TaskSetup(task, get_environment))
    assert later.model_dump_json() == live.model_dump_json()

    replayed = get_environment()
    set_initial_state(replayed, task, stored.messages)
    assert replayed.get_db_hash() == episode.environment.get_db_hash()
    assert replayed.get_user_db_hash() == episode.environment.get_user_db_hash()


def everything(*reference: Call) -> Task:
    return a_task(
        *reference, basis=[RewardType.DB, RewardType.ACTION, RewardType.COMMUNICATE], told=["10"]
    )


@settings(max_examples=60)
@given(
    data=st.data(),
    reads=st.lists(READS, max_size=4),
    words=st.sampled_from(["It is 10.", "It is 100."]),
)
def test_the_order_of_reading_changes_no_reward(data, reads, words):
    task = everything(create_meeting(), Call("get_users", {}))
    lines = [*reads, words]
    rewards = set()
    for order in (lines, data.draw(st.permutations(lines))):
        at = data.draw(st.integers(0, len(order)))
        episode = stage(
            task, (*order[:at], create_meeting(), *order[at:]), ("Hi", "Go on", "###STOP###")
        )
        run = episode.run()
        rewards.add(
            grade_live(run, episode, "all").model_dump_json(
                include={"reward", "reward_breakdown", "db_check"}
            )
        )
    assert len(rewards) == 1
