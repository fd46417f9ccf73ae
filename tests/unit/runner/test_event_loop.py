"""Several copies of one coroutine: the first failure is raised, and no other one is lost."""

from __future__ import annotations

import asyncio

import pytest

from tau2.runner.event_loop import run_copies


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
