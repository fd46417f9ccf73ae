"""AReaL's own tau2 example, in the calls that it makes: its module runs on this package as it is.

The example evaluates its annotations (`LocalAgent[LLMAgentState]`), replaces
`_get_message_from_response` at import, gives both participants a completion function of its own,
appends a `Tool` made from a function, and plays with `arun`.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

import tau2.utils.llm_utils
from tau2.agent.llm_agent import LLMAgent, LLMAgentState, LocalAgent
from tau2.data_model.message import AssistantMessage, Message, ToolCall
from tau2.data_model.simulation import RewardInfo
from tau2.data_model.tasks import Task
from tau2.environment.tool import Tool
from tau2.evaluator.evaluator import EvaluationType, evaluate_simulation
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.registry import registry
from tau2.user.user_simulator import BaseUser, UserSimulator

CREATE = ("create_task", {"user_id": "user_1", "title": "Important Meeting"})


class RunInfo(BaseModel):
    """What the example keeps of an episode."""

    reward: float
    messages: list[Message]
    task: Task
    reward_info: RewardInfo | None = None


@dataclass
class Endpoint:
    """Answers in turn, as the example's clients do: objects with attributes, not dictionaries."""

    answers: list[Any]
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def complete(self, **request: Any) -> Any:
        self.asked.append(request)
        await asyncio.sleep(0)
        return as_completion(self.answers.pop(0))


class Shape:
    """Attributes of a response."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)

    def model_dump(self, **_options: Any) -> dict[str, Any]:
        return {name: dumped(value) for name, value in vars(self).items()}


def dumped(value: Any) -> Any:
    if isinstance(value, list):
        return [dumped(one) for one in value]
    return value.model_dump() if isinstance(value, Shape) else value


def as_completion(answer: Any) -> Shape:
    calls = None
    if isinstance(answer, tuple):
        function = Shape(name=answer[0], arguments=json.dumps(answer[1]))
        calls = [Shape(id="call_1", type="function", function=function)]
    text = answer if isinstance(answer, str) else None
    message = Shape(role="assistant", content=text, tool_calls=calls)
    usage = Shape(completion_tokens=3, prompt_tokens=5)
    return Shape(choices=[Shape(finish_reason="stop", message=message)], usage=usage)


def as_message(completion: Any) -> AssistantMessage:
    """Read a completion as the example's replacement does."""
    said = completion.choices[0].message
    calls = [
        ToolCall(id=c.id, name=c.function.name, arguments=json.loads(c.function.arguments))
        for c in said.tool_calls or ()
    ]
    return AssistantMessage(
        role="assistant",
        content=said.content,
        tool_calls=calls or None,
        cost=0.0,
        usage={"completion_tokens": completion.usage.completion_tokens},
        raw_data=completion.model_dump(),
    )


@pytest.fixture(autouse=True)
def _replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tau2.utils.llm_utils, "_get_message_from_response", as_message, raising=False
    )


def think(thoughts: str):
    """Use this tool to think."""
    return "Your thoughts are recorded."


def find(domain: str, task_id: str, split: str | None) -> Task:
    tasks: list[Task] = registry.get_tasks_loader(domain)(split)
    return next(task for task in tasks if task.id == task_id)


def play(agent_says: list[Any], user_says: list[str]) -> tuple[RunInfo, Endpoint]:
    task = find("mock", "create_task_1", "base")
    env = registry.get_env_constructor("mock")(solo_mode=False)
    policy = Endpoint(agent_says)
    customer = Endpoint(list(user_says))
    tools: list[Tool] = env.get_tools()
    tools.append(Tool(think))
    agent = LLMAgent(
        tools=tools,
        domain_policy=env.get_policy(),
        llm="dummy",
        llm_args={"temperature": 1.0, "max_completion_tokens": 8192},
        completion_fn=policy.complete,
    )
    user = UserSimulator(
        tools=None,
        instructions=str(task.user_scenario),
        llm="openai/a-user",
        llm_args={"temperature": 0.0},
        completion_fn=customer.complete,
    )
    orchestrator = Orchestrator(
        domain="mock", agent=agent, user=user, environment=env, task=task, max_steps=50
    )
    simulation = asyncio.run(orchestrator.arun())
    graded = evaluate_simulation(
        domain="mock",
        task=task,
        simulation=simulation,
        evaluation_type=EvaluationType.ALL,
        solo_mode=False,
    )
    assert len(orchestrator.get_trajectory()) == len(simulation.messages)
    return RunInfo(
        reward=graded.reward, messages=simulation.messages, task=task, reward_info=graded
    ), policy


def test_the_examples_annotations_can_be_evaluated() -> None:
    def orchestrator_of(agent: LocalAgent[LLMAgentState], user: BaseUser) -> None: ...

    alias = LocalAgent[LLMAgentState]
    assert alias.__args__ == (LLMAgentState,)
    assert BaseUser[LLMAgentState].__args__ == (LLMAgentState,)
    orchestrator_of(None, None)  # type: ignore[arg-type]  # only its annotations matter


def test_an_episode_with_a_user_earns_its_reward() -> None:
    info, policy = play([CREATE, "It is on your list."], ["Put it on my list.", "###STOP###"])
    assert info.reward == 1.0
    assert policy.asked[0]["max_completion_tokens"] == 8192
    assert "think" in json.dumps(policy.asked[0]["tools"])
    assert yaml.safe_load(yaml.dump(json.loads(info.task.model_dump_json())))["id"] == info.task.id
    assert any(getattr(message, "usage", None) for message in info.messages)


def test_the_splits_are_found_as_the_example_does() -> None:
    loader = registry.get_task_splits_loader("airline")
    assert loader is not None
    assert {"train", "test"} <= set(loader())
