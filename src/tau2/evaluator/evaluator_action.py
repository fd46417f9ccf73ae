"""Reference actions: each must have been carried out, in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from tau2.data_model.message import AssistantMessage, Message, ToolCall, UserMessage
from tau2.data_model.simulation import ActionCheck, RewardInfo
from tau2.data_model.tasks import Action, RewardType, Task
from tau2.environment.environment import Environment
from tau2.errors import ToolError
from tau2.evaluator.evaluator_base import EvaluatorBase
from tau2.evaluator.evidence import Evidence


def tool_calls_of(messages: Sequence[Message]) -> list[ToolCall]:
    """Return every tool call of a trajectory, in order."""
    return [
        call
        for message in messages
        if isinstance(message, AssistantMessage | UserMessage)
        for call in message.calls
    ]


def tool_type_of(environment: Environment, action: Action) -> str | None:
    """Return the type of a reference action's tool; None when it is not a listed tool."""
    toolkit = environment.user_tools if action.requestor == "user" else environment.tools
    if toolkit is None or not toolkit.has_tool(action.name) or toolkit.is_discoverable(action.name):
        return None
    return toolkit.tool_type(action.name).value


def check_actions(evidence: Evidence) -> list[ActionCheck]:
    """Look for every reference action among the tool calls.

    Arguments count as the tool takes them: "3" is 3 where a number is wanted, and lists that are
    sets to the tool may come in any order. `strict_compat` compares them raw.
    """
    start = evidence.start
    strict = evidence.strict_compat
    actions = evidence.criteria.actions or ()
    called: dict[str, list[ToolCall]] = {action.name: [] for action in actions}
    for call in tool_calls_of(evidence.messages):
        if call.name in called:
            called[call.name].append(call if strict else _as_taken(start, call))
    checks = []
    for action in actions:
        wanted = action if strict else _as_taken(start, action)
        # In solo mode the agent executes the user's actions, too.
        solo = start.solo_mode
        match = any(
            wanted.compare_with_tool_call(call, strict_compat=strict, any_requestor=solo)
            for call in called[action.name]
        )
        checks.append(_check(action, match=match, tool_type=tool_type_of(start, action)))
    return checks


CallT = TypeVar("CallT", Action, ToolCall)


def _as_taken(environment: Environment, call: CallT) -> CallT:
    """Return a call with its arguments as its tool takes them.

    As they are when the tool would refuse them.

    In solo mode the agent does what the reference has the user do.
    """
    requestor = "assistant" if environment.solo_mode else call.requestor
    arguments = call.arguments
    with suppress(ToolError):
        toolkit = environment.toolkit_for(call.name, requestor)
        arguments = toolkit.without_order(call.name, toolkit.coerce(call.name, call.arguments))
    return call.model_copy(update={"arguments": arguments, "requestor": requestor})


def _check(action: Action, *, match: bool, tool_type: str | None) -> ActionCheck:
    return ActionCheck(
        action=action, action_match=match, action_reward=float(match), tool_type=tool_type
    )


def grade_actions(checks: list[ActionCheck]) -> RewardInfo:
    """Return the reward for the reference actions: 1 for all of them, else 0."""
    if not checks:
        return RewardInfo(
            reward=1.0,
            info={"note": "the task has no reference actions"},
            reward_basis=[RewardType.ACTION],
        )
    reward = float(all(check.action_match for check in checks))
    return RewardInfo(
        reward=reward,
        action_checks=checks,
        reward_basis=[RewardType.ACTION],
        reward_breakdown={RewardType.ACTION: reward},
    )


class ActionEvaluator(EvaluatorBase):
    """Grades the tool calls."""

    @classmethod
    def calculate_reward(  # type: ignore[override]  # as in the public package
        cls,
        task: Task,
        full_trajectory: list[Message],
        tool_types: Mapping[str, str] | None = None,
        *,
        strict_compat: bool = False,
    ) -> RewardInfo:
        """Look for every reference action among the tool calls of a trajectory."""
        return grade_actions(
            cls.evaluate_actions(
                full_trajectory, task.reference_actions, tool_types, strict_compat=strict_compat
            )
        )

    @classmethod
    def evaluate_actions(
        cls,
        full_trajectory: Sequence[Message],
        golden_actions: Sequence[Action],
        tool_types: Mapping[str, str] | None = None,
        *,
        strict_compat: bool = False,
    ) -> list[ActionCheck]:
        """Look for every action among the tool calls of a trajectory.

        Arguments are compared raw.
        """
        calls = tool_calls_of(list(full_trajectory))
        types = tool_types or {}
        return [
            _check(
                action,
                match=any(
                    action.compare_with_tool_call(call, strict_compat=strict_compat)
                    for call in calls
                ),
                tool_type=types.get(action.name),
            )
            for action in golden_actions
        ]
