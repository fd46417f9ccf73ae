"""A tiny model learns a task of the mock domain on a CPU: first from demonstrations, then from its
own rewards.

The customer speaks differently in every episode, so what is rewarded is doing the task, not
repeating one text. What is compared is the share of solved episodes with the same customers, whom
training never meets, before and after the policy gradient. The rewards of its batches would show
little: a batch has four customers, some are easier than others, and most is learned in the first
batches. Rewards that are shuffled within their groups teach nothing, and the guard does not let
them ruin what was learned.
"""

from __future__ import annotations

import asyncio
import logging

import pytest

pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")

from act_prm.config import TrainerConfig
from act_prm.environments import get_env
from act_prm.generator import OnlineGenerator
from act_prm.llm_handlers.load import load_model
from act_prm.metrics import read_metrics
from act_prm.trainer import TrainingContext, get_trainer

logger = logging.getLogger(__name__)

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
    "num_batches": 96,
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
HELD_OUT = range(100_000, 100_128)  # customers; training meets the first 120
# Of the share of held-out episodes solved: twice the standard error of the difference between two
# shares of 128 episodes each.
RISE = 0.12
FIRST = 3  # batches


def context(model, folder, seed, **config):
    env = get_env("tau2bench", domain="mock", user="scripted_user", **TASK)
    config = {"max_tokens": 60, "discount_factor": 1.0, "eval_every": 0, "save_every": 0, **config}
    return TrainingContext(model, env, folder, TrainerConfig(**config), seed=seed)


async def solved(stage):
    """Return the share of held-out episodes that the model solves, sampled as in training."""
    generator = OnlineGenerator(stage.generator_context("held out", stage.env, stage.generator))
    groups = await generator.generate(HELD_OUT, group_size=1, batch_id=0)
    rewards = [reward for group in groups for reward in group.rewards]
    assert len(rewards) == len(HELD_OUT)
    return sum(rewards) / len(rewards)


async def play_and_learn(folder, seed, **changes):
    """Train from demonstrations, then from rewards; return what was solved before and after."""
    model = await load_model(TINY, seed=seed)
    try:
        shown = context(model, folder / "sft", seed, **DEMONSTRATIONS)
        await get_trainer("sft")(shown).train()
        played = context(model, folder / "rl", seed, **PLAYED, **changes)
        before = await solved(played)
        await get_trainer("rl")(played).train()
        after = await solved(played)
    finally:
        await model.close()
    logger.info("seed %d: %.3f of held-out episodes before, %.3f after", seed, before, after)
    return before, after


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", SEEDS)
def test_rewards_rise_from_a_warm_start(tmp_path, seed):
    before, after = asyncio.run(play_and_learn(tmp_path, seed))
    losses = [row["update/loss"] for row in read_metrics(tmp_path / "sft")]
    assert losses[-1] < losses[0] / 20
    spread = [row["train/reward_std"] for row in read_metrics(tmp_path / "rl")]
    assert max(spread[:FIRST]) > 0  # there is something to learn from
    assert after > before + RISE


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", SEEDS[:2])
def test_shuffled_rewards_teach_nothing(tmp_path, seed):
    before, after = asyncio.run(play_and_learn(tmp_path, seed, shuffle_rewards=True))
    assert after < before + RISE
    # Steps that follow noise make a policy worse; the guard takes it back.
    assert after > before / 2
