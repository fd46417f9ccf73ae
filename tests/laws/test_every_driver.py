"""Law: one scripted policy, 100 tasks.

Whoever drives it, what is said, done, left behind and earned is the same.
"""

from __future__ import annotations

import pytest
from tests.laws.drivers import DRIVERS
from tests.laws.plays import some_plays

pytestmark = pytest.mark.slow

COUNTS = {"mock": 10, "airline": 30, "retail": 30, "telecom": 30}  # the mock domain has no more


@pytest.mark.parametrize("domain", COUNTS)
def test_every_driver_plays_the_same_episodes(domain):
    plays = some_plays(domain, COUNTS[domain])
    assert len(plays) == COUNTS[domain]
    rewards = []
    for play in plays:
        wanted, *others = (drive(play) for drive in DRIVERS.values())
        for name, got in zip(list(DRIVERS)[1:], others, strict=True):
            assert got == wanted, f"{name} differs on task {play.task.id}"
        rewards.append(wanted.reward)
    assert {0.0, 1.0} <= set(rewards)  # the law would say little of episodes that all end alike
