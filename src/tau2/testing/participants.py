"""What every agent and every simulated user owes.

They meet the domain `mock`: its tools, its policy and one of its tasks.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from typing import Any, ClassVar

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.participant.drive import reply
from tau2.participant.protocols import ParticipantProtocol
from tau2.participant.spec import AgentSpec, UserSpec
from tau2.registry import registry
from tau2.runner.build import build_text_orchestrator
from tau2.runner.simulation import run_simulation
from tau2.testing.installed import check_name
from tau2.utils.json_types import JsonMapping

ODD_TEXTS = (
    *("", " ", "\n", "{}", "null", "a" * 5000, "<think>", "###", "\N{SLIGHTLY SMILING FACE}" * 40),
    *("\u202e\u0000", "DROP TABLE users;", "%s %d {x}"),
)
"""Texts that models and people send now and then."""
TALK = ("Hello, what is your name?", "Shall I go ahead?", "It is done. Anything else?", "Goodbye.")
_DOMAIN = "mock"
_TASK_IDS = ("create_task_1", "update_task_1")
_MOST_STEPS = 40  # of an episode; an agent that never ends its conversations is not at fault
_MOST_CALLS = 5  # of a user, one after the other


class AgentSuite:
    """The checks of an agent; a subclass names its `spec`.

    An agent that calls a model calls `llm` with `llm_args`: it asks, calls a tool, and ends.
    """

    spec: ClassVar[AgentSpec]
    llm: ClassVar[str] = "scripted/agent"
    llm_args: ClassVar[JsonMapping] = {
        "script": ["How can I help?", {"name": "get_users", "arguments": {}}, "Anything else?"]
    }

    def test_it_is_installed_under_its_name(self) -> None:
        check_name(registry.agents, self.spec, self.spec.name)

    def test_it_answers_every_kind_of_message(self) -> None:
        first = ToolMessage(id="call_1", content="ok")
        several = MultiToolMessage(
            tool_messages=[first, ToolMessage(id="call_2", content="Not found", error=True)]
        )
        for message in (self._opening("Hello"), first, several):
            agent = self._agent()
            answer, _ = reply(agent, message, agent.get_init_state([]))
            assert isinstance(answer, AssistantMessage)
            answer.validate()

    def test_it_survives_odd_texts(self) -> None:
        for text in ODD_TEXTS:
            self._transcript([text] * 3)

    def test_the_same_seed_gives_the_same_transcript(self) -> None:
        assert self._transcript(TALK) == self._transcript(TALK)

    def test_a_state_can_be_copied_and_pickled(self) -> None:
        agent = self._agent()
        _, state = reply(agent, self._opening("Hello"), agent.get_init_state([]))
        _check_state(state)
        before = pickle.dumps(state)
        reply(agent, self._opening("And now?"), copy.deepcopy(state))
        assert pickle.dumps(state) == before, "a copy of a state shares something with it"

    def test_it_keeps_nothing_on_itself(self) -> None:
        """One agent may be asked about several conversations in turn."""
        agent = self._agent()
        opening = self._opening("Hello")
        answer, _ = reply(agent, opening, agent.get_init_state([]))
        reply(agent, self._opening("Something else"), agent.get_init_state([]))
        again, _ = reply(agent, opening, agent.get_init_state([]))
        assert _line(answer) == _line(again), "keep what is remembered in the state"

    def test_it_goes_on_with_a_conversation(self) -> None:
        call = ToolCall(id="call_1", name="get_users", arguments={})
        history: list[Message] = [
            AssistantMessage(tool_calls=[call]),
            ToolMessage(id="call_1", content="[]"),
        ]
        if not self.spec.solo:
            history[:0] = [AssistantMessage(content="Hi!"), UserMessage(content="Hello")]
        _check_state(self._agent().get_init_state(history))

    def test_it_leaves_its_tools_as_they_were(self) -> None:
        tools = _environment().get_tools()
        names = [tool.name for tool in tools]
        self._agent(tools)
        assert [tool.name for tool in tools] == names

    def test_it_plays_whole_episodes(self) -> None:
        for task in _tasks():
            if self.spec.accepts is None or self.spec.accepts(task):
                run = self._played(task)
                blamed = TerminationReason.AGENT_ERROR
                assert run.termination_reason is not blamed, f"task {task.id}: {run.info}"
                assert run.messages

    def _played(self, task: Task) -> SimulationRun:
        config = TextRunConfig(
            domain=_DOMAIN,
            agent=self.spec.name,
            llm_agent=self.llm,
            llm_args_agent=dict(self.llm_args),
            user="dummy_user" if self.spec.solo else "scripted_user",
            max_steps=_MOST_STEPS,
        )
        return run_simulation(build_text_orchestrator(config, task, seed=1))

    def _agent(self, tools: list[Any] | None = None) -> ParticipantProtocol:
        env = _environment()
        # A later version of tau2 may pass more options than this one.
        options = {"task": _tasks()[0], "completion_fn": None, "a_later_option": None}
        llm_args = dict(self.llm_args)
        given = env.get_tools() if tools is None else tools
        return self.spec.make(
            tools=given,
            domain_policy=env.get_policy(),
            llm=self.llm,
            llm_args=llm_args,
            seed=1,
            **options,
        )

    def _opening(self, text: str) -> UserMessage | None:
        return None if self.spec.solo else UserMessage(content=text or "...")

    def _transcript(self, texts: Sequence[str]) -> list[str]:
        agent = self._agent()
        state = agent.get_init_state([])
        heard: Message | None = self._opening(texts[0])
        said = []
        for text in texts:
            answer, state = reply(agent, heard, state)
            answer.validate()
            said.append(_line(answer))
            if agent.is_stop(answer):
                break
            heard = _results(answer, text) or self._opening(text)
        return said


class UserSuite:
    """The checks of a simulated user; a subclass names its `spec`.

    A user that calls a model calls `llm` with `llm_args`: it asks, agrees, and ends.
    """

    spec: ClassVar[UserSpec]
    llm: ClassVar[str] = "scripted/user"
    llm_args: ClassVar[JsonMapping] = {"script": ["I need a new task.", "Yes, please."]}

    def test_it_is_installed_under_its_name(self) -> None:
        check_name(registry.users, self.spec, self.spec.name)

    def test_it_speaks_or_acts_as_the_user(self) -> None:
        user = self._user()
        state = user.get_init_state([])
        for text in TALK[:2]:
            answer, state = reply(user, AssistantMessage(content=text), state)
            assert isinstance(answer, UserMessage)
            assert all(call.requestor == "user" for call in answer.tool_calls or ())

    def test_it_survives_odd_texts(self) -> None:
        for text in ODD_TEXTS:
            self._transcript(["Hi!", text, text])

    def test_the_same_seed_gives_the_same_transcript(self) -> None:
        assert self._transcript(TALK) == self._transcript(TALK)

    def test_a_state_can_be_copied_and_pickled(self) -> None:
        user = self._user()
        _, state = reply(user, AssistantMessage(content="Hi!"), user.get_init_state([]))
        _check_state(state)
        before = pickle.dumps(state)
        reply(user, AssistantMessage(content="Your name?"), copy.deepcopy(state))
        assert pickle.dumps(state) == before, "a copy of a state shares something with it"

    def test_it_goes_on_with_a_conversation(self) -> None:
        history: list[Message] = [
            AssistantMessage(content="Hi!"),
            UserMessage(content="Hello"),
            AssistantMessage(content="Well?"),
        ]
        _check_state(self._user().get_init_state(history))

    def test_it_honours_the_tokens(self) -> None:
        user = self._user()
        for token in ("###STOP###", "###TRANSFER###", "###OUT-OF-SCOPE###"):
            assert user.is_stop(UserMessage(content=f"Bye {token}")), f"{token} is not the end"
        assert not user.is_stop(UserMessage(content="Bye"))

    def test_it_plays_whole_episodes(self) -> None:
        config = TextRunConfig(
            domain=_DOMAIN,
            agent="oracle_agent",
            user=self.spec.name,
            llm_user=self.llm,
            llm_args_user=dict(self.llm_args),
            max_steps=_MOST_STEPS,
        )
        for task in _tasks():
            run = run_simulation(build_text_orchestrator(config, task, seed=1))
            blamed = TerminationReason.USER_ERROR
            assert run.termination_reason is not blamed, f"task {task.id}: {run.info}"

    def _user(self) -> ParticipantProtocol:
        task = _tasks()[0]
        # A later version of tau2 may pass more options than this one.
        options = {"task": task, "completion_fn": None, "a_later_option": None}
        return self.spec.make(
            tools=_environment().get_user_tools(),
            instructions=str(task.user_scenario),
            llm=self.llm,
            llm_args=dict(self.llm_args),
            persona_config=None,
            seed=1,
            **options,
        )

    def _transcript(self, texts: Sequence[str]) -> list[str]:
        user = self._user()
        state = user.get_init_state([])
        said = []
        for text in texts:
            heard: Message | None = AssistantMessage(content=text)
            calls = 0
            while heard is not None and calls <= _MOST_CALLS:
                answer, state = reply(user, heard, state)
                answer.validate()
                said.append(_line(answer))
                heard = _results(answer, "Done.")
                calls += 1
            if user.is_stop(answer):
                break
        return said


def _environment() -> Environment:
    return registry.get_env_constructor(_DOMAIN)()


def _tasks() -> list[Task]:
    return registry.get_tasks_loader(_DOMAIN)(None, task_ids=_TASK_IDS)


def _results(answer: Any, text: str) -> ToolMessage | MultiToolMessage | None:
    """Return results of the calls of a message; None where it has none."""
    results = [
        ToolMessage(id=call.id, content=text, requestor=call.requestor)
        for call in answer.tool_calls or ()
    ]
    if not results:
        return None
    return results[0] if len(results) == 1 else MultiToolMessage(tool_messages=results)


def _line(message: Any) -> str:
    """Return a message as text, without ids and times."""
    calls = " ".join(f"{call.name}({call.arguments})" for call in message.tool_calls or ())
    return f"{message.role}: {message.content or ''} {calls}"


def _check_state(state: object) -> None:
    """Assert that a state can go to another process."""
    try:
        pickle.loads(pickle.dumps(state))  # noqa: S301  -- what was pickled in the same line
    except (pickle.PicklingError, TypeError, AttributeError) as problem:
        raise AssertionError(f"a state cannot be pickled: {problem}") from problem
