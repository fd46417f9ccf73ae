"""Checks that a model can be asked, made before an episode starts."""

from __future__ import annotations

from tau2._compat.patching import answers_calls
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError
from tau2.evaluator.evaluator import EvaluationType, needs_judge
from tau2.evaluator.evaluator_nl_assertions import default_judge
from tau2.evaluator.evidence import Judge
from tau2.llm import CompletionFn
from tau2.llm.routing import check_model
from tau2.utils.json_types import JsonMapping

_MODULES = {"agent": "tau2.agent.llm_agent", "user": "tau2.user.user_simulator"}
"""Where clients replace `generate`, by role."""


def require_model(
    role: str, model: str, args: JsonMapping, completion_fn: CompletionFn | None, hint: str
) -> None:
    """Raise ConfigError, ending in `hint`, when calls of this model must fail. Sends nothing."""
    # A client that replaced these functions answers the calls itself.
    if completion_fn is not None or answers_calls(_MODULES.get(role, "")):
        return
    try:
        check_model(model, args)
    except ConfigError as problem:
        raise ConfigError(
            f"the {role}'s model {model!r} cannot be used: {problem}; {hint}"
        ) from problem


def require_judge(task: Task, evaluation_type: EvaluationType, judge: Judge | None) -> None:
    """Raise ConfigError when grading needs a judge model that cannot be asked."""
    if not needs_judge(task, evaluation_type):
        return
    chosen = judge or default_judge()
    require_model(
        f"judge of task {task.id!r}",
        chosen.model,
        chosen.args,
        chosen.completion_fn,
        "name another with judge=Judge(...) or TAU2_JUDGE_LLM, or grade without a judge "
        "(evaluation_type='env')",
    )
