"""Runs to report on, and a console that writes into memory."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.data_model.simulation import (
    AgentInfo,
    EnvironmentInfo,
    Info,
    Results,
    RewardInfo,
    SessionUsage,
    SimulationRun,
    UserInfo,
)
from tau2.data_model.tasks import RewardType, Task, UserScenario


def a_run(
    task_id: str = "task", reward: float | None = 1.0, trial: int = 0, **fields
) -> SimulationRun:
    """Return a simulation with a short conversation."""
    info = None
    if reward is not None:
        info = RewardInfo(
            reward=reward, reward_basis=[RewardType.DB], reward_breakdown={RewardType.DB: reward}
        )
    ended = "user_stop" if reward is not None else "infrastructure_error"
    return SimulationRun(
        **{
            "id": f"{task_id}-{trial}",
            "task_id": task_id,
            "trial": trial,
            "start_time": "2026-01-01T00:00:00",
            "end_time": "2026-01-01T00:00:01",
            "duration": 1.0,
            "termination_reason": ended,
            "reward_info": info,
            "seed": 5,
            "messages": [
                AssistantMessage(content="Hello", turn_idx=0),
                UserMessage(content="Help me", turn_idx=1),
                AssistantMessage(
                    tool_calls=[ToolCall(id="1", name="look", arguments={"order": "#W1"})],
                    turn_idx=2,
                ),
                ToolMessage(id="1", content='{"status": "pending"}', turn_idx=3),
            ],
            **fields,
        }
    )


def a_priced_run(cost: float | None, tokens: int = 10, **fields) -> SimulationRun:
    """Return a simulation whose agent called a model."""
    usage = SessionUsage(prompt_tokens=tokens, completion_tokens=1, model_calls=1)
    return a_run(
        agent_cost=cost, agent_usage=usage, user_cost=0.0, user_usage=SessionUsage(), **fields
    )


def some_results(*runs: SimulationRun, num_trials: int = 1) -> Results:
    """Return the results of a run."""
    names = dict.fromkeys(run.task_id for run in runs)
    return Results(
        info=Info(
            num_trials=num_trials,
            max_steps=10,
            max_errors=10,
            user_info=UserInfo(implementation="user_simulator", llm="u-model"),
            agent_info=AgentInfo(implementation="llm_agent", llm="a-model"),
            environment_info=EnvironmentInfo(domain_name="shop", policy="Be kind."),
            seed=300,
        ),
        tasks=[Task(id=name, user_scenario=UserScenario(instructions="Ask.")) for name in names],
        simulations=list(runs),
    )


@pytest.fixture
def screen():
    """A console of 80 columns; `screen.file.getvalue()` is what it shows."""
    return Console(file=io.StringIO(), width=80, markup=False, emoji=False, highlight=False)


def shown(console: Console, view) -> str:
    """Return what a console shows of a view."""
    console.print(view)
    return console.file.getvalue()
