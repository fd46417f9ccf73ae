"""How time passes in a call: not at all, or as for people."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.call_cast import CallAgent, staged_call
from tests.cast import STOP

from tau2.voice.clock import VirtualClock, WallClock


def test_a_virtual_clock_waits_for_nothing_and_has_the_same_dates():
    clock = VirtualClock()
    clock.start()
    assert clock.seconds_until(1e6) == 0.0
    assert clock.stamp(1.4) == VirtualClock().stamp(1.4) == "2025-01-01T00:00:01.400"


def test_a_wall_clock_waits_for_what_is_left():
    now = [10.0]
    clock = WallClock(lambda: now[0], lambda: datetime.fromisoformat("2026-05-01T12:00:00"))
    now[0] = 20.0
    clock.start()
    assert clock.stamp(0.2) == "2026-05-01T12:00:00.200"
    now[0] = 20.05
    assert clock.seconds_until(0.2) == pytest.approx(0.15)
    now[0] = 20.3
    assert clock.seconds_until(0.2) == 0.0


@pytest.mark.parametrize("blocking", [True, False])
def test_ticks_of_a_wall_clock_last_as_long_as_they_say(blocking):
    import asyncio
    import time

    class Agent(CallAgent):
        pass

    Agent.blocking = blocking
    episode = staged_call(
        "create_task_1", Agent(), {10: STOP}, clock=WallClock(), tick_duration_seconds=0.01
    )
    began = time.perf_counter()
    run = asyncio.run(episode.arun())
    assert time.perf_counter() - began >= 0.1
    assert len(run.ticks) == 11
    assert run.info["voice"]["clock"] == "wall"
