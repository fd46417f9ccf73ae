"""Sequences are batched under a budget, and callers that wait at the same time share a batch."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from act_prm.llm_handlers.batching import Coalescer, batches


@given(st.lists(st.integers(0, 50)), st.integers(1, 120))
def test_every_sequence_is_in_one_batch_and_no_batch_of_several_exceeds_the_budget(lengths, budget):
    made = batches(lengths, budget)

    assert sorted(at for batch in made for at in batch) == list(range(len(lengths)))
    for batch in made:
        assert len(batch) == 1 or len(batch) * max(lengths[at] for at in batch) <= budget


class Work:
    """Doubles numbers; remembers what it was given together."""

    def __init__(self):
        self.calls = []

    async def __call__(self, items):
        self.calls.append(items)
        await asyncio.sleep(0)
        if 0 in items:
            raise ValueError("nothing to double")
        return [2 * one for one in items]


def test_callers_of_the_same_moment_share_a_call_and_later_ones_share_the_next():
    work = Work()
    joined = Coalescer(work)

    async def later(items):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return await joined.ask(items)

    async def everyone():
        return await asyncio.gather(joined.ask([1, 2]), joined.ask([3]), later([4]), later([5, 6]))

    assert asyncio.run(everyone()) == [[2, 4], [6], [8], [10, 12]]
    assert work.calls == [[1, 2, 3], [4, 5, 6]]


def test_an_error_reaches_everyone_in_the_call_and_the_next_call_goes_on():
    joined = Coalescer(Work())

    async def everyone():
        failed = await asyncio.gather(joined.ask([1]), joined.ask([0]), return_exceptions=True)
        return failed, await joined.ask([7])

    failed, fine = asyncio.run(everyone())
    assert [str(one) for one in failed] == ["nothing to double"] * 2
    assert fine == [14]


def test_a_caller_that_gives_up_costs_the_others_nothing_and_every_loop_is_served():
    joined = Coalescer(Work())

    async def one_gives_up():
        hasty = asyncio.create_task(joined.ask([1]))
        patient = asyncio.create_task(joined.ask([2]))
        await asyncio.sleep(0)
        hasty.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hasty
        return await patient

    assert asyncio.run(one_gives_up()) == [4]
    assert asyncio.run(joined.ask([3])) == [6]
