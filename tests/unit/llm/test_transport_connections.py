"""Connections: as many as calls in flight, kept, renewed when closed, closed with their loop."""

from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.stub import Bytes, Drop, Hang, Raw, StubServer

from tau2.data_model.message import UserMessage
from tau2.errors import ConfigError, ModelUnavailable
from tau2.llm import aclose, acomplete, close, complete
from tau2.llm.failure import CallFailed
from tau2.llm.transport import sync_client

from .conftest import SendPost

HELLO = [UserMessage(content="Hello")]


def ask(stub: StubServer, **args: Any) -> str | None:
    return complete("openai/m", HELLO, api_base=stub.base_url, num_retries=0, **args).content


async def aask(stub: StubServer, **args: Any) -> str | None:
    return (
        await acomplete("openai/m", HELLO, api_base=stub.base_url, num_retries=0, **args)
    ).content


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  -- the server lives in another thread
        await asyncio.sleep(0.01)


def test_sixty_four_calls_are_in_flight_at_once_and_share_connections_afterwards() -> None:
    async def both_rounds(stub: StubServer) -> None:
        for _ in range(2):
            assert await asyncio.gather(*(aask(stub) for _ in range(64))) == ["hi"] * 64

    with StubServer("hi", latency=0.3) as stub:
        asyncio.run(both_rounds(stub))
    assert (stub.max_in_flight, stub.connections, stub.requests) == (64, 64, 128)


def test_threads_do_not_wait_for_one_another() -> None:
    with StubServer("hi", latency=0.3) as stub, ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda _: ask(stub), range(16))) == ["hi"] * 16
    assert stub.max_in_flight == 16
    close()


def test_one_connection_serves_calls_that_follow_one_another() -> None:
    async def three(stub: StubServer) -> None:
        for _ in range(3):
            await aask(stub)

    with StubServer("hi") as stub:
        for _ in range(3):
            ask(stub)
        assert stub.connections == 1
        asyncio.run(three(stub))
        assert stub.connections == 2


def test_a_connection_that_the_server_closed_is_replaced_without_a_retry() -> None:
    async def twice(stub: StubServer) -> None:
        await aask(stub)
        await asyncio.to_thread(stub.drop_idle_connections)
        await aask(stub)

    with StubServer("hi") as stub:
        ask(stub)
        stub.drop_idle_connections()
        assert ask(stub) == "hi"
        asyncio.run(twice(stub))
    assert stub.requests == 4


def test_a_kept_connection_that_dies_without_an_answer_is_tried_once_more_on_a_new_one() -> None:
    async def twice(stub: StubServer) -> str | None:
        await aask(stub)
        return await aask(stub)

    with StubServer(["hi", Drop(), "again"]) as stub:
        ask(stub)
        assert ask(stub) == "again"
    with StubServer(["hi", Drop(), "again"]) as stub:
        assert asyncio.run(twice(stub)) == "again"


def test_a_fresh_connection_that_dies_is_a_failure() -> None:
    with StubServer(Drop()) as stub, pytest.raises(ModelUnavailable, match="connection failed"):
        ask(stub)
    with (
        StubServer(Drop(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")) as stub,
        pytest.raises(ModelUnavailable),
    ):
        asyncio.run(aask(stub))


def test_a_cancelled_call_leaves_nothing_open() -> None:
    async def cancelled(stub: StubServer) -> int:
        task = asyncio.ensure_future(aask(stub))
        await until(lambda: stub.requests == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not stub.open)
        return len(stub.open)

    with StubServer(Hang()) as stub:
        assert asyncio.run(cancelled(stub)) == 0


def test_every_loop_closes_its_own_connections() -> None:
    with StubServer("hi") as stub:
        for _ in range(3):
            asyncio.run(aask(stub))
        gc.collect()  # an open transport would warn here, and warnings are errors
        assert stub.connections == 3


def test_connections_can_be_closed_by_hand() -> None:
    async def closed(stub: StubServer) -> None:
        await aask(stub)
        await aclose()
        await aask(stub)

    with StubServer("hi") as stub:
        asyncio.run(closed(stub))
    assert stub.connections == 2


def test_a_header_that_http_forbids_is_not_sent_and_not_shown() -> None:
    with StubServer() as stub, pytest.raises(ConfigError, match="X-Team") as caught:
        ask(stub, extra_headers={"X-Team": "blue\r\nX-Evil: 1"})
    assert "blue" not in str(caught.value)
    assert stub.requests == 0


PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def test_a_response_that_keeps_the_connection_leaves_it_ready(send: SendPost) -> None:
    with StubServer(Bytes([PLAIN], keep=True)) as stub:
        assert send(stub, times=3).body == b"hello"
        assert (stub.requests, stub.connections) == (3, 1)


def test_a_response_that_ends_the_connection_is_obeyed(send: SendPost) -> None:
    raw = Raw(200, b"hello", {"Connection": "close"})
    with StubServer(raw) as stub:
        assert send(stub, times=2).body == b"hello"
        assert (stub.requests, stub.connections) == (2, 2)


def test_a_response_that_nobody_asked_for_is_not_taken_for_the_next_one(send: SendPost) -> None:
    lies = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlies"
    with StubServer([Bytes([PLAIN, lies], keep=True), Bytes([PLAIN], keep=True)]) as stub:
        assert send(stub, times=2, pause=0.1).body == b"hello"


def test_a_request_is_sent_again_once_and_only_over_a_kept_connection(send: SendPost) -> None:
    with StubServer(["hi", Drop(), Drop()]) as stub:
        with pytest.raises(CallFailed, match="without an answer") as caught:
            send(stub, times=2)
        assert stub.requests == 3
        assert caught.value.temporary
    with StubServer([Drop(), "hi"]) as stub, pytest.raises(CallFailed, match="without an answer"):
        send(stub)
    assert stub.requests == 1


def test_a_request_whose_response_had_begun_is_not_sent_again(send: SendPost) -> None:
    begun = Drop(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
    with StubServer(["hi", begun, "hi"]) as stub:
        with pytest.raises(CallFailed, match="in the middle of its answer"):
            send(stub, times=2)
        assert stub.requests == 2


def test_idle_connections_of_a_burst_are_closed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call closes the connection that was unused for longest, if that was too long."""
    with StubServer("hi", latency=0.1) as stub, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: ask(stub), range(8))) == ["hi"] * 8
        assert len(stub.open) == 8
        monkeypatch.setattr(sync_client, "KEEP_ALIVE", 0.0)
        for _ in range(8):
            ask(stub)
        assert len(stub.open) <= 2
    close()


def test_a_server_on_ipv6(send: SendPost) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with StubServer(Raw(200, b"hello"), host="::1") as stub:
        assert send(stub).body == b"hello"
        assert stub.seen[-1].headers["host"] == f"[::1]:{stub.port}"


# Life cycles


def descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@pytest.fixture
def flat() -> Iterator[None]:
    """Descriptors after the test are as many as before."""
    gc.collect()
    before = descriptors()
    yield
    close()
    gc.collect()
    assert descriptors() <= before


@pytest.mark.usefixtures("flat")
def test_fifty_event_loops_in_sequence_leave_nothing_open() -> None:
    with StubServer("hi") as stub:
        asyncio.run(aask(stub))
        gc.collect()
        before = descriptors()
        for _ in range(50):
            asyncio.run(aask(stub))
        gc.collect()  # an open transport would warn here, and warnings are errors
        assert descriptors() <= before
    assert stub.connections == 51


@pytest.mark.usefixtures("flat")
def test_threads_with_event_loops_of_their_own() -> None:
    async def several(stub: StubServer) -> list[str | None]:
        return await asyncio.gather(*(aask(stub) for _ in range(4)))

    with StubServer("hi", latency=0.05) as stub, ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(asyncio.run, several(stub)) for _ in range(24)]
        assert [future.result() for future in futures] == [["hi"] * 4] * 24
    assert stub.max_in_flight > 4


@pytest.mark.usefixtures("flat")
def test_calls_of_both_kinds_from_changing_threads() -> None:
    """As environments for training are stepped: each step may come from another thread."""
    with StubServer("hi") as stub:
        for _ in range(10):
            with ThreadPoolExecutor(4) as pool:
                assert list(pool.map(lambda _: ask(stub), range(8))) == ["hi"] * 8
                assert pool.submit(asyncio.run, aask(stub)).result() == "hi"
    assert stub.requests == 90


def run_program(program: str, *args: str, options: tuple[str, ...] = ()) -> str:
    """Run a program of its own; return what it wrote to both outputs."""
    command = [sys.executable, *options, "-c", textwrap.dedent(program), *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_a_loop_that_is_closed_by_hand_is_no_reason_to_complain() -> None:
    program = """
        import asyncio, sys
        from tau2.data_model.message import UserMessage
        from tau2.llm import acomplete
        for _ in range(3):
            loop = asyncio.new_event_loop()
            call = acomplete("openai/m", [UserMessage(content="Hello")], api_base=sys.argv[1])
            loop.run_until_complete(call)
            loop.close()
    """
    with StubServer("hi") as stub:
        assert run_program(program, stub.base_url) == ""
    assert stub.requests == 3


IN_FLIGHT = """
    import asyncio, resource, sys
    from concurrent.futures import ThreadPoolExecutor
    from tau2.data_model.message import UserMessage
    from tau2.errors import ModelUnavailable
    from tau2.llm import acomplete, complete

    base, kind, calls, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    hello = [UserMessage(content="Hello")]
    call = {"model": "openai/m", "messages": hello, "api_base": base, "num_retries": 0}
    if limit < 1000:
        complete(**call)  # what is imported by the first call needs descriptors too
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    async def together():
        all_calls = (acomplete(**call) for _ in range(calls))
        return await asyncio.gather(*all_calls, return_exceptions=True)

    def one(_):
        try:
            return complete(**call)
        except ModelUnavailable as error:
            return error

    if kind == "async":
        results = asyncio.run(together())
    else:
        with ThreadPoolExecutor(calls) as pool:
            results = list(pool.map(one, range(calls)))
    problems = [result for result in results if isinstance(result, BaseException)]
    print(len(results) - len(problems), "answered;", {f"{type(e).__name__}: {e}" for e in problems})
"""


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Let the stub server, which lives in this process, have 2,000 descriptors."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(2000, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
def test_a_thousand_calls_are_in_flight_with_a_thousand_and_a_few_descriptors() -> None:
    with StubServer("hi", latency=5.0) as stub:
        output = run_program(IN_FLIGHT, stub.base_url, "async", "1000", "1100")
    assert output.strip() == "1000 answered; set()"
    assert stub.max_in_flight == 1000


@pytest.mark.usefixtures("many_descriptors")
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_to_run_out_of_descriptors_is_an_error_that_says_so(kind: str) -> None:
    with StubServer("hi", latency=0.5) as stub:
        output = run_program(IN_FLIGHT, stub.base_url, kind, "100", "40")
    answered, _, problems = output.partition(" answered; ")
    assert 0 < int(answered) < 40
    assert problems.count("ModelUnavailable") == 1
    assert "no file descriptor is left (this process may have 40)" in problems
    assert "raise the limit (ulimit -n) or lower the concurrency" in problems


def test_a_process_may_fork_and_end_without_a_warning() -> None:
    """Run a program, with every warning an error, that makes both kinds of calls and forks."""
    program = """
        import asyncio, os, sys
        from tau2.data_model.message import UserMessage
        from tau2.llm import acomplete, complete
        hello, base = [UserMessage(content="Hello")], sys.argv[1]
        complete("openai/m", hello, api_base=base)
        child = os.fork()
        complete("openai/m", hello, api_base=base)
        with asyncio.Runner() as runner:
            # That the machine is busy is not the warning meant here.
            runner.get_loop().slow_callback_duration = 60
            runner.run(acomplete("openai/m", hello, api_base=base))
        if child:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    with StubServer("hi") as stub:
        command = [
            sys.executable,
            "-W",
            "error",
            "-X",
            "dev",
            "-c",
            textwrap.dedent(program),
            stub.base_url,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert stub.requests == 5
    assert stub.connections == 4
