"""When a failed call is made again."""

from __future__ import annotations

import random

from tau2.config import DEFAULT_RETRY_MAX_WAIT, DEFAULT_RETRY_MIN_WAIT, DEFAULT_RETRY_MULTIPLIER
from tau2.seeds import derive_seed

LONGEST_RETRY_AFTER = 600.0  # seconds; an endpoint that asks for more counts as unavailable
_HIGHEST_POWER = 16  # 2**16 s is beyond every cap; a higher power only risks overflow


def back_off(digest: str, attempt: int) -> float:
    """Return the seconds to wait after failed attempt number `attempt` (from 0): full jitter, same every time.

    The jitter comes from what is asked, so that calls which failed together do not return together.
    """
    power = DEFAULT_RETRY_MULTIPLIER * 2.0 ** min(attempt, _HIGHEST_POWER)
    ceiling = min(DEFAULT_RETRY_MAX_WAIT, DEFAULT_RETRY_MIN_WAIT * power)
    return random.Random(derive_seed(attempt, "back-off", digest)).uniform(0, ceiling)  # noqa: S311  -- spreads load
