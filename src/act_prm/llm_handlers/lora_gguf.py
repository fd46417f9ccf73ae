"""LoRA adapters of peft as GGUF files, which llama.cpp applies to quantised weights.

The file states the architecture of the base model and holds two 16-bit matrices for each adapted
layer. llama.cpp pairs the dimensions of a rotary embedding otherwise than transformers where the
architecture is `llama`: there, the rows of the second matrices of q and k are permuted.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from act_prm.llm_handlers.load import gguf_of
from tau2.errors import ConfigError, DataFileError, needs_extra
from tau2.storage.files import write_atomically
from tau2.utils.json_types import JsonObject

ADAPTER_CONFIG = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"
_LAYERS = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}
"""The names of layers in transformers and in GGUF files."""
_PERMUTED = {"llama"}
_SAME_LAYERS = {"llama", "qwen2", "qwen3"}
"""Architectures whose layers have these names, both in transformers and in llama.cpp."""
_TENSOR = re.compile(
    r"base_model\.model\.model\.layers\.(?P<block>\d+)\.\w+\.(?P<layer>\w+)"
    r"\.lora_(?P<part>[AB])(\.default)?\.weight"
)
_NOT_SUPPORTED = ("use_dora", "modules_to_save", "rank_pattern", "alpha_pattern", "fan_in_fan_out")


@dataclass(frozen=True, slots=True)
class BaseModel:
    """What an adapter's file depends on in its base model."""

    architecture: str
    """llama, qwen2 or qwen3."""
    n_heads: int
    n_kv_heads: int


def base_model(name: str) -> BaseModel:
    """Return what the file of an adapter depends on in a base model. Raise ConfigError."""
    file = gguf_of(name)
    if file is not None:
        return _of_gguf(file)
    with needs_extra("train", "transformers"):
        from transformers import AutoConfig  # noqa: PLC0415  -- optional
    try:
        config = AutoConfig.from_pretrained(name)
    except OSError as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"base model {name!r} cannot be read: {reason} Give --base") from error
    n_heads = int(config.num_attention_heads)
    n_kv_heads = getattr(config, "num_key_value_heads", None)
    return BaseModel(str(config.model_type), n_heads, int(n_kv_heads or n_heads))


def _of_gguf(file: Path) -> BaseModel:
    with needs_extra("train", "gguf"):
        import gguf  # noqa: PLC0415  -- optional
    fields = gguf.GGUFReader(str(file)).fields

    def value(key: str) -> Any:
        return fields[key].contents() if key in fields else None

    kind = str(value("general.architecture"))
    n_heads = int(value(f"{kind}.attention.head_count") or 1)
    return BaseModel(kind, n_heads, int(value(f"{kind}.attention.head_count_kv") or n_heads))


def write_adapter(adapter: Path, base: BaseModel, file: Path) -> int:
    """Write the adapter in a folder of peft as a GGUF file; return the size in bytes.

    Raises:
        ConfigError: the adapter or its base model is of a kind that has no such file.
        DataFileError: the adapter cannot be read.
    """
    config = adapter_config(adapter)
    _check(config, base)
    with needs_extra("train", "gguf"):
        import gguf  # noqa: PLC0415  -- optional
    tensors = dict(_tensors(adapter, base))
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "adapter.gguf"
        writer = gguf.GGUFWriter(str(draft), base.architecture)
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", _alpha(config))
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
        for name, values in sorted(tensors.items()):
            writer.add_tensor(name, values)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, draft.read_bytes())
    return file.stat().st_size


def adapter_config(adapter: Path) -> JsonObject:
    """Return the configuration in a folder of peft. Raise DataFileError for anything else."""
    file = adapter / ADAPTER_CONFIG
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataFileError(f"{file}: the adapter cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise DataFileError(f"{file}: not the configuration of an adapter")
    return found


def _check(config: JsonObject, base: BaseModel) -> None:
    if base.architecture not in _SAME_LAYERS:
        raise ConfigError(
            f"adapters of the architecture {base.architecture!r} cannot be written as GGUF; "
            f"known: {', '.join(sorted(_SAME_LAYERS))}. Merge it instead: --merge FOLDER"
        )
    if str(config.get("peft_type")) != "LORA":
        raise ConfigError(f"only adapters of the type LORA have a GGUF form, not "
                          f"{config.get('peft_type')!r}")  # fmt: skip
    if used := [name for name in _NOT_SUPPORTED if config.get(name)]:
        raise ConfigError(f"an adapter with {used[0]} has no GGUF form; merge it: --merge FOLDER")


def _alpha(config: JsonObject) -> float:
    """Return alpha as llama.cpp reads it, which divides it by the rank."""
    alpha = float(config["lora_alpha"])
    return alpha * math.sqrt(config["r"]) if config.get("use_rslora") else alpha


def _tensors(adapter: Path, base: BaseModel) -> Iterator[tuple[str, Any]]:
    with needs_extra("train", "safetensors"):
        from safetensors import SafetensorError  # noqa: PLC0415  -- optional
        from safetensors.torch import load_file  # noqa: PLC0415  -- optional
    file = adapter / _WEIGHTS
    try:
        weights: Mapping[str, Any] = load_file(file)
    except (OSError, SafetensorError) as error:
        raise DataFileError(f"{file}: the adapter cannot be read: {error}") from error
    if not weights:
        raise DataFileError(f"{file}: the adapter is empty")
    for name, tensor in weights.items():
        found = _TENSOR.fullmatch(name)
        if found is None or found["layer"] not in _LAYERS:
            raise ConfigError(
                f"{name}: this layer has no GGUF form; known: {', '.join(sorted(_LAYERS))}"
            )
        values = tensor.float().numpy()
        n_heads = {"q_proj": base.n_heads, "k_proj": base.n_kv_heads}.get(found["layer"])
        if base.architecture in _PERMUTED and found["part"] == "B" and n_heads is not None:
            values = _permuted(values, n_heads)
        target = f"blk.{found['block']}.{_LAYERS[found['layer']]}.weight"
        yield f"{target}.lora_{found['part'].lower()}", values.astype("float16")


def _permuted(rows: Any, n_heads: int) -> Any:
    """Return the rows in llama.cpp's order: halves of each head are interleaved.

    transformers rotates dimension i with i + d/2 of a head, llama.cpp 2i with 2i + 1.
    """
    n_rows, width = rows.shape
    halves = rows.reshape(n_heads, 2, n_rows // n_heads // 2, width)
    return halves.swapaxes(1, 2).reshape(n_rows, width)
