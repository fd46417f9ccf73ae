"""Train a tiny policy by REINFORCE, without a model or a tensor library.

    python train_policy.py

The policy is a table: for each kind of turn, a preference for each move. A model takes its place in
training on real domains; the episodes, groups and rewards are the same.
"""

import math
import random

from tau2.rollout import Rollout, RolloutSetup

SETUP = RolloutSetup("mock", user="scripted_user", max_steps=12)
TASKS = ["create_task_1", "update_task_1"]
MOVES = {
    "ask": "Can you tell me more?",
    "create": {
        "name": "create_task",
        "arguments": {"user_id": "user_1", "title": "Important Meeting"},
    },
    "complete": {
        "name": "update_task_status",
        "arguments": {"task_id": "task_1", "status": "completed"},
    },
    "done": "That is done. Is there anything else?",
    "stop": "Goodbye. ###STOP###",
}
GROUP = 8
BATCHES = 40
LEARNING_RATE = 0.5


def situation(observation):
    """Return what the policy sees: who spoke last, and whether a meeting is mentioned."""
    last = observation[-1]
    return last.role, "meeting" in (last.content or "").lower()


def probabilities(table, state):
    """Return the softmax of the preferences in a situation."""
    preferences = table.setdefault(state, dict.fromkeys(MOVES, 0.0))
    weights = {move: math.exp(value) for move, value in preferences.items()}
    total = sum(weights.values())
    return {move: weight / total for move, weight in weights.items()}


def play(table, task_id, seed, rng):
    """Play one episode; return its reward and the situations with the moves that were made."""
    rollout = Rollout(SETUP)
    result = rollout.reset(task_id, seed=seed)
    made = []
    while not result.done:
        state = situation(result.observation)
        chances = probabilities(table, state)
        (move,) = rng.choices(list(chances), list(chances.values()))
        made.append((state, move))
        result = rollout.step(MOVES[move])
    return result.reward, made


def learn(table, episodes):
    """Take one step along the policy gradient; the baseline is the group's mean."""
    scored = [(reward, made) for reward, made in episodes if reward is not None]
    baseline = sum(reward for reward, _ in scored) / len(scored)
    for reward, made in scored:
        for state, move in made:
            for other, chance in probabilities(table, state).items():
                gradient = (other == move) - chance
                table[state][other] += LEARNING_RATE * (reward - baseline) * gradient
    return baseline


def train(batches=BATCHES, seed=0):
    """Return the mean reward of every batch."""
    rng = random.Random(seed)
    table = {}
    curve = []
    for batch in range(batches):
        rewards = []
        for task_id in TASKS:
            group = [play(table, task_id, batch * GROUP + n, rng) for n in range(GROUP)]
            rewards.append(learn(table, group))
        curve.append(sum(rewards) / len(rewards))
    return curve


def main():
    """Train, and print the mean reward as it rises."""
    curve = train()
    for start in range(0, BATCHES, 10):
        ten = curve[start : start + 10]
        print(f"batches {start + 1:2} to {start + 10}: mean reward {sum(ten) / len(ten):.2f}")


if __name__ == "__main__":
    main()
