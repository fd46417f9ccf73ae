"""Proxies of the environment: who gets one, with which credentials; values that are refused."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from tests.stub import Raw, StubServer, failing

from tau2.data_model.message import UserMessage
from tau2.errors import ConfigError
from tau2.llm import check_model, complete
from tau2.llm.failure import CallFailed
from tau2.llm.transport.proxies import Proxy, proxy_for

from .conftest import SendPost

DISTANT = "http://models.invalid:8080/v1"
HELLO = [UserMessage(content="Hello")]


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubServer]:
    with StubServer(Raw(200, b"by proxy")) as stub:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{stub.port}")
        yield stub


def test_a_proxy_is_asked_for_distant_servers_but_not_for_this_machine(
    send: SendPost, proxy: StubServer
) -> None:
    with StubServer(Raw(200, b"direct")) as stub:
        assert send(stub).body == b"direct"
    assert send(DISTANT).body == b"by proxy"
    assert proxy.seen[0].target == DISTANT + "/chat/completions"
    assert proxy.seen[0].headers["host"] == "models.invalid:8080"
    assert "proxy-authorization" not in proxy.seen[0].headers


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("corp%5Cann:p%40ss%3Aw", r"corp\ann:p@ss:w"),
        ("ann:gr%C3%BC%C3%9Fe", "ann:grüße"),
        ("token", "token:"),
        ("ann:", "ann:"),
    ],
)
def test_credentials_of_a_proxy_are_decoded(
    send: SendPost,
    proxy: StubServer,
    monkeypatch: pytest.MonkeyPatch,
    written: str,
    meant: str,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{written}@127.0.0.1:{proxy.port}")
    assert send(DISTANT).body == b"by proxy"
    kind, _, token = proxy.seen[0].headers["proxy-authorization"].partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(token).decode() == meant


def test_a_proxy_that_refuses_the_credentials(
    send: SendPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StubServer(failing(407, "who are you?")) as stub:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{stub.port}")
        assert send(DISTANT).status == 407


def test_a_proxy_that_is_not_there(send: SendPost, monkeypatch: pytest.MonkeyPatch) -> None:
    with StubServer() as stub:
        monkeypatch.setenv("HTTP_PROXY", f"http://ann:plum-kettle@127.0.0.1:{stub.port}")
    with pytest.raises(CallFailed, match="connection failed") as caught:
        send(DISTANT)
    assert caught.value.temporary
    assert "plum" not in caught.value.text


@pytest.mark.parametrize(
    ("url", "no_proxy", "is_direct"),
    [
        ("http://models.example/v1", "models.example", True),
        ("http://models.example/v1", "other.example,models.example", True),
        ("http://eu.models.example/v1", "models.example", True),
        ("http://eu.models.example/v1", ".models.example", True),
        ("http://mymodels.example/v1", "models.example", False),
        ("http://models.example/v1", "*", True),
        ("http://MODELS.example/v1", "models.EXAMPLE", True),
        ("http://models.example:8080/v1", "models.example:8080", True),
        ("http://models.example:8081/v1", "models.example:8080", False),
        ("http://models.example/v1", "models.example:80", True),
        ("https://models.example/v1", "models.example:443", True),
        ("http://eu.models.example:8080/v1", ".models.example:8080", True),
        ("http://10.1.2.3:8000/v1", "10.1.2.3", True),
        ("http://10.1.2.3:8000/v1", "10.1.2.3:8000", True),
        ("http://10.1.2.3:8000/v1", "10.0.0.0/8", True),
        ("http://11.1.2.3:8000/v1", "10.0.0.0/8", False),
        ("http://[fd00::7]:8000/v1", "fd00::7", True),
        ("http://[fd00::7]:8000/v1", "fd00::/8", True),
        ("http://[fd00::7]:8000/v1", "fd01::/16", False),
        ("http://models.example/v1", "", False),
        ("http://localhost:8000/v1", "", True),
        ("http://127.0.0.2:8000/v1", "", True),
        ("http://[::1]:8000/v1", "", True),
    ],
)
def test_who_is_reached_directly(
    monkeypatch: pytest.MonkeyPatch, url: str, no_proxy: str, is_direct: bool
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert proxy_for(url) == (None if is_direct else Proxy("http://proxy.example:3128"))


def test_the_variable_of_the_scheme_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "proxy.example:1")
    monkeypatch.setenv("https_proxy", "https://user@secure.example:2")
    assert proxy_for("http://h/v1") == Proxy("http://proxy.example:1")
    assert proxy_for("https://h/v1") == Proxy("https://secure.example:2", "Basic dXNlcjo=")
    assert "dXNl" not in repr(proxy_for("https://h/v1"))


@pytest.mark.parametrize(
    "value",
    ["http://me:plum@127.0.0.1:port", "http://", "http://[::1:80", "h:99999", "http://h:0"],
)
def test_a_proxy_without_sense_is_a_mistake(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", value)
    with pytest.raises(ConfigError, match=r"HTTP_PROXY or ALL_PROXY must be") as caught:
        check_model("openai/m", {"api_base": DISTANT})
    assert "plum" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"HTTP_PROXY or ALL_PROXY must be"):
        complete("openai/m", HELLO, api_base=DISTANT)
    check_model("openai/m", {"api_base": "http://127.0.0.1:8000/v1"})


def test_a_proxy_of_another_kind_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(ConfigError, match=r"socks5.*NO_PROXY=models\.invalid"):
        complete("openai/m", HELLO, api_base="http://models.invalid/v1")
