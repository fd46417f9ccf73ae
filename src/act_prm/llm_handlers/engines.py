"""The rollout engine that a model's configuration names."""

from __future__ import annotations

from pathlib import Path

from act_prm.llm_handlers.http_engines import SglangEngine, VllmEngine
from act_prm.llm_handlers.llama_engine import LlamaEngine
from act_prm.llm_handlers.load import gguf_of
from act_prm.llm_handlers.lora_gguf import base_model, write_adapter
from act_prm.llm_handlers.rollout_engine import EngineConfig, RolloutEngine
from tau2.errors import ConfigError
from tau2.llm.local.library import EngineOptions


def engine_of(config: EngineConfig, model_name: str, context: int) -> RolloutEngine:
    """Return the engine for a model with a context of so many tokens.

    Raise ConfigError for llama_cpp without a GGUF file.
    """
    if config.kind == "vllm":
        return VllmEngine(config, model_name)
    if config.kind == "sglang":
        return SglangEngine(config)
    weights = gguf_of(config.weights or model_name)
    if weights is None:
        raise ConfigError(
            f"llama_cpp needs a GGUF file, which {model_name!r} is not; name one as engine.weights"
        )
    base = base_model(model_name)

    def convert(folder: Path, file: Path) -> int:
        return write_adapter(folder, base, file)

    options = EngineOptions(context, config.parallel, config.threads)
    return LlamaEngine(weights, options, convert)
