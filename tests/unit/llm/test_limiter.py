"""A limiter lets so many in, first come, first served, for coroutines and threads alike."""

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
        limiter, order, most = ConcurrencyLimiter(2), [], 0

        async def caller(number: int) -> None:
            nonlocal most
            assert await limiter.aacquire(float("inf"))
            most = max(most, limiter.inside)
            order.append(number)
            await asyncio.sleep(0)
            limiter.release()

        await asyncio.gather(*(caller(number) for number in range(9)))
        assert (most, limiter.inside) == (2, 0)
        return order

    assert asyncio.run(story()) == list(range(9))


def test_threads_wait_for_the_same_limiter():
    limiter, got_in = ConcurrencyLimiter(1), []
    assert limiter.acquire(1)
    thread = threading.Thread(target=lambda: got_in.append(limiter.acquire(5)))
    thread.start()
    assert got_in == []
    limiter.release()
    thread.join(5)
    assert got_in == [True]
    limiter.release()
    assert limiter.inside == 0


def test_whoever_runs_out_of_time_gives_up_the_place():
    limiter = ConcurrencyLimiter(1)
    assert limiter.acquire(1)
    assert not limiter.acquire(0.01)
    assert not asyncio.run(limiter.aacquire(0.01))
    limiter.release()
    assert limiter.acquire(0)
    assert limiter.inside == 1


def test_a_cancelled_caller_leaves_no_trace():
    async def story() -> None:
        limiter = ConcurrencyLimiter(1)
        await limiter.aacquire(1)
        waiting = asyncio.create_task(limiter.aacquire(float("inf")))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        limiter.release()
        assert await limiter.aacquire(0.1)
        assert limiter.inside == 1

    asyncio.run(story())


def test_a_caller_cancelled_just_as_it_is_let_in_hands_the_place_on():
    async def story() -> None:
        limiter = ConcurrencyLimiter(1)
        await limiter.aacquire(1)
        first = asyncio.create_task(limiter.aacquire(float("inf")))
        second = asyncio.create_task(limiter.aacquire(float("inf")))
        await asyncio.sleep(0)
        limiter.release()  # the first one is let in, but has not woken up
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert await asyncio.wait_for(second, 1)

    asyncio.run(story())


def test_an_objection_halves_the_calls_and_answers_bring_them_back():
    limiter = ConcurrencyLimiter(8)
    for _ in range(8):
        assert limiter.acquire(0)
    limiter.on_rate_limited()
    assert limiter.allowed == 4
    for _ in range(8):
        limiter.release()
    for _ in range(8 * 4):
        limiter.on_answer()
    assert limiter.allowed == 5
    limiter.on_rate_limited()
    assert limiter.allowed >= 1


def test_a_limiter_without_a_limit_learns_one():
    limiter = ConcurrencyLimiter()
    for _ in range(10):
        assert limiter.acquire(0)
    limiter.on_rate_limited()
    assert limiter.allowed == 5


def test_nothing_is_asked_before_the_provider_wants_it():
    time = Stopped()
    token = clock.set(time)
    try:
        limiter = ConcurrencyLimiter()
        limiter.pause_for(5.0)
        limiter.pause_for(2.0)
        assert limiter.pause() == 5.0
        time.moment = 6.0
        assert limiter.pause() == 0.0
    finally:
        clock.reset(token)
