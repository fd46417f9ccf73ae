"""Learning here and playing on an engine: adapters are handed over, tokens stay as sampled."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.train.gguf_file import write_llama

torch = pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")

from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402

from act_prm.llm_handlers.client import Datum, SamplingParams  # noqa: E402
from act_prm.llm_handlers.engine_model import EngineModel  # noqa: E402
from act_prm.llm_handlers.load import load_model  # noqa: E402
from act_prm.llm_handlers.lora import LoraSettings, attach_lora  # noqa: E402
from act_prm.llm_handlers.rollout_engine import EngineReply  # noqa: E402
from tau2.errors import ConfigError  # noqa: E402

PROMPTS = [[5, 6, 7], [8, 9]]


class Engine:
    """Says two tokens to every prompt."""

    def __init__(self, *, tempered=False, logprobs=(-0.5, -0.25)):
        self.tempered = tempered
        self.logprobs = list(logprobs)
        self.events = []

    async def complete(self, prompts, params, *, seeds, limits, ends):
        self.events.append(("complete", len(prompts), limits))
        assert len(set(seeds)) == len(prompts)
        return [EngineReply([11, ends[0]], self.logprobs, stopped=True) for _ in prompts]

    async def load_adapter(self, folder, number):
        config = json.loads((folder / "adapter_config.json").read_text())
        self.events.append(("adapter", number, config["r"]))

    async def close(self):
        self.events.append(("close",))


@pytest.fixture
def model_with(tiny_folder):
    def make(engine, lora=True):
        plain = AutoModelForCausalLM.from_pretrained(tiny_folder)
        model = attach_lora(plain, LoraSettings(r=2), seed=0) if lora else plain
        tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
        return EngineModel(model, tokenizer, name="tiny", engine=engine)

    return make


def sampled(model, **params):
    return asyncio.run(model.sample(PROMPTS, SamplingParams(max_tokens=4, **params)))


def test_tokens_and_log_probabilities_are_the_engines(model_with):
    model = model_with(Engine())
    replies = sampled(model)
    assert [reply.tokens[0] for reply in replies] == [11, 11]
    assert [reply.logprobs for reply in replies] == [[-0.5, -0.25]] * 2
    assert all(reply.finished for reply in replies)
    assert [reply.logprobs for reply in sampled(model, temperature=0.0)] == [[0.0, 0.0]] * 2
    asyncio.run(model.close())
    assert model.engine.events[-1] == ("close",)


@pytest.mark.parametrize(
    ("engine", "params"),
    [
        (Engine(), {"temperature": 0.5}),
        (Engine(tempered=True), {"top_p": 0.9}),
        (Engine(logprobs=(-0.5,)), {}),
    ],
)
def test_what_the_engine_cannot_state_is_scored_by_the_learner(model_with, engine, params):
    model = model_with(engine)
    replies = sampled(model, **params)
    expected = [
        asyncio.run(
            model.learner_logprobs(
                [
                    Datum(
                        [*prompt, *reply.tokens],
                        [0.0] * len(prompt) + [1.0, 1.0],
                        temperature=params.get("temperature", 1.0),
                        top_p=params.get("top_p", 1.0),
                    )
                ]
            )
        )[0][len(prompt) :]
        for prompt, reply in zip(PROMPTS, replies, strict=True)
    ]
    asyncio.run(model.close())
    for reply, row in zip(replies, expected, strict=True):
        assert reply.logprobs == pytest.approx(row, abs=1e-5)


def test_an_engine_that_applies_the_temperature_is_believed(model_with):
    model = model_with(Engine(tempered=True))
    assert sampled(model, temperature=0.5)[0].logprobs == [-0.5, -0.25]
    asyncio.run(model.close())


def test_after_an_update_the_engine_plays_with_the_new_adapter(model_with):
    model = model_with(Engine())
    sampled(model)
    data = [Datum([5, 6, 7, 11], [0.0, 0.0, 0.0, 1.0])]
    for _ in range(2):
        asyncio.run(model.forward_backward(data, "cross_entropy"))
        asyncio.run(model.optim_step(1e-3))
    sampled(model)
    sampled(model)
    asyncio.run(model.forward_backward(data, "cross_entropy"))
    asyncio.run(model.optim_step(1e-3))
    sampled(model)
    kinds = [event[:2] for event in model.engine.events]
    asyncio.run(model.close())
    assert kinds == [
        ("complete", 2), ("adapter", 2), ("complete", 2), ("complete", 2), ("adapter", 3),
        ("complete", 2),
    ]  # fmt: skip


def test_without_an_adapter_there_is_nothing_to_hand_over(model_with):
    with pytest.raises(ConfigError, match="--lora_config"):
        model_with(Engine(), lora=False)


def test_llama_cpp_plays_what_the_learner_learned(tmp_path):
    pytest.importorskip("xllamacpp", reason="llama.cpp is the package xllamacpp")
    pytest.importorskip("gguf", reason="GGUF files are read with the package gguf")
    base = write_llama(tmp_path / "small.gguf", seed=3)
    config = {
        "model_name": str(base),
        "device_map": "cpu",
        "max_length": 128,
        "engine": {"kind": "llama_cpp", "parallel": 2},
    }
    model = asyncio.run(load_model(config, {"r": 4}, seed=1))
    params = SamplingParams(max_tokens=10, temperature=1.0, seed=4)
    prompts = [[1, 80, 90], [1, 70, 71, 72]]

    def difference():
        replies = asyncio.run(model.sample(prompts, params))
        whole = [[*prompt, *reply.tokens] for prompt, reply in zip(prompts, replies, strict=True)]
        scored = asyncio.run(model.logprobs(whole))
        return max(
            abs(mine - theirs)
            for prompt, reply, row in zip(prompts, replies, scored, strict=True)
            for mine, theirs in zip(row[len(prompt) :], reply.logprobs, strict=True)
        )

    assert difference() < 0.05
    data = [Datum([*prompts[0], 100, 101], [0.0] * 3 + [1.0, 1.0])]
    for _ in range(30):
        asyncio.run(model.forward_backward(data, "cross_entropy"))
        asyncio.run(model.optim_step(2e-2))
    assert difference() < 0.05
    assert asyncio.run(model.sample(prompts[:1], SamplingParams(max_tokens=2, temperature=0.0)))[
        0
    ].tokens == [100, 101]
    asyncio.run(model.close())


def test_a_key_of_the_engine_is_checked_before_the_model_is_loaded():
    with pytest.raises(ConfigError, match=r"engine\.kind"):
        asyncio.run(load_model({"model_name": str(Path("none")), "engine": {"kind": "x"}}))
