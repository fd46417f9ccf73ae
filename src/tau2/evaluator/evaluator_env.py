"""DB and ENV_ASSERTION: the final databases equal the gold ones, and every assertion holds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from math import prod

from tau2.data_model.message import Message
from tau2.data_model.simulation import DBCheck, EnvAssertionCheck, RewardInfo
from tau2.data_model.tasks import EnvAssertion, RewardType, Task
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.evaluator.evaluator_base import EvaluatorBase
from tau2.evaluator.evidence import Evidence, replay_rule
from tau2.utils.json_types import JsonMapping

logger = logging.getLogger(__name__)


def check_database(evidence: Evidence) -> DBCheck:
    """Compare the databases of agent and user with those of the gold environment."""
    match = evidence.actual.same_state(evidence.gold.environment)
    return DBCheck(db_match=match, db_reward=float(match))


def check_assertions(evidence: Evidence) -> list[EnvAssertionCheck]:
    """Evaluate every assertion; one that raises is not met, and its check gives the reason."""
    return [
        _asserted(evidence.actual, assertion)
        for assertion in evidence.criteria.env_assertions or ()
    ]


def _asserted(environment: Environment, assertion: EnvAssertion) -> EnvAssertionCheck:
    reason = None
    try:
        met = environment.run_env_assertion(assertion, raise_assertion_error=False)
    except Exception as problem:  # a domain's function may raise anything; it is reported
        logger.debug("assertion %s raised", assertion.func_name, exc_info=True)
        met = False
        reason = f"{assertion.func_name} raised: {problem}"
    return EnvAssertionCheck(
        env_assertion=assertion, met=met, reward=float(met), justification=reason
    )


def grade_environment(evidence: Evidence) -> RewardInfo:
    """Return the product of the DB and ENV_ASSERTION rewards, where they count."""
    criteria = evidence.criteria
    if criteria.actions is None and criteria.env_assertions is None:
        return RewardInfo(
            reward=1.0,
            db_check=DBCheck(db_match=True, db_reward=1.0),
            info={"note": "the task has neither reference actions nor assertions"},
        )
    try:
        database = check_database(evidence)
        assertions = check_assertions(evidence)
    except Exception as problem:  # any failure of the replay: another attempt would fail too
        logger.debug("the environment of task %s cannot be graded", evidence.task.id, exc_info=True)
        return _ungradable(evidence, problem)
    scores = {
        RewardType.DB: database.db_reward,
        RewardType.ENV_ASSERTION: float(all(check.met for check in assertions)),
    }
    counted = {basis: score for basis, score in scores.items() if basis in criteria.reward_basis}
    return RewardInfo(
        reward=prod(counted.values(), start=1.0),
        db_check=database,
        env_assertions=assertions,
        reward_basis=list(counted),
        reward_breakdown=counted,
        info={"gold_errors": evidence.gold.errors} if evidence.gold.errors else None,
    )


def _ungradable(evidence: Evidence, problem: Exception) -> RewardInfo:
    counted = [
        basis
        for basis in (RewardType.DB, RewardType.ENV_ASSERTION)
        if basis in evidence.criteria.reward_basis
    ]
    return RewardInfo(
        reward=0.0,
        db_check=DBCheck(db_match=False, db_reward=0.0),
        reward_basis=counted,
        reward_breakdown=dict.fromkeys(counted, 0.0),
        info={"error": str(problem)},
    )


class EnvironmentEvaluator(EvaluatorBase):
    """Grades the final environment."""

    @classmethod
    def calculate_reward(  # type: ignore[override]  # as in the public package
        cls,
        environment_constructor: Callable[..., Environment],
        task: Task,
        full_trajectory: list[Message],
        solo_mode: bool = False,
        env_kwargs: JsonMapping | None = None,
        strict_replay: bool = True,
    ) -> RewardInfo:
        """Replay a trajectory on a fresh environment and grade what it leaves behind."""
        setup = TaskSetup(
            task, lambda: environment_constructor(solo_mode=solo_mode, **(env_kwargs or {}))
        )
        return grade_environment(
            Evidence(setup, full_trajectory, replay=replay_rule(strict_replay))
        )
