"""Messages: what they say decides their equality; what they are survives every dump."""

from __future__ import annotations

import base64

import pytest
from pydantic import TypeAdapter

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    SystemMessage,
    Tick,
    ToolCall,
    ToolMessage,
    UserMessage,
)

LOOK_UP = ToolCall(id="c1", name="look_up", arguments={"key": "a", "deep": {"b": [1, 2.5, None]}})
ONE_OF_EACH = [
    SystemMessage(content="Be kind."),
    AssistantMessage(content="Hello"),
    UserMessage(content="Hi"),
    AssistantMessage(tool_calls=[LOOK_UP]),
    ToolMessage(id="c1", content="{}", error=True),
    MultiToolMessage(tool_messages=[ToolMessage(id="c1", content="x")]),
]


def test_messages_with_equal_content_are_equal():
    first = AssistantMessage(content="Hello", cost=0.1, timestamp="2026-01-01", turn_idx=3)
    assert first == AssistantMessage(content="Hello", cost=0.9)
    assert first != AssistantMessage(content="Hello!")
    assert first != UserMessage(content="Hello")
    assert ToolMessage(id="1", content="x") != ToolMessage(id="1", content="x", error=True)
    assert SystemMessage(content="x") == SystemMessage(content="x")
    assert (first == "Hello") is False


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("exclude_unset", [False, True])
def test_a_stored_message_comes_back_as_what_it_was(message, exclude_unset):
    read = TypeAdapter(Message)
    back = read.validate_python(message.model_dump(exclude_unset=exclude_unset))
    assert type(back) is type(message)
    assert back == message
    text = message.model_dump_json(exclude_unset=exclude_unset)
    assert type(read.validate_json(text)) is type(message)


def test_an_empty_list_of_calls_is_no_tool_call():
    message = AssistantMessage(content="Hello", tool_calls=[])
    assert not message.is_tool_call()
    assert AssistantMessage(tool_calls=[LOOK_UP]).is_tool_call()


@pytest.mark.parametrize("content", [None, "", " \n\t"])
def test_a_message_needs_text_or_a_call(content):
    with pytest.raises(ValueError, match="empty assistant message"):
        AssistantMessage(content=content).validate()
    AssistantMessage(content=content, tool_calls=[LOOK_UP]).validate()


def test_a_tool_call_reads_back_from_its_text():
    assert ToolCall.from_string(str(LOOK_UP)) == LOOK_UP
    with pytest.raises(ValueError, match="not a tool call"):
        ToolCall.from_string("look_up(key=a)")


def test_audio_is_never_stored_in_the_message():
    voice = AssistantMessage.voice(b"\x00\x01", content="hello")
    assert voice.has_content()
    assert voice.get_audio_bytes() == b"\x00\x01"
    assert "audio_content" not in voice.model_dump()
    assert (
        AssistantMessage(content=b"\x00\x01", is_audio=True).content
        == base64.b64encode(b"\x00\x01").decode()
    )


def test_chunks_of_an_utterance_merge_in_order():
    chunks = [
        AssistantMessage(content="Hel", utterance_ids=["u1"], contains_speech=True, timestamp="1"),
        AssistantMessage(
            content="lo", utterance_ids=["u1", "u2"], tool_calls=[LOOK_UP], contains_speech=False
        ),
    ]
    merged = AssistantMessage.merge_chunks(chunks)
    assert (merged.content, merged.utterance_ids, merged.timestamp) == ("Hello", ["u1", "u2"], "1")
    assert merged.tool_calls == [LOOK_UP]
    with pytest.raises(ValueError, match="no chunks"):
        AssistantMessage.merge_chunks([])


def test_a_tick_flattens_into_messages():
    tick = Tick(
        tick_id=1,
        timestamp="t",
        agent_chunk=AssistantMessage(content="Hello"),
        agent_tool_calls=[LOOK_UP],
        agent_tool_results=[ToolMessage(id="c1", content="x")],
    )
    assert [message.role for message in tick.get_all_messages()] == [
        "assistant",
        "assistant",
        "tool",
    ]


def test_text_makes_a_message():
    message = UserMessage.text("Hi", cost=0.5, usage={"prompt_tokens": 1})
    assert (message.content, message.cost, message.role) == ("Hi", 0.5, "user")
