"""LoRA adapters (Hu et al., "LoRA", 2021, arXiv:2106.09685): settings, and attaching them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from tau2.errors import ConfigError, needs_extra
from tau2.utils.json_types import JsonMapping

ALL_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """The settings of the adapters. Raise ConfigError for values out of range."""

    r: int = 16
    alpha: float = 32
    dropout: float = 0.0
    target_modules: tuple[str, ...] = ALL_LINEAR

    def __post_init__(self) -> None:
        if self.r < 1:
            raise ConfigError(f"LoRA rank r is {self.r}; it must be at least 1")
        if not 0.0 <= self.dropout < 1.0:
            raise ConfigError(f"LoRA dropout is {self.dropout}; it must lie in [0, 1)")
        if not self.target_modules:
            raise ConfigError(
                "LoRA target_modules is empty; name the layers to adapt, such as q_proj"
            )

    @classmethod
    def of(cls, config: JsonMapping) -> LoraSettings:
        """Return the settings of a configs/lora file. Raise ConfigError for an unknown key."""
        known = {one.name for one in fields(cls)}
        if unknown := sorted(set(config) - known):
            raise ConfigError(f"LoRA config has unknown keys {unknown}; known: {sorted(known)}")
        values = dict(config)
        if "target_modules" in values:
            values["target_modules"] = tuple(values["target_modules"])
        return cls(**values)


def attach_lora(model: Any, settings: LoraSettings, *, seed: int) -> Any:
    """Return the model with new adapters, initialised from the seed; only they are trained."""
    with needs_extra("train", "peft"):
        import peft  # noqa: PLC0415  -- the settings are read where it is absent
        import torch  # noqa: PLC0415  -- likewise
    config = peft.LoraConfig(
        r=settings.r,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.target_modules),
        bias="none",
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return peft.get_peft_model(model, config)
