"""The calls that public projects make, written the way they write them."""

from __future__ import annotations

import asyncio
import inspect
import json

import pytest
from tests.cast import create_meeting, mock_task

from tau2.agent.llm_agent import LLMAgent, LLMSoloAgent
from tau2.data_model.message import (
    AssistantMessage,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import RewardInfo, SimulationRun, TextRunConfig
from tau2.data_model.tasks import EnvAssertion, EnvFunctionCall, InitializationData, Task
from tau2.domains.mock.environment import get_environment, get_tasks
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool
from tau2.evaluator.evaluator import EvaluationType, evaluate_simulation
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.registry import registry
from tau2.user.user_simulator import DummyUser, UserSimulator


def takes(function, *names: str) -> list[str]:
    """Return which keyword names a function does not take."""
    parameters = inspect.signature(function).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return []
    return [name for name in names if name not in parameters]


# --- keyword names --------------------------------------------------------------------------------


def test_keyword_names_are_kept():
    from tau2 import run, runner

    keywords = [
        (LLMAgent, "tools", "domain_policy", "llm", "llm_args", "completion_fn"),
        (LLMSoloAgent, "tools", "domain_policy", "llm", "llm_args", "task", "completion_fn"),
        (UserSimulator, "tools", "instructions", "llm", "llm_args", "persona_config",
         "completion_fn"),
        (Orchestrator, "domain", "agent", "user", "environment", "task", "max_steps", "max_errors",
         "seed", "solo_mode", "simulation_id", "timeout", "validate_communication"),
        (Environment, "domain_name", "policy", "tools", "user_tools", "solo_mode"),
        (Environment.set_state, "initialization_data", "initialization_actions", "message_history",
         "strict"),
        (Environment.make_tool_call, "tool_name", "requestor"),
        (Environment.get_user_tools, "include"),
        (Environment.get_info, "include_tool_info"),
        (Environment.run_env_assertion, "assertion", "raise_assertion_error"),
        (evaluate_simulation, "simulation", "task", "evaluation_type", "solo_mode", "domain",
         "mode", "env_kwargs", "strict_replay"),
        (runner.run_simulation, "orchestrator", "evaluation_type"),
        (runner.run_tasks, "config", "tasks", "save_path", "save_dir", "evaluation_type",
         "console_display"),
        (runner.run_single_task, "config", "task", "seed", "evaluation_type", "save_dir"),
        (runner.build_environment, "domain", "solo_mode", "env_kwargs"),
        (runner.build_agent, "agent_name", "environment", "llm", "llm_args", "task",
         "audio_native_config", "solo_mode"),
        (runner.build_user, "user_name", "environment", "task", "llm", "llm_args", "persona_config",
         "solo_mode"),
        (runner.build_text_orchestrator, "config", "task", "seed", "simulation_id",
         "user_persona_config"),
        (runner.build_orchestrator, "config", "task", "seed", "simulation_id",
         "user_voice_settings", "user_persona_config"),
        (runner.get_tasks, "task_set_name", "task_split_name", "task_ids", "num_tasks"),
        (runner.load_tasks, "task_set_name", "task_split_name"),
        (run.run_task, "domain", "task", "agent", "user", "llm_agent", "llm_args_agent", "llm_user",
         "llm_args_user", "max_steps", "max_errors", "evaluation_type", "seed"),
        (run.run_tasks, "domain", "tasks", "agent", "user", "llm_agent", "llm_args_agent",
         "llm_user", "llm_args_user", "num_trials", "max_steps", "max_errors", "save_to",
         "console_display", "evaluation_type", "max_concurrency", "seed", "log_level"),
    ]  # fmt: skip
    assert [
        (f.__qualname__, missing) for f, *names in keywords if (missing := takes(f, *names))
    ] == []


# --- the registry ---------------------------------------------------------------------------------


def test_the_registry_gives_loaders_and_constructors():
    assert (
        registry.get_tasks_loader("mock")("base")[0].id == registry.get_tasks_loader("mock")()[0].id
    )
    assert "base" in registry.get_task_splits_loader("mock")()
    assert registry.get_env_constructor("mock")(solo_mode=False).get_domain_name() == "mock"
    assert {"mock", "retail"} <= set(registry.get_domains()) & set(registry.get_task_sets())
    assert "llm_agent" in registry.get_agents()
    assert "user_simulator" in registry.get_users()
    with pytest.raises(KeyError):
        registry.get_env_constructor("nothing")


def test_clients_replace_the_registrys_dictionaries(monkeypatch):
    made = get_environment()
    monkeypatch.setattr(
        registry, "_domains", {**dict(registry._domains), "theirs": lambda **_: made}
    )
    monkeypatch.setattr(registry, "_tasks", {"theirs": get_tasks})
    monkeypatch.setattr(
        registry, "_agent_factories", {"theirs": lambda tools, domain_policy, **_: "agent"}
    )
    assert registry.get_env_constructor("theirs")() is made
    assert registry.get_task_sets() == ["theirs"]
    assert registry.get_agent_factory("theirs")([], "") == "agent"


# --- models through completion_fn -----------------------------------------------------------------


def answer(content=None, *, call: ToolCall | None = None) -> dict:
    calls = call and [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
        }
    ]
    message = {"role": "assistant", "content": content, **({"tool_calls": calls} if calls else {})}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {
        "id": "x",
        "object": "chat.completion",
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


class Attributes:
    """A completion that is read by attributes, as litellm's and OpenAI's are."""

    def __init__(self, raw: dict) -> None:
        self._raw = raw
        for key, value in raw.items():
            setattr(self, key, self._wrapped(value))

    def _wrapped(self, value):
        if isinstance(value, dict):
            return Attributes(value)
        return [self._wrapped(item) for item in value] if isinstance(value, list) else value

    def model_dump(self, **_):
        return self._raw


def make_meeting() -> ToolCall:
    return ToolCall(id="call_a", name="create_task", arguments=create_meeting().arguments)


def scripted(*answers, form=dict):
    left = list(answers)

    def complete(**request):
        assert {"model", "messages"} <= request.keys()
        return form(left.pop(0))

    async def acomplete(**request):
        await asyncio.sleep(0)
        return complete(**request)

    return complete, acomplete


@pytest.mark.parametrize("form", [dict, Attributes])
@pytest.mark.parametrize("driver", ["run", "arun"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_conversation_through_completion_functions(form, driver, kind):
    agent_fn = scripted(answer(call=make_meeting()), answer("It is on the list."), form=form)[
        kind == "async"
    ]
    user_fn = scripted(answer("Add a meeting."), answer("Thanks ###STOP###"), form=form)[
        kind == "async"
    ]
    env, task = get_environment(), mock_task("create_task_1")
    agent = LLMAgent(
        tools=env.get_tools(),
        domain_policy=env.get_policy(),
        llm="m",
        llm_args={},
        completion_fn=agent_fn,
    )
    user = UserSimulator(
        tools=None,
        instructions=str(task.user_scenario),
        llm="m",
        llm_args={},
        completion_fn=user_fn,
    )
    episode = Orchestrator(
        domain="mock",
        agent=agent,
        user=user,
        environment=env,
        task=task,
        max_steps=100,
        max_errors=10,
        seed=1,
    )
    run = episode.run() if driver == "run" else asyncio.run(episode.arun())
    assert run.termination_reason == "user_stop"
    info = evaluate_simulation(
        simulation=run,
        task=task,
        evaluation_type=EvaluationType.ALL,
        solo_mode=False,
        domain="mock",
    )
    assert info.reward == 1.0
    assert [message.role for message in episode.get_trajectory()] == [
        "assistant", "user", "assistant", "tool", "assistant", "user",
    ]  # fmt: skip
    assert episode.get_messages() == episode.get_trajectory()
    assert run.messages[2].tool_calls[0].id == run.messages[3].id
    assert run.agent_usage.prompt_tokens == 6


def test_participants_answer_one_by_one():
    env = get_environment()
    agent = LLMAgent(
        tools=env.get_tools(),
        domain_policy="Be kind.",
        llm="m",
        completion_fn=scripted(answer("Hello"))[0],
    )
    agent.set_seed(7)
    state = agent.get_init_state(message_history=[])
    message, state = agent.generate_next_message(UserMessage(role="user", content="Hi"), state)
    assert message.content == "Hello"
    assert [m.content for m in state.messages] == ["Hi", "Hello"]
    assert agent.is_stop(message) is False
    agent.stop(message, state)
    user = UserSimulator(
        instructions="Ask.", llm="m", completion_fn=scripted(answer("Bye ###STOP###"))[0]
    )
    message, _ = user.generate_next_message(message, user.get_init_state())
    assert UserSimulator.is_stop(message)
    assert DummyUser().get_init_state() is not None


def test_subclasses_override_the_inner_step_and_the_prompt():
    class Theirs(LLMAgent):
        @property
        def system_prompt(self):
            return "my prompt"

        def _generate_next_message(self, message, state):
            assert state.system_messages[0].content == "my prompt"
            return AssistantMessage(content="mine", cost=0.0)

    env, task = get_environment(), mock_task("create_task_1")
    user = UserSimulator(
        instructions="x", llm="m", completion_fn=scripted(answer("Hi"), answer("###STOP###"))[0]
    )
    agent = Theirs(tools=env.get_tools(), domain_policy="", llm="m")
    episode = Orchestrator(domain="mock", agent=agent, user=user, environment=env, task=task)
    assert asyncio.run(episode.arun()).messages[2].content == "mine"


def test_the_callers_list_of_tools_is_not_touched():
    tools = get_environment().get_tools()
    LLMSoloAgent(tools=tools, domain_policy="", llm="m", task=mock_task("create_task_1"))
    assert [tool.name for tool in tools if tool.name == "done"] == []


# --- patch points ---------------------------------------------------------------------------------


def test_clients_patch_the_model_calls(monkeypatch):
    from tau2.utils import llm_utils

    said = lambda *args, **kwargs: AssistantMessage(role="assistant", content="patched", cost=0.0)  # noqa: E731
    env = get_environment()
    agent = LLMAgent(tools=env.get_tools(), domain_policy="", llm="m")
    with monkeypatch.context() as patched:
        patched.setattr(llm_utils, "generate", said)
        assert (
            agent.generate_next_message(UserMessage(content="Hi"), agent.get_init_state())[
                0
            ].content
            == "patched"
        )
    with monkeypatch.context() as patched:
        patched.setattr(llm_utils, "completion", lambda *args, **kwargs: Attributes(answer("raw")))
        assert (
            agent.generate_next_message(UserMessage(content="Hi"), agent.get_init_state())[
                0
            ].content
            == "raw"
        )


def test_clients_patch_the_data_folder(monkeypatch, tmp_path):
    import tau2.utils.utils
    from tau2.config import data_dir

    monkeypatch.setattr(tau2.utils.utils, "DATA_DIR", tmp_path)
    assert data_dir() == tmp_path


def test_clients_patch_set_state(monkeypatch):
    seen = []
    original = Environment.set_state

    def spying(self, *args, **kwargs):
        seen.append(kwargs["message_history"])
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Environment, "set_state", spying)
    env, task = get_environment(), mock_task("update_task_with_message_history")
    user_fn = scripted(answer("###STOP###"), answer("###STOP###"))[0]
    user = UserSimulator(instructions="x", llm="m", completion_fn=user_fn)
    agent = LLMAgent(
        tools=env.get_tools(), domain_policy="", llm="m", completion_fn=scripted(answer("Hi"))[0]
    )
    Orchestrator(domain="mock", agent=agent, user=user, environment=env, task=task).initialize()
    assert len(seen[0]) == 4


# --- environments and tools -----------------------------------------------------------------------


def test_environments():
    env = get_environment()
    assert (env.domain_name, env.solo_mode) == ("mock", False)
    assert env.get_policy() == env.policy
    assert env.make_tool_call(tool_name="get_users", requestor="assistant")[0].user_id == "user_1"
    assert env.use_tool("create_task", user_id="user_1", title="x").task_id == "task_2"
    assert env.use_user_tool("check_notifications") == []
    env.set_state(initialization_data=None, initialization_actions=None, message_history=[])
    env.set_state(
        initialization_data=InitializationData(agent_data={"tasks": {}}),
        initialization_actions=[
            EnvFunctionCall(env_type="assistant", func_name="get_users", arguments={})
        ],
        message_history=[],
        strict=False,
    )
    env.sync_tools()
    env.run_env_function_calls([])
    assertion = EnvAssertion(
        env_type="assistant",
        func_name="assert_task_status",
        arguments={"task_id": "task_1", "expected_status": "pending"},
    )
    assert env.run_env_assertion(assertion, raise_assertion_error=False)
    assert len(env.get_db_hash()) == len(env.get_user_db_hash()) == 64
    assert env.get_info(include_tool_info=True).domain_name == "mock"
    assert Environment.to_json_str({"a": 1}) == '{"a": "1"}'
    response = env.get_response(
        ToolCall(id="1", name="get_users", arguments={}, requestor="assistant")
    )
    assert isinstance(response, ToolMessage)
    assert not response.error


def test_toolkits():
    kit = get_environment().tools
    assert kit.has_tool("get_users")
    assert list(kit.get_tools(include=["get_users"])) == ["get_users"]
    assert callable(kit.tools["get_users"])
    assert kit.use_tool(tool_name="get_users")
    kit.update_db({"users": {"user_2": {"user_id": "user_2", "name": "N"}}})
    assert set(kit.db.users) == {"user_1", "user_2"}


def test_tools():
    tool = next(tool for tool in get_environment().get_tools() if tool.name == "create_task")
    assert isinstance(tool, Tool)
    assert tool(user_id="user_1", title="x").title == "x"
    assert tool.short_desc
    assert isinstance(tool.long_desc, str)
    assert tool._get_description().startswith(tool.short_desc)
    assert list(tool.params.model_fields) == ["user_id", "title", "description"]
    assert tool.params.model_json_schema()["title"] == "parameters"
    assert tool.returns is not None
    assert tool.openai_schema["function"]["name"] == "create_task"
    assert json.loads(tool.model_dump_json())["name"] == "create_task"


# --- data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("exclude_unset", [False, True])
def test_data_round_trips(exclude_unset):
    values = [
        AssistantMessage(role="assistant", content="x", tool_calls=[make_meeting()]),
        UserMessage(role="user", content="x"),
        ToolMessage(id="1", role="tool", content="x", requestor="user"),
        MultiToolMessage(
            role="tool", tool_messages=[ToolMessage(id="1", role="tool", content="x")]
        ),
        mock_task("update_task_with_user_tools"),
        RewardInfo(reward=0.5),
        TextRunConfig(domain="mock"),
    ]
    for value in values:
        kind = type(value)
        assert kind.model_validate(value.model_dump(exclude_unset=exclude_unset)) == value
        assert kind.model_validate_json(value.model_dump_json(exclude_unset=exclude_unset)) == value


def test_a_task_of_the_public_shape():
    task = Task.model_validate(
        {
            "id": "7",
            "description": {"purpose": None, "relevant_policies": None, "notes": None},
            "user_scenario": {
                "persona": None,
                "instructions": {
                    "domain": "retail",
                    "reason_for_call": "x",
                    "task_instructions": "y",
                },
            },
            "initial_state": None,
            "evaluation_criteria": {"actions": [], "communicate_info": [], "nl_assertions": None},
            "annotations": {"reviewer": "somebody"},
        }
    )
    assert [basis.value for basis in task.evaluation_criteria.reward_basis] == ["DB", "COMMUNICATE"]


def test_a_simulation_of_the_public_shape():
    run = SimulationRun.model_validate(
        {
            "id": "1", "task_id": "7", "timestamp": "t", "start_time": "s", "end_time": "e",
            "duration": 1.5, "termination_reason": "user_stop", "agent_cost": 0.1,
            "user_cost": None, "trial": 0, "seed": 1,
            "reward_info": {"reward": 1.0, "db_check": {"db_match": True, "db_reward": 1.0},
                            "reward_basis": ["DB"]}, "messages": [
                {"role": "assistant", "content": "Hi", "tool_calls": None, "turn_idx": 0,
                 "timestamp": "t"},
                {"role": "user", "content": "Hello", "turn_idx": 1},
                {"role": "assistant", "tool_calls": [{"id": "c", "name": "n", "arguments": {}}],
                 "cost": 0.0},
                {"id": "c", "role": "tool", "content": "x", "requestor": "assistant",
                 "error": False},
            ],
        }
    )  # fmt: skip
    assert [type(message).__name__ for message in run.messages] == [
        "AssistantMessage", "UserMessage", "AssistantMessage", "ToolMessage",
    ]  # fmt: skip


# --- runs -----------------------------------------------------------------------------------------

ARGS = {"script": ["###STOP###"]}


def test_run_task_and_run_tasks_with_flat_arguments(tmp_path):
    from tau2.run import run_task, run_tasks

    options = {
        "domain": "mock",
        "agent": "llm_agent",
        "user": "user_simulator",
        "llm_agent": "scripted/stop",
        "llm_args_agent": {},
        "llm_user": "scripted/stop",
        "llm_args_user": {},
        "max_steps": 20,
        "max_errors": 5,
        "seed": 3,
    }
    single = run_task(
        task=mock_task("create_task_1"), evaluation_type=EvaluationType.ALL, **options
    )
    assert (single.termination_reason, single.reward_info.reward, single.seed) == (
        "user_stop",
        0.0,
        3,
    )
    path = tmp_path / "out.json"
    results = run_tasks(
        tasks=get_tasks()[:2],
        num_trials=2,
        max_concurrency=2,
        save_to=path,
        console_display=False,
        **options,
    )
    assert len(results.simulations) == 4
    assert len(json.loads(path.read_text())["simulations"]) == 4


def test_run_single_task_is_a_plain_call_everywhere():
    from tau2.runner import arun_single_task, run_single_task

    config = TextRunConfig(domain="mock", llm_agent="scripted/stop", llm_user="scripted/stop")
    task = mock_task("create_task_1")

    async def inside():
        return run_single_task(config, task, seed=1), await arun_single_task(config, task, seed=1)

    plain, awaited = asyncio.run(inside())
    assert plain.task_id == awaited.task_id == "create_task_1"


def test_an_unknown_price_is_quiet(caplog):
    usage = scripted(answer("Hi"))[0]
    agent = LLMAgent(tools=[], domain_policy="", llm="nobody/knows-this-model", completion_fn=usage)
    message, _ = agent.generate_next_message(UserMessage(content="Hi"), agent.get_init_state())
    assert message.cost is None
    assert message.usage["prompt_tokens"] == 3
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "WARNING"}]
