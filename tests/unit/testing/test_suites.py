"""The conformance suites pass what is right, and say what is wrong."""

from __future__ import annotations

from dataclasses import replace
from unittest import SkipTest

import pytest

from tau2 import plugins
from tau2.agent.baselines import AGENTS
from tau2.domains.mock.spec import DOMAIN
from tau2.environment.toolkit import ToolType, is_tool
from tau2.errors import ConfigError
from tau2.llm.backends.scripted import BACKEND
from tau2.participant.spec import AgentSpec, UserSpec
from tau2.plugins import (
    AssistantMessage,
    Environment,
    HalfDuplexAgent,
    HalfDuplexUser,
    UserMessage,
    agent_from_function,
)
from tau2.registry import registry
from tau2.testing import AgentSuite, BackendSuite, DomainSuite, UserSuite
from tau2.user.scripted_user import USERS


def suite(kind, **attributes):
    return type("Suite", (kind,), attributes)()


def checks(made):
    return [name for name in dir(made) if name.startswith("test_")]


def problems(made, *only):
    """Return the names of the checks that fail."""
    failed = []
    for name in only or checks(made):
        try:
            getattr(made, name)()
        except AssertionError:
            failed.append(name)
        except SkipTest:
            continue
    return failed


def test_what_comes_with_tau2_passes():
    spec = replace(DOMAIN, description="a task list")
    assert problems(suite(DomainSuite, spec=spec, most_tasks=2)) == [
        "test_it_is_installed_under_its_name"  # the one that is installed has no description
    ]
    assert problems(suite(AgentSuite, spec=AGENTS[0])) == []
    assert problems(suite(UserSuite, spec=USERS[0])) == []
    echo = suite(BackendSuite, spec=BACKEND, model="scripted/echo")
    assert problems(echo) == []


class Forgetful(HalfDuplexAgent[list]):
    """Keeps what it hears on itself, and a function in its state."""

    heard = 0

    def get_init_state(self, message_history=None):
        return [lambda: None]

    def generate_next_message(self, message, state):
        self.heard += 1
        return AssistantMessage(content=f"This is message {self.heard}."), state


def forgetful(tools, domain_policy, **_more):
    return Forgetful(tools, domain_policy)


def test_an_agent_that_keeps_its_state_on_itself_is_found():
    spec = AgentSpec("forgetful", make=forgetful)
    with registry.agents.adding(spec):
        assert problems(suite(AgentSuite, spec=spec)) == [
            "test_a_state_can_be_copied_and_pickled",
            "test_it_goes_on_with_a_conversation",
            "test_it_keeps_nothing_on_itself",
        ]


def test_an_agent_that_is_not_installed_is_told_to_be():
    spec = AgentSpec("absent", make=forgetful)
    with pytest.raises(AssertionError, match=r"pip install -e \."):
        suite(AgentSuite, spec=spec).test_it_is_installed_under_its_name()


class Deaf(HalfDuplexUser[None]):
    """Never ends, and acts as the agent."""

    def get_init_state(self, message_history=None):
        return None

    def generate_next_message(self, message, state):
        return AssistantMessage(content="No."), state

    @classmethod
    def is_stop(cls, message):
        return False


def test_a_user_that_is_none_is_found():
    spec = UserSpec("deaf", make=lambda **_: Deaf())
    with registry.users.adding(spec):
        found = problems(
            suite(UserSuite, spec=spec),
            "test_it_speaks_or_acts_as_the_user",
            "test_it_honours_the_tokens",
        )
    assert len(found) == 2


def test_a_look_up_that_writes_is_found():
    class Tools(type(DOMAIN.environment().tools)):
        @is_tool(ToolType.READ)
        def update_task_status(self, task_id: str, status: str) -> str:
            self.db.tasks[task_id].status = status
            return "done"

    def environment(solo_mode=False):
        made = DOMAIN.environment()
        return Environment("mock", made.policy, Tools(made.tools.db), made.user_tools)

    spec = replace(DOMAIN, environment=environment)
    found = suite(DomainSuite, spec=spec, most_tasks=5)
    with pytest.raises(AssertionError, match="update_task_status"):
        found.test_reading_changes_nothing()
    with pytest.raises(AssertionError, match="no type or no description"):
        found.test_tools_are_typed_and_described()
    with pytest.raises(AssertionError, match="description of one line"):
        found.test_it_says_what_it_is()


def test_a_backend_of_another_name_is_found():
    made = suite(BackendSuite, spec=replace(BACKEND, name="other"), model="scripted/echo")
    with pytest.raises(AssertionError, match="goes to the backend 'scripted'"):
        made.test_it_is_installed_under_its_name()
    with pytest.raises(ConfigError, match="no script named 'nobody'"):
        suite(
            BackendSuite, spec=BACKEND, model="scripted/nobody"
        ).test_it_finds_nothing_wrong_before_a_run()


# --- an agent that is a function ------------------------------------------------------------------


def brief(messages, tools):
    """Look once, then say what was found."""
    if messages[-1]["role"] == "tool":
        return f"I found {messages[-1]['content']}"
    return {"name": tools[0]["function"]["name"], "arguments": {}}


async def later(messages, tools):
    return f"{len(messages)} messages and {len(tools)} tools"


def test_a_function_is_an_agent():
    tools = [t for t in DOMAIN.environment().get_tools() if t.name == "get_users"]
    agent = agent_from_function(brief)(tools, "Be kind.", llm=None, seed=1)
    first, state = agent.generate_next_message(UserMessage(content="Hi"), agent.get_init_state())
    assert [call.name for call in first.tool_calls] == ["get_users"]
    result = plugins.ToolMessage(id=first.tool_calls[0].id, content="nobody")
    assert agent.generate_next_message(result, state)[0].content == "I found nobody"


def test_a_coroutine_function_is_an_agent_too():
    agent = agent_from_function(later)([], "Be kind.")
    reply, _ = agent.generate_next_message(UserMessage(content="Hi"), agent.get_init_state())
    assert reply.content == "2 messages and 0 tools"


def test_a_function_that_answers_something_else_is_refused():
    agent = agent_from_function(lambda messages, tools: 7)([], "Be kind.")
    with pytest.raises(ConfigError, match="not an entry of a script: 7"):
        agent.generate_next_message(UserMessage(content="Hi"), agent.get_init_state())


def test_an_agent_that_is_a_function_passes_its_suite():
    spec = AgentSpec("brief", make=agent_from_function(brief), needs_model=False)
    with registry.agents.adding(spec):
        assert problems(suite(AgentSuite, spec=spec)) == []


def test_every_name_of_plugins_is_there():
    assert [name for name in plugins.__all__ if getattr(plugins, name, None) is None] == []
    assert set(plugins.__all__) == set(plugins._HOME)
