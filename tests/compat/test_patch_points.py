"""Names that clients replace have their effect, as attributes and through `unittest.mock.patch`."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest
from tests.cast import a_task, create_meeting, mock_task

import tau2.agent.llm_agent
import tau2.runner.batch
import tau2.user.user_simulator
from tau2.agent.llm_agent import LLMAgent, LLMGTAgent
from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.data_model.simulation import SimulationRun, TextRunConfig
from tau2.domains.mock.environment import get_environment
from tau2.gym import AgentGymEnv
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.runner import run_single_task, run_tasks
from tau2.user.user_simulator import UserSimulator

NO_MODEL = "openai/model-without-a-key"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


class Answers:
    """Stands in for `generate`, and keeps what it was called with."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.calls: list[dict] = []

    def __call__(self, model, messages, tools=None, call_name=None, **kwargs):
        self.calls.append({"model": model, "messages": messages, "tools": tools, **kwargs})
        text = self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]
        return AssistantMessage(role="assistant", content=text, cost=0.0)


def agent_and_user() -> tuple[LLMAgent, UserSimulator]:
    agent = LLMAgent(tools=get_environment().get_tools(), domain_policy="Be kind.", llm=NO_MODEL)
    return agent, UserSimulator(instructions="Ask.", llm=NO_MODEL)


def prompt_of(participant) -> str:
    return participant.get_init_state().system_messages[0].content


def test_the_agents_prompt_is_made_of_what_clients_put_there():
    agent, _ = agent_and_user()
    module = tau2.agent.llm_agent
    before = prompt_of(agent)
    with patch.object(module, "AGENT_INSTRUCTION", "Speak in rhymes."):
        assert "Speak in rhymes." in prompt_of(agent)
        assert "Be kind." in prompt_of(agent)
    with patch("tau2.agent.llm_agent.SYSTEM_PROMPT", "{domain_policy} / {agent_instruction}"):
        assert prompt_of(agent) == f"Be kind. / {module.AGENT_INSTRUCTION}"
    assert prompt_of(agent) == before


def test_a_replaced_instruction_reaches_the_ground_truth_agent_and_the_gym(monkeypatch):
    monkeypatch.setattr(tau2.agent.llm_agent, "AGENT_INSTRUCTION", "Speak in rhymes.")
    agent = LLMGTAgent(tools=[], domain_policy="", task=a_task(create_meeting()), llm=NO_MODEL)
    assert "Speak in rhymes." in agent.system_prompt
    env = AgentGymEnv("mock", "create_task_1", user="scripted_user")
    assert "Speak in rhymes." in env._get_system_prompt()


def test_the_users_prompt_is_made_of_what_clients_put_there():
    _, user = agent_and_user()
    before = prompt_of(user)
    with patch("tau2.user.user_simulator.get_global_user_sim_guidelines") as guidelines:
        guidelines.side_effect = lambda use_tools=False: f"Rules ({use_tools})"
        assert prompt_of(user).startswith("Rules (False)")
    template = "{instructions} | {global_user_sim_guidelines}"
    with patch("tau2.user.user_simulator.SYSTEM_PROMPT", template):
        assert prompt_of(user).startswith("Ask. | ")
    assert prompt_of(user) == before


@pytest.mark.parametrize("driver", ["run", "arun"])
def test_each_side_has_a_generate_of_its_own(driver):
    agent, user = agent_and_user()
    answering, asking = Answers("What can I do?"), Answers("A meeting, please.", "###STOP###")
    episode = Orchestrator("mock", agent, user, get_environment(), mock_task("create_task_1"))
    with (
        patch("tau2.agent.llm_agent.generate", answering),
        patch("tau2.user.user_simulator.generate", asking),
    ):
        run = episode.run() if driver == "run" else asyncio.run(episode.arun())
    assert [message.content for message in run.messages[1:]] == [
        "A meeting, please.", "What can I do?", "###STOP###",
    ]  # fmt: skip
    assert len(answering.calls) == 1
    assert answering.calls[0]["model"] == NO_MODEL
    assert "create_task" in [tool.name for tool in answering.calls[0]["tools"]]
    assert len(asking.calls) == 2


def test_a_replaced_generate_may_be_asynchronous():
    async def generate(**_kwargs):
        await asyncio.sleep(0)
        return AssistantMessage(role="assistant", content="later", cost=0.0)

    agent, _ = agent_and_user()
    with patch("tau2.agent.llm_agent.generate", generate):
        message, _ = agent.generate_next_message(UserMessage(content="Hi"), agent.get_init_state())
    assert message.content == "later"


def test_a_replaced_generate_needs_no_key_before_a_run():
    config = TextRunConfig(domain="mock", llm_agent=NO_MODEL, llm_user=NO_MODEL, max_retries=0)
    with (
        patch("tau2.agent.llm_agent.generate", Answers("Hello")),
        patch("tau2.user.user_simulator.generate", Answers("###STOP###")),
    ):
        results = run_tasks(config, [mock_task("create_task_1")], console_display=False)
    assert results.simulations[0].termination_reason == "user_stop"


SCRIPTED = TextRunConfig(domain="mock", agent="lazy_agent", user="scripted_user", max_retries=0)


def test_a_batch_plays_with_the_function_that_clients_put_there():
    seen = []
    original = tau2.runner.batch.run_single_task

    def spying(config, task, **options):
        seen.append((task.id, sorted(options)))
        run = original(config, task, **options)
        run.info = {"by": "client"}
        return run

    with patch("tau2.runner.batch.run_single_task", spying):
        results = run_tasks(SCRIPTED, [mock_task("create_task_1")], console_display=False)
    assert seen == [("create_task_1", ["evaluation_type", "seed"])]
    (run,) = results.simulations
    assert (run.info, run.trial, run.reward_info.reward) == ({"by": "client"}, 0, 0.0)


def test_a_clients_function_that_fails_is_a_record(monkeypatch):
    def failing(*_args, **_kwargs):
        raise ConnectionError("no connection")

    monkeypatch.setattr(tau2.runner.batch, "run_single_task", failing)
    results = run_tasks(SCRIPTED, [mock_task("create_task_1")], console_display=False)
    assert results.simulations[0].termination_reason == "infrastructure_error"


def test_run_task_of_the_older_interface_uses_it_too(monkeypatch):
    from tau2.run import run_task

    monkeypatch.setattr(tau2.runner.batch, "run_single_task", lambda *_, **__: "mine")
    assert run_task("mock", mock_task("create_task_1"), "llm_agent", "user_simulator") == "mine"


# --- the fork that awaits -------------------------------------------------------------------------


def test_what_run_single_task_returns_can_be_awaited():
    async def body() -> SimulationRun:
        return await run_single_task(SCRIPTED, mock_task("create_task_1"), seed=1)

    run = asyncio.run(body())
    assert isinstance(run, SimulationRun)
    assert run.agent_messages[0].role == "assistant"


def test_the_agents_messages_leave_out_the_users_own_tools():
    from tests.cast import calls, play, says

    task = mock_task("update_task_with_user_tools")
    user = says(calls("check_notifications"), "Please.", "Bye")
    run = play(task, agent=says("Hi"), user=user)
    assert {message.role for message in run.messages} == {"assistant", "user", "tool"}
    assert all(not message.calls for message in run.agent_messages)
    assert "tool" not in {message.role for message in run.agent_messages}
