"""Trainer-neutral episodes: one side is played by the caller, turn by turn; no thread, no lock, no polling.

rollout = Rollout(Cast("mock", user="scripted_user"))
turn = rollout.reset("create_task_1", seed=7)
while not turn.done:
    turn = rollout.step(policy(rollout.history(), rollout.openai_tools))
print(turn.reward, turn.infra_failed)
"""

from tau2.rollout.actions import Action, as_message
from tau2.rollout.casting import Cast, Casting, SeatedAgent, SeatedUser
from tau2.rollout.past import Snapshot
from tau2.rollout.rollout import Rollout
from tau2.rollout.shaping import Shaping, partial_credit
from tau2.rollout.task_lookup import find_task
from tau2.rollout.tokens import Sample, Tokens, samples_of
from tau2.rollout.turn import Step, Turn

__all__ = [
    "Action",
    "Cast",
    "Casting",
    "Rollout",
    "Sample",
    "SeatedAgent",
    "SeatedUser",
    "Shaping",
    "Snapshot",
    "Step",
    "Tokens",
    "Turn",
    "as_message",
    "find_task",
    "partial_credit",
    "samples_of",
]
