"""llama.cpp itself: what the stand-in of the unit tests claims about it, and what it adds."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tau2.actions.plain_chat import PlainTurn
from tau2.data_model.message import AssistantMessage, SystemMessage, ToolMessage, UserMessage
from tau2.errors import ContextWindowExceeded
from tau2.llm import acomplete, complete
from tau2.llm.call import complete_unpatched
from tau2.llm.failure import CallFailed
from tau2.llm.local import chat
from tau2.llm.local.engine import Engine, EngineSettings, Sampling, close_engines, engine_for
from tau2.llm.local.slots import Call

POLICY = "You help the customers of a shop. " + " ".join(
    f"Rule {number}: look up an order before you change item {number}." for number in range(40)
)
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_order",
            "description": "Look up an order.",
            "parameters": {
                "type": "object",
                "properties": {"order_id": {"type": "string"}},
                "required": ["order_id"],
            },
        },
    }
]


def asked(engine: Engine, *texts: str, **args: Any) -> chat.Asked:
    messages = [{"role": "system", "content": POLICY}]
    for index, text in enumerate(texts):
        messages.append({"role": ("user", "assistant")[index % 2], "content": text})
    return chat.ask(engine, messages, TOOLS, {"max_tokens": 12, "constrained": False, **args})


def say(engine: Engine, *texts: str, **args: Any) -> Any:
    return chat.generate(engine, asked(engine, *texts, **args), Call())


def test_the_prompt_is_the_one_of_the_chat_template(engine: Engine) -> None:
    turns = [PlainTurn("system", "Be kind."), PlainTurn("user", "Hello")]
    prompt = engine.prompt_of(turns)
    assert prompt == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    generated = engine.generate(prompt, Sampling(max_tokens=1))
    assert generated.prompt_tokens == len(engine.tokens_of(prompt)) == 18


def test_the_shared_beginning_is_evaluated_once(engine: Engine) -> None:
    played = [say(engine, f"Hello, I am {name}.") for name in ("Ada", "Bo", "Cy", "Di", "Ed")]
    prompts = sum(one.prompt_tokens for one in played)
    evaluated = prompts - sum(one.reused_tokens for one in played)
    assert evaluated * 4 < prompts
    assert all(one.prompt_tokens - one.reused_tokens < 20 for one in played[1:])


def test_a_cold_and_a_warm_start_say_the_same(engine: Engine, weights: Path) -> None:
    cold = say(engine, "Hello, who are you?", temperature=0.7, seed=3)
    close_engines()
    engine = engine_for(weights, None, EngineSettings(n_ctx=2048))
    warm = say(engine, "Hello, who are you?", temperature=0.7, seed=3)
    assert warm.text == cold.text
    assert warm.prompt_tokens - warm.reused_tokens < 20
    other = say(engine, "Hello, who are you?", temperature=0.7, seed=4)
    assert other.text != cold.text


def test_more_conversations_than_slots_go_on(engine: Engine, weights: Path) -> None:
    close_engines()
    engine = engine_for(weights, None, EngineSettings(n_ctx=2048, n_parallel=1))
    stories = [f"I am {name}. " + "And then I ordered again. " * 60 for name in ("Ada", "Bo")]
    first = [say(engine, story) for story in stories]
    again = [
        say(engine, story, one.text, "Go on.") for story, one in zip(stories, first, strict=True)
    ]
    assert all(one.prompt_tokens - one.reused_tokens < 50 for one in again)


def test_tokens_and_their_probabilities(engine: Engine) -> None:
    generated = engine.generate("The sky is", Sampling(max_tokens=4, logprobs=True))
    assert len(generated.tokens) == len(generated.logprobs) == generated.completion_tokens
    assert all(-20 < one <= 0 for one in generated.logprobs)
    assert engine.tokens_of("The sky is" + generated.text)[-4:] == list(generated.tokens)


def test_an_overflow_is_one(engine: Engine) -> None:
    with pytest.raises(CallFailed, match="context size") as caught:
        say(engine, "word " * 3000)
    assert caught.value.verdict is ContextWindowExceeded
    with pytest.raises(CallFailed, match="context size") as caught:
        engine.generate("word " * 2030, Sampling(max_tokens=100, extra={"ignore_eos": True}))
    assert caught.value.verdict is ContextWindowExceeded


def test_a_call_ends_in_time(engine: Engine) -> None:
    endless = Sampling(max_tokens=1500, extra={"ignore_eos": True})
    began = time.monotonic()
    with pytest.raises(CallFailed, match="did not answer within"):
        engine.generate("Once upon a time", endless, call=Call(1.0))
    assert time.monotonic() - began < 15
    assert engine.generate("The sky is", Sampling(max_tokens=2)).completion_tokens == 2


def test_an_error_in_the_callback_ends_the_call(engine: Engine) -> None:
    def listen(_text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.generate("Once upon a time", Sampling(max_tokens=500), on_text=listen)


def test_a_grammar_that_is_none_is_a_refusal(engine: Engine) -> None:
    with pytest.raises(CallFailed, match="grammar") as caught:
        engine.generate("Hello", Sampling(max_tokens=5, grammar='root ::= "unclosed'))
    assert not caught.value.temporary


def test_calls_at_the_same_time_are_all_answered(engine: Engine) -> None:
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda i=i: answers.append(say(engine, f"Count from {i}.")))
        for i in range(7)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert len(answers) == 7


@pytest.mark.usefixtures("engine")
def test_a_tool_conversation_through_complete(weights: Path) -> None:
    model = f"local/{weights}"
    messages: list[Any] = [
        SystemMessage(content=POLICY),
        UserMessage(content="Where is my order #W0000417?"),
    ]
    first = complete_unpatched(model, messages, tools=TOOLS, tool_choice="required")
    [call] = first.tool_calls
    assert call.name == "get_order"
    assert set(call.arguments) == {"order_id"}
    assert first.cost == 0.0
    result = ToolMessage(id=call.id, content=json.dumps({"status": "delivered"}))
    second = complete_unpatched(model, [*messages, first, result], tools=TOOLS, max_tokens=20)
    assert second.content or second.tool_calls
    assert second.usage["cached_tokens"] > 500


@pytest.mark.usefixtures("engine")
def test_an_event_loop_and_threads_share_the_engine(weights: Path) -> None:
    model = f"local/{weights}"

    async def many() -> list[AssistantMessage]:
        calls = [
            acomplete(model, [UserMessage(content=f"Say {i}.")], max_tokens=5) for i in range(3)
        ]
        return await asyncio.gather(*calls)

    alone = complete(model, [UserMessage(content="Say 0.")], max_tokens=5)
    assert alone.content
    assert all(message.content for message in asyncio.run(many()))
