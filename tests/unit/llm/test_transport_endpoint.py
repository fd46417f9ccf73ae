"""Where a model is asked and as whom: credentials in the address, headers, certificates."""

from __future__ import annotations

from typing import Any

import pytest
from tests.stub import StubServer, failing

from tau2.data_model.message import UserMessage
from tau2.errors import ConfigError, ModelRefused
from tau2.llm import check_model, complete
from tau2.llm.transport.endpoint import endpoint_of

HELLO = [UserMessage(content="Hello")]
BASIC = "Basic Y29ycFxhbm46cEBzczp3"  # corp\ann:p@ss:w
ADDRESS = "http://corp%5Cann:p%40ss%3Aw@127.0.0.1:8000/v1"


def headers_of(args: dict[str, Any]) -> dict[str, str]:
    return dict(endpoint_of("openai/m", args).headers)


def test_user_and_password_in_the_address_become_a_header() -> None:
    endpoint = endpoint_of("openai/m", {"api_base": ADDRESS})
    assert endpoint.url == "http://127.0.0.1:8000/v1/chat/completions"
    assert dict(endpoint.headers)["Authorization"] == BASIC
    assert {"p@ss:w", BASIC.partition(" ")[2]} <= set(endpoint.secrets)
    assert "ss" not in repr(endpoint).replace("ssl", "")


def test_the_nearest_credentials_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of-another-server")
    assert headers_of({"api_base": ADDRESS})["Authorization"] == BASIC
    with_key = {"api_base": ADDRESS, "api_key": "given"}
    assert headers_of(with_key)["Authorization"] == "Bearer given"
    with_header = with_key | {"extra_headers": {"authorization": "Token mine"}}
    assert headers_of(with_header)["authorization"] == "Token mine"
    assert "Authorization" not in headers_of(with_header)


def test_what_a_server_repeats_of_the_address_is_hidden() -> None:
    with StubServer(failing(400, "who is ann with plum-kettle?")) as stub:
        base = stub.base_url.replace("http://", "http://ann:plum-kettle@")
        with pytest.raises(ModelRefused) as caught:
            complete("openai/m", HELLO, api_base=base)
    assert "plum" not in str(caught.value)


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "Connection", "Expect"])
def test_headers_that_say_how_a_request_is_sent_are_not_the_callers(name: str) -> None:
    args = {"api_base": "http://h/v1", "extra_headers": {name: "5"}}
    with pytest.raises(ConfigError, match=f"the header '{name}' is set by the HTTP client"):
        check_model("openai/m", args)


@pytest.mark.parametrize("base", ["http://a..b/v1", f"http://{'a' * 64}.example/v1"])
def test_a_host_that_cannot_be_is_found_before_the_run(base: str) -> None:
    with pytest.raises(ConfigError, match="api_base must be"):
        check_model("openai/m", {"api_base": base})


def test_a_host_of_ones_own_is_sent() -> None:
    with StubServer("hi") as stub:
        complete(
            "openai/m", HELLO, api_base=stub.base_url, extra_headers={"Host": "models.example"}
        )
        assert stub.last["model"] == "m"
        assert stub.seen[-1].headers["host"] == "models.example"


@pytest.mark.parametrize("verify", [True, False, None])
def test_ssl_verify_is_for_the_client_and_not_for_the_model(verify: bool | None) -> None:
    with StubServer("hi") as stub:
        complete("openai/m", HELLO, api_base=stub.base_url, ssl_verify=verify)
        assert "ssl_verify" not in stub.last
    assert endpoint_of("openai/m", {"api_base": "https://h", "ssl_verify": verify}).verify is (
        verify is not False
    )


def test_an_address_or_key_that_changes_between_two_calls_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first-0123456789")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://one.example/v1")
    args: dict[str, Any] = {"temperature": 0.0, "seed": 1}
    first = endpoint_of("openai/m", args)
    args["seed"] = 2  # of the next episode
    assert endpoint_of("openai/m", args) == first
    monkeypatch.setenv("OPENAI_API_KEY", "sk-second-0123456789")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://two.example/v1")
    second = endpoint_of("openai/m", args)
    assert second.url == "http://two.example/v1/chat/completions"
    assert dict(second.headers)["Authorization"] == "Bearer sk-second-0123456789"
    assert second.secrets == {"sk-second-0123456789"}
    args["api_key"] = "sk-third-0123456789"
    assert dict(endpoint_of("openai/m", args).headers)["Authorization"].endswith(
        "sk-third-0123456789"
    )


def test_settings_that_are_equal_and_not_the_same_are_told_apart() -> None:
    call = {"api_base": "http://one.example/v1"}
    assert endpoint_of("openai/m", {**call, "ssl_verify": True}).verify is True
    with pytest.raises(ConfigError, match="ssl_verify must be true, false, or the path"):
        endpoint_of("openai/m", {**call, "ssl_verify": 1})


def test_a_secret_in_the_place_of_a_seed_is_hidden() -> None:
    args = {"api_base": "http://one.example/v1", "seed": "https://me:hunter2hunter2@a.example"}
    assert "hunter2hunter2" in endpoint_of("openai/m", args).secrets
