"""Results as rows of a table, with the column names of the public data frame."""

from __future__ import annotations

from collections.abc import Sequence

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.outline import Outline
from tau2.data_model.simulation import Info
from tau2.data_model.tasks import Task
from tau2.utils.json_types import JsonObject


def rows(info: Info, tasks: Sequence[Task], simulations: Sequence[Outline]) -> list[JsonObject]:
    """Return one row per simulation."""
    of_run = _run_columns(info)
    of_task = {task.id: _task_columns(task) for task in tasks}
    return [{**_columns(run), **of_run, **of_task.get(run.task_id, {})} for run in simulations]


def _columns(run: Outline) -> JsonObject:
    return {
        "simulation_id": run.id,
        "task_id": run.task_id,
        "trial": run.trial,
        "seed": run.seed,
        "reward": run.reward,
        "agent_cost": run.agent_cost,
        "user_cost": run.user_cost,
        "termination_reason": run.termination_reason.value,
        "duration": run.duration,
        "num_messages": run.num_messages,
    }


def _run_columns(info: Info) -> JsonObject:
    return {
        "info_git_commit": info.git_commit,
        "info_seed": info.seed,
        "info_num_trials": info.num_trials,
        "info_max_steps": info.max_steps,
        "info_max_errors": info.max_errors,
        "info_domain": info.environment_info.domain_name,
        "info_user_implementation": info.user_info.implementation,
        "info_user_llm": info.user_info.llm,
        "info_user_llm_args": info.user_info.llm_args,
        "info_agent_implementation": info.agent_info.implementation,
        "info_agent_llm": info.agent_info.llm,
        "info_agent_llm_args": info.agent_info.llm_args,
    }


def _task_columns(task: Task) -> JsonObject:
    criteria = task.evaluation_criteria
    if criteria is None:
        return {}
    counts = criteria.info()
    actions = task.reference_actions
    only_transfer = len(actions) == 1 and actions[0].name == TRANSFER_TOOL
    number = counts["num_agent_actions"] + counts["num_user_actions"]
    return {
        "task_num_agent_actions": counts["num_agent_actions"],
        "task_num_user_actions": counts["num_user_actions"],
        "task_num_actions": -1 if only_transfer else number,
        "task_num_env_assertions": counts["num_env_assertions"],
        "task_num_nl_assertions": counts["num_nl_assertions"],
    }
