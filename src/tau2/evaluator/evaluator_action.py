"""Reference actions: each must have been carried out, in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tau2.data_model.message import AssistantMessage, Message, ToolCall, UserMessage
from tau2.data_model.simulation import ActionCheck, RewardInfo
from tau2.data_model.tasks import Action, RewardType, Task
from tau2.environment.environment import Environment
from tau2.evaluator.evaluator_base import EvaluatorBase
from tau2.evaluator.evidence import Evidence


def tool_calls_of(messages: Sequence[Message]) -> list[ToolCall]:
    """Return every tool call of a trajectory, in order."""
    return [
        call
        for message in messages
        if isinstance(message, AssistantMessage | UserMessage)
        for call in message.tool_calls or ()
    ]


def tool_type_of(environment: Environment, action: Action) -> str | None:
    """Return what a reference action's tool does to the world; None when it is not a listed tool."""
    toolkit = environment.user_tools if action.requestor == "user" else environment.tools
    if toolkit is None or not toolkit.has_tool(action.name) or toolkit.is_discoverable(action.name):
        return None
    return toolkit.tool_type(action.name).value


def check_actions(evidence: Evidence) -> list[ActionCheck]:
    """Look for every reference action among the tool calls."""
    calls = tool_calls_of(evidence.messages)
    return [
        _checked(action, calls, tool_type_of(evidence.start, action), strict_compat=evidence.strict_compat)
        for action in evidence.criteria.actions or ()
    ]


def _checked(action: Action, calls: Sequence[ToolCall], tool_type: str | None, *, strict_compat: bool) -> ActionCheck:
    match = any(action.compare_with_tool_call(call, strict_compat=strict_compat) for call in calls)
    return ActionCheck(action=action, action_match=match, action_reward=float(match), tool_type=tool_type)


def grade_actions(checks: list[ActionCheck]) -> RewardInfo:
    """Return the reward that rests on the reference actions: all of them, or nothing."""
    if not checks:
        return RewardInfo(
            reward=1.0, info={"note": "the task has no reference actions"}, reward_basis=[RewardType.ACTION]
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
    def calculate_reward(  # type: ignore[override]  # each kind names what it needs, as in the public package
        cls,
        task: Task,
        full_trajectory: list[Message],
        tool_types: Mapping[str, str] | None = None,
        *,
        strict_compat: bool = False,
    ) -> RewardInfo:
        """Look for every reference action among the tool calls of a trajectory."""
        calls = tool_calls_of(full_trajectory)
        actions = (task.evaluation_criteria.actions if task.evaluation_criteria else None) or []
        types = tool_types or {}
        return grade_actions(
            [_checked(action, calls, types.get(action.name), strict_compat=strict_compat) for action in actions]
        )
