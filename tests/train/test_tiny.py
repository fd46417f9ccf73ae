"""The tiny model: an ordinary Hugging Face folder, the same every time, that can pose as any
model."""

from __future__ import annotations

import asyncio
import filecmp
import os
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")

from act_prm.llm_handlers import tiny as maker
from act_prm.llm_handlers.chat import Chat
from act_prm.llm_handlers.client import SamplingParams
from act_prm.llm_handlers.load import load_model
from tau2.errors import ConfigError

SMALL = {"hidden": 32, "layers": 1, "vocab": 512}
QWEN = "Qwen/Qwen3-4B-Instruct-2507"


def test_the_same_seed_writes_the_same_files(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        maker.build_tiny_model(tmp_path / name, seed=seed, **SMALL)
    files = sorted(one.name for one in (tmp_path / "a").iterdir())

    assert filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", files, shallow=False)[0] == files
    assert filecmp.cmpfiles(tmp_path / "a", tmp_path / "c", files, shallow=False)[1] == [
        "model.safetensors"
    ]
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= set(
        files
    )


@pytest.mark.parametrize(("eos_bias", "shortest", "longest"), [(4.0, 6, 16), (2.0, 40, 100)])
def test_the_bias_decides_how_long_replies_are(tmp_path, eos_bias, shortest, longest):
    maker.build_tiny_model(tmp_path / "m", eos_bias=eos_bias, **SMALL)
    model = asyncio.run(load_model({"model_name": str(tmp_path / "m")}))
    prompt = Chat(model.tokenizer).prompt([{"role": "user", "content": "Hello"}])
    replies = asyncio.run(model.sample([prompt] * 64, SamplingParams(max_tokens=300, seed=0)))
    asyncio.run(model.close())

    assert shortest < sum(len(one.tokens) for one in replies) / 64 < longest


def test_the_template_shows_tools_calls_and_results_as_qwen_does(tiny):
    chat = Chat(tiny().tokenizer)
    told = chat.prompt(
        [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "tool_calls": [{"id": "1", "name": "look", "arguments": '{"at": 1}'}],
            },
            {"role": "tool", "type": "function_call_output", "call_id": "1", "output": "one"},
            {"role": "tool", "type": "function_call_output", "call_id": "2", "output": "two"},
        ],
        [
            {
                "type": "function",
                "name": "look",
                "description": "Look.",
                "parameters": {"type": "object"},
            }
        ],
        prefix="<thought>",
    )
    text = chat.tokenizer.decode(told)

    assert text.startswith("<|im_start|>system\nBe kind.\n\n# Tools\n")
    assert '{"type": "function", "function": {"name": "look", "description": "Look."' in text
    assert text.endswith(
        '<|im_start|>assistant\n<tool_call>\n{"name": "look", "arguments": {"at": 1}}\n'
        "</tool_call><|im_end|>\n"
        "<|im_start|>user\n<tool_response>\none\n</tool_response>\n<tool_response>\ntwo\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\n<thought>"
    )


def test_text_survives_the_tokenizer_and_call_marks_are_shown_not_hidden(tiny):
    chat = Chat(tiny().tokenizer)
    for text in ("<tool_call>\n{}\n</tool_call>", "naïve café ☕ 日本", "  two  spaces\n\n"):
        assert chat.decode(chat.reply(text)) == text


def test_as_another_model_it_is_found_offline_by_that_name(tmp_path):
    env = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    options = [f"--{name}={value}" for name, value in SMALL.items()]
    made = subprocess.run(
        [sys.executable, "-m", "act_prm.llm_handlers.tiny", str(tmp_path), "--as", QWEN, *options],
        env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    asks = (
        "from transformers import AutoModelForCausalLM as M, AutoTokenizer as T;"
        f"print(M.from_pretrained('{QWEN}').config.hidden_size, "
        f"T.from_pretrained('{QWEN}').eos_token)"
    )
    told = subprocess.run(
        [sys.executable, "-c", asks], env=env, capture_output=True, text=True, check=True
    )

    assert f"models--Qwen--Qwen3-4B-Instruct-2507{os.sep}snapshots" in made.stdout
    assert told.stdout.split() == ["32", "<|im_end|>"]


def test_a_size_that_fits_no_head_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="multiple of 32"):
        maker.build_tiny_model(tmp_path / "m", hidden=48)
    assert list(tmp_path.iterdir()) == []
