"""The awaited environment: one loop, one thread, many episodes."""

from __future__ import annotations

import asyncio
import threading

from tests.cast import AsyncUser, User, a_task, calls, says
from tests.stub import StubServer
from tests.unit.act_prm.environments.acting import create_meeting, mock_env, respond, text

from act_prm.environments import AsyncTau2BenchEnv, get_env
from tau2.data_model.tasks import RewardType
from tau2.evaluator.evidence import Judge


def test_both_ways_give_the_same_episode():
    env = mock_env("Hi", "At noon.", "Bye. ###STOP###", kind=AsyncTau2BenchEnv)
    turns = [[respond("When?")], [text("Hm.", "reasoning"), create_meeting()], [respond("Done.")]]

    def played() -> list:
        state, seen = env.reset(0, 1, 2, 3), []
        for actions in turns:
            result = env.step(actions, "r", state)
            state = result.state
            seen.append(result.model_dump())
        return seen

    async def awaited() -> list:
        state, seen = await env.reset_async(0, 1, 2, 3), []
        for actions in turns:
            result = await env.step_async(actions, "r", state)
            state = result.state
            seen.append(result.model_dump())
        return seen

    assert played() == asyncio.run(awaited())


def test_a_state_that_is_over_stays_as_it_is():
    env = mock_env(kind=AsyncTau2BenchEnv)

    async def play():
        over = await env.step_async(
            [create_meeting(), respond("Done.")], None, await env.reset_async()
        )
        return over, await env.step_async([respond("More?")], None, over.state)

    over, again = asyncio.run(play())
    assert (over.reward, again.reward, again.state) == (1.0, 1.0, over.state)


def test_the_limit_of_turns_is_graded_on_the_loop():
    env = mock_env("Hi", "Hm.", kind=AsyncTau2BenchEnv, max_turns=1)

    async def play():
        state = await env.reset_async()
        threads = threading.active_count()
        result = await env.step_async([create_meeting()], None, state)
        assert threading.active_count() == threads
        return result

    result = asyncio.run(play())
    assert (result.reward, result.truncated) == (1.0, True)


def judged_env(judge, **settings):
    env = mock_env("Hi", *["Hm."] * 5, kind=AsyncTau2BenchEnv, max_turns=1, judge=judge, **settings)
    task = a_task(
        calls("get_users"), sentences=["The agent was kind."], basis=[RewardType.NL_ASSERTION]
    )
    env.datasets["train"] = [task]
    return env


def test_a_judge_that_cannot_be_reached_at_the_limit_of_turns_is_no_reward():
    from tests.stub import failing

    with StubServer(failing(401, "no such key")) as stub:
        judge = Judge("openai/any", {"api_base": stub.base_url, "api_key": "key"})
        env = judged_env(judge)

        async def play():
            return await env.step_async([respond("Hello.")], None, await env.reset_async())

        awaited = asyncio.run(play())
        blocking = env.step([respond("Hello.")], None, env.reset())
    for result in (awaited, blocking):
        assert (result.failed, result.done, result.info["reward"], result.reward) == (
            True,
            True,
            None,
            0.0,
        )
        assert "no such key" in result.info["error"]


def test_models_are_waited_for_together():
    with StubServer("Hi", latency=0.2) as stub:
        args = {"api_base": stub.base_url, "api_key": "key"}
        env = get_env(
            "tau2bench", is_async=True, domain="airline", user_llm="openai/any", user_llm_args=args
        )

        async def group():
            return await asyncio.gather(*(env.reset_async(0, n) for n in range(6)))

        states = asyncio.run(group())
        assert len({state.metadata["seed"] for state in states}) == 6
        assert stub.max_in_flight == 6


def test_a_cancelled_step_leaves_its_siblings_alone():
    env = mock_env(kind=AsyncTau2BenchEnv)

    class Hanging(User):
        async def agenerate_next_message(self, message, state):
            if state.at == 0:
                return self.generate_next_message(message, state)
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

    users = iter([Hanging(says("Hi")), AsyncUser(says("Hi", "Bye. ###STOP###"))])
    env.setup = type(env.setup)("mock", user=lambda *_: next(users))

    async def play():
        hanging, other = await env.reset_async(0, 0), await env.reset_async(0, 1)
        waiting = asyncio.create_task(env.step_async([respond("When?")], None, hanging))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return await env.step_async([create_meeting(), respond("Done.")], None, other)

    assert asyncio.run(play()).reward == 1.0
