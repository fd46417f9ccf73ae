"""A tiny model learns a task of the mock domain on a CPU: first from demonstrations, then from its
own rewards.

The customer speaks differently in every episode, so what is rewarded is doing the task, not
repeating one text.
"""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")

from act_prm.config import GeneratorConfig, TrainerConfig
from act_prm.environments import get_env
from act_prm.llm_handlers.load import load_model
from act_prm.metrics import read_metrics
from act_prm.trainer import TrainingContext, get_trainer

TINY = {
    "model_name": "tiny",
    "device_map": "cpu",
    "dtype": "float32",
    "tiny": {"hidden": 64, "layers": 2},
}
TASK = {"task_ids": ["update_task_1"], "num_train_tasks": 1, "num_test_tasks": 0, "max_turns": 4}


SEEDS = (1, 2, 3, 4, 5)
DEMONSTRATIONS = {
    "trainer_name": "sft",
    "num_batches": 112,
    "batch_size": 2,
    "learning_rate": 2e-3,
    "demonstration_variants": 1000,
}
PLAYED = {
    "trainer_name": "rl",
    "num_batches": 30,
    "batch_size": 4,
    "group_size": 8,
    "learning_rate": 2e-4,
}
# Of the reward of a batch, over the batches that follow: what is a rise, and what is none.
RISE = 0.12
FIRST, LAST = 3, 12  # batches that are averaged


def context(model, folder, seed, **config):
    env = get_env("tau2bench", domain="mock", user="scripted_user", **TASK)
    config = {"max_tokens": 60, "discount_factor": 1.0, "eval_every": 0, "save_every": 0, **config}
    return TrainingContext(model, env, folder, TrainerConfig(**config), GeneratorConfig(), seed)


async def play_and_learn(folder, seed, **changes):
    """Train from demonstrations, then from rewards; return the mean reward of each batch."""
    model = await load_model(TINY, seed=seed)
    try:
        for stage, config in (("sft", DEMONSTRATIONS), ("rl", {**PLAYED, **changes})):
            trainer = get_trainer(config["trainer_name"])
            await trainer(context(model, folder / stage, seed, **config)).train()
    finally:
        await model.close()
    return [row["train/final_reward"] for row in read_metrics(folder / "rl")]


def mean(values):
    return sum(values) / len(values)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", SEEDS)
def test_rewards_rise_from_a_warm_start(tmp_path, seed):
    rewards = asyncio.run(play_and_learn(tmp_path, seed))
    losses = [row["update/loss"] for row in read_metrics(tmp_path / "sft")]
    assert losses[-1] < losses[0] / 20
    spread = [row["train/reward_std"] for row in read_metrics(tmp_path / "rl")]
    assert max(spread[:FIRST]) > 0  # there is something to learn from
    assert mean(rewards[-LAST:]) > mean(rewards[:FIRST]) + RISE, rewards


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", SEEDS[:2])
def test_shuffled_rewards_teach_nothing(tmp_path, seed):
    rewards = asyncio.run(play_and_learn(tmp_path, seed, shuffle_rewards=True))
    assert mean(rewards[-LAST:]) < mean(rewards[:FIRST]) + RISE, rewards
