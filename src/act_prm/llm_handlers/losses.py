"""The three losses, in torch: sums over tokens, with what is worth watching about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

_MOST_LOG_RATIO = 20.0  # beyond it the ratio is noise, and its exponential would overflow


@dataclass(frozen=True, slots=True)
class Targets:
    """Per token, all of one shape: the weights, and for policy gradients the advantages and old log-probabilities."""

    weights: Any
    advantages: Any
    logprobs: Any


def loss_sum(
    loss_fn: str, new: Any, targets: Targets, *, clip: float
) -> tuple[Any, dict[str, Any]]:
    """Return the weighted sum of the loss over tokens, and sums (over tokens in the loss) of what to watch."""
    if loss_fn == "cross_entropy":
        return -(targets.weights * new).sum(), {}
    log_ratio = (new - targets.logprobs).clamp(max=_MOST_LOG_RATIO)
    ratio = log_ratio.exp()
    gain = ratio * targets.advantages
    clipped = ratio.clamp(1.0 - clip, 1.0 + clip)
    if loss_fn == "ppo":
        gain = torch.minimum(gain, clipped * targets.advantages)
    counted = targets.weights > 0
    with torch.no_grad():
        watched = {
            "ratio_mean": ratio[counted].sum(),
            "kl_to_old": (ratio - 1.0 - log_ratio)[
                counted
            ].sum(),  # never negative, and unbiased for KL(old || new)
            "clip_fraction": (ratio != clipped)[counted].sum(),
        }
    return -(targets.weights * gain).sum(), watched
