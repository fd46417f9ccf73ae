"""Which backend answers for which name, and what is found wrong before anything is sent."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from tau2.data_model.message import UserMessage
from tau2.errors import ConfigError
from tau2.llm import Backend, backend_names, check_model, complete, routing
from tau2.llm.routing import backend_for
from tau2.llm.transport.endpoint import endpoint_of


@pytest.mark.parametrize(
    ("model", "args", "backend"),
    [
        ("gpt-4.1-2025-04-14", {}, "openai_compatible"),
        ("o3", {}, "openai_compatible"),
        ("o4-mini", {}, "openai_compatible"),
        ("ft:gpt-4.1:org::id", {}, "openai_compatible"),
        ("openai/anything", {}, "openai_compatible"),
        ("hosted_vllm/anything", {}, "openai_compatible"),
        ("local/anything", {}, "local"),
        ("local/anything", {"api_base": "http://x/v1"}, "openai_compatible"),
        ("plain-name", {"api_base": "http://x/v1"}, "openai_compatible"),
        ("Qwen/Qwen3-4B", {"base_url": "http://x/v1"}, "openai_compatible"),
        ("anthropic/claude", {"api_base": "http://x"}, "anthropic"),
        ("anthropic/claude", {}, "anthropic"),
        ("litellm/anthropic/claude", {}, "litellm"),
        ("responses/gpt-5", {}, "responses"),
        ("responses/openai/gpt-5", {"api_base": "http://x"}, "responses"),
        ("gemini/gemini-2.5-pro", {}, "litellm"),
        ("claude-opus-4-5", {}, "anthropic"),
        ("claude-opus-4-5", {"api_base": "http://x/v1"}, "openai_compatible"),
        ("litellm/openai/gpt-4.1", {"api_base": "http://x/v1"}, "litellm"),
        ("scripted/echo", {"api_base": "http://x/v1"}, "scripted"),
    ],
)
def test_names_find_their_backend(model: str, args: dict[str, Any], backend: str) -> None:
    assert backend_for(model, args).name == backend


def test_backends_are_listed_by_looking() -> None:
    assert {"anthropic", "litellm", "openai_compatible", "responses", "scripted"} <= set(
        backend_names()
    )


@pytest.mark.parametrize("name", ["", "  ", None, 3])
def test_a_name_must_be_a_name(name: Any) -> None:
    with pytest.raises(ConfigError, match="named by a text"):
        check_model(name)


def test_a_missing_key_is_found_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"no API key.*OPENAI_API_KEY.*api_base"):
        check_model("gpt-4.1")
    with pytest.raises(ConfigError, match="no API key"):
        complete("gpt-4.1", [UserMessage(content="x")])
    check_model("gpt-4.1", {"api_key": "given"})
    check_model("gpt-4.1", {"api_base": "http://127.0.0.1:8000/v1"})
    monkeypatch.setenv("OPENAI_API_KEY", "from the environment")
    check_model("gpt-4.1")


def test_a_server_of_ones_own_needs_an_address_but_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"no address.*api_base.*HOSTED_VLLM_API_BASE"):
        check_model("hosted_vllm/m")
    monkeypatch.setenv("HOSTED_VLLM_API_BASE", "http://127.0.0.1:8000/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "not for this server")
    endpoint = endpoint_of("hosted_vllm/org/m", {})
    assert (endpoint.url, endpoint.model) == ("http://127.0.0.1:8000/v1/chat/completions", "org/m")
    assert "not for this server" not in str(endpoint.headers)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://h/v1", "http://h/v1/chat/completions"),
        ("http://h/v1/", "http://h/v1/chat/completions"),
        ("http://h:8/v1/chat/completions", "http://h:8/v1/chat/completions"),
        ("https://h/openai/v1?api-version=1", "https://h/openai/v1/chat/completions?api-version=1"),
    ],
)
def test_addresses_in_every_spelling(base: str, url: str) -> None:
    assert endpoint_of("openai/m", {"api_base": base}).url == url


@pytest.mark.parametrize(
    "base", ["h/v1", "ftp://h/v1", "http:///v1", "http://h:port/v1", "http://[::1/v1"]
)
def test_an_address_without_sense_is_a_mistake(base: str) -> None:
    with pytest.raises(ConfigError, match="api_base must be"):
        check_model("openai/m", {"api_base": base})


def test_a_missing_package_is_found_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(
        ConfigError, match=r"litellm, which is not installed: pip install 'tau2-bench\[llm\]'"
    ):
        check_model("gemini/gemini-3-pro")


def _plugged(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    points = [EntryPoint("acme", value, routing.ENTRY_POINTS) for value in values]
    monkeypatch.setattr(routing, "_installed", lambda: {"acme": points})


def _answer(_request: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": "from a plug-in"}}]}


async def _aanswer(request: Any) -> dict[str, Any]:
    return _answer(request)


PLUGGED = Backend("acme", claims=lambda _model, _args: False, send=_answer, asend=_aanswer)


def test_another_package_may_bring_a_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    _plugged(monkeypatch, f"{__name__}:PLUGGED")
    assert "acme" in backend_names()
    check_model("acme/m")
    assert complete("acme/m", [UserMessage(content="x")]).content == "from a plug-in"


@pytest.mark.parametrize(
    "value", ["nowhere.at.all:BACKEND", f"{__name__}:absent", f"{__name__}:_answer"]
)
def test_a_broken_plug_in_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    _plugged(monkeypatch, value)
    with pytest.raises(ConfigError, match="the model backend 'acme'"):
        check_model("acme/m")


def test_two_backends_of_one_name_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _plugged(monkeypatch, f"{__name__}:PLUGGED", "other:BACKEND")
    with pytest.raises(ConfigError, match=r"two model backends are named 'acme' \(.* and other:B"):
        check_model("acme/m")


def test_importing_the_door_is_light() -> None:
    program = """
import sys
import tau2.llm
from tau2.llm import complete, check_model
from tau2.data_model.message import UserMessage
complete("scripted/echo", [UserMessage(content="x")])
heavy = {"aiohttp", "httpx", "httpcore", "anyio", "litellm", "openai"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)


def test_the_deadline_is_the_same_variable_by_either_path() -> None:
    from tau2.llm import deadline
    from tau2.llm.deadline import deadline as same

    assert deadline is same


def test_the_public_names_are_the_importable_ones() -> None:
    import tau2.llm

    assert all(getattr(tau2.llm, name) is not None for name in tau2.llm.__all__)
    assert dir(tau2.llm) == sorted(tau2.llm.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tau2.llm.nothing
