"""The three losses in torch, as sums over tokens, and their metrics."""

from __future__ import annotations

from dataclasses import dataclass

from tau2.errors import needs_extra

with needs_extra("train", "torch"):
    import torch

_MAX_LOG_RATIO = 20.0  # a larger ratio is noise, and its exponential would overflow


@dataclass(frozen=True, slots=True)
class Targets:
    """Tensors [sequence, position] of weights, advantages and old log-probabilities.

    The last two are used by policy gradients only.
    """

    weights: torch.Tensor
    advantages: torch.Tensor
    logprobs: torch.Tensor


def loss_sum(
    loss_fn: str, new: torch.Tensor, targets: Targets, *, clip: float
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return the weighted sum of the loss over tokens, and unweighted sums of its metrics.

    `new` are log-probabilities, [sequence, position]. The metric `kl_to_old` is the estimator k3 of
    KL(old, new), r - 1 - log r (Schulman, "Approximating KL divergence", 2020): unbiased and never
    negative.
    """
    if loss_fn == "cross_entropy":
        return -(targets.weights * new).sum(), {}
    log_ratio = (new - targets.logprobs).clamp(max=_MAX_LOG_RATIO)
    ratio = log_ratio.exp()
    gain = ratio * targets.advantages
    clipped = ratio.clamp(1.0 - clip, 1.0 + clip)
    if loss_fn == "ppo":
        gain = torch.minimum(gain, clipped * targets.advantages)
    counted = targets.weights > 0
    with torch.no_grad():
        metrics = {
            "ratio_mean": ratio[counted].sum(),
            "kl_to_old": (ratio - 1.0 - log_ratio)[counted].sum(),
            "clip_fraction": (ratio != clipped)[counted].sum(),
        }
    return -(targets.weights * gain).sum(), metrics
