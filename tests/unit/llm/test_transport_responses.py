"""Both clients read whatever a correct server sends, and say what an incorrect one did."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib

import pytest
from tests.stub import Bytes, Drop, Hang, Raw, StubServer, Trickle, completion_of

from tau2.data_model.message import UserMessage
from tau2.errors import ModelRefused, ModelUnavailable
from tau2.llm import close, complete
from tau2.llm.failure import CallFailed
from tau2.utils.sizes import LARGEST_ANSWER

from .conftest import SendPost

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
HELLO = [UserMessage(content="Hello")]


@pytest.mark.parametrize(
    "pieces",
    [
        [PLAIN],
        [bytes([byte]) for byte in PLAIN],
        [b"HTTP/1.1 100 Continue\r\n\r\n", PLAIN],
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"2\r\nhe\r\n",
            b"3\r\nllo\r\n0\r\n\r\n",
        ],
        [b"HTTP/1.0 200 OK\r\n\r\nhello"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: " + b"x" * 20_000 + b"\r\n\r\nhello"],
    ],
    ids=["at once", "byte by byte", "after a notice", "chunked", "until the end", "a long header"],
)
def test_every_correct_response_is_read(send: SendPost, pieces: list[bytes]) -> None:
    with StubServer(Bytes(pieces)) as stub:
        response = send(stub)
    assert (response.status, response.body) == (200, b"hello")


@pytest.mark.parametrize(
    "answer",
    [
        Drop(),
        Drop(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"),
        Drop(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello"),
        Drop(b"SSH-2.0-OpenSSH\r\n\r\n"),
        Drop(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000),
    ],
    ids=["nothing", "too little", "a chunk cut off", "another protocol", "an endless header"],
)
def test_an_incorrect_response_is_a_failure_that_may_pass(send: SendPost, answer: Drop) -> None:
    with StubServer(answer) as stub, pytest.raises(CallFailed, match="connection failed") as caught:
        send(stub)
    assert caught.value.temporary
    assert stub.requests == 1


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Drop(), "the connection failed: the server closed it without an answer"),
        (
            Drop(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"),
            "the connection failed: the server closed it in the middle of its answer",
        ),
        (Hang(), "no answer within 0.2 s"),
    ],
)
def test_both_clients_use_the_same_words(send: SendPost, answer: object, text: str) -> None:
    with StubServer(answer) as stub, pytest.raises(CallFailed) as caught:
        send(stub, seconds=0.2)
    assert caught.value.text == text


def test_nobody_listens(send: SendPost) -> None:
    with StubServer() as stub:
        pass
    with pytest.raises(CallFailed) as caught:
        send(stub)
    assert caught.value.text == "the connection failed: Connection refused"
    assert caught.value.temporary


def test_a_host_without_an_address(send: SendPost) -> None:
    with pytest.raises(CallFailed, match=r"the connection failed: .*([Nn]ame|resol)") as caught:
        send("http://models.invalid/v1", seconds=10)
    assert caught.value.temporary


@pytest.mark.parametrize(
    "answer",
    [
        Hang(),
        Trickle(0.02),
        Bytes([PLAIN[:20], *[b"x"] * 500], pause=0.02),
        Bytes([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"he", b"l"], keep=True, pause=0.1),
    ],
    ids=["silence", "a slow body", "slow headers", "silence in the body"],
)
def test_the_time_limit_is_one_for_the_whole_exchange(send: SendPost, answer: object) -> None:
    """No piece of data that arrives makes it longer."""
    began = time.monotonic()
    with StubServer(answer) as stub, pytest.raises(CallFailed, match=r"no answer within 0\.3 s"):
        send(stub, seconds=0.3)
    assert 0.25 < time.monotonic() - began < 2.0


# Content encodings. The requests ask for none.

TEXT = b"plain text " * 1000
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", BARE.compress(TEXT) + BARE.flush()),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT))),
        ("identity", TEXT),
    ],
    ids=["gzip", "x-gzip", "GZIP", "two members", "zlib", "bare deflate", "both", "none"],
)
def test_a_compressed_body_is_read_though_nobody_asked_for_it(
    send: SendPost, encoding: str, body: bytes
) -> None:
    with StubServer(Raw(200, body, {"Content-Encoding": encoding})) as stub:
        assert send(stub).body == TEXT
        assert stub.seen[-1].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"junk"),
        ("gzip", gzip.compress(TEXT)[:-9]),
        ("deflate", b"junk"),
        ("deflate", zlib.compress(TEXT)[:-9]),
    ],
    ids=["no gzip", "cut gzip", "no deflate", "cut deflate"],
)
def test_a_damaged_body_may_be_whole_the_next_time(
    send: SendPost, encoding: str, body: bytes
) -> None:
    raw = Raw(200, body, {"Content-Encoding": encoding})
    with StubServer(raw) as stub, pytest.raises(CallFailed, match="damaged") as caught:
        send(stub)
    assert caught.value.temporary


def test_an_encoding_that_was_not_asked_for_is_named(send: SendPost) -> None:
    raw = Raw(200, b"junk", {"Content-Encoding": "br"})
    with StubServer(raw) as stub, pytest.raises(CallFailed, match="'br'") as caught:
        send(stub)
    assert not caught.value.temporary


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
def test_an_endless_body_is_cut_off(send: SendPost, encoding: str) -> None:
    body = b" " * (LARGEST_ANSWER + 1)
    if encoding == "gzip":
        body = gzip.compress(body, 1)
    elif encoding == "deflate":
        body = zlib.compress(body, 1)
    raw = Raw(200, body, {"Content-Encoding": encoding})
    with StubServer(raw) as stub, pytest.raises(CallFailed, match="larger than 32 MiB") as caught:
        send(stub)
    assert not caught.value.temporary


def test_a_body_of_several_megabytes_goes_out_and_comes_back(send: SendPost) -> None:
    with StubServer(Raw(200, TEXT * 200)) as stub:
        sent = json.dumps("x" * 3_000_000).encode()
        assert send(stub, body=sent).body == TEXT * 200
        assert len(stub.last) == 3_000_000


# What a body says, as far as the bytes decide


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_byte_order_mark_and_other_encodings_of_json(encoding: str) -> None:
    text = json.dumps(completion_of("größer", "m", 0, 0), ensure_ascii=False)
    with StubServer(Raw(200, text.encode(encoding))) as stub:
        said = complete("openai/m", HELLO, api_base=stub.base_url, num_retries=0).content
    assert said == "größer"


def test_a_redirection_is_not_followed() -> None:
    with (
        StubServer("elsewhere") as other,
        StubServer(Raw(307, b"", {"Location": other.base_url + "/chat/completions"})) as stub,
        pytest.raises(ModelRefused, match="api_base"),
    ):
        complete("openai/m", HELLO, api_base=stub.base_url, num_retries=0)
    assert other.requests == 0


def test_a_redirection_is_not_followed_by_either_client(send: SendPost) -> None:
    with StubServer("elsewhere") as other:
        location = other.base_url + "/chat/completions"
        with StubServer(Raw(302, b"", {"Location": location})) as stub:
            assert send(stub).status == 302
    assert other.requests == 0


def test_cookies_are_not_kept(send: SendPost) -> None:
    raw = Raw(200, b"{}", {"Set-Cookie": "session=1; Path=/"})
    with StubServer(raw) as stub:
        send(stub, times=2)
        assert "cookie" not in stub.seen[-1].headers


def test_the_headers_are_ours_and_name_the_program_alone() -> None:
    with StubServer("hi") as stub:
        complete("openai/m", HELLO, api_base=stub.base_url, api_key="key-of-mine")
        synchronous = stub.seen[-1].headers
        from tau2.llm import acomplete

        asyncio.run(acomplete("openai/m", HELLO, api_base=stub.base_url, api_key="key-of-mine"))
        asynchronous = stub.seen[-1].headers
        agent = {"User-Agent": "mine/1"}
        complete("openai/m", HELLO, api_base=stub.base_url, extra_headers=agent)
        assert stub.seen[-1].headers["user-agent"] == "mine/1"
    assert synchronous["user-agent"].startswith("tau2/")
    names = {"host", "accept", "accept-encoding", "authorization", "content-type"}
    assert synchronous == asynchronous
    assert set(synchronous) == names | {"content-length", "user-agent"}
    close()


def test_keys_are_not_logged(send: SendPost, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"), StubServer("hi") as stub:
        send(stub, headers=(("Authorization", "Bearer plum-kettle-orbit"),))
    assert "plum-kettle" not in caplog.text


def test_a_failed_call_does_not_show_the_key(caplog: pytest.LogCaptureFixture) -> None:
    address = "http://me:plum-kettle-orbit@127.0.0.1:1/v1"
    with caplog.at_level("DEBUG"), pytest.raises(ModelUnavailable) as caught:
        complete("openai/m", HELLO, api_base=address, num_retries=0)
    assert "plum" not in str(caught.value) + caplog.text
