"""Many episodes at once: awaited, and as one vector.

No thread, and nobody waits for another's user.
"""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import ClassVar

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode
from tests.cast import STOP, AsyncUser, User
from tests.stub import StubServer, by_turn

from tau2.errors import ConfigError
from tau2.gym import AgentGymEnv, AgentVectorEnv, AsyncAgentGymEnv, TauSpace

SOLVE = "create_task(user_id='user_1', title='Important Meeting')"


class MeetingUser(User):
    """Answers only when `expected` users are asked at the same time; one at a time would hang."""

    blocking = True
    expected = 20
    waiting: ClassVar[list[asyncio.Future]] = []

    async def agenerate_next_message(self, message, state):
        together = asyncio.get_running_loop().create_future()
        self.waiting.append(together)
        if len(self.waiting) == self.expected:
            for one in self.waiting:
                one.set_result(None)
            self.waiting.clear()
        await asyncio.wait_for(together, 30)
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
            AsyncAgentGymEnv("mock", "create_task_1", user=lambda *_: MeetingUser(("Hi",)))
            for _ in range(MeetingUser.expected)
        ]
        told = await asyncio.gather(*(env.reset() for env in envs))
        return [observation for observation, _ in told], threading.active_count()

    before = threading.active_count()
    told, threads = asyncio.run(play())
    assert told == ["user: Hi"] * MeetingUser.expected
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
    envs = vector(MeetingUser.expected, kind=MeetingUser)
    envs.reset()
    assert envs.step(["Hello"] * MeetingUser.expected)[2].all()


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


def test_gymnasium_makes_the_vector_by_name():
    options = {"domain": "mock", "user": "scripted_user"}
    envs = gymnasium.make_vec(
        "tau-bench-v0",
        num_envs=2,
        vectorization_mode="vector_entry_point",
        task_ids=["create_task_1", "update_task_1"],
        **options,
    )
    assert isinstance(envs.unwrapped, AgentVectorEnv)
    first, second = envs.reset(seed=np.int64(1))[0]
    assert first != second
    envs.close()
    with pytest.raises(ValueError, match="num_envs is 3"):
        gymnasium.make_vec("tau-bench-v0", num_envs=3, task_ids=["create_task_1"], **options)
    with pytest.raises(ValueError, match=r"task_id=\.\.\."):
        gymnasium.make_vec("tau-bench-v0", num_envs=3, **options)


def test_texts_do_not_fit_into_shared_memory():
    with pytest.raises(ConfigError, match="shared_memory=False"):
        AsyncVectorEnv([partial(AgentGymEnv, "mock", "create_task_1")], shared_memory=True)
