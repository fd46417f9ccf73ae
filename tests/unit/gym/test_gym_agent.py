"""The agent's seat as a Gymnasium environment."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from tests.cast import STOP, Agent, User, a_task, calls, mock_task
from tests.stub import StubServer, failing

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage
from tau2.data_model.simulation import SimulationRun
from tau2.domains.mock.environment import get_environment
from tau2.errors import ConfigError, ModelUnavailable, UnknownName
from tau2.gym import (
    TAU_BENCH_ENV_ID,
    TAU_BENCH_USER_ENV_ID,
    AgentGymEnv,
    GymAgent,
    TauSpace,
    UserGymEnv,
    done,
    register_gym_agent,
)
from tau2.gym.text import observation_of
from tau2.rollout import Shaping
from tau2.utils import llm_utils

MEETING = {"user_id": "user_1", "title": "Important Meeting"}
SOLVE = "create_task(user_id='user_1', title='Important Meeting')"


def env_with(*lines, task_id: str = "create_task_1", **options) -> AgentGymEnv:
    """Return an environment whose user says these lines."""
    return AgentGymEnv("mock", task_id, user=lambda *_: User(lines), **options)


def shown(line: str) -> Any:
    """Return what a tool's line of an observation holds."""
    return json.loads(line.removeprefix("tool: "))


def test_an_episode_from_reset_to_reward():
    env = env_with("Add my meeting.", f"Thanks {STOP}")
    observation, info = env.reset(seed=4)
    assert observation == "user: Add my meeting."
    assert info["task"] == mock_task("create_task_1")
    assert info["policy"] == get_environment().get_policy()
    assert info["simulation_run"] == "{}"

    observation, reward, terminated, truncated, info = env.step(SOLVE)
    assert shown(observation)["result"]["title"] == "Important Meeting"
    assert (reward, terminated, truncated) == (0.0, False, False)
    assert (info["parse_error"], info["reward_info"]) == (None, "{}")

    observation, reward, terminated, truncated, info = env.step("It is on the list.")
    assert observation == f"user: Thanks {STOP}"
    assert (reward, terminated, truncated) == (1.0, True, False)
    run = SimulationRun.model_validate_json(info["simulation_run"])
    assert (run.seed, run.termination_reason.value) == (4, "user_stop")
    assert json.loads(info["reward_info"])["reward"] == 1.0
    assert info["termination_reason"] == "user_stop"

    again = env.step("Hello?")
    assert again[:4] == ("", 0.0, True, False)
    assert "reward_info" not in again[4]


@pytest.mark.parametrize(
    "action",
    [
        SOLVE,
        '{"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}}',
        json.dumps([{"name": "get_users"}, {"name": "create_task", "arguments": MEETING}]),
        ToolCall(name="create_task", arguments={"user_id": "user_1", "title": "Important Meeting"}),
    ],
)
def test_tool_calls_in_every_form(action):
    env = env_with("Hi", STOP)
    env.reset()
    env.step(action)
    assert env.step("Done.")[1] == 1.0


@pytest.mark.parametrize(
    "text", ["Sure (yes)", "hello(world)", "One moment, please.", "{sigh}", "10"]
)
def test_a_sentence_is_never_taken_for_a_call(text):
    env = env_with("Hi", "What?")
    env.reset()
    assert env.step(text)[0] == "user: What?"


@pytest.mark.parametrize(
    "action",
    [
        '{"name": "create_task", "arguments": {"user_id": "user_1"',
        '{"name": "create_task", "arguments": "{"}',
        "create_task(user_id='user_1', title=)",
        "",
        "   ",
        "<think>nothing but thought</think>",
    ],
)
def test_an_unreadable_action_is_told_to_the_agent_and_to_nobody_else(action):
    env = env_with("Hi", "What?")
    env.reset()
    before = len(env.rollout.trajectory)
    observation, reward, terminated, truncated, info = env.step(action)
    assert observation.startswith("tool: Invalid action with error: ")
    assert info["parse_error"] in observation
    assert (reward, terminated, truncated, info["parse_errors"]) == (0.0, False, False, 1)
    assert "reward_info" not in info
    assert len(env.rollout.trajectory) == before
    assert env.step("Hello")[0] == "user: What?"


def test_unreadable_actions_do_not_go_on_for_ever():
    env = env_with("Hi", max_errors=3)
    env.reset()
    seen = [env.step('{"name"') for _ in range(3)]
    assert [step[2] for step in seen] == [False, False, True]
    assert seen[-1][4]["termination_reason"] == "too_many_errors"
    assert json.loads(seen[-1][4]["reward_info"])["reward"] == 0.0


def test_max_steps_truncate():
    env = env_with("Hi", "And?", max_steps=3)
    env.reset()
    observation, reward, terminated, truncated, info = env.step("Hm.")
    assert (observation, reward, terminated, truncated) == ("user: And?", 0.0, False, True)
    assert info["termination_reason"] == "max_steps"
    assert env.step("Hm.")[:4] == ("", 0.0, False, True)


@pytest.mark.parametrize("end", ["done()", '{"name": "done", "arguments": {}}', f"Bye {STOP}"])
def test_the_agent_ends_the_conversation(end):
    env = env_with("Hi")
    env.reset()
    env.step(SOLVE)
    observation, reward, terminated, _, info = env.step(end)
    assert (observation, reward, terminated) == ("", 1.0, True)
    assert info["termination_reason"] == "agent_stop"


def test_an_infrastructure_failure_is_not_a_silent_zero():
    env = env_with("Hi", ModelUnavailable("no answer"))
    env.reset()
    _, reward, terminated, truncated, info = env.step("Hello")
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert info["infra_failed"]
    assert "no answer" in info["error"]
    assert info["reward_info"] == "{}"
    assert json.loads(info["simulation_run"])["termination_reason"] == "infrastructure_error"


def test_a_user_that_fails_at_once_is_told_by_reset_and_by_step():
    env = env_with(ModelUnavailable("no answer"))
    observation, info = env.reset()
    assert (observation, info["infra_failed"]) == ("", True)
    assert env.step("Hello")[2:4] == (False, True)


def test_an_episode_over_at_once_still_pays():
    env = env_with(f"Never mind {STOP}", task_id="impossible_task_1")
    observation, _ = env.reset()
    assert observation == f"user: Never mind {STOP}"
    paid = env.step("too late")
    assert paid[2]
    assert json.loads(paid[4]["reward_info"])["reward"] == paid[1]
    assert env.step("still")[:3] == ("", 0.0, True)


def test_the_whole_conversation_may_be_observed():
    env = env_with("Hi", "Ok", all_messages_as_observation=True)
    observation, _ = env.reset()
    assert observation == "assistant: Hi! How can I help you today?\nuser: Hi"
    lines = env.step(SOLVE)[0].splitlines()
    assert lines[2] == "assistant: create_task(title='Important Meeting', user_id='user_1')"
    assert lines[3].startswith("tool: {")
    assert env.render().splitlines()[:2] == observation.splitlines()


def test_a_result_is_shown_with_its_call():
    env = env_with("Hi")
    env.reset()
    told = shown(env.step(SOLVE)[0])
    assert list(told) == ["name", "arguments", "result"]
    assert (told["name"], told["arguments"]) == ("create_task", MEETING)
    assert told["result"]["title"] == "Important Meeting"
    assert "Error" in shown(env.step("nothing()")[0])["result"]


def test_each_of_several_results_is_shown_with_its_own_call():
    env = env_with("Hi", all_messages_as_observation=True)
    env.reset()
    env.step(
        '[{"name": "get_users", "arguments": {}}, {"name": "nothing", "arguments": {"at": 1}}]'
    )
    lines = env.step("get_users()")[0].splitlines()
    told = [shown(line) for line in lines if line.startswith("tool: ")]
    assert [(one["name"], one["arguments"]) for one in told] == [
        ("get_users", {}),
        ("nothing", {"at": 1}),
        ("get_users", {}),
    ]


def test_a_result_that_is_text_stays_text():
    call, result = (
        ToolCall(id="1", name="add", arguments={}),
        ToolMessage(id="1", content="007", requestor="assistant"),
    )
    asked = AssistantMessage(tool_calls=[call])
    assert shown(observation_of([result], asked))["result"] == "007"
    assert observation_of([result], asked, results_with_calls=False) == "tool: 007"
    assert observation_of([result]) == "tool: 007"  # nobody knows what was asked


def test_a_result_may_be_shown_alone():
    env = env_with("Hi", tool_results_with_calls=False)
    env.reset()
    assert shown(env.step(SOLVE)[0])["title"] == "Important Meeting"
    assert env.step("nothing()")[0] == "tool: Error: Tool 'nothing' not found."


def test_solo():
    env = AgentGymEnv("mock", "create_task_1", solo_mode=True)
    observation, info = env.reset()
    assert observation == ""
    names = {tool.name for tool in info["tools"]}
    assert {"create_task", "check_notifications", "done"} <= names
    assert info["task"].ticket in env._get_system_prompt()
    assert env.step(SOLVE)[0].startswith("tool: {")
    assert env.step("done()")[1:3] == (1.0, True)


def test_talk_ends_a_solo_episode_as_the_agents_error():
    env = AgentGymEnv("mock", "create_task_1", solo_mode=True)
    env.reset()
    assert env.step("Hello?")[4]["termination_reason"] == "agent_error"


def test_seeds_reach_the_episode():
    env = AgentGymEnv("mock", "create_task_1", user="scripted_user")
    first = [env.reset(seed=seed)[0] for seed in (1, 2, 3, 4, 5, 6)]
    assert len(set(first)) > 1  # the scripted user chooses its words by the seed
    assert [env.reset(seed=seed)[0] for seed in (1, 2, 3, 4, 5, 6)] == first
    env.reset(seed=1)
    later = [env.reset()[0] for _ in range(4)]
    env.reset(seed=1)
    assert [env.reset()[0] for _ in range(4)] == later  # a row of resets is reproducible
    assert env.rollout.orchestrator.seed != 1


def test_no_seed_is_no_seed():
    env = env_with("Hi")
    env.reset()
    assert env.rollout.orchestrator.seed is None


def test_tools_are_those_of_the_running_world():
    env = env_with("Hi", STOP)
    _, info = env.reset()
    tool = next(tool for tool in info["tools"] if tool.name == "create_task")
    tool(user_id="user_1", title="Important Meeting")
    assert env.step("Done.")[1] == 1.0
    assert [tool.openai_schema for tool in info["tools"]]


def test_call_ids_are_unique():
    env = env_with("Hi", STOP)
    env.reset()
    for _ in range(3):
        env.step("get_users()")
    info = env.step("Done.")[4]
    run = SimulationRun.model_validate_json(info["simulation_run"])
    ids = [
        call.id for message in run.messages for call in getattr(message, "tool_calls", None) or ()
    ]
    assert len(set(ids)) == 3
    assert all(ids)


def test_tasks_of_every_split_are_visible():
    env = AgentGymEnv("telecom", _a_task_outside_the_default_split(), user="scripted_user")
    assert env.reset()[0].startswith("user: ")


def _a_task_outside_the_default_split() -> str:
    from tau2.domains.telecom.environment import get_tasks_split

    splits = get_tasks_split()
    return next(task_id for task_id in splits["full"] if task_id not in set(splits["base"]))


def test_a_task_may_be_chosen_at_reset():
    env = env_with("Hi")
    assert env.reset(options={"task_id": "update_task_1"})[1]["task"].id == "update_task_1"
    assert env.reset()[1]["task"].id == "update_task_1"


def test_what_is_not_known_is_said_at_reset():
    with pytest.raises(UnknownName, match="create_task_1"):
        AgentGymEnv("mock", "create_task_", user="scripted_user").reset()
    with pytest.raises(UnknownName, match="mock"):
        AgentGymEnv("mok", "create_task_1", user="scripted_user").reset()
    with pytest.raises(TypeError, match="max_erors"):
        AgentGymEnv("mock", "create_task_1", max_erors=3)


def test_without_a_key_the_way_out_is_named():
    with pytest.raises(ConfigError, match="user='scripted_user'"):
        AgentGymEnv("mock", "create_task_1").reset()


def test_the_default_user_is_a_model():
    with StubServer(["I would like a task.", f"Thanks {STOP}"]) as stub:
        env = AgentGymEnv(
            "mock",
            "create_task_1",
            user_llm="openai/some-model",
            user_llm_args={"api_base": stub.base_url},
        )
        assert env.reset(seed=5)[0] == "user: I would like a task."
        assert env.step("It is done.")[2]
        assert stub.seen[0].body["seed"] == 5


def test_an_endpoint_that_fails_is_an_infrastructure_failure():
    with StubServer(["Hi", failing(500)]) as stub:
        args = {"api_base": stub.base_url, "num_retries": 0}
        env = AgentGymEnv("mock", "create_task_1", user_llm="openai/some-model", user_llm_args=args)
        env.reset()
        info = env.step("Hello")[4]
        assert (info["infra_failed"], info["user_failed"]) == (True, False)


def test_step_before_reset_and_after_close():
    env = env_with("Hi")
    with pytest.raises(RuntimeError, match="reset"):
        env.step("Hello")
    env.reset()
    env.close()
    env.close()
    with pytest.raises(RuntimeError, match="reset"):
        env.step("Hello")
    assert env.reset()[0] == "user: Hi"


def test_a_new_reset_ends_the_old_episode():
    env = env_with("Hi", STOP)
    env.reset()
    env.step(SOLVE)
    env.reset()
    assert env.step("Nothing done.")[1] == 0.0


# --- what clients override, replace and look at
# ----------------------------------------------------------------------


def test_subclasses_bring_their_own_user_world_and_task():
    class Mine(AgentGymEnv):
        def _get_user(self):
            return User(("Mine", STOP))

        def _get_environment(self):
            environment = get_environment()
            environment.use_tool("create_task", user_id="user_1", title="from before")
            return environment

        def _get_task(self):
            return a_task(calls("create_task", user_id="user_1", title="Tea"))

    env = Mine("no such domain", "no such task")
    assert env.reset()[0] == "user: Mine"
    env.step("create_task(user_id='user_1', title='Tea')")
    assert env.step("Done.")[1] == 1.0  # graded in the world it was played in


def test_the_user_may_be_replaced_from_outside(monkeypatch):
    monkeypatch.setattr(AgentGymEnv, "_get_user", lambda self: User(("Replaced",)))
    assert AgentGymEnv("mock", "create_task_1").reset()[0] == "user: Replaced"


def test_a_patched_completion_needs_no_key(monkeypatch):
    answer = {"choices": [{"message": {"role": "assistant", "content": "Patched"}}]}
    monkeypatch.setattr(llm_utils, "completion", lambda **_: answer)
    assert AgentGymEnv("mock", "create_task_1").reset()[0] == "user: Patched"


def test_a_completion_function_needs_no_key():
    answer = {"choices": [{"message": {"role": "assistant", "content": "Injected"}}]}
    env = AgentGymEnv("mock", "create_task_1", completion_fn=lambda **_: answer)
    assert env.reset()[0] == "user: Injected"


def test_what_the_agent_sees_may_be_looked_at():
    env = env_with("Hi", "Ok")
    env.reset()
    assert isinstance(env._agent, GymAgent)
    assert [message.role for message in env._agent.observation] == ["assistant", "user"]
    env.step(SOLVE)
    assert [message.role for message in env._agent.observation][2:] == ["assistant", "tool"]
    assert env._get_policy() in env._get_system_prompt()
    assert [tool.name for tool in env._get_tools()] == [
        tool.name for tool in get_environment().get_tools()
    ]
    assert "done" in {tool.name for tool in env._agent.tools}


def test_it_may_be_looked_at_before_the_first_reset():
    env = env_with("Hi")
    assert "create_task" in {tool.name for tool in env._get_tools()}
    assert env._get_policy() in env._get_system_prompt()
    assert (env.domain, env.max_steps, env.solo_mode) == ("mock", 100, False)


def test_shaping_is_added_to_the_reward():
    env = AgentGymEnv(
        "mock", "create_task_1", user=lambda *_: User(("Hi", STOP)), shaping=Shaping()
    )
    env.reset()
    assert env.step(SOLVE)[1] == pytest.approx(1.0)
    assert env.step("Done.")[1] == pytest.approx(0.0)


def test_structured_actions_are_taken_as_they_are():
    env = env_with("Hi", "What?")
    env.reset()
    assert env.step(AssistantMessage(content="get_users()"))[0] == "user: What?"


# --- Gymnasium
# ----------------------------------------------------------------------


@pytest.fixture
def registered():
    before = dict(gymnasium.registry)
    register_gym_agent()
    yield
    gymnasium.registry.clear()
    gymnasium.registry.update(before)


def test_gymnasium_makes_both(registered):
    register_gym_agent()  # again does no harm
    env = gymnasium.make(
        TAU_BENCH_ENV_ID, domain="mock", task_id="create_task_1", user="scripted_user"
    )
    assert env.reset(seed=1)[0].startswith("user: ")
    assert env.step(SOLVE)[0].startswith("tool: ")
    env.close()
    env = gymnasium.make(
        TAU_BENCH_USER_ENV_ID, domain="mock", task_id="create_task_1", agent="oracle_agent"
    )
    assert env.reset(seed=1)[0].startswith("assistant: ")
    env.close()


@pytest.mark.parametrize("env_id", [TAU_BENCH_ENV_ID, TAU_BENCH_USER_ENV_ID])
def test_gymnasiums_checker_finds_no_fault(registered, env_id):
    other = {"user": "scripted_user"} if env_id == TAU_BENCH_ENV_ID else {"agent": "oracle_agent"}
    env = gymnasium.make(env_id, domain="mock", task_id="create_task_1", **other).unwrapped
    assert check_env(env) is None  # it raises for a fault


def test_gymnasiums_checker_finds_no_fault_in_unregistered_environments():
    with warnings.catch_warnings():
        # Every unregistered environment lacks a spec.
        warnings.filterwarnings("ignore", message=".*not having a spec")
        assert check_env(AgentGymEnv("mock", "create_task_1", user="scripted_user")) is None
        assert check_env(UserGymEnv("mock", "create_task_1", agent="oracle_agent")) is None


def test_importing_the_package_registers_both():
    code = (
        "import gymnasium\n"
        "env = gymnasium.make('tau2.gym:tau-bench-v0', domain='mock', task_id='create_task_1', "
        "user='scripted_user')\n"
        "print(env.reset(seed=1)[0])\n"
        "print('tau-bench-user-v0' in gymnasium.registry)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert out.startswith("user: ")
    assert out.endswith("True\n")


def test_environments_in_spawned_processes_send_their_tools():
    envs = gymnasium.vector.AsyncVectorEnv([a_mock_env] * 2, context="spawn", shared_memory=False)
    try:
        observations, infos = envs.reset(seed=1)
        assert all(text.startswith("user: ") for text in observations)
        assert [tool.name for tool in infos["tools"][0]] == [
            tool.name for tool in get_environment().get_tools()
        ]
        assert envs.step([SOLVE] * 2)[0][1].startswith("tool: ")
    finally:
        envs.close(terminate=True)


def a_mock_env() -> gymnasium.Env:
    return gymnasium.make(
        "tau2.gym:tau-bench-v0", domain="mock", task_id="create_task_1", user="scripted_user"
    )


def test_gymnasiums_own_vectors_take_it(registered):
    envs = gymnasium.make_vec(
        TAU_BENCH_ENV_ID,
        num_envs=2,
        vectorization_mode="sync",
        domain="mock",
        task_id="create_task_1",
        user="scripted_user",
    )
    observations, _ = envs.reset(seed=1)
    assert all(observation.startswith("user: ") for observation in observations)
    assert envs.step((SOLVE, "Hello"))[0][0].startswith("tool: ")
    envs.close()


def test_the_space_of_texts():
    space, twin = TauSpace(), copy.deepcopy(TauSpace())
    assert "anything" in space
    assert 3 not in space
    space.seed(1), twin.seed(1)
    assert [space.sample() for _ in range(5)] == [twin.sample() for _ in range(5)]
    assert (space == twin, space == 3) == (True, False)
    assert (repr(space), space.is_np_flattenable, done()) == ("TauSpace()", False, "")


def test_without_gymnasium_the_extra_is_named():
    code = (
        "import sys; sys.modules['gymnasium'] = None\n"
        "import tau2.rollout, tau2.gym\n"
        "try:\n    from tau2.gym import AgentGymEnv\n"
        "except ImportError as error:\n    print(type(error).__name__, error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith("MissingExtra gymnasium is not installed; pip install 'tau2-bench[gym]'")


# --- the user's seat
# ----------------------------------------------------------------------


def test_the_caller_as_the_user():
    env = UserGymEnv(
        "mock",
        "update_task_with_user_tools",
        agent=lambda *_: Agent(("Please look.", "And?", "Bye")),
    )
    observation, info = env.reset(seed=1)
    assert observation == "assistant: Hi! How can I help you today?"
    assert "check_notifications" in {tool.name for tool in info["user_tools"]}
    assert "create_task" in {tool.name for tool in info["agent_tools"]}
    assert env.step("Something is wrong.")[0] == "assistant: Please look."
    assert env.step("check_notifications()")[0].startswith("tool: ")
    assert env.step("I see one.")[0] == "assistant: And?"
    assert [message.role for message in env._user.observation].count("tool") == 1
    _, _, terminated, _, info = env.step(f"That is all {STOP}")
    assert terminated
    run = SimulationRun.model_validate_json(info["simulation_run"])
    assert {
        call.requestor for m in run.messages for call in getattr(m, "tool_calls", None) or ()
    } == {"user"}
    assert "You" in env._get_system_prompt()


def test_the_reference_agent_serves_the_caller():
    env = UserGymEnv("mock", "create_task_1", agent="oracle_agent")
    env.reset(seed=1)
    for _ in range(4):
        observation, _, terminated, _, _ = env.step("I am user_1. Yes, please go ahead.")
        assert observation.startswith("assistant: ")
        assert not terminated
    assert env.step(f"Thank you {STOP}")[1:3] == (1.0, True)


def test_an_agent_without_a_key_names_the_way_out():
    with pytest.raises(ConfigError, match="agent='oracle_agent'"):
        UserGymEnv("mock", "create_task_1").reset()


def test_a_live_environment_is_copied_by_a_fork_of_its_episode() -> None:
    env = env_with("Hi", "And?", STOP)
    env.reset(seed=3)
    twin = copy.deepcopy(env)
    env.step(SOLVE)
    assert "task_2" in env.render()
    assert "task_2" not in twin.render()
    twin.step("One moment, please.")
    assert twin.render() != env.render()
    assert env._agent.observation[-1].content != twin._agent.observation[-1].content
    assert twin._agent.is_agent_turn


def test_an_environment_without_an_episode_and_one_that_is_over_are_copied() -> None:
    env = env_with("Hi", STOP)
    fresh = copy.deepcopy(env)
    assert fresh.reset(seed=1)[0] == env.reset(seed=1)[0]
    env.step(SOLVE)
    over = env.step("Done.")
    assert over[2]
    twin = copy.deepcopy(env)
    twin.reset(seed=1)
    assert env.rollout.result.done, "the copy began another episode"


def test_numpy_integers_are_seeds() -> None:
    env = env_with("Hi", STOP)
    first = env.reset(seed=np.int64(7))[0]
    assert first == env.reset(seed=7)[0]
    with pytest.raises(TypeError):
        env.reset(seed=7.5)
