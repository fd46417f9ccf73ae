"""A gate lets so many in, first come, first served, for coroutines and threads alike."""

from __future__ import annotations

import asyncio
import threading

from tau2.llm.clock import clock
from tau2.llm.middleware.limiter import ConcurrencyLimiter


class Stopped:
    """A clock that only moves when told."""

    def __init__(self) -> None:
        self.moment = 0.0

    def now(self) -> float:
        return self.moment


def test_no_more_get_in_than_allowed_and_the_first_waits_least():
    async def story() -> list[int]:
        gate, order, most = ConcurrencyLimiter(2), [], 0

        async def caller(number: int) -> None:
            nonlocal most
            assert await gate.aenter(float("inf"))
            most = max(most, gate.inside)
            order.append(number)
            await asyncio.sleep(0)
            gate.leave()

        await asyncio.gather(*(caller(number) for number in range(9)))
        assert (most, gate.inside) == (2, 0)
        return order

    assert asyncio.run(story()) == list(range(9))


def test_threads_wait_at_the_same_gate():
    gate, got_in = ConcurrencyLimiter(1), []
    assert gate.enter(1)
    thread = threading.Thread(target=lambda: got_in.append(gate.enter(5)))
    thread.start()
    assert got_in == []
    gate.leave()
    thread.join(5)
    assert got_in == [True]
    gate.leave()
    assert gate.inside == 0


def test_whoever_runs_out_of_time_gives_up_the_place():
    gate = ConcurrencyLimiter(1)
    assert gate.enter(1)
    assert not gate.enter(0.01)
    assert not asyncio.run(gate.aenter(0.01))
    gate.leave()
    assert gate.enter(0)
    assert gate.inside == 1


def test_a_cancelled_caller_leaves_no_trace():
    async def story() -> None:
        gate = ConcurrencyLimiter(1)
        await gate.aenter(1)
        waiting = asyncio.create_task(gate.aenter(float("inf")))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        gate.leave()
        assert await gate.aenter(0.1)
        assert gate.inside == 1

    asyncio.run(story())


def test_a_caller_cancelled_just_as_it_is_let_in_hands_the_place_on():
    async def story() -> None:
        gate = ConcurrencyLimiter(1)
        await gate.aenter(1)
        first = asyncio.create_task(gate.aenter(float("inf")))
        second = asyncio.create_task(gate.aenter(float("inf")))
        await asyncio.sleep(0)
        gate.leave()  # the first one is let in, but has not woken up
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert await asyncio.wait_for(second, 1)

    asyncio.run(story())


def test_an_objection_halves_the_calls_and_answers_bring_them_back():
    gate = ConcurrencyLimiter(8)
    for _ in range(8):
        assert gate.enter(0)
    gate.objected()
    assert gate.allowed == 4
    for _ in range(8):
        gate.leave()
    for _ in range(8 * 4):
        gate.answered()
    assert gate.allowed == 5
    gate.objected()
    assert gate.allowed >= 1


def test_a_gate_without_a_limit_learns_one():
    gate = ConcurrencyLimiter()
    for _ in range(10):
        assert gate.enter(0)
    gate.objected()
    assert gate.allowed == 5


def test_nothing_is_asked_before_the_provider_wants_it():
    time = Stopped()
    token = clock.set(time)
    try:
        gate = ConcurrencyLimiter()
        gate.rest(5.0)
        gate.rest(2.0)
        assert gate.pause() == 5.0
        time.moment = 6.0
        assert gate.pause() == 0.0
    finally:
        clock.reset(token)
