"""A scripted conversation of 31 turns (61 steps, 20 tool calls) on retail, with grading.

Figures are CPU milliseconds (medians): building the orchestrator, playing, grading, and all of it.

  python benchmarks/bench_episode.py
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from common import report, rounded

from tau2.agent.base_agent import HalfDuplexAgent
from tau2.data_model.message import AssistantMessage, ToolCall, UserMessage
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.tasks import Task
from tau2.evaluator.evaluator import EvaluationType
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.registry import registry
from tau2.runner.simulation import grade_live
from tau2.user.base_user import HalfDuplexUser

TURNS = 30
ROUNDS = 25
TARGETS = {"all_ms": 6.0}


class Agent(HalfDuplexAgent):
    """Two tool calls, then a message, over and over."""

    blocking = False

    def __init__(self, calls: list[tuple[str, dict[str, Any]]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.calls = calls

    def get_init_state(self, message_history: list[Any] | None = None) -> int:
        return 0

    def generate_next_message(self, message: Any, state: int) -> tuple[AssistantMessage, int]:
        if state % 3 == 2:
            text = f"Here is what I found in step {state}. " + "Some more details for you. " * 6
            return AssistantMessage(content=text, cost=0.0), state + 1
        name, arguments = self.calls[state % len(self.calls)]
        call = ToolCall(id=f"c{state}", name=name, arguments=arguments)
        return AssistantMessage(tool_calls=[call], cost=0.0), state + 1

    def set_seed(self, seed: int) -> None:
        pass


class User(HalfDuplexUser):
    """Keeps the conversation going, then ends it."""

    blocking = False

    def get_init_state(self, message_history: list[Any] | None = None) -> int:
        return 0

    def generate_next_message(self, message: Any, state: int) -> tuple[UserMessage, int]:
        more = state < TURNS // 3
        text = (
            f"User message number {state}: please go on. " * 2
            if more
            else "Thank you, bye. ###STOP###"
        )
        return UserMessage(content=text, cost=0.0), state + 1

    def set_seed(self, seed: int) -> None:
        pass


def reading_calls(task: Task) -> list[tuple[str, dict[str, Any]]]:
    actions = (task.evaluation_criteria.actions if task.evaluation_criteria else None) or []
    reads = [
        (action.name, action.arguments)
        for action in actions
        if action.name.startswith(("find", "get"))
    ]
    return [*reads, ("calculate", {"expression": "2 * (3 + 4)"})]


def build(task: Task) -> Orchestrator:
    environment = registry.get_env_constructor("retail")()
    agent = Agent(
        reading_calls(task), tools=environment.get_tools(), domain_policy=environment.get_policy()
    )
    return Orchestrator(
        domain="retail",
        agent=agent,
        user=User(),
        environment=environment,
        task=task,
        max_steps=1000,
        seed=1,
    )


def once(task: Task) -> tuple[list[float], Orchestrator, SimulationRun]:
    """Play and grade once; return the CPU moments between the phases."""
    moments = [time.process_time()]
    orchestrator = build(task)
    moments.append(time.process_time())
    run = orchestrator.run()
    moments.append(time.process_time())
    run.reward_info = grade_live(run, orchestrator, EvaluationType.ALL)
    moments.append(time.process_time())
    return moments, orchestrator, run


def main() -> None:
    task = next(
        task
        for task in registry.get_tasks_loader("retail")()
        if len(reading_calls(task)) >= 4 and "modify" in str(task.evaluation_criteria)
    )
    once(task)
    played = [once(task) for _ in range(ROUNDS)]
    moments = [row for row, _, _ in played]
    _, orchestrator, run = played[-1]

    def median(first: int, last: int) -> float:
        return rounded(statistics.median(row[last] - row[first] for row in moments) * 1e3)

    figures = {
        "build_ms": median(0, 1),
        "run_ms": median(1, 2),
        "grade_ms": median(2, 3),
        "all_ms": median(0, 3),
    }
    calls = sum(len(getattr(message, "tool_calls", None) or ()) for message in run.messages or ())
    report(
        "episode",
        figures,
        TARGETS,
        steps=orchestrator.step_count,
        tool_calls=calls,
        messages=len(run.messages or ()),
    )


if __name__ == "__main__":
    main()
