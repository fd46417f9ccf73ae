"""The original's module: the same names; replaced functions serve every call."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from tests.stub import StubServer, failing

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from tau2.errors import ModelUnavailable
from tau2.llm import acomplete, complete, totals
from tau2.utils import llm_utils

from .conftest import StillClock

HELLO: list[Message] = [SystemMessage(content="Be brief."), UserMessage(content="Hello")]


def answers(text: str) -> Any:
    return {
        "choices": [{"message": {"content": text}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    }


def both(**args: Any) -> list[str | None]:
    return [
        complete("m", HELLO, **args).content,
        asyncio.run(acomplete("m", HELLO, **args)).content,
    ]


def test_generate_takes_positions_and_names() -> None:
    message = llm_utils.generate("scripted/echo", HELLO, None, None, "a_name", temperature=0.0)
    assert message.content == "Hello"
    message = llm_utils.generate(
        model="m", messages=HELLO, completion_fn=lambda **_: answers("mine")
    )
    assert message.content == "mine"


def test_a_replaced_generate_answers_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    def stand_in(
        model: str, messages: Any, tools: Any = None, call_name: str | None = None, **kwargs: Any
    ) -> Any:
        seen.append({"model": model, "call_name": call_name, **kwargs})
        return AssistantMessage(content="stood in")

    monkeypatch.setattr(llm_utils, "generate", stand_in)
    assert both(call_name="x", temperature=1.0) == ["stood in"] * 2
    assert seen == [{"model": "m", "call_name": "x", "temperature": 1.0}] * 2

    async def async_stand_in(**_kwargs: Any) -> AssistantMessage:
        return AssistantMessage(content="later")

    monkeypatch.setattr(llm_utils, "generate", async_stand_in)
    assert both() == ["later"] * 2


def test_a_wrapper_round_the_original_generate_does_not_call_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original, counted = llm_utils.generate, []

    def counting(*args: Any, **kwargs: Any) -> AssistantMessage:
        counted.append(1)
        return original(*args, **kwargs)

    monkeypatch.setattr(llm_utils, "generate", counting)
    assert complete("scripted/echo", HELLO).content == "Hello"
    assert counted == [1]


def test_a_replaced_completion_serves_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        llm_utils, "completion", lambda **kwargs: answers(kwargs["model"] + " replaced")
    )
    assert both() == ["m replaced"] * 2
    assert llm_utils.generate("m", HELLO).content == "m replaced"
    own = complete("m", HELLO, completion_fn=lambda **_: answers("given"))
    assert own.content == "given"


def test_a_wrapper_round_the_original_completion_keeps_retries(
    monkeypatch: pytest.MonkeyPatch, still: StillClock
) -> None:
    original = llm_utils.completion
    monkeypatch.setattr(llm_utils, "completion", lambda **kwargs: original(**kwargs))
    with StubServer([failing(429, retry_after=4), "through"]) as stub:
        assert complete("openai/m", HELLO, api_base=stub.base_url).content == "through"
    assert still.sleeps == [4.0]


def test_completion_makes_one_request_and_reads_like_litellms() -> None:
    wire = llm_utils.to_litellm_messages(HELLO)
    with StubServer([{"name": "f", "arguments": {"a": 1}}, failing(503)]) as stub:
        response = llm_utils.completion("openai/gpt-4.1", wire, api_base=stub.base_url)
        assert response.choices[0].message.tool_calls[0].function.name == "f"
        assert response["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "f"
        assert response.model_dump()["usage"] == dict(response.usage)
        assert llm_utils.get_response_usage(response) == {
            "completion_tokens": 20,
            "prompt_tokens": response.usage.prompt_tokens,
        }
        assert complete("any", HELLO, completion_fn=lambda **_: response).tool_calls is not None
        with pytest.raises(ModelUnavailable):
            llm_utils.completion("openai/m", wire, api_base=stub.base_url)
    assert stub.requests == 2
    assert not hasattr(response, "nothing")


def test_a_replaced_price_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        llm_utils, "get_response_cost", lambda response: response.usage.completion_tokens * 2.0
    )
    assert complete("m", HELLO, completion_fn=lambda **_: answers("x")).cost == 10.0


def test_prices_of_responses() -> None:
    priced = {**answers("x"), "model": "gpt-4.1-2025-04-14"}
    assert llm_utils.get_response_cost(priced) == pytest.approx(10 * 2e-6 + 5 * 8e-6)
    assert llm_utils.get_response_cost(SimpleNamespace(**priced)) == pytest.approx(
        10 * 2e-6 + 5 * 8e-6
    )
    assert llm_utils.get_response_cost(answers("x")) is None
    assert llm_utils.get_response_cost(None) is None
    assert llm_utils.get_response_usage({"choices": []}) is None


def said(cls: Any, cost: float | None, prompt: int = 1) -> Any:
    return cls(content="x", cost=cost, usage={"prompt_tokens": prompt, "completion_tokens": 2})


def test_costs_of_a_conversation() -> None:
    messages = [
        said(AssistantMessage, 0.5),
        said(UserMessage, 0.25),
        ToolMessage(id="1"),
        said(AssistantMessage, 1.0),
    ]
    assert llm_utils.get_cost(messages) == (1.5, 0.25)
    assert llm_utils.get_cost([*messages, said(UserMessage, None, 7)]) == (1.5, None)
    assert llm_utils.get_token_usage(messages) == {"completion_tokens": 6, "prompt_tokens": 3}
    partial = totals([*messages, said(UserMessage, None, 7)], "user")
    assert (partial.cost, partial.unpriced, partial.prompt_tokens, partial.model_calls) == (
        0.25,
        1,
        8,
        2,
    )


def test_names_of_fine_tuned_models() -> None:
    assert (
        llm_utils._parse_ft_model_name("ft:gpt-4.1-mini-2025-04-14:org::id")
        == "gpt-4.1-mini-2025-04-14"
    )
    assert llm_utils._parse_ft_model_name("gpt-4.1") == "gpt-4.1"
