"""A run that learns nothing says why, one that falls goes back, and old checkpoints go."""

import asyncio

import pytest
from tests.unit.act_prm.players import BAD, GOOD, TableModel, WordEnv
from tests.unit.act_prm.trainer.contexts import online, train, trainer_of

from act_prm.metrics.reporting import NoReporter
from act_prm.trainer.checkpoints import read_state


class Notes(NoReporter):
    """Keeps what is told."""

    def __init__(self):
        self.texts = []

    def note(self, text):
        self.texts.append(text)


def told(context):
    context.reporter = Notes()
    train(context)
    return context.reporter.texts


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (BAD, "2 groups with rewards of 0 only"),
        (GOOD, "2 groups with rewards of 1 only"),
    ],
)
def test_a_run_in_which_no_group_teaches_says_so_and_why(tmp_path, reply, cause):
    notes = told(online(tmp_path, TableModel([reply]), num_batches=9))
    assert len(notes) == 3  # after 2, 4 and 8 batches
    assert notes[0].startswith("nothing was learned in the last 2 batches: ")
    assert cause in notes[0]


def test_the_causes_are_counted(tmp_path):
    class CutOff(TableModel):
        def _reply(self, params, at):
            completion = super()._reply(params, at)
            return type(completion)(
                completion.tokens, completion.logprobs, completion.text, finished=False
            )

    class Invalid(WordEnv):
        def step(self, *args, **move):
            result = super().step(*args, **move)
            result.state.metadata["invalid_actions"] = 2
            return result

    env = Invalid(infra=[0], user=[1])
    [note] = told(online(tmp_path, CutOff([BAD]), env=env, num_batches=2))
    for cause in (
        "2 episodes failed with the infrastructure",
        "2 episodes failed with the simulated user",
        "max_tokens cut off 4 of the 4 replies",
        "8 calls that could not be read or executed",
    ):
        assert cause in note


def test_a_run_that_learns_is_silent_about_it(tmp_path):
    assert told(online(tmp_path, num_batches=4)) == []


class Falls(TableModel):
    """Forgets everything in its first batch, after the five calls of the first evaluation."""

    async def sample(self, prompts, params):
        if len(self.sampled) == 5:
            self.logits = [-30.0, 30.0]
        return await super().sample(prompts, params)


def falling(tmp_path, **config):
    model = Falls()
    model.logits = [30.0, 0.0]
    evaluated = WordEnv(tasks=40, split="eval")
    return online(tmp_path, model, eval_env=evaluated, eval_every=1, **config)


def test_a_policy_that_certainly_fell_goes_back_to_the_best(tmp_path):
    context = falling(tmp_path, num_batches=6)
    notes = told(context)
    [note] = [text for text in notes if "goes back to" in text]
    assert note.startswith("eval/final_reward fell to 0.000 (at most 0.088) from 1.000")
    assert "the learning rate is halved" in note
    assert context.model.logits[0] > 0
    state = read_state(tmp_path / "checkpoints" / "final")
    assert (state.rollbacks, state.batch) == (1, 6)
    assert context.learning_rate == context.config.learning_rate / 2


def test_after_the_last_way_back_training_ends_with_the_best_model(tmp_path):
    context = falling(tmp_path, num_batches=9, max_rollbacks=0)
    [note] = [text for text in told(context) if "goes back to" in text]
    assert "training ends here" in note
    assert read_state(tmp_path / "checkpoints" / "final").batch == 1
    assert context.model.logits[0] > 0


def test_the_guard_can_be_off(tmp_path):
    context = falling(tmp_path, num_batches=4, guard_drop=None)
    assert not [text for text in told(context) if "goes back to" in text]
    assert context.model.logits[0] < 0


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    evaluated = WordEnv(split="eval")
    context = online(
        tmp_path, num_batches=5, save_every=1, keep_checkpoints=2, eval_every=5, eval_env=evaluated
    )
    train(context)
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["batch_000004", "batch_000005", "best", "final"]


def test_evaluations_have_intervals(tmp_path):
    context = online(
        tmp_path, num_batches=0, eval_every=1, eval_env=WordEnv(tasks=10, split="eval")
    )
    [row] = train(context)
    assert row["eval/correct_low"] < row["eval/correct"] < row["eval/correct_high"]


def test_the_learning_rate_follows_its_schedule(tmp_path):
    context = online(tmp_path, num_batches=4, lr_schedule="linear", learning_rate=3.0)
    rates = [row["update/learning_rate"] for row in train(context)]
    assert rates == pytest.approx([3.0, 2.0, 1.0, 0.0])


def test_a_step_too_far_is_the_last_of_its_batch(tmp_path):
    class Far(TableModel):
        async def forward_backward(self, data, loss_fn, policy=None):
            report = await super().forward_backward(data, loss_fn, policy)
            report.metrics["kl_to_old"] = float(self.steps)
            return report

    context = online(tmp_path, Far(), num_batches=1, mini_batch_size=1, max_kl=0.5, group_size=8)
    [row] = train(context)
    assert row["update/optimizer_steps"] == 2
    assert row["update/sequences"] > 2


def test_a_cut_off_reply_is_not_trained_on(tmp_path):
    context = online(tmp_path)
    batch = asyncio.run(trainer_of(context).phases[0].generate(0, 0))
    for group in batch.groups:
        for step in group.steps:
            step.finished = step.generation_id > 0
    metrics = asyncio.run(trainer_of(context).phases[0].learn(batch, 0))
    assert metrics["cut_off_replies"] == 2
    assert metrics["sequences"] == 6


class Drifts(TableModel):
    """Learns a little, and forgets everything after two blocks of two batches."""

    async def sample(self, prompts, params):
        self.logits = [-30.0, 30.0] if len(self.sampled) == 4 else self.logits
        return await super().sample(prompts, params)


def drifting(tmp_path, model=None, **config):
    model = model or Drifts()
    model.logits = [30.0, 0.0]
    env = WordEnv(tasks=40)
    return online(
        tmp_path, model, env=env, batch_size=20, guard_batches=2, **{"num_batches": 8, **config}
    )


def test_without_evaluations_the_rewards_of_training_are_the_guard(tmp_path):
    context = drifting(tmp_path)
    notes = told(context)
    [note] = [text for text in notes if "goes back to" in text]
    assert note.startswith("the mean reward of training fell to 0.000 (at most 0.088) from 1.000")
    assert "the learning rate is halved" in note
    assert context.model.logits[0] > 0
    state = read_state(tmp_path / "checkpoints" / "final")
    assert (state.rollbacks, state.best, state.batch) == (1, 1.0, 8)


def test_a_certain_loss_in_the_last_batches_is_taken_back(tmp_path):
    context = drifting(tmp_path, num_batches=5, guard_drop=1.0)
    [note] = [text for text in told(context) if "goes back to" in text]
    assert "training ends here" in note
    assert context.model.logits[0] > 0


def test_a_resumed_run_has_the_same_guard(tmp_path):
    context = drifting(tmp_path / "whole", save_every=5)
    told(context)
    again = drifting(tmp_path / "whole", TableModel())
    again.reporter = Notes()
    trainer = trainer_of(again)
    (tmp_path / "whole" / "checkpoints" / "final").rename(tmp_path / "final")
    asyncio.run(trainer.resume())
    assert (trainer.state.batch, len(trainer.state.guarded)) == (5, 20)
    asyncio.run(trainer.train())
    [note] = [text for text in again.reporter.texts if "goes back to" in text]
    assert note.startswith("the mean reward of training fell")
    assert again.model.logits[0] > 0


def test_better_rewards_are_the_best_model(tmp_path):
    context = online(tmp_path, env=WordEnv(tasks=40), batch_size=20, num_batches=8, guard_batches=2)
    assert not [text for text in told(context) if "goes back to" in text]
    best = read_state(tmp_path / "checkpoints" / "best")
    assert best.batch > 0
    assert best.best > 0.5
