"""What training needs of the environment: independence, limits, failures, seeds, and faithful
text."""

from __future__ import annotations

import asyncio
import threading

import pytest
from tests.cast import AsyncUser, User, says
from tests.stub import StubServer
from tests.unit.act_prm.environments.acting import call, create_meeting, mock_env, respond

from act_prm.environments import AsyncTau2BenchEnv, Tau2BenchEnv
from act_prm.llm_handlers import get_actions
from tau2.errors import ModelUnavailable
from tau2.seeds import derive_seed


def test_concurrent_generations_of_one_environment_are_independent():
    env = mock_env("Hi", "At noon.", "Thank you. ###STOP###")
    states = [env.reset(0, generation_idx=n) for n in range(4)]
    threads = threading.active_count()
    states = [
        env.step([respond(f"I am {n}.")], None, state).state for n, state in enumerate(states)
    ]
    states[2] = env.step([create_meeting()], None, states[2]).state
    results = [env.step([respond("Bye.")], None, state) for state in states]
    assert [result.reward for result in results] == [0.0, 0.0, 1.0, 0.0]
    assert [f"I am {n}." in str(result.state.messages) for n, result in enumerate(results)] == [
        True
    ] * 4
    assert threading.active_count() == threads


def test_generations_gathered_on_one_loop_are_independent():
    script = says("Hi", "At noon.", "Thank you. ###STOP###")
    env = mock_env(kind=AsyncTau2BenchEnv)
    env.setup = type(env.setup)("mock", user=lambda *_: AsyncUser(script))

    async def play(n: int) -> float:
        state = await env.reset_async(0, generation_idx=n)
        for actions in (
            [respond("When?")],
            [create_meeting()] if n % 2 else [call("get_users")],
            [respond("Bye.")],
        ):
            result = await env.step_async(actions, None, state)
            state = result.state
        return result.reward

    async def group() -> list[float]:
        return await asyncio.gather(*(play(n) for n in range(8)))

    threads = threading.active_count()
    assert asyncio.run(group()) == [0.0, 1.0] * 4
    assert threading.active_count() == threads


def test_a_tool_without_arguments_is_called_without_arguments():
    env = Tau2BenchEnv("airline", user="scripted_user", num_train_tasks=1, num_test_tasks=0)
    actions = get_actions(
        '<tool_call>\n{"name": "list_all_airports", "arguments": {}}\n</tool_call>'
    )
    actions += get_actions('<tool_call>{"name": "list_all_airports"}</tool_call>', first_call=1)
    result = env.step(actions, None, env.reset())
    first, second = (message["output"] for message in result.state.new_messages)
    assert first == second
    assert not first.startswith("Error")


def test_every_call_of_a_reply_is_executed_once():
    env = mock_env("Hi")
    a_call = '{"name": "create_task", "arguments": {"user_id": "user_1", "title": "Tea"}}'
    reply = f"<tool_call>{a_call}</tool_call><tool_call>{a_call}</tool_call>"
    state = env.step(get_actions(reply), None, env.reset()).state
    assert [message["role"] for message in state.new_messages] == ["tool", "tool"]
    bare = env.step(get_actions(a_call), None, state).state
    assert [message["role"] for message in bare.new_messages] == [
        "tool"
    ]  # a call, and no message as well


def test_tool_output_is_not_rewritten():
    env = mock_env("user: Hi\ntool: x")
    state = env.reset()
    assert state.new_messages[0]["content"] == "user: Hi\ntool: x"
    title = "user: Ann\ntool: none\nassistant: y"
    result = env.step([call("create_task", user_id="user_1", title=title)], None, state)
    assert "user: Ann\\ntool: none\\nassistant: y" in result.state.new_messages[0]["output"]


def test_shuffle_shuffles():
    env = Tau2BenchEnv("airline", user="scripted_user")
    before = [task.id for task in env.datasets["train"]]
    env.shuffle(seed=3)
    after = [task.id for task in env.datasets["train"]]
    assert after != before
    assert sorted(after) == sorted(before)
    assert env.reset(0).task_id == after[0]


@pytest.mark.parametrize("domain", ["airline", "retail", "telecom"])
def test_default_sizes_leave_tasks_to_train_on(domain):
    env = Tau2BenchEnv(domain, user="scripted_user")
    train, test = ({task.id for task in env.datasets[name]} for name in ("train", "test"))
    assert len(env) == len(train) > 0
    assert not train & test
    assert env.reset(0).task_id in train


def test_an_episode_has_exactly_max_turns_steps():
    env = mock_env("Hi", *["Hm."] * 9, max_turns=3)
    state, turns = env.reset(), 0
    while not state.done:
        result = env.step([respond("And?")], None, state)
        state, turns = result.state, turns + 1
    assert turns == 3
    assert (result.done, result.truncated, result.info["termination_reason"]) == (
        True,
        True,
        "max_turns",
    )
    assert state.new_messages[-1]["role"] == "user"
    assert "3 turns" in state.new_messages[-1]["content"]


def test_an_episode_that_is_cut_off_is_graded():
    env = mock_env("Hi", *["Hm."] * 9, max_turns=2, truncation_message="Over after {max_turns}.")
    state = env.step([create_meeting()], None, env.reset()).state
    result = env.step([respond("Done.")], None, state)
    assert (result.reward, result.truncated, result.info["correct"]) == (1.0, True, 1)
    assert result.state.tau2_info["reward_info"].reward == 1.0
    assert result.state.new_messages[-1]["content"] == "Over after 2."


def test_an_episode_that_ends_in_its_last_turn_is_not_cut_off():
    env = mock_env(max_turns=1)
    result = env.step([create_meeting(), respond("Done.")], None, env.reset())
    assert (result.reward, result.done, result.truncated) == (1.0, True, False)


def test_a_first_step_that_fails_is_a_result():
    env = mock_env("Hi", ModelUnavailable("no route"))
    result = env.step([respond("When?")], None, env.reset())
    assert (result.done, result.failed, result.reward) == (True, True, 0.0)


def test_tool_messages_keep_their_call_id():
    env = mock_env("Hi")
    result = env.step([call("get_users", "mine")], None, env.reset())
    assert result.state.new_messages[0]["call_id"] == "mine"
    again = env.step([call("get_users", "mine")], None, result.state)  # an id that was used before
    assert again.state.new_messages[0]["call_id"] == "mine"


def test_the_constructor_calls_no_model(monkeypatch):
    with StubServer("Hi") as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        env = Tau2BenchEnv("airline")
        assert env.tool_descriptions
        assert stub.requests == 0
        env.reset()
        assert stub.requests == 1


@pytest.mark.parametrize(("given", "sent"), [(None, 0.0), ({}, None), ({"temperature": 0.5}, 0.5)])
def test_the_arguments_of_the_users_model_are_the_ones_given(given, sent, monkeypatch):
    with StubServer("Hi") as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        Tau2BenchEnv("airline", user_llm="gpt-4", user_llm_args=given).reset()
        assert stub.last.get("temperature") == sent
        assert stub.last["model"] == "gpt-4"


def test_hidden_observations_follow_the_settings():
    state = mock_env(first_obs_to_show=4, last_obs_to_show=2).reset()
    assert (state.first_obs_to_show, state.last_obs_to_show) == (4, 2)


def test_text_that_looks_like_a_call_is_text():
    env = mock_env("Hi", "What?", "get_users()")
    result = env.step(
        [respond("create_task(user_id='user_1', title='Important Meeting')")], None, env.reset()
    )
    assert result.state.new_messages[-1] == {"role": "user", "content": "What?"}
    assert [message.role for message in result.state.rollout.messages][-2:] == ["assistant", "user"]
    assert result.state.rollout.messages[-2].tool_calls is None


def test_a_user_failure_has_no_reward():
    down = mock_env("Hi", ModelUnavailable("no route"))
    silent = mock_env("Hi", None)
    infra = down.step([create_meeting(), respond("Done.")], None, down.reset())
    user = silent.step([create_meeting(), respond("Done.")], None, silent.reset())
    assert (infra.info["infra_failed"], infra.info["user_failed"], infra.info["reward"]) == (
        True,
        False,
        None,
    )
    assert (user.info["infra_failed"], user.info["user_failed"], user.info["reward"]) == (
        False,
        True,
        None,
    )
    assert "no route" in infra.info["error"]
    assert infra.failed
    assert user.failed
    assert (
        not mock_env().step([], None, mock_env().reset()).failed
    )  # the agent's own fault is a reward of 0


def test_a_failed_call_of_the_users_model_is_retried(monkeypatch):
    from tests.stub import failing

    with StubServer([failing(503, retry_after=0), "Hi"]) as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        assert Tau2BenchEnv("airline").reset().new_messages == [{"role": "user", "content": "Hi"}]
        assert stub.requests == 2


def test_each_generation_has_a_seed_of_its_own():
    heard: list[int] = []

    class Listening(User):
        def set_seed(self, seed: int) -> None:
            heard.append(seed)

    env = mock_env(seed=7)
    env.setup = type(env.setup)("mock", user=lambda *_: Listening(says("Hi")))
    places = [(0, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0)]
    seeds = [env.reset(*place).metadata["seed"] for place in places]
    assert seeds == [derive_seed(7, *place) for place in places]
    assert len(set(seeds)) == 4
    assert len(set(heard)) == 4
    assert env.reset(0).metadata["seed"] == seeds[0]


def test_progress_may_be_rewarded_at_once():
    env = mock_env("Hi", *["Hm."] * 9, partial_reward=True, max_turns=3)
    first = env.step([create_meeting()], None, env.reset())
    assert first.reward == pytest.approx(1.0)
    assert first.info["reward"] == 0.0  # what the checks say is kept apart
    second = env.step([respond("Done.")], None, first.state)
    last = env.step([respond("Bye.")], None, second.state)
    assert (second.reward, last.reward) == (0.0, pytest.approx(0.0))
    assert (last.info["reward"], last.info["shaping"]) == (1.0, pytest.approx(-1.0))
