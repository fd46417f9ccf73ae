"""The example's own logic: options, the loop, the outcome.

The environment is an episode, the model a script.
"""

from __future__ import annotations

import asyncio
import pickle
import re
import socket
from dataclasses import dataclass

import pytest
from tests.aenv.parts import EXAMPLE, MEETING, Instance, agent, an_episode, sdk_model

Options = agent.Options


# --- options
# ----------------------------------------------------------------------


def test_what_the_guide_promises_is_the_default():
    options = Options.of({})
    assert options.sampling() == {
        "temperature": 1.0,
        "top_p": 1.0,
        "extra_args": {"max_completion_tokens": 8192},
    }
    assert (options.domain, options.task_id, options.env_name) == ("telecom", "", "tau2-env@1.0.0")


def test_arguments_come_before_data_before_its_gconfig_before_variables(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://from-variable")
    monkeypatch.setenv("OPENAI_API_KEY", "from variable")
    monkeypatch.setenv("TAU2_AGENT_TEMPERATURE", "0.4")
    monkeypatch.setenv("TAU2_AGENT_TOP_P", "0.4")
    data = {
        "base_url": "http://from-data",
        "temperature": 0.2,
        "gconfig": {"temperature": 0.3, "top_p": 0.3},
    }
    options = Options.of(
        data, {"base_url": "http://from-areal", "http_client": "client", "anything": 1}
    )
    assert (options.base_url, options.api_key, options.http_client) == (
        "http://from-areal",
        "from variable",
        "client",
    )
    assert (options.temperature, options.top_p) == (0.2, 0.3)


@dataclass
class GenerationConfig:
    """As AReaL's: an object, with limits of the whole and of one answer."""

    n_samples: int = 4
    max_tokens: int = 32768
    max_new_tokens: int = 512
    temperature: float = 0.7


@pytest.mark.parametrize(
    ("gconfig", "wanted"),
    [
        (GenerationConfig(), (0.7, 512)),
        ({"n_samples": 4, "max_tokens": 8192, "temperature": 1.0}, (1.0, 8192)),
        ({"max_completion_tokens": "99", "max_new_tokens": 5}, (1.0, 99)),
        (None, (1.0, 8192)),
    ],
)
def test_sampling_comes_as_a_generation_config(gconfig, wanted):
    options = Options.of({"gconfig": gconfig})
    assert (options.temperature, options.max_completion_tokens) == wanted


def test_a_value_that_cannot_be_read_is_named():
    with pytest.raises(ValueError, match="hot"):
        Options.of({"temperature": "hot"})
    with pytest.raises(ValueError, match="max_turns must be int"):
        Options.of({"max_turns": [1]})


def test_a_key_is_not_shown():
    assert "sk-secret" not in repr(Options.of({"api_key": "sk-secret"}))


@pytest.mark.parametrize(
    ("variables", "alone"),
    [
        ({}, "true"),
        ({"TAU2_USER_LLM": "gpt-4.1"}, "false"),
        ({"TAU2_USER_LLM": "None"}, "true"),
        ({"TAU2_USER": "scripted_user"}, "false"),
        ({"TAU2_USER_LLM": "gpt-4.1", "TAU2_SOLO_MODE": "true"}, "true"),
    ],
)
def test_the_instance_is_solo_when_no_user_is_named(monkeypatch, variables, alone):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    given = Options.of({"domain": "retail", "task_id": "1"}).variables()
    assert (given["TAU2_SOLO_MODE"], given["TAU2_DOMAIN"], given["TAU2_TASK_ID"]) == (
        alone,
        "retail",
        "1",
    )


# --- the loop
# ----------------------------------------------------------------------


def test_an_episode_from_greeting_to_reward(play):
    outcome, instance, model = play(MEETING, "It is on your list.")
    assert (outcome.reward, outcome.status, outcome.reason) == (1.0, "completed", "agent_stop")
    assert (outcome.turns, outcome.details["steps"]) == (3, 3)
    assert (instance.released, model.closed) == (1, 1)
    assert instance.asked[0] == "initialize"
    assert "Task desk" in model.prompt


def test_the_calls_of_one_answer_keep_their_order(play):
    outcome, instance, _ = play([{"name": "get_users", "arguments": {}}, MEETING, MEETING], "Done.")
    assert outcome.reward == 0.0  # the task is there twice
    made = [name.rpartition("/")[2] for name in instance.asked if "/" in name]
    assert made == ["get_users", "create_task", "create_task"]


def test_an_episode_that_a_tool_call_ends_is_left_at_once(play):
    wrong = {"name": "create_task", "arguments": {}}
    outcome, _, model = play(*[wrong] * 20, "never said")
    assert (outcome.reward, outcome.reason) == (0.0, "too_many_errors")
    assert len(model.saw) == 10


def test_a_task_that_begins_in_the_middle_is_remembered(play):
    instance = Instance(an_episode(task_id="update_task_with_message_history"))
    _, _, model = play(instance=instance, task_id="update_task_with_message_history")
    kinds = [item.get("type", item.get("role")) for item in model.saw[0]]
    assert {"function_call", "function_call_output"} <= set(kinds)
    call = next(item for item in model.saw[0] if item.get("type") == "function_call")
    assert set(call) == {"type", "call_id", "name", "arguments"}


# --- what training needs
# ----------------------------------------------------------------------


def test_tool_names_are_such_as_the_api_takes():
    names = [
        "tau2-env@1.0.0/create_task",
        "other@1/create_task",
        "e@1/" + "x" * 80,
        "e@1/ä b",
        "e@1/",
    ]
    named = sdk_model.named_safely({"name": name} for name in names)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in named)
    assert [tool["name"] for tool in named.values()] == names
    assert next(iter(named)) == "create_task"


def test_the_agent_remembers_every_turn(play):
    _, _, model = play("Who are you?", MEETING, "It is on your list.")
    for earlier, later in zip(model.saw, model.saw[1:], strict=False):
        assert later[: len(earlier)] == earlier
    assert len(model.saw[-1]) > len(model.saw[0])


@pytest.mark.parametrize("failure", ["initialize", "list_tools", "call_reward"])
def test_the_instance_is_released_whatever_happens(play, failure):
    async def fails(*_args, **_kwargs):
        raise ConnectionError("gone")

    instance = Instance(an_episode())
    setattr(instance, failure, fails)
    outcome, _, model = play(instance=instance)
    assert (outcome.status, outcome.reward) == ("infra_failed", None)
    assert (instance.released, model.closed) == (1, 1)


def test_the_instance_is_released_when_the_trainer_gives_up(monkeypatch):
    instance = Instance(an_episode())

    class Hanging:
        async def close(self):
            """Nothing to close."""

        def set_up(self, *_):
            """Nothing to set up."""

        async def think(self, *_):
            await asyncio.Event().wait()

    monkeypatch.setattr(agent, "open_environment", lambda _options: instance)
    monkeypatch.setattr(agent, "open_model", lambda _options: Hanging())
    with pytest.raises(TimeoutError):
        asyncio.run(
            asyncio.wait_for(agent.run_agent({"domain": "mock", "task_id": "create_task_1"}), 0.2)
        )
    assert instance.released == 1


def test_failed_turns_are_bounded(play):
    outcome, instance, model = play(*[None] * 20)
    assert len(model.saw) == agent.MOST_FAILED_TURNS
    assert (outcome.status, outcome.reward) == ("unfinished", 0.0)
    assert "tau2_send_message" not in instance.asked
    assert "Your last message was empty" in model.saw[-1][-1]["content"]


def test_errors_are_told_from_a_reward_of_zero(play, monkeypatch):
    broken = ConnectionError("the endpoint with key sk-very-secret is away")
    outcome, _, _ = play(broken, api_key="sk-very-secret")
    assert (outcome.reward, outcome.status) == (None, "infra_failed")
    assert outcome.error == "ConnectionError: the endpoint with key [redacted] is away"

    async def again(_data, **_extra):
        return outcome

    monkeypatch.setattr(agent, "run_agent", again)
    assert asyncio.run(agent.run_agent_return_reward({})) == 0.0
    with pytest.raises(agent.EpisodeFailed, match="infra_failed") as raised:
        asyncio.run(agent.run_agent_return_reward({"raise_errors": True}))
    assert pickle.loads(pickle.dumps(raised.value)).outcome == outcome


def test_without_a_server_it_says_so_at_once(monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setattr(agent, "_INSTANCE_PORT", unused.getsockname()[1])
        monkeypatch.setattr(agent, "_SCHEDULER_PORT", unused.getsockname()[1])
        with pytest.raises(agent.NotReady, match=r"start it with: python -m aenv\.main"):
            agent.require_server({"DUMMY_INSTANCE_IP": "127.0.0.1"})
        with pytest.raises(agent.NotReady, match="set AENV_SYSTEM_URL"):
            agent.require_server({"AENV_SYSTEM_URL": "http://127.0.0.1"})
        unused.listen()
        agent.require_server({"DUMMY_INSTANCE_IP": "127.0.0.1"})


def test_without_a_package_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(agent, "_PACKAGES", {"no_such.module": "no-such", "json": "json"})
    assert agent.main(["--task_id", "create_task_1"]) == 1
    assert capsys.readouterr().err.startswith("no-such is not installed: pip install")
    outcome = asyncio.run(agent.run_agent({"domain": "mock", "task_id": "create_task_1"}))
    assert (outcome.status, outcome.reward) == ("infra_failed", None)
    assert "no-such is not installed" in outcome.error


def test_a_failing_user_is_told_from_a_reward_of_zero(play):
    class Failing(Instance):
        async def call_reward(self, _arguments, **_options):
            return {"total_reward": None, "status": "user_failed", "error": "lost the thread"}

    outcome, _, _ = play("Hello", instance=Failing(an_episode()))
    assert (outcome.reward, outcome.status, outcome.error) == (
        None,
        "user_failed",
        "lost the thread",
    )


def test_the_model_is_an_argument(monkeypatch):
    monkeypatch.setenv("TAU2_AGENT_LLM", "from-variable")
    assert Options.of({}).model == "from-variable"
    assert Options.of({"gconfig": {"model": "from-gconfig"}}).model == "from-gconfig"
    assert Options.of({"model": "from-data"}).model == "from-data"


def test_nobody_is_told_the_free_text_of_a_solo_agent(play):
    instance = Instance(an_episode(solo_mode=True))
    outcome, _, model = play(
        "All done!", MEETING, {"name": "done", "arguments": {}}, instance=instance
    )
    assert (outcome.reward, outcome.reason) == (1.0, "agent_stop")
    assert "tau2_send_message" not in instance.asked
    assert "Nobody reads messages here" in model.saw[1][-1]["content"]


def test_a_solo_agent_may_stop_in_words(play):
    instance = Instance(an_episode(solo_mode=True))
    outcome, _, _ = play(MEETING, "###STOP###", instance=instance)
    assert (outcome.reward, outcome.reason, instance.asked[-2:]) == (
        1.0,
        "agent_stop",
        ["tau2_done", "reward"],
    )


def test_a_loop_that_stops_early_is_graded(play):
    outcome, instance, _ = play(MEETING, "It is on your list.", max_turns=2)
    assert (outcome.reward, outcome.status, outcome.turns) == (1.0, "unfinished", 2)
    assert instance.asked[-1] == "reward"


def test_no_variable_says_none(monkeypatch):
    monkeypatch.setenv("TAU2_USER_LLM", "None")
    assert "None" not in Options.of({"user": None, "seed": None}).variables().values()


def test_the_requirements_can_be_installed():
    """`aenvironment[agents]` cannot: the one wants an older pydantic than the other.

    So they come apart.
    """
    lines = (EXAMPLE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line.partition("#")[0].strip() for line in lines if line.partition("#")[0].strip()]
    assert "openai-agents==0.6.3" in wanted
    assert not any(line.startswith("aenvironment") for line in wanted)


# --- arguments as a model writes them
# ----------------------------------------------------------------------


@pytest.mark.parametrize("written", ["{not json", "[1]", "3", "[" * 5000])
def test_arguments_that_are_no_object_reach_the_episode_as_they_are(written):
    assert agent._arguments(written) == {"__malformed__": written}


def test_no_arguments_are_an_empty_object():
    assert agent._arguments("") == {}


def test_malformed_arguments_are_answered_by_tau2(play):
    outcome, _, model = play(
        {"name": "create_task", "arguments": "{not json"}, MEETING, "It is on your list."
    )
    assert outcome.reward == 1.0
    assert "the arguments could not be read" in model.saw[1][-1]["output"]
