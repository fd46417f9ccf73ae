"""From the files under configs/ to a model that works here, saying what it put in place of what is
missing."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")
yaml = pytest.importorskip("yaml", reason="configs are YAML files")

from act_prm.llm_handlers.checkpoints import trained  # noqa: E402
from act_prm.llm_handlers.load import load_model  # noqa: E402
from act_prm.llm_handlers.torch_model import TorchModel  # noqa: E402
from tau2.errors import ConfigError  # noqa: E402

CONFIGS = Path(__file__).parents[2] / "configs"


def config(kind, name):
    return yaml.safe_load((CONFIGS / kind / f"{name}.yaml").read_text(encoding="utf-8"))


def loaded(*args, **options):
    model = asyncio.run(load_model(*args, **options))
    asyncio.run(model.close())
    return model


def test_the_tiny_config_loads_with_each_lora_config():
    for name in ("r16_a32_qkvo", "r4_a8_all"):
        lora = config("lora", name)
        model = asyncio.run(load_model(config("model", "tiny"), lora))
        adapted = {one.split(".lora_")[0].rpartition(".")[2] for one in trained(model.model)}
        asyncio.run(model.close())
        assert adapted == set(lora["target_modules"])


def test_the_guides_model_loads_on_a_cpu_and_says_what_it_does_without(tiny_folder, caplog):
    caplog.set_level(logging.INFO, logger="act_prm")
    model = asyncio.run(
        load_model(
            config("model", "hf_qwen3_4b_inst_2507") | {"model_name": str(tiny_folder)}, {"r": 2}
        )
    )
    dtype = next(model.model.parameters()).dtype
    asyncio.run(model.close())

    if not torch.cuda.is_available():
        assert dtype == torch.float32
        assert "float32 instead of bfloat16" in caplog.text
        assert "using sdpa" in caplog.text


def test_the_same_seed_draws_the_same_adapters(tiny_folder):
    def adapters(seed):
        model = asyncio.run(load_model({"model_name": str(tiny_folder)}, {"r": 2}, seed=seed))
        found = torch.cat([one.detach().flatten() for one in trained(model.model).values()])
        asyncio.run(model.close())
        return found

    assert torch.equal(adapters(1), adapters(1))
    assert not torch.equal(adapters(1), adapters(2))


def test_without_a_service_the_model_is_trained_here_and_one_line_says_so(tiny_folder, caplog):
    caplog.set_level(logging.INFO, logger="act_prm")
    asked = {
        "provider": "tinker",
        "model_name": str(tiny_folder),
        "lora_rank": 4,
        "dtype": "float32",
    }
    model = loaded(asked)

    assert isinstance(model, TorchModel)
    assert [one for one in caplog.messages if "trained in this process" in one] == [
        f"no training service is configured; {tiny_folder} is trained in this process"
    ]


def test_a_model_that_is_nowhere_names_the_ways_out(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match=r"act_prm\.llm_handlers\.tiny FOLDER --as"):
        asyncio.run(load_model({"model_name": str(tmp_path / "none")}))
