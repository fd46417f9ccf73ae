"""How much memory training needs is told before the first step."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")

from act_prm.config import TrainerConfig  # noqa: E402
from act_prm.environments import get_env  # noqa: E402
from act_prm.llm_handlers.checkpoints import trained  # noqa: E402
from act_prm.llm_handlers.client import Datum  # noqa: E402
from act_prm.llm_handlers.load import checkpoint_activations  # noqa: E402
from act_prm.llm_handlers.memory import memory_need  # noqa: E402
from act_prm.metrics.reporting import NoReporter  # noqa: E402
from act_prm.trainer import TrainingContext, get_trainer  # noqa: E402

PASS = {"longest": 500, "train_tokens": 1000, "sample_tokens": 2000}


def test_the_parts_grow_with_what_they_are_for(tiny):
    model = tiny().model
    need = memory_need(model, **PASS)
    values = sum(one.numel() for one in trained(model).values())
    assert need.optimizer == 12 * values
    assert need.sampling == 2000 * 2 * 2 * 1 * 16 * 4  # tokens, layers, keys and values, heads
    double = memory_need(model, **PASS | {"train_tokens": 2000})
    assert double.activations == 2 * need.activations
    assert double.scores > need.scores
    assert need.total == need.optimizer + max(need.activations + need.scores, need.sampling)


def test_checkpointed_activations_need_less(tiny):
    frugal = tiny()
    checkpoint_activations(frugal.model.base_model.model)
    assert (
        memory_need(frugal.model, **PASS).activations
        < memory_need(tiny().model, **PASS).activations
    )


def test_what_does_not_fit_is_a_sentence_with_the_way_out(tiny):
    need = memory_need(tiny().model, **PASS)
    large = replace(need, free=3 * 10**9, activations=12 * 10**9)
    assert not large.fits
    assert large.sentence().startswith("training needs about 12.0 GB beside the weights")
    assert "but 3.0 GB are free in main memory: lower train_tokens" in large.sentence()
    assert replace(need, free=10**12).fits
    assert "free" not in replace(need, free=None).sentence()


def test_a_run_begins_by_telling_it_and_is_exact_before_the_first_step(tiny, tmp_path):
    texts = []

    class Notes(NoReporter):
        def note(self, text):
            texts.append(text)

    env = get_env(
        "tau2bench", domain="mock", user="scripted_user", num_train_tasks=1, num_test_tasks=0
    )
    config = TrainerConfig(trainer_name="sft", num_batches=2, batch_size=1, eval_every=0)
    context = TrainingContext(tiny(), env, tmp_path, config, reporter=Notes())
    asyncio.run(get_trainer("sft")(context).train())
    assert texts[0].startswith("training needs up to ")
    assert [text for text in texts[1:] if "training needs" in text] == texts[1:2]  # once
    assert texts[1].startswith("training needs about ")


def test_a_step_needs_less_than_the_largest_that_the_settings_allow(tiny):
    model = tiny(train_tokens=4000)
    tokens = list(range(5, 105))
    short = Datum(tokens, [0.0] * 80 + [1.0] * 20)
    alone = model._need_of_pass([short])
    assert alone.scores < memory_need(model.model, **{**PASS, "train_tokens": 100}).scores
    assert model._need_of_pass([short, short]).activations == 2 * alone.activations
    long = Datum(tokens * 2, [0.0] * 180 + [1.0] * 20)
    # Attention keeps a weight for each pair of tokens.
    assert model._need_of_pass([long]).activations > 2 * alone.activations
