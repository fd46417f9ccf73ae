"""tau2's tasks as an environment: what a model is shown, what its turns do, and what they are
worth."""

from __future__ import annotations

import pytest
from tests.cast import STOP
from tests.unit.act_prm.environments.acting import call, create_meeting, mock_env, respond, text

from act_prm.environments import Tau2BenchEnv
from act_prm.environments.demonstrations import demonstration
from act_prm.environments.tau2bench import FIRST_USER_TEXT
from act_prm.llm_handlers import ActionFromLLM, get_actions
from tau2.agent.llm_agent import LLMAgent
from tau2.errors import ConfigError, ModelUnavailable
from tau2.rollout import RolloutSetup
from tau2.run import get_tasks
from tau2.runner.simulation import run_simulation

FLAT = {"type", "name", "description", "parameters"}


def outputs(result) -> list[str]:
    return [message["output"] for message in result.state.new_messages if "output" in message]


def roles(messages) -> list[str]:
    return [message["role"] for message in messages]


def test_what_a_model_is_shown_first():
    state = mock_env(seed=7).reset(sample_idx=5, generation_idx=2, try_step=1, batch_idx=9)
    assert state.new_messages == [{"role": "user", "content": "Please add a task."}]
    assert state.prior_messages == []
    assert (state.sample_id, state.generation_id, state.try_step, state.batch_id) == (0, 2, 1, 9)
    assert (state.timestep, state.task_id, state.done) == (0, "create_task_1", False)
    assert (state.metadata["correct"], state.metadata["total"]) == (0, 1)


def test_tools_are_flat_and_the_way_to_speak_comes_last():
    env = mock_env()
    assert all(set(tool) == FLAT and tool["type"] == "function" for tool in env.tool_descriptions)
    speak = env.tool_descriptions[-1]
    assert speak["name"] == "respond_user"
    assert speak["parameters"]["required"] == ["text"]
    assert env.reset().tools == env.tool_descriptions


def test_the_prompt_holds_the_policy_and_how_to_speak():
    env = mock_env(system_prompt="You sell tea.")
    prompt = env.build_system_prompt()
    assert prompt == env.reset().system_prompt
    assert prompt.startswith("You sell tea.\n\n<policy>\n")
    assert env.domain_policy in prompt
    assert "`respond_user`" in prompt.rpartition("</policy>")[2]


def test_a_task_is_solved():
    env = mock_env()
    result = env.step([create_meeting()], None, env.reset())
    (output,) = result.state.new_messages
    assert (output["role"], output["type"], output["call_id"]) == (
        "tool",
        "function_call_output",
        "call_0",
    )
    assert '"title": "Important Meeting"' in output["output"]
    assert (result.reward, result.done, result.info["made_tool_call"]) == (0.0, False, True)

    result = env.step([respond("It is on your list.", "call_1")], None, result.state)
    assert result.state.new_messages == [
        {"role": "tool", "type": "function_call_output", "call_id": "call_1", "output": "sent"}
    ]
    assert (result.reward, result.done, result.truncated) == (1.0, True, False)
    assert (result.info["correct"], result.info["task_id"], result.info["reward"]) == (
        1,
        "create_task_1",
        1.0,
    )
    assert result.info["termination_reason"] == "user_stop"
    assert result.state.tau2_info["run"].reward_info.reward == 1.0


def test_the_customers_answer_follows_what_was_sent():
    env = mock_env("Hi", "At noon.")
    result = env.step([respond("When?")], None, env.reset())
    assert result.state.new_messages[0]["output"] == "sent"
    assert result.state.new_messages[1] == {"role": "user", "content": "At noon."}


def test_the_conversation_so_far_is_kept_unless_the_caller_keeps_it():
    env = mock_env("Hi", "At noon.")
    state = env.reset()
    result = env.step([text("Hm.", "reasoning"), respond("When?", "c1")], "raw", state)
    user, said = result.state.prior_messages
    assert user == state.new_messages[0]
    assert (said["role"], said["reasoning_content"]) == ("assistant", "Hm.")
    assert said["tool_calls"][0] == {
        "id": "c1",
        "type": "function",
        "function": {"name": "respond_user", "arguments": '{"text": "When?"}'},
    }
    assert (result.state.model_response, result.state.timestep) == ("raw", 1)
    mine = env.step([respond("Where?")], None, result.state, current_messages=[])
    assert mine.state.prior_messages == []


def test_several_calls_of_a_turn_are_answered_in_their_order():
    env = mock_env()
    result = env.step(
        [call("get_users", "a"), create_meeting(), respond("Done.", "b")], None, env.reset()
    )
    assert [message["call_id"] for message in result.state.new_messages] == ["a", "call_0", "b"]
    assert (result.reward, result.done) == (1.0, True)
    assert result.state.timestep == 1


def test_calls_without_an_id_get_one():
    env = mock_env()
    result = env.step([call("get_users"), call("get_users")], None, env.reset())
    ids = [message["call_id"] for message in result.state.new_messages]
    assert ids == [one["id"] for one in result.state.prior_messages[-1]["tool_calls"]]
    assert len(set(ids)) == 2


def test_a_failing_tool_answers_and_the_episode_goes_on():
    env = mock_env()
    result = env.step([call("get_users", user="x"), call("no_such_tool")], None, env.reset())
    assert len(outputs(result)) == 2
    assert not result.done
    assert "no_such_tool" in outputs(result)[1]


def test_a_message_without_calls_is_said_to_the_customer():
    env = mock_env("Hi", "At noon.")
    result = env.step([text("Hm.", "reasoning"), text("When?")], None, env.reset())
    assert result.state.new_messages == [{"role": "user", "content": "At noon."}]
    assert not result.info["made_tool_call"]
    assert result.state.rollout.messages[-2].content == "When?"


def test_text_beside_calls_is_told_to_nobody():
    env = mock_env("Hi")
    result = env.step([text("Let me look."), call("get_users"), text("Looked.")], None, env.reset())
    assert roles(result.state.new_messages) == ["tool"]
    assert result.state.rollout.messages[-2].content == "Let me look."


@pytest.mark.parametrize(
    "actions", [[], [text("")], [text("Hm.", "reasoning")], [text("x", "telepathy")]]
)
def test_a_turn_that_says_nothing_ends_the_episode(actions):
    env = mock_env()
    result = env.step(actions, None, env.reset())
    assert (result.done, result.truncated, result.reward) == (True, True, 0.0)
    assert result.info["termination_reason"] == "agent_error"
    assert not result.failed


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        (get_actions("<tool_call>{</tool_call>")[0], "not valid JSON"),
        (call("respond_user"), "needs `text`"),
        (call("respond_user", text=""), "needs `text`"),
        (call("respond_user", text=["Hi"]), "needs `text`"),
        (
            ActionFromLLM(role="assistant", type="function_call", name="respond_user"),
            "needs `text`",
        ),
        (
            get_actions('<tool_call>{"name": "respond_user", "arguments": "Hi"}</tool_call>')[0],
            "could not be read",
        ),
        (
            get_actions('<tool_call>{"name": "get_users", "arguments": "Hi"}</tool_call>')[0],
            "could not be read",
        ),
    ],
)
def test_a_call_that_cannot_be_read_is_told_to_the_model_alone(action, problem):
    env = mock_env("Hi", "Good.")
    result = env.step([action], None, env.reset())
    (message,) = result.state.new_messages
    assert message["output"].startswith("Error: ")
    assert problem in message["output"]
    assert not result.done
    assert (
        env.step([respond("Hello.")], None, result.state).state.new_messages[1]["content"]
        == "Good."
    )


def test_a_good_call_beside_an_unreadable_one_is_made():
    env = mock_env()
    bad, good = get_actions('<tool_call>{</tool_call><tool_call>{"name": "get_users"}</tool_call>')
    result = env.step([bad, good], None, env.reset())
    assert [output.startswith("Error") for output in outputs(result)] == [True, False]
    assert result.info["invalid_actions"] == 1


def test_too_many_unreadable_calls_end_the_episode():
    env = mock_env(max_errors=2)
    (bad,) = get_actions("<tool_call>{</tool_call>")
    result = env.step([bad, bad, bad], None, env.reset())
    assert (result.done, result.info["termination_reason"], result.info["invalid_actions"]) == (
        True, "too_many_errors", 2,
    )  # fmt: skip
    assert len(outputs(result)) == 2


def test_a_customer_who_says_nothing_is_taken_to_need_help():
    env = Tau2BenchEnv(
        "mock", solo_mode=True, task_ids=["create_task_1"], num_train_tasks=1, num_test_tasks=0
    )
    state = env.reset()
    assert state.new_messages[0]["content"] in {FIRST_USER_TEXT, env.datasets["train"][0].ticket}


def test_solo_there_is_nobody_to_talk_to():
    env = Tau2BenchEnv("telecom", solo_mode=True, num_train_tasks=2, num_test_tasks=0)
    state, task = env.reset(), env.datasets["train"][0]
    names = [tool["name"] for tool in state.tools]
    assert "respond_user" not in names
    assert names[-1] == "done"
    assert task.ticket in state.system_prompt
    result = env.step([call("done")], None, state)
    assert (result.done, result.truncated, result.info["termination_reason"]) == (
        True,
        False,
        "agent_stop",
    )


def test_done_beside_another_call():
    env = mock_env()
    result = env.step([call("done", "d"), create_meeting()], None, env.reset())
    assert [message["call_id"] for message in result.state.new_messages] == ["call_0"]
    assert (result.done, result.reward) == (True, 1.0)


def test_a_history_of_the_task_is_shown_in_the_same_form():
    env = Tau2BenchEnv(
        "mock",
        user="scripted_user",
        task_ids=["update_task_with_message_history"],
        num_train_tasks=1,
        num_test_tasks=0,
    )
    state = env.reset()
    assert roles(state.messages)[0] == "user"
    assert roles(state.messages)[-1] == "user"
    called = [one for message in state.prior_messages for one in message.get("tool_calls", ())]
    answered = [message["call_id"] for message in state.prior_messages if message["role"] == "tool"]
    assert [one["id"] for one in called] == answered
    assert len(set(answered)) == len(answered) > 0


def test_a_state_is_stepped_once():
    env = mock_env("Hi", "At noon.")
    state = env.reset()
    env.step([respond("When?")], None, state)
    with pytest.raises(RuntimeError, match="stepped already"):
        env.step([respond("When?")], None, state)


def test_a_state_that_is_over_stays_as_it_is():
    env = mock_env()
    over = env.step([create_meeting(), respond("Done.")], None, env.reset())
    again = env.step([respond("More?")], None, over.state)
    assert (again.reward, again.done, again.state) == (1.0, True, over.state)
    with pytest.raises(RuntimeError, match="the episode is over"):
        over.state.fork(1)


def test_a_state_is_plain_data_but_for_its_episode():
    state = mock_env().reset()
    read = type(state).model_validate_json(state.model_dump_json())
    assert (read.messages, read.tools, read.metadata) == (
        state.messages,
        state.tools,
        state.metadata,
    )
    with pytest.raises(RuntimeError, match="no live episode"):
        read.live()


def test_forks_go_on_independently():
    env = mock_env("Hi", "At noon.", "Good. ###STOP###")
    state = env.step([respond("When?")], None, env.reset()).state
    one, other = env.fork(state, 2)
    solved = env.step([create_meeting(), respond("Done.")], None, one)
    failed = env.step([respond("No.")], None, other)
    assert (solved.reward, failed.reward) == (1.0, 0.0)
    assert (
        env.step([create_meeting(), respond("Done.")], None, state).reward == 1.0
    )  # it stands where it stood
    assert state.messages == one.messages == other.messages


def test_a_model_that_is_bound_to_fail_is_an_error_before_anything_is_paid_for():
    env = Tau2BenchEnv("mock")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        env.reset()


def test_an_episode_that_fails_before_the_first_turn_is_over_at_once():
    env = mock_env(ModelUnavailable("no route"))
    state = env.reset()
    assert (state.done, state.metadata["infra_failed"], state.metadata["reward"]) == (
        True,
        True,
        None,
    )
    result = env.step([respond("Hi")], None, state)
    assert (result.done, result.truncated, result.failed, result.reward) == (True, True, True, 0.0)


def transcript(run) -> list[tuple]:
    """Return all that was said and done, without times."""
    return [
        (
            message.role,
            message.content,
            [(call.name, call.arguments) for call in getattr(message, "tool_calls", 0) or ()],
        )
        for message in run.messages
    ]


@pytest.mark.parametrize("domain", ["mock", "airline", "retail", "telecom"])
def test_the_environment_adds_nothing_to_an_episode(domain):
    """The same policy, played through the orchestrator: the same transcript and the same reward."""
    cast = RolloutSetup(domain, user="scripted_user", agent="oracle_agent", max_steps=200)
    for task in get_tasks(domain)[:8]:
        last = demonstration(domain, task)[-1]
        world = cast.new_environment()
        episode = cast.wire(
            task, world, cast.make_agent(world, task), cast.make_user(world, task), 0
        )
        run = run_simulation(episode)
        ours = last.state.rollout.run
        assert transcript(ours) == transcript(run)
        assert ours.reward_info == run.reward_info
        assert last.reward == run.reward_info.reward


def test_an_agent_may_end_the_conversation():
    env = mock_env("Hi")
    result = env.step([respond(f"Goodbye. {STOP}")], None, env.reset())
    assert (result.done, result.info["termination_reason"]) == (True, "agent_stop")


def test_the_prompt_may_be_that_of_the_language_model_agent():
    env = Tau2BenchEnv("mock", user="scripted_user", llm_agent_prompt=True)
    agent = LLMAgent(tools=[], domain_policy=env.domain_policy, llm="scripted/echo")
    assert env.build_system_prompt().startswith(agent.system_prompt)
