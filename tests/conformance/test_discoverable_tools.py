"""What every domain with discoverable tools owes: these tests come with the tools."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from tests.library import LIBRARY

from tau2.data_model.message import AssistantMessage, Message, ToolCall, UserMessage
from tau2.data_model.tasks import Task
from tau2.environment.discovery import DiscoverableAgentTools, DiscoverableUserTools
from tau2.environment.domain import DomainSpec
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup, set_initial_state
from tau2.environment.toolkit import ToolKitBase
from tau2.errors import DataFileError
from tau2.evaluator.evidence import make_gold
from tau2.registry import registry

FERRY = Path(__file__).parents[2] / "examples" / "ferry"
_MOST_TASKS = 12


def ferry() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FERRY))
        return import_module("tau2_ferry")


@lru_cache
def specs() -> dict[str, DomainSpec]:
    """Return the specs of all domains that have discoverable tools, also of those not installed."""
    known = [registry.domains.get(name) for name in registry.domains.names()]
    return {
        spec.name: spec
        for spec in [*known, LIBRARY, ferry().DOMAIN]
        if has_discoverable_tools(spec)
    }


def has_discoverable_tools(spec: DomainSpec) -> bool:
    try:
        environment = spec.environment()
    except DataFileError:
        return False
    kits = [environment.tools, environment.user_tools]
    return any(kit.get_discoverable_tools() for kit in kits if isinstance(kit, ToolKitBase))


every_domain = pytest.mark.parametrize("spec", specs().values(), ids=specs().keys())


def tasks_of(spec: DomainSpec) -> list[Task]:
    """Return some tasks whose reference calls discoverable tools, spread over the task set."""
    return _tasks_of(spec.name)


@lru_cache
def _tasks_of(domain: str) -> list[Task]:
    tasks = [
        task
        for task in specs()[domain].tasks()
        if any("discoverable" in action.name for action in task.reference_actions)
    ]
    assert tasks, "discoverable tools that no task needs"
    return tasks[:: max(1, len(tasks) // _MOST_TASKS)]


def respond(env: Environment, name: str, by: str = "assistant", **arguments: object):
    return env.get_response(ToolCall(id="1", name=name, arguments=arguments, requestor=by))


def agent_tools(env: Environment) -> list[str]:
    return list(env.tools.get_discoverable_tools())


def unlock(env: Environment, name: str):
    return respond(env, "unlock_discoverable_agent_tool", agent_tool_name=name)


def carried_out(env: Environment, task: Task) -> list[Message]:
    """Carry out the reference actions; return the conversation."""
    said: list[Message] = []
    for number, action in enumerate(task.reference_actions):
        call = ToolCall(
            id=str(number),
            name=action.name,
            arguments=action.arguments,
            requestor=action.requestor,
        )
        speaker = UserMessage if action.requestor == "user" else AssistantMessage
        said += [speaker(content=None, tool_calls=[call]), env.get_response(call)]
    return said


def unlocked(env: Environment) -> frozenset[str]:
    return env.tools.unlocked


@every_domain
def test_the_toolkits_are_those_that_log(spec):
    env = spec.environment()
    if env.tools.get_discoverable_tools():
        assert isinstance(env.tools, DiscoverableAgentTools)
    if env.user_tools is not None and env.user_tools.get_discoverable_tools():
        assert isinstance(env.user_tools, DiscoverableUserTools)
        assert env.user_tools.db is env.tools.db


@every_domain
def test_every_tool_is_refused_until_it_is_unlocked_and_then_described(spec):
    env = spec.environment()
    before = env.get_db_hash()
    listed = {tool.name for tool in env.get_tools()}
    for name, tool in env.tools.get_discoverable_tools().items():
        assert name not in listed
        for refused in (
            respond(env, name),
            respond(env, "call_discoverable_agent_tool", agent_tool_name=name),
        ):
            assert (refused.error, "not unlocked" in refused.content) == (True, True), name
        shown = unlock(env, name)
        assert not shown.error
        assert tool.short_desc in shown.content
        for parameter in tool.params.model_fields:
            assert f"- {parameter} (" in shown.content
        assert respond(env, name).error
    assert unlocked(env) == set(agent_tools(env))
    assert env.get_db_hash() == before


@every_domain
def test_every_parameter_is_described(spec):
    env = spec.environment()
    kits = [kit for kit in (env.tools, env.user_tools) if kit is not None]
    nameless = [
        (tool.name, name)
        for kit in kits
        for tool in kit.get_discoverable_tools().values()
        for name, parameter in tool.params.model_fields.items()
        if not parameter.description
    ]
    assert nameless == []


@every_domain
def test_a_fork_keeps_what_is_unlocked_and_goes_its_own_way(spec):
    env = spec.environment()
    first, *others = agent_tools(env)
    unlock(env, first)
    fork = env.fork()
    assert unlocked(fork) == {first}
    unlock(fork, others[0])
    assert unlocked(env) == {first}
    assert unlocked(fork.fork()) == {first, others[0]}
    assert unlocked(spec.environment()) == set()


@every_domain
def test_a_conversation_that_is_played_again_ends_the_same(spec):
    for task in tasks_of(spec):
        setup = TaskSetup(task, spec.environment)
        env = setup.start()
        said = carried_out(env, task)
        again = spec.environment()
        set_initial_state(again, task, said)
        assert again.same_state(env), task.id
        assert again.get_db_hash() == env.get_db_hash()
        assert unlocked(again) == unlocked(env)


@every_domain
def test_what_the_reference_looks_up_is_logged_wherever_it_is_made(spec):
    for task in tasks_of(spec):
        setup = TaskSetup(task, spec.environment)
        env = setup.start()
        carried_out(env, task)
        gold = make_gold(setup)
        assert (task.id, gold.errors) == (task.id, [])
        assert gold.environment.same_state(env), task.id
        log = set(gold.environment.tools.called_agent_tools())
        assert log == {
            action.arguments["agent_tool_name"]
            for action in task.reference_actions
            if action.name == "call_discoverable_agent_tool"
        }


@every_domain
def test_other_look_ups_leave_nothing(spec):
    for task in tasks_of(spec)[:3]:
        setup = TaskSetup(task, spec.environment)
        env = setup.start()
        carried_out(env, task)
        end = env.get_db_hash()
        for name in other_look_ups(env, task):
            unlock(env, name)
            respond(env, "call_discoverable_agent_tool", agent_tool_name=name)
        assert env.get_db_hash() == end


def other_look_ups(env: Environment, task: Task) -> list[str]:
    """Return the tools that only read and that the reference does not call."""
    asked = {action.arguments.get("agent_tool_name") for action in task.reference_actions}
    return [
        name
        for name in agent_tools(env)
        if name not in asked and env.tools.tool_type(name).value == "read"
    ]


def test_the_example_is_found_by_its_name_once_it_is_installed():
    project = tomllib.loads((FERRY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entry = project["entry-points"]["tau2.domains"]["ferry"]
    module, _, name = entry.partition(":")
    assert (module, name) == (ferry().__name__, "DOMAIN")
    assert getattr(ferry(), name).name == "ferry"
