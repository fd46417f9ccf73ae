"""Many episodes at once: awaited, and as one vector.

No thread, and nobody waits for another's user.
"""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from tests.cast import STOP, AsyncUser, User
from tests.stub import StubServer, by_turn

from tau2.gym import AgentVectorEnv, AsyncAgentGymEnv, TauSpace

SOLVE = "create_task(user_id='user_1', title='Important Meeting')"


class SlowUser(User):
    """Thinks before every answer, and lets others think meanwhile."""

    blocking = True

    async def agenerate_next_message(self, message, state):
        await asyncio.sleep(0.1)
        return User.generate_next_message(self, message, state)


def vector(count: int = 2, *lines, kind=User, **options) -> AgentVectorEnv:
    return AgentVectorEnv(
        "mock", ["create_task_1"] * count, user=lambda *_: kind(lines or ("Hi", STOP)), **options
    )


def test_awaited_from_reset_to_reward():
    async def play():
        env = AsyncAgentGymEnv("mock", "create_task_1", user=lambda *_: AsyncUser(("Hi", STOP)))
        assert (await env.reset(seed=2))[0] == "user: Hi"
        assert (await env.step('{"name"'))[4]["parse_errors"] == 1
        assert (await env.step(SOLVE))[0].startswith("tool: ")
        last = await env.step("Done.")
        await env.close()
        with pytest.raises(RuntimeError, match="reset"):
            await env.step("Hello")
        return last

    assert asyncio.run(play())[1:4] == (1.0, True, False)


def test_users_wait_together():
    async def play():
        envs = [
            AsyncAgentGymEnv("mock", "create_task_1", user=lambda *_: SlowUser(("Hi",)))
            for _ in range(20)
        ]
        started = time.perf_counter()
        told = await asyncio.gather(*(env.reset() for env in envs))
        return (
            [observation for observation, _ in told],
            time.perf_counter() - started,
            threading.active_count(),
        )

    before = threading.active_count()
    told, seconds, threads = asyncio.run(play())
    assert told == ["user: Hi"] * 20
    assert seconds < 1.0  # 2 seconds one after the other
    assert threads == before


def test_a_vector_steps_all_at_once():
    envs = vector(3)
    assert envs.num_envs == 3
    assert envs.reset(seed=1)[0] == ("user: Hi",) * 3
    assert [env.rollout.orchestrator.seed for env in envs.envs] == [1, 2, 3]
    observations, rewards, terminated, truncated, infos = envs.step([SOLVE, SOLVE, "Done."])
    assert observations[0].startswith("tool: ")
    assert (observations[2], list(rewards)) == (f"user: {STOP}", [0.0, 0.0, 0.0])
    assert (list(terminated), list(truncated)) == ([False, False, True], [False] * 3)
    assert list(infos["termination_reason"]) == [None, None, "user_stop"]
    assert observations in envs.observation_space
    assert (envs.single_action_space, len(envs.action_space.sample())) == (TauSpace(), 3)
    envs.close()


def test_an_ended_episode_begins_again_with_the_next_step():
    envs = vector()
    envs.reset(seed=1)
    envs.step([SOLVE, "Done."])
    observations, rewards, terminated, _, _ = envs.step(["Done.", "ignored"])
    assert (list(rewards), list(terminated)) == ([1.0, 0.0], [True, False])
    assert observations[1] == "user: Hi"
    assert envs.step(["ignored", SOLVE])[0][0] == "user: Hi"


def test_or_waits_to_be_reset():
    envs = vector(autoreset_mode=AutoresetMode.DISABLED)
    envs.reset()
    envs.step([SOLVE, "Done."])
    observations, rewards, terminated, _, _ = envs.step(["Done.", "ignored"])
    assert (observations[1], list(rewards), list(terminated)) == ("", [1.0, 0.0], [True, True])
    observations, infos = envs.reset(options={"reset_mask": np.array([False, True])})
    assert observations == (f"user: {STOP}", "user: Hi")
    assert list(infos["_task"]) == [False, True]
    with pytest.raises(ValueError, match="NEXT_STEP"):
        vector(autoreset_mode=AutoresetMode.SAME_STEP)


def test_a_vector_awaits_all_users_together():
    envs = vector(20, kind=SlowUser)
    started = time.perf_counter()
    envs.reset()
    assert envs.step(["Hello"] * 20)[2].all()
    assert time.perf_counter() - started < 2.0  # 4 seconds one after the other


def test_inside_a_running_loop_they_take_turns():
    async def play():
        return vector(2, "Hi", kind=AsyncUser).reset()[0]

    assert asyncio.run(play()) == ("user: Hi",) * 2


def test_a_vector_of_models():
    with StubServer(by_turn(["I would like a task."], end=f"Thanks {STOP}")) as stub:
        model = {"user_llm": "openai/some-model", "user_llm_args": {"api_base": stub.base_url}}
        envs = AgentVectorEnv("mock", ["create_task_1"] * 8, **model)
        assert set(envs.reset(seed=1)[0]) == {"user: I would like a task."}
        envs.step([SOLVE] * 8)
        assert list(envs.step(["Done."] * 8)[1]) == [1.0] * 8
        envs.close()


def test_the_conversations_may_be_read():
    envs = vector(1)
    envs.reset()
    assert envs.render() == ("assistant: Hi! How can I help you today?\nuser: Hi",)
