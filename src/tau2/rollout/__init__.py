"""Live episodes for any trainer: the caller plays one role, step by step, without threads.

    rollout = Rollout(RolloutSetup("mock", user="scripted_user"))
    result = rollout.reset("create_task_1", seed=7)
    while not result.done:
        result = rollout.step(policy(rollout.history(), rollout.openai_tools))
    print(result.reward, result.infra_failed)

`policy` is the caller's: it returns a text, or tool calls.
"""

from tau2.rollout.actions import Action, as_message
from tau2.rollout.results import RolloutStep, StepResult
from tau2.rollout.rollout import Rollout
from tau2.rollout.setup import EpisodeFactory, ExternalAgent, ExternalUser, RolloutSetup
from tau2.rollout.shaping import Shaping, partial_credit
from tau2.rollout.snapshot import RolloutSnapshot
from tau2.rollout.task_lookup import find_task
from tau2.rollout.tokens import Sample, Tokens, join_tokens
from tau2.runner.tasks import generate_tasks

__all__ = [
    "Action",
    "EpisodeFactory",
    "ExternalAgent",
    "ExternalUser",
    "Rollout",
    "RolloutSetup",
    "RolloutSnapshot",
    "RolloutStep",
    "Sample",
    "Shaping",
    "StepResult",
    "Tokens",
    "as_message",
    "find_task",
    "generate_tasks",
    "join_tokens",
    "partial_credit",
]
