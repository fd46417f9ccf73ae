"""An episode between two turns as data: forked here, gone on with elsewhere."""

from __future__ import annotations

import asyncio
import pickle

import pytest
from tests.cast import AsyncAgent, AsyncUser, create_meeting, said, stage, ticking

from tau2.orchestrator.episode import Role

AGENT = ("Let me see.", create_meeting(), "Done.")
USER = ("Hi", "Please", "Thanks ###STOP###")


def until(episode, role: Role, times: int = 1):
    """Step until it is somebody's turn for the n-th time."""
    episode.initialize()
    while True:
        times -= episode.pending.to is role
        if times == 0:
            return episode
        episode.step()


def test_a_fork_goes_its_own_way():
    parent = until(stage("create_task_1", AGENT, USER), Role.ENV)
    child = parent.fork()
    assert child.simulation_id != parent.simulation_id
    child.step()
    assert child.environment.get_db_hash() != parent.environment.get_db_hash()
    assert child.run().messages == parent.run().messages


def test_a_moment_pickles_and_is_gone_on_with_from_a_fresh_world():
    first = until(stage("create_task_1", AGENT, USER, now=ticking()), Role.AGENT, times=3)
    snapshot = pickle.loads(pickle.dumps(first.snapshot()))
    second = stage("create_task_1", AGENT, USER)
    second.resume(snapshot)
    assert second.environment.get_db_hash() == first.environment.get_db_hash()
    assert (second.step_count, second.agent.seed) == (first.step_count, 1)
    assert said(second.run()) == said(first.run())


def test_a_moment_does_not_change_with_what_follows():
    episode = until(stage("create_task_1", AGENT, USER), Role.AGENT)
    snapshot = episode.snapshot()
    episode.run()
    assert len(snapshot.messages) == 2
    assert snapshot.agent_state.at == 0


def test_time_played_is_kept():
    episode = until(stage("create_task_1", AGENT, USER, timeout=60.0), Role.AGENT)
    episode._began -= 59.9
    child = episode.fork()
    assert child._remaining() < 1.0


def test_before_it_begins_and_after_its_end_there_is_no_moment():
    episode = stage("create_task_1", AGENT, USER)
    with pytest.raises(RuntimeError, match="nothing is pending"):
        episode.snapshot()
    episode.run()
    with pytest.raises(RuntimeError, match="nothing is pending"):
        episode.fork()


def test_step_by_awaited_step():
    async def play():
        episode = stage("create_task_1", AsyncAgent(AGENT), AsyncUser(USER))
        while not episode.done:
            await episode.astep()
        await episode.astep()  # does nothing any more
        return episode.finalize()

    assert said(asyncio.run(play())) == said(stage("create_task_1", AGENT, USER).run())


def test_a_closed_episode_asks_for_nothing():
    episode = until(stage("create_task_1", AGENT, USER), Role.AGENT)
    episode.close()
    episode.close()
    assert episode.pending is None
