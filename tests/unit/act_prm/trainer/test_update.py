"""From steps to optimizer steps."""

import asyncio
import math

import pytest
from tests.unit.act_prm.players import BAD, GOOD, ReferenceModel, TableModel, WordEnv
from tests.unit.act_prm.trainer.contexts import online, train, trainer_of

from act_prm.trainer.update import optimize, policy_gradient
from tau2.errors import ConfigError


@pytest.mark.parametrize(
    ("config", "sizes"),
    [
        ({}, [8]),
        ({"num_substeps": 2}, [4, 4]),
        ({"num_substeps": 3}, [3, 3, 2]),
        ({"mini_batch_size": 3}, [3, 3, 2]),
        ({"mini_batch_size": 3, "num_substeps": 4}, [2, 2, 2, 2]),
    ],
)
def test_a_batch_is_divided_into_optimizer_steps(tmp_path, config, sizes):
    context = online(tmp_path, **config)
    steps = _steps(context)
    asyncio.run(policy_gradient(context, [step.datum() for step in steps], 0))
    assert [count for _, count in context.model.trained] == sizes
    assert context.model.steps == len(sizes)


def _steps(context):
    batch = asyncio.run(trainer_of(context).phases[0].generate(0, 0))
    return [step for group in batch.groups for step in group.steps]


def test_the_gradient_is_that_of_the_expected_reward(tmp_path):
    context = online(tmp_path, learning_rate=1.0, group_size=8, batch_size=1)
    steps = _steps(context)
    asyncio.run(policy_gradient(context, [step.datum() for step in steps], 0))
    tokens = sum(step.reply_len for step in steps)
    expected = sum(step.advantage * (0.5 if step.reward else -0.5) for step in steps) / tokens
    assert context.model.logits == pytest.approx([expected, -expected])


@pytest.mark.parametrize(("share", "part"), [(1.0, 0.5), (0.5, 0.75)])
def test_the_advantage_of_a_token_is_multiplied_by_its_probability_if_told_to(
    tmp_path, share, part
):
    moved = []
    for weight in (0.0, share):
        context = online(tmp_path, group_size=8, batch_size=1, probability_weight=weight)
        steps = _steps(context)  # the word is one of two that are equally probable
        asyncio.run(policy_gradient(context, [step.datum() for step in steps], 0))
        moved.append(context.model.logits[0])
    assert moved[0] != 0
    assert moved[1] == pytest.approx(part * moved[0])


def test_groups_without_differences_take_no_step_and_are_counted(tmp_path):
    context = online(tmp_path, TableModel([GOOD]), num_batches=2)
    rows = train(context)
    assert context.model.steps == 0
    assert [row["train/n_groups_without_signal"] for row in rows] == [2, 2]
    assert [row["update/optimizer_steps"] for row in rows] == [0, 0]


def test_only_the_best_k_of_a_group_are_trained_on(tmp_path):
    context = online(tmp_path, generator={"keep_top_k": 1}, num_batches=1)
    row = train(context)[0]
    assert row["update/sequences"] == row["train/n_groups"] - row["train/n_groups_without_signal"]


def test_straying_from_the_reference_costs(tmp_path):
    free, charged = (
        online(
            tmp_path / name,
            ReferenceModel(),
            num_batches=20,
            kl_penalty_coef=cost,
            compute_post_kl=True,
        )
        for name, cost in (("free", 0.0), ("charged", 5.0))
    )
    train(free)
    row = train(charged)[-1]
    assert charged.model.logits[0] < free.model.logits[0]
    assert row["update/kl_to_reference"] > 0
    assert "update/post_kl" in row


def test_later_tokens_charge_earlier_ones_if_told_to(tmp_path):
    context = online(
        tmp_path,
        ReferenceModel(),
        kl_penalty_coef=1.0,
        kl_discount_factor=1.0,
        env=WordEnv(turns=1),
    )
    context.model.logits = [1.0, 0.0]
    steps = _steps(context)
    asyncio.run(policy_gradient(context, [step.datum() for step in steps], 0))
    assert all(math.isfinite(one) for one in context.model.logits)


def test_a_penalty_without_a_reference_is_a_mistake_in_the_configuration(tmp_path):
    with pytest.raises(ConfigError, match="kl_penalty_coef needs a model with a reference"):
        train(online(tmp_path, kl_penalty_coef=0.1))


def test_nothing_to_learn_from_is_no_step(tmp_path):
    context = online(tmp_path, TableModel([BAD]))
    found = asyncio.run(optimize(context, [], "cross_entropy", size=2, scope=0))
    assert found == {"optimizer_steps": 0.0, "sequences": 0.0}
