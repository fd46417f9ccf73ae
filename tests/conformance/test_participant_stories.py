"""Whole episodes without a model.

The oracle and the scripted user solve tasks of every domain, the floors none.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.reference import REFERENCE, needs_reference

from tau2.agent.baselines import LazyAgent
from tau2.agent.oracle_agent import OracleAgent
from tau2.agent.oracle_agent.plan import plan_of
from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.data_model.persona import PersonaConfig
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.data_model.tasks import RewardType, Task
from tau2.errors import DataFileError
from tau2.evaluator.evaluator import EvaluationType
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.registry import registry
from tau2.runner.simulation import run_simulation
from tau2.user.scripted_user import ScriptedUser
from tau2.user.user_simulator import DummyUser

PERSONAS = {
    "standard": PersonaConfig(),
    "terse": PersonaConfig(verbosity="minimal"),
    "talkative": PersonaConfig(verbosity="talkative"),
    "absent-minded": PersonaConfig(corrects_itself=True),
    "all at once": PersonaConfig(verbosity="talkative", corrects_itself=True),
}
DOMAINS = ["mock", "retail", "airline", "telecom"]
MOST_TASKS = 24  # of one domain; they are spread over its whole list

by_domain = pytest.mark.parametrize("domain", DOMAINS)
by_persona = pytest.mark.parametrize("persona", PERSONAS.values(), ids=PERSONAS.keys())


def tasks_of(domain: str) -> list[Task]:
    """Return tasks of a domain that can be graded without a judge."""
    if domain not in registry.get_domains():
        pytest.skip(f"this version has no domain {domain!r}")
    try:
        tasks = registry.get_tasks_loader(domain)()
    except DataFileError as problem:
        if "cannot be read" not in str(problem):
            raise
        pytest.skip(f"{domain} has no data yet: {problem}")
    return tasks[:: max(1, len(tasks) // MOST_TASKS)]


def basis(task: Task) -> list[RewardType]:
    return task.evaluation_criteria.reward_basis if task.evaluation_criteria else []


def without_judge(task: Task) -> Task:
    """Return the task graded by everything but sentences for a judge."""
    criteria = task.evaluation_criteria
    assert criteria is not None
    kept = [part for part in criteria.reward_basis if part is not RewardType.NL_ASSERTION]
    return task.model_copy(
        update={"evaluation_criteria": criteria.model_copy(update={"reward_basis": kept})}
    )


def cast(
    domain: str, task: Task, agent: Any, persona: PersonaConfig | None = None, seed: int = 5
) -> Orchestrator:
    environment = registry.get_env_constructor(domain)()
    own = (
        environment.get_user_tools(include=task.user_tools)
        if environment.user_tools is not None
        else None
    )
    return Orchestrator(
        domain=domain,
        agent=agent(
            tools=environment.get_tools(), domain_policy=environment.get_policy(), task=task
        ),
        user=ScriptedUser(task=task, tools=own, persona_config=persona),
        environment=environment,
        task=task,
        max_steps=200,
        seed=seed,
    )


def played(
    domain: str, task: Task, agent: Any = OracleAgent, persona: PersonaConfig | None = None
) -> SimulationRun:
    orchestrator = cast(domain, without_judge(task), agent, persona)
    return run_simulation(orchestrator, evaluation_type=EvaluationType.ALL)


@by_domain
@by_persona
def test_the_oracle_solves_every_task_with_every_customer(
    domain: str, persona: PersonaConfig
) -> None:
    for task in tasks_of(domain):
        run = played(domain, task, persona=persona)
        assert run.termination_reason in {
            TerminationReason.USER_STOP,
            TerminationReason.AGENT_STOP,
        }, task.id
        assert run.reward_info is not None
        assert run.reward_info.reward == 1.0, (task.id, run.reward_info)


@by_domain
def test_the_lazy_agent_earns_nothing_where_something_had_to_change(domain: str) -> None:
    for task in tasks_of(domain):
        if any(step.changes_something for step in plan_of(task)) and basis(task) != [
            RewardType.NL_ASSERTION
        ]:
            run = played(domain, task, LazyAgent)
            assert run.reward_info is not None
            assert run.reward_info.reward == 0.0, task.id


@by_domain
def test_sync_and_async_give_the_same_conversation(domain: str) -> None:
    for task in tasks_of(domain)[:6]:
        one, two = cast(domain, task, OracleAgent), cast(domain, task, OracleAgent)
        assert said(one.run()) == said(asyncio.run(two.arun()))


@by_domain
def test_what_is_said_reads_like_talk(domain: str) -> None:
    for task in tasks_of(domain):
        tools = {
            action.name
            for action in (task.evaluation_criteria and task.evaluation_criteria.actions) or []
        }
        for message in played(domain, task).messages or []:
            if isinstance(message, UserMessage) and message.content:
                assert_speech(message.content)
            elif isinstance(message, AssistantMessage) and message.content:
                assert not [name for name in tools if "_" in name and name in message.content]


def assert_speech(text: str) -> None:
    assert "\t" not in text
    assert "the agent" not in text.lower(), text
    assert not text.startswith(("You ", "Your ")), text
    assert "  " not in text, text


def said(run: SimulationRun) -> list[tuple[str, Any, Any]]:
    return [(m.role, m.content, getattr(m, "tool_calls", None)) for m in run.messages or []]  # type: ignore[union-attr]


@pytest.mark.parametrize("domain", ["mock", "telecom"])
def test_solo_the_oracle_solves_what_has_a_ticket(domain: str) -> None:
    for task in tasks_of(domain):
        history = task.initial_state.message_history if task.initial_state is not None else None
        if not task.ticket or history:
            continue
        environment = registry.get_env_constructor(domain)(solo_mode=True)
        tools = [*environment.get_tools(), *environment.get_user_tools()]
        orchestrator = Orchestrator(
            domain=domain,
            agent=OracleAgent(tools=tools, domain_policy=environment.get_policy(), task=task),
            user=DummyUser(),
            environment=environment,
            task=without_judge(task),
            solo_mode=True,
        )
        # Whose call it was cannot count here: alone, the agent makes the customer's calls itself.
        run = run_simulation(orchestrator, evaluation_type=EvaluationType.ENV)
        assert run.termination_reason is TerminationReason.AGENT_STOP, task.id
        assert run.reward_info is not None
        assert run.reward_info.reward == 1.0, (task.id, run.reward_info)


@needs_reference
@pytest.mark.parametrize("domain", ["retail", "airline", "telecom"])
def test_the_oracle_solves_the_public_tasks(domain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))
    tasks = tasks_of(domain)
    rewards = [(task.id, played(domain, task).reward_info) for task in tasks]
    assert [name for name, info in rewards if info is None or info.reward != 1.0] == []
