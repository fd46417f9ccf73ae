"""The three losses in torch, as sums over tokens, and their metrics."""

from __future__ import annotations

from dataclasses import dataclass

from act_prm.llm_handlers.client import PolicyLoss
from tau2.errors import needs_extra

with needs_extra("train", "torch"):
    import torch

_MAX_LOG_RATIO = 20.0  # a larger ratio is noise, and its exponential would overflow
_CLIP = 0.2  # of a loss whose settings name none


@dataclass(frozen=True, slots=True)
class Targets:
    """Tensors [sequence, position] of weights, advantages and log-probabilities.

    All but the weights are used by policy gradients only.
    """

    weights: torch.Tensor
    advantages: torch.Tensor
    sampled: torch.Tensor
    """Log-probabilities under the engine that sampled the tokens."""
    old: torch.Tensor | None = None
    """Under the learner before the first step; None: `sampled`."""
    reference: torch.Tensor | None = None


def loss_sum(
    loss_fn: str, new: torch.Tensor, targets: Targets, settings: PolicyLoss
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return the weighted sum of the loss over tokens, and metrics over the tokens in it.

    `new` are log-probabilities, [sequence, position]. Metrics are unweighted sums, but those whose
    name ends with `_max` are maxima. Divergences are the estimator k3, r - 1 - log r (Schulman,
    "Approximating KL divergence", 2020): unbiased and never negative.
    """
    if loss_fn == "cross_entropy":
        return -(targets.weights * new).sum(), {}
    old = _old(new, targets, settings)
    log_ratio = (new - old).clamp(max=_MAX_LOG_RATIO)
    ratio = log_ratio.exp()
    gain = ratio * targets.advantages
    clipped = ratio.clamp(
        1.0 - (_CLIP if settings.clip_low is None else settings.clip_low),
        1.0 + (_CLIP if settings.clip_high is None else settings.clip_high),
    )
    if loss_fn == "ppo":
        gain = torch.minimum(gain, clipped * targets.advantages)
    engine_ratio = (old - targets.sampled).clamp(max=_MAX_LOG_RATIO).exp()
    if settings.correction_cap is not None:
        gain = gain * engine_ratio.clamp(max=settings.correction_cap)
    counted = targets.weights > 0
    with torch.no_grad():
        metrics = {
            "ratio_mean": ratio[counted].sum(),
            "kl_to_old": (ratio - 1.0 - log_ratio)[counted].sum(),
            "clip_fraction": (ratio != clipped)[counted].sum(),
            "engine_ratio_mean": engine_ratio[counted].sum(),
            "engine_ratio_max": engine_ratio[counted].max(),
        }
        if settings.correction_cap is not None:
            capped = engine_ratio > settings.correction_cap
            metrics["engine_ratio_capped"] = capped[counted].sum()
    loss = -(targets.weights * gain).sum()
    if settings.kl_coef and targets.reference is not None:
        log_ratio = (targets.reference - new).clamp(max=_MAX_LOG_RATIO)
        divergence = log_ratio.exp() - 1.0 - log_ratio
        loss = loss + settings.kl_coef * (targets.weights * divergence).sum()
        metrics["kl_to_reference"] = divergence.detach()[counted].sum()
    return loss, metrics


def _old(new: torch.Tensor, targets: Targets, settings: PolicyLoss) -> torch.Tensor:
    if settings.on_policy:
        return new.detach()
    return targets.sampled if targets.old is None else targets.old
