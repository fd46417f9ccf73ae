"""The scripted model: what it says follows from the conversation alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.errors import ConfigError
from tau2.llm import check_model, complete, register_script

RULES = SystemMessage(content="rules")
GREETING = AssistantMessage(content="Hi! How can I help you today?")


def play(conversation: list[Message], turns: int, **args: Any) -> list[AssistantMessage]:
    """Let the model speak `turns` times; somebody answers each time."""
    said = []
    for _ in range(turns):
        message = complete("scripted/any", conversation, **args)
        said.append(message)
        heard: Message = UserMessage(content="go on")
        if message.tool_calls:
            heard = ToolMessage(id=message.tool_calls[0].id, content="done")
        conversation = [*conversation, message, heard]
    return said


def test_entries_come_in_turn_after_a_greeting() -> None:
    script = ["Which order?", {"name": "lookup", "arguments": {"id": 1}}, "Done."]
    one, two, three, four = play([RULES, GREETING, UserMessage(content="Hello")], 4, script=script)
    assert (one.content, three.content, four.content) == ("Which order?", "Done.", "###STOP###")
    assert two.tool_calls is not None
    assert (two.tool_calls[0].name, two.tool_calls[0].arguments) == ("lookup", {"id": 1})
    assert [message.cost for message in (one, two, three, four)] == [0.0] * 4
    assert one.usage is not None
    assert one.usage["prompt_tokens"] > 0


def test_a_model_that_starts_with_a_tool_call_does_not_repeat_it() -> None:
    one, two = play([RULES], 2, script=[{"name": "a"}, {"name": "b"}])
    assert one.tool_calls is not None
    assert two.tool_calls is not None
    assert (one.tool_calls[0].name, two.tool_calls[0].name) == ("a", "b")
    assert one.tool_calls[0].id != two.tool_calls[0].id


def test_a_conversation_that_began_earlier_is_skipped_by_an_offset() -> None:
    history: list[Message] = [
        UserMessage(content="x"),
        AssistantMessage(content="y"),
        UserMessage(content="z"),
    ]
    assert complete("scripted/any", history, script=["first"], script_offset=1).content == "first"


def test_the_end_is_the_callers_choice() -> None:
    assert (
        complete("scripted/any", [UserMessage(content="x")], script=[], script_end="bye").content
        == "bye"
    )


@given(st.lists(st.text("abc !?", min_size=1).filter(str.strip), max_size=4))
def test_the_same_conversation_gets_the_same_answer(script: list[str]) -> None:
    conversation: list[Message] = [UserMessage(content="x")]
    first, second = (play(conversation, len(script) + 1, script=script) for _ in range(2))
    assert first == second


def test_several_calls_and_whole_messages() -> None:
    calls = complete(
        "scripted/any",
        [UserMessage(content="x")],
        script=[[{"name": "a"}, {"name": "b", "arguments": {"n": 1}}]],
    )
    assert calls.tool_calls is not None
    assert [call.name for call in calls.tool_calls] == ["a", "b"]
    whole = {
        "content": "Looking.",
        "tool_calls": [{"id": "mine", "name": "a", "arguments": "{broken"}],
        "reasoning_content": "hm",
    }
    message = complete("scripted/any", [UserMessage(content="x")], script=[whole])
    assert (message.content, message.reasoning_content) == ("Looking.", "hm")
    assert message.tool_calls is not None
    assert message.tool_calls[0].id == "mine"


def test_echo_and_stop() -> None:
    assert complete("scripted/echo", [RULES, UserMessage(content="Hello")]).content == "Hello"
    assert complete("scripted/echo", [RULES]).content == "..."
    assert complete("scripted/stop", [UserMessage(content="Hello")]).content == "###STOP###"


def test_a_script_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "agent.json"
    path.write_text(json.dumps(["from a file"]))
    assert complete(f"scripted/{path}", [UserMessage(content="x")]).content == "from a file"
    path.write_text("{")
    with pytest.raises(ConfigError, match="not JSON"):
        check_model(f"scripted/{path}")
    with pytest.raises(ConfigError, match="cannot be read"):
        check_model(f"scripted/{tmp_path}/absent.json")


def test_a_function_may_answer_for_a_while() -> None:
    def shout(messages: list[dict[str, Any]], tools: Any, args: Any) -> Any:
        return {
            "name": "shout",
            "arguments": {"text": messages[-1]["content"].upper(), "loud": args["loud"]},
        }

    with register_script("shout", shout) as model:
        message = complete(model, [UserMessage(content="hi")], loud=3)
        with pytest.raises(ConfigError, match="already"), register_script("shout", shout):
            pass
    [call] = message.tool_calls or []
    assert call == ToolCall(id=call.id, name="shout", arguments={"text": "HI", "loud": 3})
    with pytest.raises(ConfigError, match="no script named 'shout'"):
        check_model("scripted/shout")


@pytest.mark.parametrize("script", ["text", 3, [3], [{"say": "x"}], [["x"]]])
def test_a_script_without_sense_is_a_mistake(script: Any) -> None:
    with pytest.raises(ConfigError, match="script"):
        complete("scripted/any", [UserMessage(content="x")], script=script)
