"""What the workers of a cluster share, with a coordinator on a loop of its own and without Ray."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from tests.stub import StubServer, failing

from tau2.data_model.message import UserMessage
from tau2.errors import BudgetExhausted, DeadlineExceeded, ModelUnavailable
from tau2.llm import acomplete, complete, use_middleware
from tau2.llm.deadline import deadline
from tau2.llm.middleware.budget import Budget
from tau2.llm.middleware.ledger import Ledger, ReserveResult, up
from tau2.llm.middleware.limits import Limit, ProviderLimits
from tau2.runner.executors import cluster_link
from tau2.runner.executors.cluster_link import ClusterLink, ClusterLogs
from tau2.runner.executors.coordinator import Coordinator, Terms, WorkerForgotten

ASKED = [UserMessage(content="Hello")]
PRICE = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.001, "max_tokens": 100}
A_CALL = up(0.1)  # picodollars at most, by this price
AN_ANSWER = up(0.02)  # 20 tokens


class Handle:
    """Stands for the handle of an actor: its methods are performed on another thread's loop."""

    def __init__(self, coordinator):
        self._coordinator = coordinator
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def __getattr__(self, name):
        return Method(self._loop, getattr(self._coordinator, name))

    def stop(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.run_until_complete(self._coordinator.close())
        self._loop.close()


class Method:
    def __init__(self, loop, method):
        self._loop = loop
        self._method = method

    def remote(self, *args):
        running = asyncio.run_coroutine_threadsafe(self._method(*args), self._loop)
        return type("Reference", (), {"future": lambda self: running})()


@pytest.fixture
def coordinated():
    """Return a function that makes a coordinator of some terms, and its handle."""
    handles = []

    def make(**terms):
        handles.append(Handle(Coordinator(Terms(**terms))))
        return handles[-1]

    yield make
    for handle in handles:
        handle.stop()


def capped(handle, worker, cap=10 * A_CALL):
    return use_middleware(Budget(ClusterLink(handle, worker).account(cap)).middleware)


def limited(handle, worker, limits):
    return use_middleware(ProviderLimits(limits, ClusterLink(handle, worker).limits).middleware)


def ask(stub, **args):
    return complete("openai/any", ASKED, api_base=stub.base_url, api_key="key", **PRICE, **args)


async def aask(stub, **args):
    return await acomplete(
        "openai/any", ASKED, api_base=stub.base_url, api_key="key", **PRICE, **args
    )


def spent(handle, folder, cap=10 * A_CALL):
    """Return what is written down, and in the coordinator's order after all it was told."""
    handle.is_at_home.remote().future().result(5)
    return Ledger(cap, folder).spent


def test_all_workers_spend_from_one_ledger(coordinated, tmp_path):
    handle = coordinated(cap=A_CALL + AN_ANSWER, ledger=tmp_path / "budget")
    with StubServer("Hi") as stub:
        for worker in (1, 2):
            with capped(handle, worker, A_CALL + AN_ANSWER):
                ask(stub)
        with capped(handle, 3), pytest.raises(BudgetExhausted, match=r"\$0\.0400 is spent"):
            ask(stub)
    assert stub.requests == 2
    assert spent(handle, tmp_path / "budget") == 2 * AN_ANSWER


def test_what_a_dead_worker_held_counts_as_spent_and_it_gets_nothing_more(coordinated, tmp_path):
    handle = coordinated(cap=10 * A_CALL, ledger=tmp_path / "budget")
    held = handle.reserve.remote(1, 3 * A_CALL).future().result(5)
    assert held == (ReserveResult.GRANTED.value, 0)
    handle.forget.remote(1).future().result(5)
    assert spent(handle, tmp_path / "budget") == 3 * A_CALL
    handle.settle.remote(1, 3 * A_CALL, A_CALL).future().result(5)
    assert spent(handle, tmp_path / "budget") == 3 * A_CALL
    with pytest.raises(WorkerForgotten):
        handle.reserve.remote(1, A_CALL).future().result(5)


def test_an_episode_that_ends_while_it_asks_for_money_holds_none(coordinated, tmp_path):
    handle = coordinated(cap=A_CALL, ledger=tmp_path / "budget")
    account = ClusterLink(handle, 1).account(A_CALL)
    flow = account.reserving(A_CALL)
    step = next(flow)
    flow.close()
    step.answer.result(5)
    time.sleep(0.05)  # until the callback of the answer has told the coordinator
    assert handle.reserve.remote(2, A_CALL).future().result(5)[0] == ReserveResult.GRANTED.value


def test_all_workers_share_one_limit_of_calls_in_flight(coordinated):
    limits = {"openai": {"in_flight": 2}}
    handle = coordinated(limits=limits)

    async def together(stub):
        async def of_worker(worker):
            with limited(handle, worker, {"openai": Limit(in_flight=2)}):
                await asyncio.gather(*(aask(stub) for _ in range(4)))

        await asyncio.gather(of_worker(1), of_worker(2), of_worker(3))

    with StubServer("Hi", latency=0.01) as stub:
        asyncio.run(together(stub))
    assert (stub.requests, stub.max_in_flight) == (12, 2)


def test_the_places_of_a_dead_worker_are_free(coordinated):
    handle = coordinated(limits={"openai": 1})
    handle.admit.remote(1, "openai", 0.0).future().result(5)
    waiting = handle.admit.remote(2, "openai", 0.0).future()
    with pytest.raises(TimeoutError):
        waiting.result(0.05)
    handle.forget.remote(1).future().result(5)
    assert waiting.result(5) is None


def test_a_call_whose_episode_is_over_leaves_no_place_taken(coordinated):
    handle = coordinated(limits={"openai": 1})
    handle.admit.remote(1, "openai", 0.0).future().result(5)
    token = deadline.set(time.monotonic() + 0.05)
    try:
        with (
            StubServer("Hi") as stub,
            limited(handle, 2, {"openai": Limit(in_flight=1)}),
            pytest.raises(DeadlineExceeded, match="time was over"),
        ):
            ask(stub)
    finally:
        deadline.reset(token)
    handle.free.remote(1, "openai").future().result(5)
    assert handle.admit.remote(3, "openai", 0.0).future().result(5) is None


def test_all_workers_share_the_requests_per_minute(coordinated):
    handle = coordinated(limits={"openai": {"rpm": 600}})
    waits = [
        handle._coordinator._provider("openai").take(0.0)  # what `admit` waits for
        for _ in range(61)
    ]
    assert waits[59] == 0.0
    assert waits[60] > 0.05


def test_a_pause_is_told_to_every_worker(coordinated):
    handle = coordinated()
    here, there = (ClusterLink(handle, number) for number in (1, 2))

    async def followed():
        following = asyncio.create_task(there.follow_pauses())
        with limited(handle, 1, {}), StubServer([failing(429, retry_after=30)]) as stub:
            token = deadline.set(time.monotonic() + 5)
            with pytest.raises(ModelUnavailable):
                await aask(stub, num_retries=0)
            deadline.reset(token)
        for _ in range(100):
            if there.pause_left("openai"):
                break
            await asyncio.sleep(0.01)
        following.cancel()

    asyncio.run(followed())
    assert 25 < there.pause_left("openai") <= 30
    assert here.pause_left("openai") == 0.0  # it did not follow


def test_a_worker_that_is_forgotten_waits_for_no_pause_any_more():
    async def forgotten():
        coordinator = Coordinator(Terms())
        waiting = [asyncio.create_task(coordinator.pauses(worker, 0)) for worker in (1, 2)]
        await asyncio.sleep(0)
        await coordinator.forget(1)
        with pytest.raises(WorkerForgotten):
            await asyncio.wait_for(waiting[0], 5)
        await coordinator.pause(2, "openai", 30.0)
        version, left = await asyncio.wait_for(waiting[1], 5)
        assert version == 1
        assert 25 < left["openai"] <= 30

    asyncio.run(forgotten())


def test_a_log_goes_on_where_the_worker_before_stopped(coordinated, tmp_path):
    handle = coordinated(logs=tmp_path / "inflight")
    first = handle.take_log.remote(1, "log").future().result(5)
    handle.change_log.remote(1, "log", 0, 0, None).future().result(5)
    # The second line overtakes the first one.
    handle.change_log.remote(1, "log", 2, 4, b"two\n").future().result(5)
    handle.change_log.remote(1, "log", 1, 0, b"one\n").future().result(5)
    handle.forget.remote(1).future().result(5)
    handle.change_log.remote(1, "log", 3, 8, b"too late\n").future().result(5)
    second = handle.take_log.remote(2, "log").future().result(5)
    assert (first, second) == (b"", b"one\ntwo\n")


def test_two_workers_never_write_one_log(coordinated, tmp_path):
    handle = coordinated(logs=tmp_path / "inflight")
    for worker in (1, 2):
        handle.take_log.remote(worker, "log").future().result(5)
        handle.change_log.remote(worker, "log", 0, 0, None).future().result(5)
    handle.change_log.remote(1, "log", 1, 0, b"of one\n").future().result(5)
    handle.change_log.remote(2, "log", 1, 0, b"of two\n").future().result(5)
    assert (tmp_path / "inflight" / "log").read_bytes() == b"of two\n"


def test_participants_that_cannot_continue_have_no_logs(coordinated, tmp_path):
    logs = ClusterLogs(ClusterLink(coordinated(logs=tmp_path), 1), None)
    asyncio.run(logs.fetch(("task", 0)))
    assert logs._file(("task", 0)) is None


def test_a_worker_that_was_given_up_ends(coordinated, monkeypatch):
    ended = threading.Event()
    monkeypatch.setattr(cluster_link.os, "_exit", lambda code: ended.set())
    handle = coordinated(cap=A_CALL)
    handle.forget.remote(1).future().result(5)
    ClusterLink(handle, 1).ask("reserve", 1)
    assert ended.wait(5)
