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


def context(model, folder, **config):
    env = get_env("tau2bench", domain="mock", user="scripted_user", **TASK)
    config = {"max_tokens": 60, "discount_factor": 1.0, "eval_every": 0, "save_every": 0, **config}
    return TrainingContext(model, env, folder, TrainerConfig(**config), GeneratorConfig(), seed=1)


async def learned(folder):
    """Return the mean reward of each batch of reinforcement learning, and how much the rewards
    differed."""
    model = await load_model(TINY)
    try:
        shown = {
            "num_batches": 112,
            "batch_size": 2,
            "learning_rate": 2e-3,
            "demonstration_variants": 1000,
        }
        await get_trainer("sft")(
            context(model, folder / "sft", trainer_name="sft", **shown)
        ).train()
        played = {"num_batches": 14, "batch_size": 1, "group_size": 24, "learning_rate": 1e-3}
        await get_trainer("rl")(context(model, folder / "rl", trainer_name="rl", **played)).train()
    finally:
        await model.close()
    rows = read_metrics(folder / "rl")
    return [row["train/final_reward"] for row in rows], [row["train/reward_std"] for row in rows]


@pytest.mark.timeout(1200)
def test_rewards_rise_from_a_warm_start(tmp_path):
    rewards, spread = asyncio.run(learned(tmp_path))
    losses = [row["update/loss"] for row in read_metrics(tmp_path / "sft")]
    assert losses[-1] < losses[0] / 20
    assert min(spread[:4]) > 0  # there is something to learn from
    before, after = sum(rewards[:4]) / 4, sum(rewards[-4:]) / 4
    assert after > before + 0.12, rewards
