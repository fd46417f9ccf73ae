"""Groups of rollouts for reinforcement learning: from the start of a task, and from its middle.

    python group_and_fork.py

The policy here is a coin; in its place, sample from your model.
"""

import random
from statistics import mean

from tau2.rollout import Rollout, RolloutSetup

SETUP = RolloutSetup("mock", user="scripted_user")
MOVES = [
    {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}},
    {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Meeting"}},
]


def finish(rollout, rng):
    """Play an episode to its end, and return its reward."""
    result = rollout.step(rng.choice(MOVES))
    while not result.done:
        result = rollout.step("It is on your list. Is there anything else?")
    # None: the infrastructure or the user failed, and the episode says nothing about the policy.
    return result.reward


def advantages(rewards):
    """Return each reward minus the mean of its group."""
    return [reward - mean(rewards) for reward in rewards]


def main():
    """Play a group of whole episodes, and a group of continuations of one episode."""
    rng = random.Random(3)

    rewards = []
    for seed in range(4):
        rollout = Rollout(SETUP)
        rollout.reset("create_task_1", seed=seed)
        rewards.append(finish(rollout, rng))
    print(f"four episodes:       rewards {rewards}, advantages {advantages(rewards)}")

    shared = Rollout(SETUP)
    shared.reset("create_task_1", seed=0)
    shared.step("Let me see what I can do for you.")
    rewards = [finish(branch, rng) for branch in shared.fork(4)]
    print(f"four continuations:  rewards {rewards}, advantages {advantages(rewards)}")
    print(
        f"the shared beginning has {len(shared.steps)} step and goes on: {not shared.result.done}"
    )


if __name__ == "__main__":
    main()
