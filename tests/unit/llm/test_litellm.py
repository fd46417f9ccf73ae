"""The backend over litellm: with a stand-in of the library, and with the library if installed."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any

import pytest
from tests.stub import StubServer, failing

from tau2.data_model.message import UserMessage
from tau2.errors import (
    ConfigError,
    ContextWindowExceeded,
    MissingExtra,
    ModelRefused,
    ModelUnavailable,
)
from tau2.llm import acomplete, check_model, complete

from .conftest import StillClock

HELLO = [UserMessage(content="Hello")]
INSTALLED = importlib.util.find_spec("litellm") is not None
ANSWER = {
    "choices": [{"message": {"content": "hi"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
}


class RateLimitError(Exception):
    status_code = 429


class ContextWindowExceededError(Exception):
    status_code = 400


class Library(ModuleType):
    """litellm as far as it is used."""

    def __init__(self) -> None:
        super().__init__("litellm")
        self.calls: list[dict[str, Any]] = []
        self.outcomes: list[Any] = [ANSWER]
        self.missing_keys: list[str] = []

    def completion(self, **kwargs: Any) -> Any:
        self.calls.append(kwargs)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def acompletion(self, **kwargs: Any) -> Any:
        return self.completion(**kwargs)

    def validate_environment(self, model: str) -> dict[str, Any]:
        return {"keys_in_environment": not self.missing_keys, "missing_keys": self.missing_keys}


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    library = Library()
    monkeypatch.setitem(sys.modules, "litellm", library)
    monkeypatch.delenv("LITELLM_LOCAL_MODEL_COST_MAP", raising=False)
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: name if name == "litellm" else found(name)
    )
    return library


def test_litellm_is_called_once_and_offline(library: Library) -> None:
    assert (
        complete("litellm/anthropic/claude", HELLO, temperature=0.0, api_key="k", seed=3).content
        == "hi"
    )
    assert (
        asyncio.run(
            acomplete("litellm/anthropic/claude", HELLO, temperature=0.0, api_key="k", seed=3)
        ).content
        == "hi"
    )
    sync, async_ = library.calls
    assert sync == async_
    assert sync == {
        "model": "anthropic/claude",
        "messages": [{"role": "user", "content": "Hello"}],
        "num_retries": 0,
        "max_retries": 0,
        "drop_params": True,
        "timeout": 600.0,
        "temperature": 0.0,
        "api_key": "k",
        "seed": 3,
    }
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"


def test_the_prefix_forces_litellm_and_is_taken_off(library: Library) -> None:
    complete("litellm/openai/gpt-4.1", HELLO)
    assert library.calls[0]["model"] == "openai/gpt-4.1"


def test_its_exceptions_are_judged(library: Library, still: StillClock) -> None:
    library.outcomes = [RateLimitError("slow"), ANSWER]
    assert complete("litellm/anthropic/claude", HELLO).content == "hi"
    assert len(still.sleeps) == 1
    library.outcomes = [ContextWindowExceededError("long")]
    with pytest.raises(ContextWindowExceeded):
        complete("litellm/anthropic/claude", HELLO)
    library.outcomes = [ValueError("LLM Provider NOT provided; key my-secret-key")]
    with pytest.raises(ModelRefused, match="Provider NOT provided") as caught:
        complete("nonsense/claude", HELLO, api_key="my-secret-key")
    assert "my-secret-key" not in str(caught.value)


def test_missing_keys_are_found_before_the_run(library: Library) -> None:
    library.missing_keys = ["ANTHROPIC_API_KEY"]
    with pytest.raises(ConfigError, match="ANTHROPIC_API_KEY"):
        check_model("litellm/anthropic/claude")
    check_model("litellm/anthropic/claude", {"api_key": "given"})
    library.missing_keys = ["AWS_ACCESS_KEY_ID"]  # roles and profiles are other ways in
    check_model("bedrock/claude")


@pytest.mark.skipif(INSTALLED, reason="litellm is installed")
def test_a_missing_package_names_the_extra() -> None:
    with pytest.raises(MissingExtra, match=r"tau2-bench\[llm\]"):
        complete("litellm/anthropic/claude", HELLO)


@pytest.mark.skipif(not INSTALLED, reason="litellm is not installed")
@pytest.mark.filterwarnings("default")  # what litellm warns of is not ours
def test_the_library_itself_reaches_a_server(still: StillClock) -> None:
    script = [
        {"name": "f", "arguments": {"a": 1}},
        failing(429, "slow"),
        "hi",
        failing(401, "bad key"),
    ]
    with StubServer(script) as stub:
        args: dict[str, Any] = {"api_base": stub.base_url, "api_key": "sk-1234567890"}
        calls = complete("litellm/openai/gpt-4.1", HELLO, **args).tool_calls
        assert calls is not None
        assert calls[0].arguments == {"a": 1}
        message = asyncio.run(acomplete("litellm/openai/gpt-4.1", HELLO, **args))
        assert message.content == "hi"
        assert message.cost is not None
        assert len(still.sleeps) == 1
        with pytest.raises(ModelRefused, match="bad key"):
            complete("litellm/openai/gpt-4.1", HELLO, **args)
    with pytest.raises(ModelUnavailable):
        complete("litellm/openai/gpt-4.1", HELLO, num_retries=0, **args)
