"""Adapters for other programs: as GGUF files for llama.cpp, and merged into their models."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.train.gguf_file import write_llama

torch = pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")
gguf = pytest.importorskip("gguf", reason="GGUF files are written with the package gguf")

from act_prm.export_adapter import main  # noqa: E402
from act_prm.llm_handlers.checkpoints import trained  # noqa: E402
from act_prm.llm_handlers.client import SamplingParams  # noqa: E402
from act_prm.llm_handlers.load import load_model  # noqa: E402

RANK = 4


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_llama(tmp_path_factory.mktemp("gguf") / "small.gguf", seed=3)


def adapted(base, folder, **lora):
    """Return a model whose adapter says something, and save the adapter."""
    config = {"model_name": str(base), "device_map": "cpu"}
    model = asyncio.run(load_model(config, {"r": RANK, **lora}, seed=1))
    with torch.no_grad():
        torch.manual_seed(5)
        for parameter in trained(model.model).values():
            parameter.normal_(0, 0.25)
    asyncio.run(model.save_weights(folder))
    return model


def test_llama_cpp_says_with_the_file_what_peft_says_with_the_adapter(base, tmp_path, capsys):
    xllamacpp = pytest.importorskip("xllamacpp", reason="llama.cpp is the package xllamacpp")
    model = adapted(base, tmp_path / "adapter")
    assert main([str(tmp_path / "adapter"), "--gguf", str(tmp_path / "a.gguf")]) == 0
    assert "MB, for" in capsys.readouterr().out
    prompts = [[1, 80, 90, 100], [1, 70, 71], [1, 100, 120, 140, 160, 200]]
    greedy = SamplingParams(max_tokens=12, temperature=0.0)
    expected = [one.tokens for one in asyncio.run(model.sample(prompts, greedy))]
    with model.model.disable_adapter():
        plain = [one.tokens for one in asyncio.run(model.sample(prompts, greedy))]
    asyncio.run(model.close())

    assert plain != expected
    assert said(xllamacpp, base, None, prompts) == plain
    with_file = said(xllamacpp, base, tmp_path / "a.gguf", prompts)
    alike = sum(a == b for mine, theirs in zip(with_file, expected, strict=True)
                for a, b in zip(mine, theirs, strict=True))  # fmt: skip
    assert alike >= 0.8 * sum(map(len, expected))  # a token that falls otherwise changes the rest


def said(xllamacpp, base, adapter, prompts):
    """Return what llama.cpp writes greedily after each prompt, in tokens."""
    params = xllamacpp.CommonParams()
    params.model.path = str(base)
    params.n_ctx = 256
    params.warmup = False
    params.verbosity = 0
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    if adapter is not None:
        lora = xllamacpp.CommonAdapterLoraInfo()
        lora.path = str(adapter)
        lora.scale = 1.0
        params.lora_adapters = [lora]
    server = xllamacpp.Server(params)
    replies = []
    for prompt in prompts:
        chunks = []
        body = {
            "prompt": prompt, "max_tokens": 12, "temperature": 0, "logprobs": 1,
            "cache_prompt": False, "repeat_penalty": 1.0,
        }  # fmt: skip
        server.handle_completions({**body, "stream": False}, chunks.append)
        replies.append([one["id"] for one in chunks[-1]["choices"][0]["logprobs"]["content"]])
    return replies


def test_a_rank_stabilised_adapter_keeps_its_scale(base, tmp_path):
    model = adapted(base, tmp_path / "adapter")
    asyncio.run(model.close())
    file = tmp_path / "adapter" / "adapter_config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps(config | {"use_rslora": True, "lora_alpha": 8}))
    assert main([str(tmp_path / "adapter"), "--gguf", str(tmp_path / "a.gguf")]) == 0
    fields = gguf.GGUFReader(str(tmp_path / "a.gguf")).fields
    assert fields["adapter.lora.alpha"].contents() == 8 * RANK**0.5
    assert fields["general.architecture"].contents() == "llama"
    assert fields["adapter.type"].contents() == "lora"


def test_a_merged_folder_says_what_the_adapter_said(base, tmp_path, capsys):
    model = adapted(base, tmp_path / "adapter")
    prompt = [1, 80, 90, 100]
    [expected] = asyncio.run(model.logprobs([prompt]))
    asyncio.run(model.close())
    assert main([str(tmp_path / "adapter"), "--merge", str(tmp_path / "whole")]) == 0
    whole = asyncio.run(load_model({"model_name": str(tmp_path / "whole"), "device_map": "cpu"}))
    [found] = asyncio.run(whole.logprobs([prompt]))
    asyncio.run(whole.close())
    assert found == pytest.approx(expected, abs=1e-3)


def test_a_run_gives_its_best_adapter_and_what_has_none_is_named(base, tmp_path, capsys):
    run = tmp_path / "run"
    asyncio.run(adapted(base, run / "checkpoints" / "final" / "weights").close())
    out = tmp_path / "a.gguf"
    assert main([str(run), "--gguf", str(out)]) == 0
    assert main([str(run / "checkpoints" / "final"), "--gguf", str(out)]) == 0
    assert main([str(tmp_path / "none"), "--gguf", str(out)]) == 2
    assert "there is no adapter" in capsys.readouterr().err
    assert main([str(run)]) == 2
    assert "say what to write" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"use_dora": True}, "an adapter with use_dora has no GGUF form"),
        ({"peft_type": "IA3"}, "only adapters of the type LORA"),
        ({"base_model_name_or_path": None}, "give --base"),
        ({"base_model_name_or_path": "none.gguf"}, "there is no file 'none.gguf'"),
    ],
)
def test_adapters_without_such_a_file_are_refused(base, tmp_path, capsys, changes, reason):
    asyncio.run(adapted(base, tmp_path / "adapter").close())
    file = tmp_path / "adapter" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    assert main([str(tmp_path / "adapter"), "--gguf", str(tmp_path / "a.gguf")]) == 2
    assert reason in capsys.readouterr().err
