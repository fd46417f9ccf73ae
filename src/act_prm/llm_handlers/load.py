"""Loads the model of a configs/model file: in this process, or on a training service."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import tempfile
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from act_prm.llm_handlers.client import AdamSettings, TrainableModel
from act_prm.llm_handlers.lora import LoraSettings, attach_lora
from act_prm.llm_handlers.rollout_engine import EngineConfig
from tau2.actions.chat_template import PROMPT_FORMS, PromptForm
from tau2.errors import ConfigError, DataFileError, MissingExtra, install_hint, needs_extra
from tau2.llm.local.weights import GGUF, PREFIX, weights_path
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonMapping

if TYPE_CHECKING:
    from act_prm.llm_handlers.torch_model import TorchSettings

logger = logging.getLogger(__name__)

TINY = "tiny"
"""The model name of a tiny random model (see `tiny`)."""

_SERVICE_ALPHA = 32  # of the adapters of a Tinker service, for every rank
_NO_TINKER = (
    "a training service is configured (TINKER_API_KEY or base_url), but tinker is not installed; "
    f"{install_hint('tinker')}, or unset TINKER_API_KEY to train in this process"
)
_PROVIDERS = ("huggingface", "tinker")


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A configs/model file. Raise ConfigError for invalid values."""

    model_name: str
    """A Hugging Face name, a folder, a GGUF file, `local/NAME` (weights of `tau2 models get`), or
    `tiny`."""
    provider: str = "huggingface"
    """`huggingface`: in this process; `tinker`: on a service if there is one (see `load_model`)."""
    device_map: str = "auto"
    """`auto` (the GPU if there is one) or the name of a device."""
    dtype: str = "bfloat16"
    """A CPU uses float32 instead of half precision."""
    attn_implementation: str = "sdpa"
    """`flash_attention_2` falls back to `sdpa` if it is not available."""
    gradient_checkpointing: bool = False
    max_length: int | None = None
    train_tokens: int = 8192
    sample_tokens: int = 131_072
    kept_tokens: int = 32_768
    clip: float = 0.2
    prompt_form: PromptForm = "auto"
    """How prompts show tools and the model's own calls."""
    chat_template: str | None = None
    """A file with the chat template (Jinja); None: that of the tokenizer."""
    engine: JsonMapping = field(default_factory=dict)
    """A rollout engine (`rollout_engine.EngineConfig`); empty: the model generates by itself."""
    do_sample: bool = True
    temperature: float | None = None
    """For a trainer without a temperature of its own; see `sampling_temperature`."""
    adam: JsonMapping = field(default_factory=dict)
    tiny: JsonMapping = field(default_factory=dict)
    """Options of `tiny.build_tiny_model`, for that model."""
    lora_rank: int = 32
    """Rank of the adapters on a service."""
    base_url: str | None = None
    """Address of the service."""

    @classmethod
    def of(cls, config: JsonMapping) -> ModelConfig:
        """Return the configuration. Raise ConfigError, naming unknown keys."""
        known = {one.name for one in fields(cls)}
        if unknown := sorted(set(config) - known):
            raise ConfigError(f"model config has unknown keys {unknown}; known: {sorted(known)}")
        if not config.get("model_name"):
            raise ConfigError("model config names no model_name")
        model = cls(**config)
        if model.prompt_form not in PROMPT_FORMS:
            raise ConfigError(
                f"model config has prompt_form {model.prompt_form!r}; "
                f"known: {', '.join(PROMPT_FORMS)}"
            )
        if model.engine:
            EngineConfig.of(model.engine)
        if model.provider not in _PROVIDERS:
            raise ConfigError(
                f"model config has provider {model.provider!r}; known: {', '.join(_PROVIDERS)}"
            )
        return model

    @property
    def sampling_temperature(self) -> float | None:
        """The configured temperature; 0 without sampling, None if none is configured."""
        return self.temperature if self.do_sample else 0.0


async def load_model(
    config: JsonMapping, lora: JsonMapping | None = None, *, seed: int = 0
) -> TrainableModel:
    """Return the model of a configs/model file, with the adapters of a configs/lora file.

    Without adapters all weights are trained. Provider `tinker` means the service at `base_url`, or
    the public one if TINKER_API_KEY is set, and otherwise the same model in this process. Raise
    ConfigError when the model cannot be loaded, MissingExtra where a service is meant and the
    package `tinker` is absent.
    """
    model = ModelConfig.of(config)
    if model.provider == "tinker" and (model.base_url or os.environ.get("TINKER_API_KEY")):
        if importlib.util.find_spec("tinker") is None:
            raise MissingExtra(_NO_TINKER)
        return await _on_service(model, seed)
    settings = LoraSettings.of(lora) if lora is not None else None
    if model.provider == "tinker":
        logger.info(
            "no training service is configured; %s is trained in this process", model.model_name
        )
        settings = settings or LoraSettings(r=model.lora_rank, alpha=_SERVICE_ALPHA)
    return await asyncio.to_thread(_in_process, model, settings, seed)


def _set_template(tokenizer: Any, config: ModelConfig) -> None:
    """Give the tokenizer the configured chat template. Raise DataFileError for a missing file."""
    if config.chat_template is None:
        return
    try:
        tokenizer.chat_template = Path(config.chat_template).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataFileError(f"chat_template {config.chat_template}: {error}") from error


async def _on_service(model: ModelConfig, seed: int) -> TrainableModel:
    from act_prm.llm_handlers.tinker_model import TinkerModel  # noqa: PLC0415  -- optional

    served = await TinkerModel.connect(
        model.model_name,
        lora_rank=model.lora_rank,
        base_url=model.base_url,
        seed=seed,
        clip=model.clip,
        adam=AdamSettings(**model.adam),
    )
    _set_template(served.tokenizer, model)
    return served


def _in_process(config: ModelConfig, lora: LoraSettings | None, seed: int) -> TrainableModel:
    with needs_extra("train", "torch"):
        from act_prm.llm_handlers.torch_model import (  # noqa: PLC0415  -- needs torch
            TorchModel,
            TorchSettings,
        )
    if config.model_name == TINY:
        from act_prm.llm_handlers.tiny import build_tiny_model  # noqa: PLC0415  -- only for this

        with tempfile.TemporaryDirectory() as folder:
            tiny = build_tiny_model(Path(folder) / TINY, **config.tiny)
            model, tokenizer = pretrained(replace(config, model_name=str(tiny)))
    else:
        model, tokenizer = pretrained(config)
    _set_template(tokenizer, config)
    _end_replies_as_the_template(model, tokenizer)
    if config.gradient_checkpointing:
        checkpoint_activations(model)
    if lora is not None:
        model = attach_lora(model, lora, seed=derive_seed(seed, "lora"))
    settings = TorchSettings(
        seed=seed,
        max_length=config.max_length,
        train_tokens=config.train_tokens,
        sample_tokens=config.sample_tokens,
        kept_tokens=config.kept_tokens,
        clip=config.clip,
        adam=AdamSettings(**config.adam),
    )
    if not config.engine:
        return TorchModel(model, tokenizer, name=config.model_name, settings=settings)
    return _with_engine(model, tokenizer, config, settings)


def _with_engine(
    model: Any, tokenizer: Any, config: ModelConfig, settings: TorchSettings
) -> TrainableModel:
    from act_prm.llm_handlers.engine_model import EngineModel  # noqa: PLC0415  -- needs torch
    from act_prm.llm_handlers.engines import engine_of  # noqa: PLC0415  -- only for this

    own = getattr(model.config, "max_position_embeddings", None)
    context = min(filter(None, (config.max_length, own)), default=0)
    engine = engine_of(EngineConfig.of(config.engine), config.model_name, context)
    return EngineModel(model, tokenizer, name=config.model_name, settings=settings, engine=engine)


def _end_replies_as_the_template(model: Any, tokenizer: Any) -> None:
    """Make the token that ends a turn in the chat template end a sampled reply, too."""
    from act_prm.llm_handlers.chat import Chat  # noqa: PLC0415  -- imports the environments

    stated = model.generation_config.eos_token_id
    ends = stated if isinstance(stated, list) else [stated]
    end = Chat(tokenizer).end_of_turn
    if end not in ends:
        model.generation_config.eos_token_id = [*(one for one in ends if one is not None), end]


def checkpoint_activations(model: Any) -> None:
    """Make the model keep few activations and recompute the others in the backward pass."""
    # The current and the former name of the method in transformers.
    for name in ("activation_checkpointing_enable", "gradient_checkpointing_enable"):
        if (enable := getattr(model, name, None)) is not None:
            enable({"use_reentrant": False})
            return
    raise ConfigError(
        f"{type(model).__name__} has no gradient checkpointing; set gradient_checkpointing: false"
    )


def pretrained(config: ModelConfig) -> tuple[Any, Any]:
    """Return a model and its tokenizer. Raise ConfigError when they cannot be loaded."""
    with needs_extra("train", "transformers"):
        from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415  -- optional
    device = _device(config)
    dtype = config.dtype
    if device == "cpu" and dtype in {"bfloat16", "float16"}:
        logger.info("%s: using float32 instead of %s on a CPU", config.model_name, dtype)
        dtype = "float32"
    options = {"dtype": dtype, "attn_implementation": _attention(config, device)}
    gguf = gguf_of(config.model_name)
    name = config.model_name
    if gguf is not None:
        name = str(gguf.parent)
        options["gguf_file"] = gguf.name
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, gguf_file=options.get("gguf_file"))
        model = AutoModelForCausalLM.from_pretrained(name, **options)
    except OSError as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"model {config.model_name!r} cannot be loaded: {reason} Without a network, name a "
            "folder, or create a stand-in with `python -m act_prm.llm_handlers.tiny FOLDER --as "
            f"{config.model_name}` and set HF_HOME=FOLDER HF_HUB_OFFLINE=1."
        ) from error
    if gguf is not None:
        # The weights are ordinary tensors now; without this, saving and merging would refuse them.
        del model.config.quantization_config
        model.hf_quantizer = None
        model.name_or_path = config.model_name  # what an adapter says that it belongs to
    return model.to(device), tokenizer


def gguf_of(model_name: str) -> Path | None:
    """Return the GGUF file that a model's name stands for; None for another name.

    Raise ConfigError or UnknownName when there is no such file, MissingExtra without `gguf`.
    """
    if not model_name.startswith(PREFIX) and not model_name.endswith(GGUF):
        return None
    file = weights_path(model_name)
    with needs_extra("train", "gguf"):
        import gguf  # noqa: F401, PLC0415  -- transformers reads the file with it
    return file


def _device(config: ModelConfig) -> str:
    import torch  # noqa: PLC0415  -- present: the caller has imported it

    if config.device_map != "auto":
        return config.device_map
    return "cuda" if torch.cuda.is_available() else "cpu"


def _attention(config: ModelConfig, device: str) -> str:
    if config.attn_implementation != "flash_attention_2":
        return config.attn_implementation
    from transformers.utils import is_flash_attn_2_available  # noqa: PLC0415  -- see pretrained

    if device.startswith("cuda") and is_flash_attn_2_available():
        return "flash_attention_2"
    logger.info("%s: flash attention is not available here; using sdpa", config.model_name)
    return "sdpa"
