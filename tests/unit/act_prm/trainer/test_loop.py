"""The loop: evaluation, checkpoints, rollouts, and what happens when things fail."""

import asyncio
import json

import pytest
from tests.unit.act_prm.players import BAD, GOOD, TableModel, WordEnv
from tests.unit.act_prm.trainer.contexts import mock, online, thinking, timeless, train, trainer_of

from act_prm.metrics import read_metrics
from act_prm.replay_buffer.buffer import read_steps
from act_prm.trainer import Interrupted
from act_prm.trainer.checkpoints import model_state_of, newest_checkpoint, read_state
from tau2.errors import ConfigError, DataFileError, ModelUnavailable


def names(folder):
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def test_evaluations_and_checkpoints_come_when_they_are_due(tmp_path):
    context = online(
        tmp_path, num_batches=5, eval_every=2, save_every=2, eval_env=WordEnv(split="eval")
    )
    rows = train(context)
    assert [row["batch"] for row in rows if row["phase"] == "eval"] == [0, 2, 4, 5]
    assert names(tmp_path) == ["batch_000002", "batch_000004", "best", "final"]
    assert (tmp_path / "reward_curve.svg").read_text().count("<circle") == 4


def test_the_best_checkpoint_is_the_one_with_the_best_evaluation(tmp_path):
    context = online(
        tmp_path,
        num_batches=6,
        eval_every=3,
        eval_env=WordEnv(tasks=20, split="eval"),
        eval_temperature=1,
    )
    rows = train(context)
    best = max((row["eval/final_reward"], -row["batch"]) for row in rows if row["phase"] == "eval")
    state = read_state(tmp_path / "checkpoints" / "best")
    assert (state.best, -state.batch) == best
    assert (tmp_path / "checkpoints" / "best" / "weights").is_dir()


def test_a_metric_that_is_not_measured_is_a_mistake_in_the_configuration(tmp_path):
    context = online(tmp_path, eval_every=1, eval_env=WordEnv(split="eval"), best_metric="rewrad")
    with pytest.raises(
        ConfigError, match=r"best_metric 'rewrad' is not measured; there are best_of_group, "
    ):
        train(context)


def test_evaluation_may_be_greedy_and_of_several_samples(tmp_path):
    model = TableModel()
    model.logits = [0.1, 0.0]
    env = WordEnv(tasks=6, split="eval")
    context = online(
        tmp_path,
        model,
        num_batches=0,
        eval_every=1,
        eval_env=env,
        eval_temperature=0.0,
        eval_group_size=3,
        eval_num_tasks=2,
    )
    [row] = train(context)
    assert (row["eval/final_reward"], row["eval/n_trajectories"], row["eval/solved_once"]) == (
        1.0,
        6.0,
        1.0,
    )


def test_rollouts_are_kept_with_every_field(tmp_path):
    context = online(tmp_path, num_batches=4, save_rollouts_every=2)
    train(context)
    files = sorted((tmp_path / "rollouts").iterdir())
    assert [file.name for file in files] == ["batch_000002.jsonl", "batch_000004.jsonl"]
    row = json.loads(files[0].read_text().splitlines()[0])
    names_of_all = "state action next_obs state_action_tokens state_len old_logprobs temperature"
    names_of_all += " reward done truncated timestep try_step batch_id unique_data_sample_id"
    names_of_all += " generation_id split return_ advantage tools"
    assert set(names_of_all.split()) <= set(row)
    assert len(read_steps(files[0])) == 8


def test_three_batches_of_nothing_but_failures_end_the_run_with_a_checkpoint(tmp_path):
    context = online(tmp_path, env=WordEnv(infra=range(9)), num_batches=9)
    with pytest.raises(ModelUnavailable, match="3 consecutive batches"):
        train(context)
    assert names(tmp_path) == ["batch_000003", "best"]  # the best: with which it began
    assert read_metrics(tmp_path)[-1]["train/n_infra_failed"] == 8


def test_a_failure_while_learning_leaves_no_half_learned_checkpoint(tmp_path):
    context = online(tmp_path)
    step, taken = context.model.optim_step, []

    async def breaks(rate):
        taken.append(rate)
        if len(taken) > 2:
            raise ModelUnavailable("gone")
        return await step(rate)

    context.model.optim_step = breaks
    with pytest.raises(ModelUnavailable):
        train(context)
    assert newest_checkpoint(tmp_path) is None


class Stops(WordEnv):
    """Interrupts the trainer at an episode."""

    def __init__(self, at, **settings):
        super().__init__(**settings)
        self.at = at

    def reset(self, *args, **where):
        if len(self.begun) == self.at:
            self.trainer.interrupt()
        return super().reset(*args, **where)


@pytest.mark.parametrize("at", [0, 9, 20, 30])
def test_a_resumed_run_equals_an_undisturbed_one(tmp_path, at):
    config = {"num_batches": 5, "eval_every": 2, "learning_rate": 1.0}
    whole = online(tmp_path / "whole", eval_env=WordEnv(split="eval"), **config)
    expected = timeless(train(whole))

    env = Stops(at)
    broken = online(tmp_path / "broken", env=env, eval_env=WordEnv(split="eval"), **config)
    env.trainer = trainer_of(broken)
    with pytest.raises(Interrupted) as stopped:
        asyncio.run(env.trainer.train())
    assert stopped.value.checkpoint == newest_checkpoint(tmp_path / "broken")

    resumed = online(tmp_path / "broken", eval_env=WordEnv(split="eval"), **config)
    assert timeless(_resume(resumed)) == expected
    assert resumed.model.logits == whole.model.logits


def _resume(context):
    trainer = trainer_of(context)

    async def go_on():
        await trainer.resume()
        await trainer.train()

    asyncio.run(go_on())
    return read_metrics(context.folder)


@pytest.mark.parametrize("saved", [2, 4, 5])
def test_a_run_resumed_in_any_phase_has_its_replay_buffer_back(tmp_path, saved):
    config = {
        "trainer_name": "act_prm_for_sft",
        "learning_rate": 1.0,
        "save_every": 1,
        "mini_batch_size": 6,
    }
    whole = thinking(tmp_path, **config)
    expected = timeless(train(whole))
    for path in (tmp_path / "checkpoints").iterdir():
        if path.name != f"batch_{saved:06d}":
            path.rename(
                tmp_path / path.name
            )  # as if the run had died here, its files being further on
    resumed = thinking(tmp_path, **config)
    assert timeless(_resume(resumed)) == expected
    assert resumed.model.logits == whole.model.logits
    assert resumed.buffer.steps == whole.buffer.steps


def test_a_finished_run_is_resumed_to_more_batches(tmp_path):
    expected = timeless(train(online(tmp_path / "whole", num_batches=5)))
    train(online(tmp_path / "short", num_batches=3))
    assert timeless(_resume(online(tmp_path / "short", num_batches=5))) == expected


def test_a_finished_run_has_nothing_left_to_do(tmp_path):
    rows = train(online(tmp_path, num_batches=2))
    assert _resume(online(tmp_path, num_batches=2)) == rows


def test_there_must_be_something_to_resume(tmp_path):
    with pytest.raises(ConfigError, match="no checkpoint to resume from"):
        _resume(online(tmp_path))


def test_a_run_may_begin_with_the_model_of_another(tmp_path):
    first = online(tmp_path / "first", num_batches=4)
    train(first)
    second = online(tmp_path / "second", num_batches=0)
    trainer = trainer_of(second)
    asyncio.run(trainer.load(tmp_path / "first" / "checkpoints" / "final"))
    assert (second.model.logits, trainer.state.batch) == (first.model.logits, 0)
    assert model_state_of(tmp_path) == tmp_path  # a folder of a model alone
    with pytest.raises(DataFileError, match="no such checkpoint"):
        model_state_of(tmp_path / "none")


def test_a_damaged_checkpoint_is_named(tmp_path):
    for text in ("{", "[]", '{"format": 9}', '{"format": 1}'):
        (tmp_path / "trainer.json").write_text(text)
        with pytest.raises(DataFileError, match=r"trainer\.json"):
            read_state(tmp_path)


def test_starting_anew_forgets_old_metrics(tmp_path):
    train(online(tmp_path, num_batches=2))
    trainer = trainer_of(online(tmp_path, num_batches=2))
    trainer.start_fresh()
    assert read_metrics(tmp_path) == []


def test_a_task_is_tried_again_in_training(tmp_path):
    env = WordEnv()
    train(
        online(
            tmp_path,
            TableModel([BAD]),
            env=env,
            num_batches=1,
            num_tries=2,
            group_size=1,
            batch_size=1,
        )
    )
    assert [attempt for _, _, attempt in env.begun] == [0, 1]


def test_evaluation_leaves_failures_out(tmp_path):
    context = online(
        tmp_path,
        TableModel([GOOD]),
        num_batches=0,
        eval_every=1,
        eval_group_size=2,
        eval_env=WordEnv(split="eval", user=[0]),
    )
    [row] = train(context)
    assert (row["eval/final_reward"], row["eval/n_user_failed"]) == (1.0, 4.0)


def test_the_real_environment_is_evaluated_on_its_held_out_tasks(tmp_path):
    context = thinking(tmp_path, num_batches=0, eval_every=1, eval_env=mock("eval"))
    [row] = train(context)
    assert row["eval/n_trajectories"] == 2
