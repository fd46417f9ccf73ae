"""Connections: as many as calls in flight, kept, renewed when a server closed them, closed when their loop ends."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore
import pytest
from tests.stub import Drop, Hang, Raw, StubServer, completion_of

from tau2.data_model.message import UserMessage
from tau2.errors import ConfigError, ModelRefused, ModelUnavailable
from tau2.llm import aclose, acomplete, close, complete
from tau2.llm.failure import CallFailed
from tau2.llm.lines import LARGEST_ANSWER, judged, target_of

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


def test_a_compressed_answer_is_read_though_nobody_asked_for_it() -> None:
    body = gzip.compress(json.dumps(completion_of("packed", "m", 0, 0)).encode())
    with StubServer(Raw(200, body, {"Content-Encoding": "gzip"})) as stub:
        assert ask(stub) == "packed"
        assert stub.seen[-1].headers["accept-encoding"] == "identity"
    with (
        StubServer(Raw(200, b"junk", {"Content-Encoding": "gzip"})) as stub,
        pytest.raises(ModelUnavailable),
    ):
        ask(stub)
    with (
        StubServer(Raw(200, b"junk", {"Content-Encoding": "br"})) as stub,
        pytest.raises(ModelRefused, match="br"),
    ):
        ask(stub)


@pytest.mark.parametrize("compressed", [True, False])
def test_an_endless_answer_is_cut_off(compressed: bool) -> None:
    body = b" " * (LARGEST_ANSWER + 1)
    raw = (
        Raw(200, gzip.compress(body, 1), {"Content-Encoding": "gzip"})
        if compressed
        else Raw(200, body)
    )
    with StubServer(raw) as stub, pytest.raises(ModelRefused, match="larger than 32 MiB"):
        ask(stub)


def test_a_redirection_is_not_followed() -> None:
    with (
        StubServer(Raw(307, b"", {"Location": "http://elsewhere/"})) as stub,
        pytest.raises(ModelRefused, match="api_base"),
    ):
        ask(stub)


def test_a_header_that_http_forbids_is_not_sent_and_not_shown() -> None:
    with StubServer() as stub, pytest.raises(ConfigError, match="X-Team") as caught:
        ask(stub, extra_headers={"X-Team": "blue\r\nX-Evil: 1"})
    assert "blue" not in str(caught.value)
    assert stub.requests == 0


def test_a_proxy_of_the_environment_is_used_except_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with StubServer("by proxy") as proxy, StubServer("direct") as stub:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert ask(stub) == "direct"
        distant = "http://models.invalid/v1"
        assert complete("openai/m", HELLO, api_base=distant).content == "by proxy"
        assert asyncio.run(acomplete("openai/m", HELLO, api_base=distant)).content == "by proxy"
        assert proxy.seen[0].target == distant + "/chat/completions"
        assert proxy.seen[0].headers["host"] == "models.invalid"
        close()


def test_a_process_may_fork_and_end_without_a_warning() -> None:
    """Run a program of its own, with every warning an error, that calls in all colours and forks."""
    program = """
        import asyncio, os, sys
        from tau2.data_model.message import UserMessage
        from tau2.llm import acomplete, complete
        hello, base = [UserMessage(content="Hello")], sys.argv[1]
        complete("openai/m", hello, api_base=base)
        child = os.fork()
        complete("openai/m", hello, api_base=base)
        with asyncio.Runner() as runner:
            runner.get_loop().slow_callback_duration = 60  # that the machine is busy is not the warning meant here
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


def test_a_certificate_that_is_not_trusted_is_no_passing_trouble() -> None:
    error = httpcore.ConnectError("certificate verify failed")
    error.__cause__ = ssl.SSLCertVerificationError()
    with pytest.raises(CallFailed, match="SSL_CERT_FILE") as caught, judged(1.0):
        raise error
    assert not caught.value.temporary


def test_a_proxy_of_another_kind_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(ModelRefused, match=r"socks5.*NO_PROXY=models\.invalid"):
        complete("openai/m", HELLO, api_base="http://models.invalid/v1")


@pytest.mark.parametrize(
    ("url", "header"),
    [
        ("http://h/x", b"h"),
        ("http://h:8/x", b"h:8"),
        ("http://[::1]:8/x", b"[::1]:8"),
        ("https://h\u00e9/x", b"xn--h-bga"),
    ],
)
def test_the_host_header_in_every_spelling(url: str, header: bytes) -> None:
    assert target_of(url).header == header
