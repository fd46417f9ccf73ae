"""How much memory training needs, estimated before the first step and compared with what is free.

The estimate counts what grows with the model and with the tokens of one pass. It is meant to be
right within a factor of about 2, so that a run that cannot fit is known before it fails. Before
anything was generated it is that of the largest pass that the settings allow, which can be several
times too much: attention grows with the square of a sequence's length.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tau2.errors import needs_extra

with needs_extra("train", "torch"):
    import torch

_OPTIMIZER_BYTES = 12  # of a trained parameter: gradient and both moments in float32
_SCORE_BYTES = 4 * 3  # of a score in full precision: scores, their softmax, its gradient
_POSITIONS_AT_ONCE = 256  # see scoring.py
# Values that a layer keeps for the backward pass, in multiples of its hidden and inner size: inputs
# of norms, projections and residuals; gate, up-projection, activation and product.
_HIDDEN_VALUES = 10
_INNER_VALUES = 4
_LARGE = 10**9  # bytes from which a size is told in GB
_MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """What training needs beside the loaded weights, in bytes."""

    optimizer: int
    activations: int
    scores: int
    """Of a pass over the vocabulary."""
    sampling: int
    """The key-value cache; it is not needed at the same time as the two above. 0: not counted."""
    free: int | None
    """None where it is not known."""
    where: str

    @property
    def total(self) -> int:
        """The most that is needed at any time."""
        return self.optimizer + max(self.activations + self.scores, self.sampling)

    @property
    def fits(self) -> bool:
        """Whether it is free, as far as is known."""
        return self.free is None or self.total <= self.free

    def bound_sentence(self) -> str:
        """Return what is needed at most, and what is free."""
        text = f"training needs up to {_size(self.total)} beside the weights, as far as is known"
        text += " before the first batch"
        return text if self.free is None else f"{text}; {_size(self.free)} are free {self.where}"

    def sentence(self) -> str:
        """Return what is needed and free, and what to change where it is not enough."""
        parts = (
            f"optimizer {_size(self.optimizer)}, activations {_size(self.activations)}, "
            f"scores {_size(self.scores)}"
        )
        if self.sampling:
            parts += f", or for sampling {_size(self.sampling)}"
        text = f"training needs about {_size(self.total)} beside the weights ({parts})"
        if self.free is None:
            return text
        if self.fits:
            return f"{text}; {_size(self.free)} are free {self.where}"
        return (
            f"{text}, but {_size(self.free)} are free {self.where}: lower train_tokens or "
            "sample_tokens in the model's configuration, or set gradient_checkpointing"
        )


def memory_need(
    model: Any,
    *,
    longest: int,
    train_tokens: int,
    sample_tokens: int,
    scored_tokens: int | None = None,
) -> MemoryNeed:
    """Return what training a transformers model needs.

    `longest` is the length of the longest sequence, `train_tokens` and `sample_tokens` are the
    tokens of one pass, `scored_tokens` those of `train_tokens` that are trained on (None: all).
    """
    config = model.config.get_text_config()
    parameter = next(model.parameters())
    width = parameter.element_size()
    trained = sum(one.numel() for one in model.parameters() if one.requires_grad)
    heads = config.num_attention_heads
    head = getattr(config, "head_dim", None) or config.hidden_size // heads
    key_heads = getattr(config, "num_key_value_heads", None) or heads
    per_token = config.hidden_size * _HIDDEN_VALUES + config.intermediate_size * _INNER_VALUES
    tokens = max(train_tokens, 1)
    layer = tokens * per_token * width
    if parameter.device.type == "cpu":
        # Attention with a mask keeps its weights there, [head, token, token] for each sequence.
        rows = max(tokens // longest, 1)
        layer += rows * heads * min(longest, tokens) ** 2 * width
    layers = config.num_hidden_layers
    if getattr(model, "is_gradient_checkpointing", False):
        activations = layers * tokens * config.hidden_size * width + layer
    else:
        activations = layers * layer
    scored = tokens if scored_tokens is None else scored_tokens
    chunk = min(scored, _POSITIONS_AT_ONCE)
    free, where = _free(parameter.device)
    return MemoryNeed(
        optimizer=trained * _OPTIMIZER_BYTES,
        activations=activations,
        scores=config.vocab_size * (scored * width * 2 + chunk * _SCORE_BYTES),
        sampling=sample_tokens * layers * 2 * key_heads * head * width,
        free=free,
        where=where,
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= _LARGE else f"{max(count / 1e6, 0.1):.1f} MB"


def _free(device: torch.device) -> tuple[int | None, str]:
    """Return the free bytes of a device, and where they are."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0]), f"on {device}"
    if device.type != "cpu" or not _MEMINFO.is_file():
        return None, f"on {device}"
    for line in _MEMINFO.read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024, "in main memory"
    return None, "in main memory"
