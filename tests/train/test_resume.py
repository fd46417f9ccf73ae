"""With the real model: a run that was broken off goes on as if it had not been.

The reference stays what it was.
"""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")

from act_prm.config import GeneratorConfig, TrainerConfig
from act_prm.environments import get_env
from act_prm.metrics import read_metrics
from act_prm.trainer import Trainer, TrainingContext, get_trainer
from act_prm.trainer.update import HasReference

SFT = {
    "trainer_name": "sft",
    "batch_size": 1,
    "max_tokens": 16,
    "eval_every": 0,
    "learning_rate": 1e-2,
}


def trainer(model, folder, **config) -> Trainer:
    sizes = {"num_train_tasks": 3, "num_test_tasks": 0, "max_turns": 2}
    env = get_env("tau2bench", domain="mock", user="scripted_user", **sizes)
    context = TrainingContext(
        model,
        env,
        folder,
        TrainerConfig(**{**SFT, **config}),
        GeneratorConfig(mean_center=True),
        seed=1,
    )
    return get_trainer(context.config.trainer_name)(context)


def losses(folder):
    return [row["update/loss"] for row in read_metrics(folder)]


async def resumed(trainer):
    await trainer.resume()
    await trainer.train()


def test_a_resumed_run_equals_an_undisturbed_one(tiny, tmp_path):
    asyncio.run(trainer(tiny(), tmp_path / "whole", num_batches=4).train())
    asyncio.run(trainer(tiny(), tmp_path / "parts", num_batches=2).train())
    asyncio.run(resumed(trainer(tiny(), tmp_path / "parts", num_batches=4)))
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert losses(tmp_path / "whole")[-1] < losses(tmp_path / "whole")[0]


def test_the_reference_is_the_model_as_it_was(tiny, tmp_path):
    model, tokens = tiny(), [list(range(20, 40))]
    assert isinstance(model, HasReference)
    before = asyncio.run(model.logprobs(tokens))
    asyncio.run(trainer(model, tmp_path, num_batches=2).train())
    assert asyncio.run(model.logprobs(tokens)) != before
    assert asyncio.run(model.reference_logprobs(tokens))[0] == pytest.approx(before[0], abs=1e-5)


def test_thoughts_and_episodes_of_a_real_model(tiny, tmp_path):
    thoughts = {
        "trainer_name": "act_prm_sft_rl",
        "num_batches": 1,
        "num_rl_batches": 1,
        "group_size": 2,
    }
    asyncio.run(trainer(tiny(), tmp_path, **thoughts).train())
    rows = read_metrics(tmp_path)
    assert [rows[0]["phase"], rows[-1]["phase"]] == ["act_prm", "rl"]
    assert 0.0 <= rows[0]["train/final_reward"] <= 1.0
