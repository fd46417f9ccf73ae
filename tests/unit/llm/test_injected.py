"""A caller's own completion function, sync and async, with every usual form of response."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest
from pydantic import BaseModel, PrivateAttr

from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.environment.tool import as_tool
from tau2.errors import DeadlineExceeded, ModelRefused, ModelUnavailable
from tau2.llm import acomplete, complete, deadline
from tau2.llm.clock import clock

from .conftest import StillClock

HELLO = [UserMessage(content="Hello")]
PLAIN = {
    "choices": [{"message": {"role": "assistant", "content": "hi"}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1},
}


class Message(BaseModel):
    role: str = "assistant"
    content: str | None = "hi"


class Choice(BaseModel):
    message: Message = Message()


class ModelResponse(BaseModel):
    """Shaped like litellm's."""

    choices: list[Choice] = [Choice()]
    usage: dict[str, int] = {"prompt_tokens": 3, "completion_tokens": 1}
    _hidden_params: dict[str, Any] = PrivateAttr(default_factory=lambda: {"response_cost": 0.25})


def attributes() -> SimpleNamespace:
    message = SimpleNamespace(content="hi", tool_calls=None)
    usage = SimpleNamespace(prompt_tokens=3, completion_tokens=1)
    return SimpleNamespace(choices=[SimpleNamespace(message=message)], usage=usage)


def mock() -> MagicMock:
    answer = MagicMock()
    answer.choices = [MagicMock()]
    answer.choices[0].message.content = "hi"
    answer.choices[0].message.tool_calls = None
    answer.usage.prompt_tokens, answer.usage.completion_tokens = 3, 1
    return answer


ANSWERS: list[Callable[[], Any]] = [lambda: PLAIN, ModelResponse, attributes, mock]


def both(fn: Any, **args: Any) -> list[AssistantMessage]:
    """Ask the function in both ways."""
    return [
        complete("m", HELLO, completion_fn=fn, **args),
        asyncio.run(acomplete("m", HELLO, completion_fn=fn, **args)),
    ]


@pytest.mark.parametrize("answer", ANSWERS)
def test_every_kind_of_answer_from_every_colour_of_function(answer: Callable[[], Any]) -> None:
    def plain(**_kwargs: Any) -> Any:
        return answer()

    async def coroutine(**_kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return answer()

    class Callable_:  # noqa: N801  -- an object that is called
        async def __call__(self, **_kwargs: Any) -> Any:
            return answer()

    for fn in (
        plain,
        coroutine,
        Callable_(),
        lambda **kwargs: coroutine(**kwargs),
        AsyncMock(return_value=answer()),
    ):
        for message in both(fn):
            assert message.content == "hi"
            assert message.usage == {"prompt_tokens": 3, "completion_tokens": 1}


def test_the_price_that_an_answer_states_is_its_cost() -> None:
    assert [message.cost for message in both(lambda **_: ModelResponse())] == [0.25, 0.25]


def test_it_is_called_as_litellm_is() -> None:
    seen: list[dict[str, Any]] = []

    def lookup(number: int) -> int:
        """Return it."""
        return number

    def fn(**kwargs: Any) -> Any:
        seen.append(kwargs)
        return PLAIN

    args: dict[str, Any] = {
        "temperature": 0.0,
        "api_base": "http://x",
        "num_retries": 2,
        "seed": 4,
        "timeout": 9,
    }
    complete("o3", HELLO, tools=[as_tool(lookup)], completion_fn=fn, **args)
    complete("o3", HELLO, completion_fn=fn)
    with_tools, without = seen
    assert (with_tools["model"], with_tools["tool_choice"]) == ("o3", "auto")
    assert with_tools["messages"] == [{"role": "user", "content": "Hello"}]
    assert with_tools["tools"][0]["function"]["name"] == "lookup"
    given = {name: with_tools[name] for name in ("temperature", "api_base", "seed", "timeout")}
    assert given == {"temperature": 0.0, "api_base": "http://x", "seed": 4, "timeout": 9.0}
    assert "num_retries" not in with_tools
    assert without == {
        "model": "o3",
        "messages": with_tools["messages"],
        "tools": None,
        "tool_choice": None,
    }


def test_an_async_function_serves_a_sync_call_inside_a_running_loop() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="outside")

    async def fn(**_kwargs: Any) -> Any:
        return {"choices": [{"message": {"content": variable.get()}}]}

    async def inside() -> str | None:
        variable.set("inside")
        return complete("m", HELLO, completion_fn=fn).content

    assert asyncio.run(inside()) == "inside"


def test_a_sync_function_does_not_block_the_loop_and_keeps_the_context() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="outside")
    both_are_in = threading.Barrier(2, timeout=10)

    def fn(**_kwargs: Any) -> Any:
        both_are_in.wait()
        return {"choices": [{"message": {"content": variable.get()}}]}

    async def at_once() -> list[AssistantMessage]:
        variable.set("inside")
        return await asyncio.gather(*(acomplete("m", HELLO, completion_fn=fn) for _ in range(2)))

    assert [message.content for message in asyncio.run(at_once())] == ["inside", "inside"]


def test_failures_that_may_pass_are_retried_and_others_are_not(still: StillClock) -> None:
    class RateLimitError(Exception):
        status_code = 429

    class AuthenticationError(Exception):
        status_code = 401

    answers = iter([RateLimitError("slow"), ConnectionResetError(), PLAIN])

    def fn(**_kwargs: Any) -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert complete("m", HELLO, completion_fn=fn).content == "hi"
    assert len(still.sleeps) == 2
    with pytest.raises(ModelRefused, match="Check the API key"):
        complete("m", HELLO, completion_fn=MagicMock(side_effect=AuthenticationError("no")))
    with pytest.raises(ModelUnavailable):
        complete("m", HELLO, completion_fn=MagicMock(side_effect=TimeoutError()), num_retries=0)


def test_a_bug_in_the_function_is_seen_as_it_is() -> None:
    for error in (ZeroDivisionError("bug"), AssertionError("bug"), StopIteration("bug")):
        with pytest.raises(type(error), match="bug"):
            complete("m", HELLO, completion_fn=MagicMock(side_effect=error))


@pytest.mark.parametrize("answer", [None, "text", 3, [], {}, object()])
def test_an_answer_of_no_known_kind_is_said_to_be_none(answer: Any, still: StillClock) -> None:
    with pytest.raises(ModelUnavailable, match="not a chat completion"):
        complete("m", HELLO, completion_fn=lambda **_: answer)


def test_an_async_function_is_bounded_by_its_timeout_and_the_deadline() -> None:
    async def forever(**_kwargs: Any) -> Any:
        await asyncio.sleep(60)

    with pytest.raises(ModelUnavailable):
        complete("m", HELLO, completion_fn=forever, timeout=0.05, num_retries=0)
    with pytest.raises(ModelUnavailable):
        asyncio.run(acomplete("m", HELLO, completion_fn=forever, timeout=0.05, num_retries=0))
    token = deadline.set(clock.get().now() + 0.05)
    try:
        with pytest.raises(DeadlineExceeded):
            asyncio.run(acomplete("m", HELLO, completion_fn=forever))
    finally:
        deadline.reset(token)


def test_a_key_in_what_the_function_raises_is_not_passed_on() -> None:
    def fn(**kwargs: Any) -> Any:
        raise ConnectionError(f"could not use {kwargs['api_key']}")

    with pytest.raises(ModelUnavailable) as caught:
        complete("m", HELLO, completion_fn=fn, api_key="my-secret-key", num_retries=0)
    assert "my-secret-key" not in str(caught.value)
    assert "my-secret-key" not in str(caught.value.__cause__)
