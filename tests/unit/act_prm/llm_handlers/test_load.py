"""What a model config may say, and which road is taken.

Loading itself is tested where torch is (tests/train).
"""

from __future__ import annotations

import asyncio
import importlib.util

import pytest

from act_prm.llm_handlers import load
from act_prm.llm_handlers.load import ModelConfig, load_model
from act_prm.llm_handlers.lora import LoraSettings
from tau2.errors import ConfigError, MissingExtra


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "names no model_name"),
        ({"model_name": "m", "model_nam": "n"}, r"unknown keys \['model_nam'\]"),
        ({"model_name": "m", "provider": "cloud"}, "provider 'cloud'; known: huggingface, tinker"),
    ],
)
def test_a_model_config_is_read_strictly(config, message):
    with pytest.raises(ConfigError, match=message):
        ModelConfig.of(config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"rank": 4}, r"unknown keys \['rank'\]"),
        ({"r": 0}, "at least 1"),
        ({"dropout": 1.0}, "dropout"),
        ({"target_modules": []}, "target_modules is empty"),
    ],
)
def test_a_lora_config_is_read_strictly(config, message):
    with pytest.raises(ConfigError, match=message):
        LoraSettings.of(config)


def test_a_model_that_is_not_to_sample_is_greedy():
    assert ModelConfig("m", temperature=0.7).sampling_temperature == 0.7
    assert ModelConfig("m", temperature=0.7, do_sample=False).sampling_temperature == 0.0
    assert ModelConfig("m").sampling_temperature is None


ROADS = [
    ({"base_url": "http://here"}, None, True, "service"),
    ({}, "tml-key", True, "service"),
    ({}, None, True, "here"),
]


@pytest.mark.parametrize(("more", "key", "installed", "road"), ROADS)
def test_the_service_is_used_where_one_is_configured_and_this_process_otherwise(
    monkeypatch, more, key, installed, road
):
    async def on_service(model, seed):
        return "service"

    if key:
        monkeypatch.setenv("TINKER_API_KEY", key)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if installed else None)
    monkeypatch.setattr(load, "_on_service", on_service)
    monkeypatch.setattr(load, "_in_process", lambda model, lora, seed: ("here", lora.r, lora.alpha))
    found = asyncio.run(
        load_model({"provider": "tinker", "model_name": "m", "lora_rank": 8, **more})
    )

    assert found == ("service" if road == "service" else ("here", 8, 32))


@pytest.mark.parametrize("more", [{"base_url": "http://here"}, {}])
def test_a_key_for_a_service_never_becomes_a_run_in_this_process(monkeypatch, more):
    monkeypatch.setenv("TINKER_API_KEY", "tml-key")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"TINKER_API_KEY.*tau2-bench\[tinker\].*unset") as said:
        asyncio.run(load_model({"provider": "tinker", "model_name": "m", **more}))
    assert "tml-key" not in str(said.value)


def test_a_named_service_without_its_package_names_the_extra():
    if importlib.util.find_spec("tinker") is not None:
        pytest.skip("tinker is installed here")
    with pytest.raises(MissingExtra, match=r"tau2-bench\[tinker\]"):
        asyncio.run(
            load_model({"provider": "tinker", "model_name": "m", "base_url": "http://127.0.0.1:1"})
        )


def test_a_model_in_this_process_without_torch_names_the_extra():
    if importlib.util.find_spec("torch") is not None:
        pytest.skip("torch is installed here")
    with pytest.raises(MissingExtra, match=r"tau2-bench\[train\]"):
        asyncio.run(load_model({"model_name": "tiny"}))
