"""A model from one GGUF file: weights, tokenizer and chat template, without a network."""

from __future__ import annotations

import asyncio

import pytest
from tests.train.gguf_file import PIECES, write_llama

torch = pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")
pytest.importorskip("gguf", reason="GGUF files are read with the package gguf")

from act_prm.config import read_config  # noqa: E402
from act_prm.llm_handlers import load  # noqa: E402
from act_prm.llm_handlers.chat import Chat  # noqa: E402
from act_prm.llm_handlers.load import ModelConfig, load_model  # noqa: E402
from tau2.errors import ConfigError  # noqa: E402
from tau2.llm.local.catalog import known_model  # noqa: E402


@pytest.fixture(scope="module")
def gguf_file(tmp_path_factory):
    return write_llama(tmp_path_factory.mktemp("gguf") / "small.gguf")


def test_a_model_is_loaded_with_its_tokenizer_and_template_and_an_adapter_names_it(
    gguf_file, tmp_path
):
    model = asyncio.run(load_model({"model_name": str(gguf_file), "device_map": "cpu"}, {"r": 2}))
    chat = Chat(model.tokenizer)
    prompt = chat.prompt([{"role": "user", "content": "ab"}])
    [row] = asyncio.run(model.logprobs([prompt]))
    asyncio.run(model.save_weights(tmp_path / "adapter"))
    asyncio.run(model.close())

    assert chat.decode(prompt) == "user\nab\nassistant\n"
    assert len(row) == len(prompt)
    assert PIECES[chat.end_of_turn] == "<|im_end|>"
    assert str(gguf_file) in (tmp_path / "adapter" / "adapter_config.json").read_text()


def test_a_local_name_stands_for_the_fetched_weights(gguf_file, monkeypatch):
    monkeypatch.setattr(load, "weights_path", {"local/small": gguf_file}.__getitem__)
    model = asyncio.run(load_model({"model_name": "local/small", "device_map": "cpu"}, {"r": 2}))
    asyncio.run(model.close())
    assert model.name == "local/small"


@pytest.mark.parametrize("name", ["smollm2_135m", "qwen25_coder_0_5b", "qwen25_coder_1_5b"])
def test_the_shipped_configurations_name_known_weights_and_the_prompts_of_local_models(name):
    config = ModelConfig.of(read_config("model", name))
    assert known_model(config.model_name.removeprefix("local/")).weights.size > 50_000_000
    assert config.prompt_form == "signatures"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no file .*none\.gguf"):
        asyncio.run(load_model({"model_name": str(tmp_path / "none.gguf")}))
