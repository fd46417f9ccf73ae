"""Corners of the wire form that the round-trip law does not reach."""

from __future__ import annotations

import json

import pytest

from tau2.data_model.message import AssistantMessage, ToolCall, UserMessage
from tau2.llm import from_wire, to_wire, tools_to_wire


def test_a_tool_that_cannot_exist_is_named_so_that_the_api_accepts_it() -> None:
    wild = [
        ToolCall(id=str(i), name=name, arguments={})
        for i, name in enumerate(["look up!", "", "x" * 99])
    ]
    [message] = to_wire([AssistantMessage(tool_calls=wild)])
    assert [call["function"]["name"] for call in message["tool_calls"]] == [
        "look_up_",
        "unnamed",
        "x" * 64,
    ]


def test_a_message_without_anything_is_sent_as_empty_text() -> None:
    assert [message["content"] for message in to_wire([AssistantMessage(), UserMessage()])] == [
        "",
        "",
    ]


def test_a_tool_without_parameters_gets_an_empty_schema_and_the_original_stays() -> None:
    schema = {"type": "function", "function": {"name": "today"}}
    wired = tools_to_wire([schema])
    assert wired is not None
    assert wired[0]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert schema == {"type": "function", "function": {"name": "today"}}
    assert tools_to_wire([]) is None


def test_arguments_of_any_kind_are_json_on_the_wire() -> None:
    call = ToolCall(id="1", name="f", arguments={"when": object, "text": "é\n'\""})
    [message] = to_wire([AssistantMessage(tool_calls=[call])])
    assert json.loads(message["tool_calls"][0]["function"]["arguments"])["text"] == "é\n'\""


def test_a_dictionary_that_is_no_message_is_named_by_its_place() -> None:
    with pytest.raises(ValueError, match="message 1 has no role"):
        from_wire([{"role": "user", "content": "hi"}, {"role": "robot"}])


def test_what_is_no_message_is_not_sent() -> None:
    with pytest.raises(TypeError, match="not a message: str"):
        to_wire(["hello"])  # type: ignore[list-item]  # the mistake that is tested
