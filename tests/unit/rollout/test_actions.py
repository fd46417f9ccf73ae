"""Structured actions: whatever a trainer has in hand becomes one message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.data_model.malformed import MALFORMED_KEY
from tau2.data_model.message import AssistantMessage, ToolCall, UserMessage
from tau2.rollout import as_message

WIRE = {"id": "a", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}


@pytest.mark.parametrize(
    ("action", "names"),
    [
        (ToolCall(name="look", arguments={"at": 1}), ["look"]),
        ({"name": "look", "arguments": {"at": 1}}, ["look"]),
        ({"name": "look", "arguments": '{"at": 1}'}, ["look"]),
        (WIRE, ["look"]),
        (
            [WIRE, {"name": "ring", "arguments": {}}, ToolCall(name="wait", arguments={})],
            ["look", "ring", "wait"],
        ),
        ({"role": "assistant", "content": None, "tool_calls": [WIRE]}, ["look"]),
    ],
)
def test_tool_calls_in_every_form(action, names):
    message = as_message(action)
    assert [call.name for call in message.tool_calls] == names
    assert names != ["look"] or message.tool_calls[0].arguments == {"at": 1}


def test_text_in_every_form():
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}, {"type": "image"}]
    for action in (
        "Hello",
        {"role": "assistant", "content": "Hello"},
        {"role": "assistant", "content": parts},
    ):
        assert as_message(action).content == "Hello"


def test_a_model_that_plays_the_user_speaks_as_the_assistant_of_its_api():
    for action in (
        {"role": "assistant", "content": "Hi"},
        AssistantMessage(content="Hi"),
        UserMessage(content="Hi"),
    ):
        assert isinstance(as_message(action, "user"), UserMessage)
        assert as_message(action, "user").content == "Hi"


def test_reasoning_is_kept_apart():
    assert as_message("<think>so</think>Yes").reasoning_content == "so"
    given_apart = {"role": "assistant", "content": "Yes", "reasoning_content": "so"}
    assert as_message(given_apart).reasoning_content == "so"


@pytest.mark.parametrize("arguments", ["{", "[1]", {"a": float("nan")}, {"a": 1 << 20_000}])
def test_arguments_that_cannot_be_stored_are_marked(arguments):
    call = as_message({"name": "look", "arguments": arguments}).tool_calls[0]
    assert list(call.arguments) == [MALFORMED_KEY]


@pytest.mark.parametrize(
    "action", [None, 3, [], [3], b"bytes", {"id": "x", "name": None, "function": 1}, [{"a": 1}]]
)
def test_what_is_no_action_is_refused(action):
    with pytest.raises(TypeError, match=r"no action|no tool call"):
        as_message(action)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(content=JSON, calls=JSON, arguments=JSON, name=JSON)
def test_whatever_a_model_writes_can_be_stored(content, calls, arguments, name):
    entry = {"id": name, "function": {"name": name, "arguments": arguments}}
    for action in (
        {"role": "assistant", "content": content, "tool_calls": calls},
        {"role": "assistant", "content": content, "tool_calls": [entry, calls]},
    ):
        stored = json.loads(as_message(action).model_dump_json())
        assert stored["role"] == "assistant"
