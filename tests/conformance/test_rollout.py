"""A rollout plays the orchestrator's own episode; forks of it share a past and nothing else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cast import STOP, Agent, AsyncUser, Call, User, mock_task, stage, ticking
from tests.laws.casts import AGENT_CALLS, USER_CALLS, script
from tests.laws.plays import transcript

from tau2.data_model.simulation import SimulationRun
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.rollout import Rollout
from tau2.runner.simulation import run_simulation

# --- sync = async = run, byte for byte ------------------------------------------------------------

TASKS = st.sampled_from(
    [
        "create_task_1_with_env_assertions",
        "update_task_with_message_history",
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


def as_record(run: SimulationRun, episode: Orchestrator) -> str:
    """Return all there is to know of a played and graded episode, except how long it took."""
    raw = json.loads(run.model_dump_json(exclude={"duration"}))
    raw["worlds"] = [episode.environment.get_db_hash(), episode.environment.get_user_db_hash()]
    raw["steps"] = [episode.step_count, episode.num_errors]
    return json.dumps(raw)


def lines_of(agent: Agent) -> Any:
    """Yield what a scripted agent says, line by line, and the stop token for ever."""
    yield from map(agent._message, agent.script)
    while True:
        yield agent._message(STOP)


def by_rollout(episode: Orchestrator) -> str:
    rollout, lines = Rollout(), lines_of(episode.agent)
    rollout.begin(episode)
    while not rollout.advance().done:
        rollout.step(next(lines))
    return as_record(rollout.run, episode)


def by_awaited_rollout(episode: Orchestrator) -> str:
    async def play() -> str:
        rollout, lines = Rollout(), lines_of(episode.agent)
        rollout.begin(episode)
        while not (await rollout.aadvance()).done:
            await rollout.astep(next(lines))
        return as_record(rollout.run, episode)

    return asyncio.run(play())


def by_forks(episode: Orchestrator) -> str:
    """Play every turn on a fork of the turn before."""
    rollout, lines = Rollout(), lines_of(episode.agent)
    rollout.begin(episode)
    result = rollout.advance()
    while not result.done:
        (rollout,) = rollout.fork()
        rollout.orchestrator.simulation_id = "sim"
        result = rollout.step(next(lines))
    return as_record(rollout.run, rollout.orchestrator)


@settings(max_examples=100)
@given(task=TASKS, agent=script(AGENT_CALLS, failures=False), user=script(USER_CALLS), rules=RULES)
def test_a_rollout_is_the_orchestrators_own_episode(task, agent, user, rules):
    def staged(kind: type[User] = User) -> Orchestrator:
        return stage(task, Agent(agent), kind(user), now=ticking(), **rules)

    episode = staged()
    wanted = as_record(run_simulation(episode), episode)
    assert by_rollout(staged()) == wanted
    assert by_awaited_rollout(staged(AsyncUser)) == wanted
    assert by_forks(staged()) == wanted


# --- forks (in every domain: tests/laws/test_forks.py; every driver:
# tests/laws/test_every_driver.py)


@settings(max_examples=60)
@given(
    agent=script(AGENT_CALLS, failures=False),
    user=script(USER_CALLS, failures=False),
    data=st.data(),
)
def test_siblings_never_meet(agent, user, data):
    rollout = Rollout()
    rollout.begin(
        stage(mock_task("update_task_with_user_tools"), Agent(), User(user), now=ticking())
    )
    rollout.advance()
    cut = data.draw(st.integers(0, len(agent)))
    for line in agent[:cut]:
        if not rollout.result.done:
            rollout.step(move(line))
    if rollout.result.done:
        return
    before = world(rollout)
    one, other = rollout.fork(2)
    for line in agent[cut:]:
        if not one.result.done:
            one.step(move(line))
    assert world(other) == world(rollout) == before
    assert other.orchestrator.user_state == rollout.orchestrator.user_state


def move(line: Any) -> Any:
    return Agent()._message(line) if isinstance(line, Call | list) else str(line)


def world(rollout: Rollout) -> Any:
    episode = rollout.orchestrator
    hashes = episode.environment.get_db_hash(), episode.environment.get_user_db_hash()
    return hashes, transcript(episode.get_trajectory()), episode.step_count, episode.num_errors
