"""Event loops of runs: copies of one coroutine, and how often cycles are looked for meanwhile."""

from __future__ import annotations

import asyncio
import gc

import pytest

from tau2.runner.event_loop import run_copies, run_on_loop


def test_every_copy_runs():
    done = []

    async def work():
        await asyncio.sleep(0)
        done.append(1)

    asyncio.run(run_copies(work, 3))
    assert len(done) == 3


def test_the_first_failure_is_raised_and_the_others_are_its_notes():
    numbers = iter((1, 2, 3))

    async def work():
        number = next(numbers)
        try:
            await asyncio.sleep(0 if number == 1 else 60)
        except asyncio.CancelledError:
            if number == 2:
                raise OSError("the disk is full, too") from None
            raise
        raise ValueError("out of order")

    with pytest.raises(ValueError, match="out of order") as raised:
        asyncio.run(run_copies(work, 3))
    assert raised.value.__notes__ == [
        "meanwhile, another task failed: OSError: the disk is full, too"
    ]


async def thresholds() -> tuple[int, int, int]:
    return gc.get_threshold()


def test_cycles_are_looked_for_less_often_while_a_run_is_played():
    before = gc.get_threshold()
    try:
        gc.set_threshold(700, 10, 10)
        assert run_on_loop(thresholds()) == (5_000, 10, 10)
        assert gc.get_threshold() == (700, 10, 10)
    finally:
        gc.set_threshold(*before)


@pytest.mark.parametrize("own", [(0, 10, 10), (50_000, 20, 5)])
def test_a_program_keeps_thresholds_of_its_own(own):
    before = gc.get_threshold()
    try:
        gc.set_threshold(*own)
        assert run_on_loop(thresholds()) == own
        assert gc.get_threshold() == own
    finally:
        gc.set_threshold(*before)
