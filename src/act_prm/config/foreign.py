"""Configuration files of the original act-prm project: its names of settings become ours.

What has a counterpart here is renamed; what has none is named in a warning. Any other unknown key
stays, and is refused as the mistake that it probably is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from act_prm.config.models import GeneratorConfig, TrainerConfig
from tau2.utils.json_types import JsonMapping, JsonObject

logger = logging.getLogger(__name__)

_RENAMED: Mapping[str, Mapping[str, str]] = {
    "model": {
        "pretrained_model_name_or_path": "model_name",
        "torch_dtype": "dtype",
        "model_type": "provider",
        "chat_template_path": "chat_template",
    },
    "lora": {"lora_alpha": "alpha", "lora_dropout": "dropout"},
    "trainer": {"num_steps": "num_batches", "best_ro_metric": "best_metric"},
}
_WITHOUT_EFFECT: Mapping[str, frozenset[str]] = {
    "model": frozenset({"cache_dir", "low_cpu_mem_usage", "name", "top_k", "top_p", "min_p"}),
    "lora": frozenset({"bias", "task_type"}),
    "generator": frozenset({"enable_thinking", "streamer", "verbose"}),
    "trainer": frozenset(
        [
            "action_prompt_num_substeps",
            "checkpoint_path",
            "do_rollout_eval",
            "eval_gen_every",
            "eval_rollout_every",
            "fp32_loss",
            "gradient_accumulation_steps",
            "load_checkpoint_path",
            "log_path",
            "lora_checkpoint_path",
            "model_name",
            "no_initial_eval",
            "renderer_name",
            "save_rollouts_start",
            "sft_eval_every",
            "sft_num_batches",
            "sft_num_substeps",
            "stop_condition",
            "wandb_name",
            "wandb_project",
        ]
    ),
}
_TEMPLATE = "chat_template_path"
_TAGS = {"tool_call_bos": "bos", "tool_call_eos": "eos", "tool_call_argname": "argname"}
_TRAINERS = {"pt_sft": "sft"}


def with_own_names(kind: str, values: JsonMapping, source: str) -> JsonObject:
    """Return the values of a file with our names of settings.

    `kind` is the configuration's: model, lora, trainer, generator or another, which is not changed.
    """
    if kind not in _WITHOUT_EFFECT:
        return dict(values)
    flat = _FLATTENED.get(kind, dict)(values)
    renamed = _RENAMED.get(kind, {})
    made: JsonObject = {}
    for name, value in flat.items():
        # A setting under its own name counts before one that is renamed to it.
        own = renamed.get(name, name)
        if own == name or own not in flat:
            made[own] = value
    without_effect = _WITHOUT_EFFECT[kind] & set(made)
    said = sorted(name for name in without_effect if made[name] not in (None, False))
    if said:
        logger.warning("%s: without effect here: %s", source, ", ".join(said))
    return {name: value for name, value in made.items() if name not in without_effect}


def _model(values: JsonMapping) -> JsonObject:
    """Return a file of a model without the levels `model_config` and `generation_config`."""
    flat = dict(values)
    for level in ("model_config", "generation_config"):
        inner = flat.pop(level, None)
        if isinstance(inner, dict):
            flat |= inner
    template = flat.get(_TEMPLATE)
    if template is not None and not Path(str(template)).is_file():
        logger.warning("%s is not there; the tokenizer's own chat template is used", template)
        del flat[_TEMPLATE]
    return flat


def _lora(values: JsonMapping) -> JsonObject:
    modules = values.get("target_modules")
    if not isinstance(modules, list):
        return dict(values)
    return {**values, "target_modules": [str(one).rpartition(".")[2] for one in modules]}


def _trainer(values: JsonMapping) -> JsonObject:
    made = _without_nulls(values, TrainerConfig)
    tags = made.get("tool_call_kwargs")
    if isinstance(tags, dict):
        made["tool_call_kwargs"] = {_TAGS.get(name, name): tag for name, tag in tags.items()}
    if isinstance(name := made.get("trainer_name"), str):
        made["trainer_name"] = _TRAINERS.get(name, name)
    if made.get("trainer_name") == "sft" and made.get("loss_fn") == "cross_entropy":
        del made["loss_fn"]  # fine-tuning has no other
    return made


def _generator(values: JsonMapping) -> JsonObject:
    return _without_nulls(values, GeneratorConfig)


def _without_nulls(
    values: JsonMapping, model: type[TrainerConfig] | type[GeneratorConfig]
) -> JsonObject:
    """Return the values but for nulls of settings that have another default."""
    fields: Mapping[str, Any] = model.model_fields
    return {
        name: value
        for name, value in values.items()
        if value is not None or name not in fields or fields[name].default is None
    }


_FLATTENED: Mapping[str, Callable[[JsonMapping], JsonObject]] = {
    "model": _model,
    "lora": _lora,
    "trainer": _trainer,
    "generator": _generator,
}
