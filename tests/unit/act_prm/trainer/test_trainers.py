"""Every trainer learns what it is made for."""

import asyncio
import math

import pytest
from tests.unit.act_prm.players import GOOD, TableModel, WordEnv
from tests.unit.act_prm.trainer.contexts import REASONS, mock, online, thinking, timeless, train

from act_prm.config.models import TrainerName
from act_prm.replay_buffer import EpisodeStep, Trajectory, make_group
from act_prm.trainer import get_trainer
from act_prm.trainer.thoughts import worth_imitating
from tau2.errors import UnknownName


def chance(model, k=0):
    return math.exp(model.logs()[k])


def test_rl_learns_what_is_rewarded(tmp_path):
    context = online(tmp_path, num_batches=12, learning_rate=100.0)
    rows = train(context)
    rewards = [row["train/final_reward"] for row in rows]
    assert rows[0]["train/reward_std"] > 0
    assert sum(rewards[-3:]) / 3 > sum(rewards[:3]) / 3 + 0.2
    assert chance(context.model) > 0.9


@pytest.mark.parametrize("loss_fn", ["importance_sampling", "ppo"])
def test_rl_with_either_loss_and_several_substeps(tmp_path, loss_fn):
    context = online(tmp_path, num_batches=6, loss_fn=loss_fn, num_substeps=2, learning_rate=60.0)
    train(context)
    assert {name for name, _ in context.model.trained} == {loss_fn}
    assert chance(context.model) > 0.6


def test_act_prm_learns_to_explain(tmp_path):
    context = thinking(tmp_path, num_batches=6, learning_rate=2000.0)
    rows = train(context)
    assert rows[-1]["train/final_reward"] > rows[0]["train/final_reward"]
    assert chance(context.model) > 0.9


def test_sft_learns_the_demonstrations(tmp_path):
    context = thinking(tmp_path, trainer_name="sft", mini_batch_size=2)
    rows = train(context)
    assert {row["phase"] for row in rows} == {"sft"}
    assert context.model.trained[0] == ("cross_entropy", 2)
    assert "train/final_reward" not in rows[0]


def test_act_prm_for_sft_keeps_the_best_thoughts_and_imitates_them(tmp_path):
    context = thinking(
        tmp_path, trainer_name="act_prm_for_sft", group_size=12, num_sft_epochs=2, mini_batch_size=4
    )
    rows = train(context)
    assert [row["phase"] for row in rows[:3]] == ["act_prm"] * 3
    kept = context.buffer.steps
    assert len(kept) == sum(row["train/n_groups"] for row in rows[:3])
    assert all("because" in step.action["content"] for step in kept if not step.timestep)
    sft_data = [count for name, count in context.model.trained if name == "cross_entropy"]
    assert sum(sft_data) == 2 * len(kept)
    assert len(rows) == 3 + 2 * math.ceil(len(kept) / 4)


def test_a_threshold_decides_what_is_imitated(tmp_path):
    context = thinking(
        tmp_path, trainer_name="act_prm_for_sft", learning_rate=0.0, advantage_threshold=0.001
    )
    train(context)
    assert context.buffer.steps
    assert all(step.advantage >= 0.001 for step in context.buffer)
    assert worth_imitating([], None) == []


def test_an_advantage_at_the_threshold_is_imitated():
    def trajectory(reward):
        def step():
            return EpisodeStep(
                state=[],
                action={},
                next_obs=[],
                tools=[],
                state_action_tokens=[1, 2],
                state_len=1,
                old_logprobs=[],
                reward=reward,
            )

        return Trajectory([step()], [step()])

    group = make_group(
        [trajectory(0.25), trajectory(0.5), trajectory(0.75)], discount=1.0, mean_center=False
    )
    imitated = worth_imitating([group], 0.5)
    assert [step.advantage for step in imitated] == [0.5, 0.75]


def test_act_prm_joint_does_both_in_one_batch(tmp_path):
    context = thinking(tmp_path, trainer_name="act_prm_joint")
    rows = train(context)
    assert {name for name, _ in context.model.trained} == {"cross_entropy", "ppo"}
    assert {"update/loss", "update/sft_loss"} <= set(rows[0])


def test_act_prm_sft_eval_evaluates_after_the_thoughts_only(tmp_path):
    context = thinking(
        tmp_path, trainer_name="act_prm_sft_eval", eval_env=mock("eval"), eval_every=1
    )
    phases = [row["phase"] for row in train(context)]
    assert phases[:4] == ["act_prm", "act_prm", "act_prm", "eval"]
    assert phases[-1] == "eval"


def test_act_prm_sft_rl_ends_online(tmp_path):
    context = thinking(tmp_path, trainer_name="act_prm_sft_rl", num_rl_batches=2)
    rows = train(context)
    assert [row["phase"] for row in rows][-2:] == ["rl", "rl"]
    assert rows[-1]["train/turns"] >= 1


def test_action_prompts_come_first_if_they_are_wanted(tmp_path):
    context = thinking(
        tmp_path, action_prompts=True, num_batches_action_prompts=1, action_prompt_num_epochs=3,
        action_prompt_keep_top_k=1, action_prompt_mini_batch_size=100,
    )  # fmt: skip
    rows = train(context)
    assert [row["phase"] for row in rows] == ["action_prompts", *["act_prm"] * 3]
    assert context.model.trained[:3] == [("cross_entropy", int(rows[0]["train/n_groups"]))] * 3


def test_a_thought_generator_in_online_training_is_replaced_by_episodes(tmp_path):
    context = online(tmp_path, num_batches=1, generator={"name": "act_prm"})
    assert train(context)[0]["train/n_trajectories"] == 8


def test_demonstrations_may_come_from_another_environment(tmp_path):
    context = thinking(tmp_path, TableModel(REASONS), num_batches=1)
    context.base_env = mock(num_train_tasks=1)
    assert {step.unique_data_sample_id for step in _thoughts(context)} == {
        context.base_env.dataset[0].id
    }


def _thoughts(context):
    phase = get_trainer("act_prm")(context).phases[1]
    return asyncio.run(phase.generate(0, 0)).all_steps


@pytest.mark.parametrize("name", TrainerName.__args__)
def test_the_same_seed_gives_the_same_run(tmp_path, name):
    told = []
    for at in ("first", "second"):
        make = online if name == "rl" else thinking
        context = make(tmp_path / at, trainer_name=name, num_batches=2, learning_rate=1.0)
        told.append((timeless(train(context)), context.model.logits))
    assert told[0] == told[1]


def test_an_unknown_trainer_is_named():
    with pytest.raises(UnknownName, match="did you mean 'act_prm_joint'"):
        get_trainer("act_prm_jiont")


def test_every_task_is_played_once_before_any_is_played_again(tmp_path):
    env = WordEnv(tasks=5)
    context = online(tmp_path, TableModel([GOOD]), env=env, num_batches=5, group_size=1)
    train(context)
    numbers = [task for task, _, _ in env.begun]
    assert len(set(numbers)) == 10  # a task that comes again meets another user
    order = [number % 5 for number in numbers]
    assert [sorted(order[start : start + 5]) for start in (0, 5)] == [list(range(5))] * 2
    assert order[:5] != order[5:]
