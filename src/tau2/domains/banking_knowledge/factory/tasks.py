"""A draft as a task, and whether its reference is fit to grade by."""

from __future__ import annotations

from tau2.data_model.message import ToolCall
from tau2.data_model.tasks import (
    Action,
    Description,
    EvaluationCriteria,
    InitializationData,
    InitialState,
    RewardType,
    StructuredUserInstructions,
    Task,
    UserScenario,
)
from tau2.domains.banking_knowledge.environment import get_environment
from tau2.domains.banking_knowledge.factory.draft import Call, Draft, words
from tau2.environment.cow import clone
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup


def as_task(draft: Draft, task_id: str, purpose: str) -> Task:
    """Return a draft as a task in the public form."""
    basis = [RewardType.ACTION if draft.graded_calls else RewardType.DB]
    if draft.communicate:
        basis.append(RewardType.COMMUNICATE)
    return Task(
        id=task_id,
        description=Description(purpose=purpose),
        user_scenario=UserScenario(
            persona=draft.one(words()["personas"]), instructions=_scenario(draft)
        ),
        initial_state=InitialState(
            initialization_data=InitializationData(
                agent_data={name: {"data": rows} for name, rows in draft.tables.items()}
            )
        ),
        evaluation_criteria=EvaluationCriteria(
            actions=[_action(task_id, n, call) for n, call in enumerate(_graded(draft))],
            communicate_info=list(draft.communicate),
            reward_basis=basis,
        ),
        user_tools=draft.user_tools,
        required_documents=list(draft.documents),
    )


def _graded(draft: Draft) -> list[Call]:
    """Return the reference; where calls are graded, without look-ups that can be left out."""
    if not draft.graded_calls:
        return draft.calls
    return [call for call in draft.calls if not call.name.startswith("get_")]


def _action(task_id: str, number: int, call: Call) -> Action:
    return Action(
        action_id=f"{task_id}_{number}",
        requestor="user" if call.by_user else "assistant",
        name=call.name,
        arguments=dict(call.arguments),
        compare_args=None if call.compare is None else list(call.compare),
    )


def _scenario(draft: Draft) -> StructuredUserInstructions:
    who = draft.customer
    known = [
        f"You are {who.name}.",
        f"Your e-mail address is {who.email}.",
        f"Your phone number is {who.phone}.",
        f"Your date of birth is {who.born}.",
        f"Your address is {who.address}.",
        *draft.known,
    ]
    return StructuredUserInstructions(
        domain="banking_knowledge",
        reason_for_call=" ".join(draft.reason),
        known_info=" ".join(known),
        task_instructions=" ".join(draft.directions) or "You follow what the agent asks of you.",
    )


def is_sound(task: Task) -> bool:
    """Return whether the reference runs without a refusal and no change can be left out."""
    setup = TaskSetup(task, get_environment)
    actions = list(task.reference_actions)
    end = _after(setup, actions)
    if end is None:
        return False
    criteria = task.evaluation_criteria
    if criteria is None or RewardType.DB not in criteria.reward_basis:
        return True
    changes = [one for one in actions if _changes(end, one)]
    if not changes:
        return False
    for left_out in changes:
        shorter = setup.start()
        for action in actions:
            if action is not left_out:
                shorter.get_response(_call(action))
        if shorter.same_state(end):
            return False
    return True


def _after(setup: TaskSetup, actions: list[Action]) -> Environment | None:
    environment = setup.start()
    if any(environment.get_response(_call(action)).error for action in actions):
        return None
    return environment


def _changes(environment: Environment, action: Action) -> bool:
    """Return whether the database has to show the action."""
    kit = environment.user_tools if action.requestor == "user" else environment.tools
    unlocks = action.name.startswith("unlock_")
    return kit is not None and kit.tool_mutates_state(action.name) and not unlocks


def _call(action: Action) -> ToolCall:
    return ToolCall(
        id="reference",
        name=action.name,
        arguments=clone(action.arguments),
        requestor=action.requestor,
    )
