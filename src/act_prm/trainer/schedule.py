"""The learning rate of each batch."""

from __future__ import annotations

import math

from act_prm.config import TrainerConfig

POLICY_GRADIENT_WARMUP = 10
"""Batches. Adam's moments are empty when a phase begins: its first steps move every parameter by
the whole learning rate in the direction of the noise of a few episodes. After 1 / (1 - beta1)
steps the noise is averaged."""
_SHORTEST_WITH_WARMUP = 6  # batches of a phase; a third of a shorter one is no warm-up


def learning_rate_at(config: TrainerConfig, done: int, length: int, *, warmup: int = 0) -> float:
    """Return the learning rate of the batch after `done` of a phase of `length` batches.

    It rises linearly over `warmup_batches` (where that is null, over `warmup` batches or a third of
    the phase) and then stays, or falls to `lr_end` of it along a line or half a cosine. It depends
    on nothing else, so a resumed run has the same.
    """
    if config.warmup_batches is not None:
        warmup = config.warmup_batches
    elif length < _SHORTEST_WITH_WARMUP:
        warmup = 0
    else:
        warmup = min(warmup, length // 3)
    if done < warmup:
        return config.learning_rate * (done + 1) / warmup
    if config.lr_schedule == "constant":
        return config.learning_rate
    progress = (done - warmup) / max(length - warmup - 1, 1)
    progress = min(progress, 1.0)
    if config.lr_schedule == "cosine":
        progress = (1.0 - math.cos(math.pi * progress)) / 2.0
    return config.learning_rate * (1.0 - (1.0 - config.lr_end) * progress)
