"""The reference's own moves, and what they earn when the orchestrator plays them itself."""

from __future__ import annotations

from typing import Any, NamedTuple

from tau2.agent.oracle_agent import create_oracle_agent
from tau2.data_model.message import AssistantMessage
from tau2.data_model.tasks import Task
from tau2.evaluator.evaluator import EvaluationType, needs_judge
from tau2.orchestrator.episode import Role
from tau2.registry import registry
from tau2.rollout import RolloutSetup
from tau2.rollout.role_view import role_tools
from tau2.runner.simulation import run_simulation

SEED = 11


class Played(NamedTuple):
    """An episode of `Orchestrator.run`."""

    reward: float
    db_hash: str | None
    user_db_hash: str | None
    moves: list[Any]
    """What the reference said and did, as a stub model says it."""


def some_tasks(domain: str, count: int, *, solo: bool = False) -> list[Task]:
    """Return tasks that a reference plays from the start and that no judge model has to grade."""
    tasks = [
        task
        for task in registry.get_tasks_loader(domain)()
        if task.evaluation_criteria and not _history(task)
    ]
    fit = [
        task
        for task in tasks
        if not needs_judge(task, EvaluationType.ALL) and (task.ticket or not solo)
    ]
    step = max(1, len(fit) // count)
    return fit[::step][:count]


def _history(task: Task) -> bool:
    return task.initial_state is not None and bool(task.initial_state.message_history)


def by_orchestrator(domain: str, task: Task, *, solo: bool = False) -> Played:
    """Play the reference against the scripted user, or on its own, and grade it."""
    cast = RolloutSetup(domain, user="scripted_user", max_steps=200, solo=solo)
    environment = cast.new_environment()
    agent = create_oracle_agent(
        role_tools(environment, task, Role.AGENT), environment.get_policy(), task=task
    )
    run = run_simulation(
        cast.wire(task, environment, agent, cast.make_user(environment, task), SEED)
    )
    assert run.reward_info is not None
    own = [message for message in run.messages if isinstance(message, AssistantMessage)]
    moves = [_as_reply(message) for message in (own if solo else own[1:])]  # after the greeting
    return Played(
        run.reward_info.reward, environment.get_db_hash(), environment.get_user_db_hash(), moves
    )


def _as_reply(message: AssistantMessage) -> Any:
    if message.tool_calls:
        return [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for call in message.tool_calls
        ]
    return message.content
