"""The learning rate of each batch."""

from __future__ import annotations

import math

from act_prm.config import TrainerConfig


def learning_rate_at(config: TrainerConfig, done: int, length: int) -> float:
    """Return the learning rate of the batch after `done` of a phase of `length` batches.

    It rises linearly over `warmup_batches` and then stays, or falls to `lr_end` of it along a line
    or half a cosine. It depends on nothing else, so a resumed run has the same.
    """
    warmup = config.warmup_batches
    if done < warmup:
        return config.learning_rate * (done + 1) / warmup
    if config.lr_schedule == "constant":
        return config.learning_rate
    progress = (done - warmup) / max(length - warmup - 1, 1)
    progress = min(progress, 1.0)
    if config.lr_schedule == "cosine":
        progress = (1.0 - math.cos(math.pi * progress)) / 2.0
    return config.learning_rate * (1.0 - (1.0 - config.lr_end) * progress)
