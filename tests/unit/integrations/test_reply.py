"""Replies in text: what stands in the tags is a call, everything else is words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.data_model.message import AssistantMessage, ToolCall
from tau2.integrations.reply import UnreadableReply, as_reply, read_reply, tools_as_text

GET = '{"name": "get_users", "arguments": {}}'


def names(text):
    return [call.name for call in read_reply(text).tool_calls or ()]


def test_calls_words_and_thoughts_are_told_apart():
    message = read_reply(
        f"<think>Who is there?</think>Let me see.<tool_call>{GET}</tool_call>"
        f"<tool_call>\n{GET}\n</tool_call>"
    )
    assert (message.content, message.reasoning_content) == ("Let me see.", "Who is there?")
    assert [call.name for call in message.tool_calls] == ["get_users", "get_users"]


@pytest.mark.parametrize(
    "words",
    ["Sure (yes)", "hello(world)", GET, "get_users()", "I call it <tool_call", "###STOP###"],
)
def test_words_stay_words(words):
    assert (read_reply(words).content, names(words)) == (words, [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "<think>hm</think>",
        "<tool_call></tool_call>",
        "<tool_call>{</tool_call>",
        "<tool_call>[1]</tool_call>",
        '<tool_call>{"name": 3}</tool_call>',
        f"<tool_call>{GET}</tool_call>" * 65,
        "<tool_call>" + "[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_said(text):
    with pytest.raises(UnreadableReply, match=r"\w+ \w+"):
        read_reply(text)


def test_the_last_tag_may_be_open_and_arguments_may_be_text():
    call = {"name": "a", "arguments": json.dumps({"b": 1})}
    (read,) = read_reply(f"<tool_call>{json.dumps(call)}").tool_calls
    assert read.arguments == {"b": 1}


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(["<tool_call>", "</tool_call>", GET, "{", '"', "x"])).map("".join)
)
def test_any_text_is_read_or_refused(text):
    try:
        message = read_reply(text)
    except UnreadableReply:
        return
    assert message.content or message.tool_calls


def test_a_message_survives_being_written_and_read():
    calls = [
        ToolCall(name="get_users", arguments={}),
        ToolCall(name="say", arguments={"text": "ü </tool_call> <tool_call>"}),
    ]
    message = AssistantMessage(content="One moment.", tool_calls=calls)
    read = read_reply(as_reply(message))
    assert read.content == message.content
    assert [(call.name, call.arguments) for call in read.tool_calls] == [
        (c.name, c.arguments) for c in calls
    ]


def test_the_tools_are_in_the_text():
    schema = {
        "type": "function",
        "function": {"name": "get_users", "parameters": {"type": "object"}},
    }
    assert json.dumps(schema) in tools_as_text([schema])
