"""Whether a model can be asked, found out before an episode starts instead of in its middle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tau2._compat.patching import patched
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError
from tau2.evaluator.evaluator import EvaluationType, needs_judge
from tau2.evaluator.evaluator_nl_assertions import default_judge
from tau2.evaluator.evidence import Judge
from tau2.llm.routing import check_model


def require_model(
    role: str, model: str, args: Mapping[str, Any], completion_fn: Any, way_out: str
) -> None:
    """Raise ConfigError, with a way out, when calls of this model are bound to fail. Sends nothing."""
    replaced = (patched("tau2.utils.llm_utils", name) for name in ("completion", "generate"))
    if completion_fn is not None or any(replaced):
        return
    try:
        check_model(model, args)
    except ConfigError as problem:
        raise ConfigError(
            f"the {role}'s model {model!r} cannot be used: {problem}; {way_out}"
        ) from problem


def require_judge(task: Task, evaluation_type: EvaluationType, judge: Judge | None) -> None:
    """Raise ConfigError when grading needs a judge model that cannot be asked."""
    if not needs_judge(task, evaluation_type):
        return
    asked = judge or default_judge()
    require_model(
        f"judge of task {task.id!r}", asked.model, asked.args, asked.completion_fn,
        "name another with judge=Judge(...) or TAU2_JUDGE_LLM, or grade without it (evaluation_type='env')",
    )  # fmt: skip
