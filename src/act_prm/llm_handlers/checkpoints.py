"""The state of a trained model on disk: tensors as safetensors, the rest as JSON, no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from act_prm.llm_handlers.folders import whole_folder
from tau2.errors import DataFileError, needs_extra
from tau2.utils.json_types import JsonMapping, JsonObject

with needs_extra("train", "torch"):
    import torch
with needs_extra("train", "safetensors"):
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

_FORMAT = 1
_WEIGHTS, _OPTIMIZER, _STATE = "weights.safetensors", "optimizer.safetensors", "state.json"


def save_state(path: Path, model: Any, optimizer: Any, extra: JsonMapping) -> None:
    """Write trained weights, optimizer state and `extra` (JSON) to a folder, atomically."""
    named = trained(model)
    moments = {
        f"{name}:{key}": _plain(value)
        for name, parameter in named.items()
        for key, value in optimizer.state.get(parameter, {}).items()
    }
    with whole_folder(path) as draft:
        save_file({name: _plain(one) for name, one in named.items()}, draft / _WEIGHTS)
        save_file(moments, draft / _OPTIMIZER)
        text = json.dumps({"format": _FORMAT, **extra}, indent=1, sort_keys=True)
        (draft / _STATE).write_text(text + "\n", encoding="utf-8")


def load_state(path: Path, model: Any, optimizer: Any) -> JsonObject:
    """Restore what `save_state` wrote and return `extra`.

    Raise DataFileError, before anything is changed, if the state does not fit the model.
    """
    extra = _read_json(path / _STATE)
    weights = _read_tensors(path / _WEIGHTS)
    moments = _read_tensors(path / _OPTIMIZER)
    named = trained(model)
    _check_fit(path, named, weights)
    states = _moments_by_parameter(path, named, moments)
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(weights[name])
            parameter.grad = None
    optimizer.state.clear()
    for name, state in states.items():
        parameter = named[name]
        optimizer.state[parameter] = {
            key: value if key == "step" else value.to(parameter.device)
            for key, value in state.items()
        }
    return extra


def trained(model: Any) -> dict[str, torch.nn.Parameter]:
    """Return the parameters that training changes, by name."""
    return {name: one for name, one in model.named_parameters() if one.requires_grad}


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().cpu().clone().contiguous()


def _read_json(file: Path) -> JsonObject:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataFileError(f"{file}: the training state cannot be read: {error}") from error
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise DataFileError(f"{file}: not a training state of format {_FORMAT}")
    return found


def _read_tensors(file: Path) -> dict[str, torch.Tensor]:
    try:
        found: dict[str, torch.Tensor] = load_file(file)
    except (OSError, SafetensorError) as error:
        raise DataFileError(f"{file}: the tensors cannot be read: {error}") from error
    return found


def _check_fit(
    path: Path, named: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor]
) -> None:
    missing = sorted(set(named) - set(weights))
    unknown = sorted(set(weights) - set(named))
    if missing or unknown:
        raise DataFileError(
            f"{path}: saved from another model or adapter; missing tensors: {len(missing)}, "
            f"unknown: {len(unknown)}, first: {(missing + unknown)[0]}"
        )
    for name, parameter in named.items():
        if weights[name].shape != parameter.shape:
            raise DataFileError(
                f"{path}: {name} has shape {tuple(weights[name].shape)}, "
                f"the model's has {tuple(parameter.shape)}"
            )


def _moments_by_parameter(
    path: Path, named: Mapping[str, torch.Tensor], moments: Mapping[str, torch.Tensor]
) -> dict[str, dict[str, torch.Tensor]]:
    states: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in moments.items():
        name, _, part = key.rpartition(":")
        if name not in named or (part != "step" and value.shape != named[name].shape):
            raise DataFileError(f"{path}: the optimizer state {key!r} fits no trained tensor")
        states.setdefault(name, {})[part] = value
    return states
