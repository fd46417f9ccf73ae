"""Grading a simulation: run the checks, multiply those that count.

`grade` works on objects; `evaluate_simulation` is the by-name form for stored trajectories.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from math import prod

from tau2.data_model.simulation import FINISHED, RewardInfo, SimulationRun, TerminationReason
from tau2.data_model.tasks import EvaluationCriteria, RewardType, Task
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.evaluator.evaluator_action import check_actions, grade_actions
from tau2.evaluator.evaluator_communicate import check_communication, grade_communication
from tau2.evaluator.evaluator_env import grade_environment
from tau2.evaluator.evaluator_nl_assertions import check_nl_assertions, grade_nl_assertions
from tau2.evaluator.evidence import Evidence, Judge, ReplayRule, replay_rule
from tau2.evaluator.retrieval import retrieval_record
from tau2.registry import registry
from tau2.utils.json_types import JsonMapping


class EvaluationType(StrEnum):
    """Which checks are run, and whether the task's reward basis decides what counts."""

    ENV = "env"
    COMMUNICATE = "communicate"
    ACTION = "action"
    ALL = "all"
    NL_ASSERTIONS = "nl_assertions"
    ALL_WITH_NL_ASSERTIONS = "all_with_nl_assertions"
    ALL_IGNORE_BASIS = "all_ignore_basis"
    ALL_WITH_NL_ASSERTIONS_IGNORE_BASIS = "all_with_nl_assertions_ignore_basis"


_WITH_NL = frozenset(
    {EvaluationType.ALL_WITH_NL_ASSERTIONS, EvaluationType.ALL_WITH_NL_ASSERTIONS_IGNORE_BASIS}
)
_IGNORING = frozenset(
    {EvaluationType.ALL_IGNORE_BASIS, EvaluationType.ALL_WITH_NL_ASSERTIONS_IGNORE_BASIS}
)


def needs_judge(task: Task, evaluation_type: EvaluationType) -> bool:
    """Return whether grading this task calls the judge model."""
    criteria = task.evaluation_criteria
    evaluation_type = EvaluationType(evaluation_type)
    if criteria is None or not criteria.nl_assertions:
        return False
    if evaluation_type is EvaluationType.NL_ASSERTIONS or evaluation_type in _WITH_NL:
        return True
    return (
        evaluation_type is EvaluationType.ALL and RewardType.NL_ASSERTION in criteria.reward_basis
    )


_SINGLE: Mapping[EvaluationType, Callable[[Evidence], RewardInfo]] = {
    EvaluationType.ENV: grade_environment,
    EvaluationType.ACTION: lambda evidence: grade_actions(check_actions(evidence)),
    EvaluationType.COMMUNICATE: lambda evidence: grade_communication(check_communication(evidence)),
    EvaluationType.NL_ASSERTIONS: lambda evidence: grade_nl_assertions(
        check_nl_assertions(evidence)
    ),
}


def grade(
    run: SimulationRun,
    setup: TaskSetup,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    *,
    live: Environment | None = None,
    judge: Judge | None = None,
    replay: ReplayRule = ReplayRule.STRICT,
    strict_compat: bool | None = None,
) -> RewardInfo:
    """Return the reward of a simulation.

    Args:
        run: The finished simulation.
        setup: Its task and a factory of fresh environments.
        evaluation_type: Which checks to run.
        live: The environment it was played on; without it the trajectory is replayed.
        judge: The model for natural-language assertions; default: the configured one.
        replay: What a replayed trajectory has to agree with; a reward of 0 where it does not.
        strict_compat: Grade like the original; default: as the environment is.

    Raises:
        ModelError: the judge cannot be reached.
    """
    evaluation_type = EvaluationType(evaluation_type)
    evidence = Evidence(setup, run.get_messages(), live=live, replay=replay, judge=judge)
    evidence.strict_compat = (
        evidence.start.strict_compat if strict_compat is None else strict_compat
    )
    reward = _graded(run, evidence, evaluation_type)
    looked_up = retrieval_record(run, setup.task, evidence.start)
    if looked_up is not None:
        reward.info = {**(reward.info or {}), "retrieval": looked_up.model_dump()}
    return reward


def _graded(run: SimulationRun, evidence: Evidence, evaluation_type: EvaluationType) -> RewardInfo:
    if run.termination_reason not in FINISHED:
        return _ended_early(evidence, run.termination_reason)
    criteria = evidence.task.evaluation_criteria
    if criteria is None:
        return RewardInfo(
            reward=1.0, reward_basis=None, info={"note": "the task has no evaluation criteria"}
        )
    if evaluation_type in _SINGLE:
        return _SINGLE[evaluation_type](evidence)
    return _product(evidence, criteria, evaluation_type)


def _product(
    evidence: Evidence, criteria: EvaluationCriteria, evaluation_type: EvaluationType
) -> RewardInfo:
    parts = {
        "env": grade_environment(evidence),
        "action": grade_actions(check_actions(evidence)),
        "communicate": grade_communication(check_communication(evidence)),
    }
    basis = set(criteria.reward_basis)
    if evaluation_type in _WITH_NL or (
        RewardType.NL_ASSERTION in basis and evaluation_type not in _IGNORING
    ):
        parts["nl"] = grade_nl_assertions(check_nl_assertions(evidence))
    ignoring = evaluation_type in _IGNORING
    counted = [part for name, part in parts.items() if ignoring or basis & _BASES[name]]
    breakdown: dict[RewardType, float] = {}
    for part in counted:
        breakdown.update(
            part.reward_breakdown or dict.fromkeys(part.reward_basis or (), part.reward)
        )
    shown = list(criteria.reward_basis)
    if ignoring:
        shown = [check for name in parts for check in RewardType if check in _BASES[name]]
    reward = prod((part.reward for part in counted), start=1.0)
    return _merged(parts, reward, shown, breakdown)


_BASES: Mapping[str, frozenset[RewardType]] = {
    "env": frozenset({RewardType.DB, RewardType.ENV_ASSERTION}),
    "action": frozenset({RewardType.ACTION}),
    "communicate": frozenset({RewardType.COMMUNICATE}),
    "nl": frozenset({RewardType.NL_ASSERTION}),
}


def _merged(
    parts: Mapping[str, RewardInfo],
    reward: float,
    basis: list[RewardType] | None,
    breakdown: dict[RewardType, float] | None,
) -> RewardInfo:
    nl = parts.get("nl")
    return RewardInfo(
        reward=reward,
        db_check=parts["env"].db_check,
        env_assertions=parts["env"].env_assertions,
        action_checks=parts["action"].action_checks,
        communicate_checks=parts["communicate"].communicate_checks,
        nl_assertions=nl.nl_assertions if nl else None,
        reward_basis=basis,
        reward_breakdown=breakdown,
        info={name: part.info for name, part in parts.items()} | ({} if nl else {"nl": None}),
    )


def _ended_early(evidence: Evidence, reason: TerminationReason) -> RewardInfo:
    """Report every check that needs no judge; the reward is 0."""
    parts = {
        "env": grade_environment(evidence),
        "action": grade_actions(check_actions(evidence)),
        "communicate": grade_communication(check_communication(evidence)),
    }
    merged = _merged(parts, 0.0, None, None)
    note = f"Simulation terminated prematurely. Termination reason: {reason.value}"
    return merged.model_copy(update={"info": {"note": note, **(merged.info or {})}})


def evaluate_simulation(
    simulation: SimulationRun,
    task: Task,
    evaluation_type: EvaluationType,
    solo_mode: bool,
    domain: str,
    mode: object = None,  # noqa: ARG001  -- public signature; the record itself knows its mode
    env_kwargs: JsonMapping | None = None,
    strict_replay: bool = True,
    *,
    judge: Judge | None = None,
) -> RewardInfo:
    """Grade a stored simulation of a registered domain by replaying it.

    With `strict_replay`, a tool result that differs from the recorded one is a reward of 0;
    `tau2.runner.regrade` compares databases only. `env_kwargs` go to the domain's constructor; of a
    domain with retrieval variants, that may be `retrieval_variant` and `retrieval_kwargs`.

    Raises:
        UnknownName: there is no such domain, or no such variant.
        ConfigError: the domain has no retrieval variants and one is named.
        ModelError: the judge failed.
    """
    constructor = registry.get_env_constructor(domain)
    options = dict(env_kwargs or {})
    if domain in registry.domains:
        variant = options.pop("retrieval_variant", None)
        arguments = options.pop("retrieval_kwargs", None)
        options |= registry.domains.get(domain).environment_options(variant, arguments)
    setup = TaskSetup(task, lambda: constructor(solo_mode=solo_mode, **options))
    rule = replay_rule(strict_replay)
    return grade(simulation, setup, evaluation_type, judge=judge, replay=rule)


__all__ = [
    "EvaluationType",
    "RewardInfo",
    "evaluate_simulation",
    "grade",
    "needs_judge",
]
