"""Workbenches for tests of trainers."""

import asyncio

from tests.unit.act_prm.players import TableModel, WordEnv

from act_prm.config import GeneratorConfig, TrainerConfig
from act_prm.environments import get_env
from act_prm.metrics import read_metrics
from act_prm.trainer import TrainingContext, get_trainer

REASONS = ("because it helps</thought>", "no idea</thought>")
SMALL = {
    "batch_size": 2,
    "group_size": 4,
    "max_tokens": 16,
    "learning_rate": 2.0,
    "eval_every": 0,
    "save_every": 0,
}


def mock(split="train", **settings):
    sizes = {"num_train_tasks": 3, "num_test_tasks": 2, "max_turns": 3}
    return get_env(
        "tau2bench", domain="mock", user="scripted_user", split=split, **{**sizes, **settings}
    )


def online(folder, model=None, *, env=None, eval_env=None, generator=None, **config):
    """A context of the one-word environment."""
    return TrainingContext(
        model=model or TableModel(),
        env=env or WordEnv(),
        folder=folder,
        config=TrainerConfig(**{**SMALL, "trainer_name": "rl", "num_batches": 5, **config}),
        generator=GeneratorConfig(**{"mean_center": True, **(generator or {})}),
        eval_env=eval_env,
        seed=3,
    )


def thinking(folder, model=None, *, eval_env=None, generator=None, **config):
    """A context of thoughts for the demonstrations of the mock domain."""
    settings = {"name": "act_prm", "mean_center": True, "reward_method": "action_probs_per_token"}
    return TrainingContext(
        model=model or TableModel(REASONS),
        env=mock(),
        folder=folder,
        config=TrainerConfig(**{**SMALL, "trainer_name": "act_prm", "num_batches": 3, **config}),
        generator=GeneratorConfig(**{**settings, **(generator or {})}),
        eval_env=eval_env,
        seed=3,
    )


def trainer_of(context):
    return get_trainer(context.config.trainer_name)(context)


def train(context):
    """Train to the end; return the rows of metrics."""
    trainer = trainer_of(context)
    asyncio.run(trainer.train())
    return read_metrics(context.folder)


def timeless(rows):
    return [
        {name: value for name, value in row.items() if not name.startswith("time/")} for row in rows
    ]
