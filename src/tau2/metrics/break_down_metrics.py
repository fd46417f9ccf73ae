"""Where rewards are lost: by component of the reward, and by reference action."""

from __future__ import annotations

from typing import Any

from tau2.metrics.agent_metrics import is_successful
from tau2.storage.results import Results


def result_reward_analysis(results: Results) -> list[dict[str, Any]]:
    """Return one row per scored simulation: its reward and the score of each basis."""
    return [
        {
            "task_id": run.task_id,
            "trial": run.trial,
            "reward": run.reward_info.reward,
            "success": is_successful(run.reward_info.reward),
            **{
                basis.value: score
                for basis, score in (run.reward_info.reward_breakdown or {}).items()
            },
        }
        for run in results.simulations
        if run.is_scored and run.reward_info is not None
    ]


def result_reward_actions_analysis(results: Results) -> list[dict[str, Any]]:
    """Return one row per reference action of each scored simulation: whether it was executed."""
    return [
        {
            "task_id": run.task_id,
            "trial": run.trial,
            "action_id": check.action.action_id,
            "action_name": check.action.name,
            "requestor": check.action.requestor,
            "tool_type": check.tool_type,
            "action_match": check.action_match,
            "reward": run.reward_info.reward,
        }
        for run in results.simulations
        if run.is_scored and run.reward_info is not None
        for check in run.reward_info.action_checks or ()
    ]
