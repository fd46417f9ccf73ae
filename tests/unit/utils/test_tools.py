"""Actions as text: tool calls in two spellings, and words that only look like one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.data_model.message import AssistantMessage, ToolCall, UserMessage
from tau2.utils.tools import (
    MalformedAction,
    is_functional_tool_call,
    parse_action,
    parse_action_string,
    parse_functional_tool_call,
    to_functional_format,
)


def read(text: str) -> list[tuple] | str | None:
    message = parse_action_string(text)
    return (
        [(call.name, call.arguments) for call in message.tool_calls]
        if message.tool_calls
        else message.content
    )


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("done()", ("done", {})),
        ("search(origin='NYC', seats=2)", ("search", {"origin": "NYC", "seats": 2})),
        ('search(origin="it\'s")', ("search", {"origin": "it's"})),
        ("f(a=-1.5, b=+2, c=True, d=None)", ("f", {"a": -1.5, "b": 2, "c": True, "d": None})),
        (
            "f(a=true, b=false, c=null, d=economy)",
            ("f", {"a": True, "b": False, "c": None, "d": "economy"}),
        ),
        ("f(a=[1, 'x', (2,)], b={'k': [1]})", ("f", {"a": [1, "x", [2]], "b": {"k": [1]}})),
        ("f(x='a\nb')", ("f", {"x": "a\nb"})),
        ("f(\n  x='a',\n  y=1,\n)", ("f", {"x": "a", "y": 1})),
        ("f(x='\\d')", ("f", {"x": "\\d"})),
        ("  f(x=1)  ", ("f", {"x": 1})),
        ("```python\nf(x=1)\n```", ("f", {"x": 1})),
        ('{"name": "f", "arguments": {"x": [1, null]}}', ("f", {"x": [1, None]})),
        ('{"name": "f"}', ("f", {})),
        ('{"name": "f", "arguments": "{\\"x\\": 1}"}', ("f", {"x": 1})),
        ('{"name": "f", "arguments": ""}', ("f", {})),
        ('{"type": "function", "function": {"name": "f", "arguments": {}}}', ("f", {})),
        ('```json\n{"name": "f", "arguments": {"x": 1}}\n```', ("f", {"x": 1})),
    ],
)
def test_a_tool_call(text, call):
    assert read(text) == [call]


def test_several_tool_calls():
    assert read('[{"name": "f"}, {"name": "g", "arguments": {"x": 1}}]') == [
        ("f", {}),
        ("g", {"x": 1}),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Hello!",
        "Sure (yes)",
        "hello(world)",
        "Sure ()",
        "I would call f(x=1) now.",
        "f(x=1) or g(y=2)?",
        "f(1, 2)",
        "(x=1)",
        "3(x=1)",
        "{not json}",
        "[1, 2]",
        "[]",
        '{"a": 1}',
        '[{"name": "f"}, 3]',
        "null",
        "42",
        "\x00(",
        "```\n\n```",
        "Refund(s) = 30 (USD)",
        "x" * 200_000,
        "f(x='" + "a" * 200_000 + "')",
    ],
)
def test_words(text):
    assert read(text) == text
    assert parse_action(text).content == text


def test_what_no_file_takes_is_no_argument():
    for text in (
        "f(x=0x" + "F" * 20_000 + ")",
        '{"name": "f", "arguments": {"x": ' + "[" * 100 + "]" * 100 + "}}",
    ):
        with pytest.raises(
            MalformedAction, match=r"arguments of 'f' (are nested too deeply|cannot be stored)"
        ):
            parse_action(text)


def test_half_characters_are_replaced():
    for text in ("f(x='\\ud800')", '{"name": "f", "arguments": {"x": "\\ud800"}}', "f(x='\ud800')"):
        assert read(text) == [("f", {"x": "\ufffd"})]
    assert read("Hello \ud800") == "Hello \ufffd"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("f(x=1", None),
        ("f(x=)", "cannot be read"),
        ("f(x=1, x=2)", "repeated"),
        ("f(1, x=2)", "needs its name"),
        ("f(**{'x': 1})", None),
        ("f(x=open('y'))", "a value must be text"),
        ("f(x=1+1)", "a value must be text"),
        ("f(x=b'y')", "a value must be text"),
        ("f(x={1: 2})", "keys of an object must be text"),
        ("f(x={**y})", "keys of an object must be text"),
        ("f(x=" + "[" * 500 + "]" * 500 + ")", "cannot be read"),
        ("f(x='\0')", "cannot be read"),
        ('{"name": "f", "arguments": {', "not valid JSON"),
        ('{"name": "f", "arguments": 3}', "must be an object, not int"),
        ('{"name": "f", "arguments": "{"}', "not valid JSON"),
        ('{"name": 7, "arguments": {}}', "must be text"),
        ('{"name": "", "arguments": {}}', "must be text"),
    ],
)
def test_a_tool_call_that_went_wrong(text, problem):
    assert read(text) == text
    if problem is not None:
        with pytest.raises(MalformedAction, match=problem):
            parse_action(text)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_is_no_action(text):
    with pytest.raises(ValueError, match="empty action"):
        parse_action_string(text)


def test_the_message_is_the_requestors():
    message = parse_action_string("f(x=1)", requestor="user")
    assert isinstance(message, UserMessage)
    assert message.tool_calls[0].requestor == "user"
    assert message.raw_data == {"action": "f(x=1)"}
    forged = parse_action_string('{"name": "f", "arguments": {}, "requestor": "user", "id": "c1"}')
    assert isinstance(forged, AssistantMessage)
    assert (forged.tool_calls[0].requestor, forged.tool_calls[0].id) == ("assistant", "c1")


def test_functional_form_alone():
    assert is_functional_tool_call("f(x=1)")
    assert not is_functional_tool_call("Sure (yes)")
    assert not is_functional_tool_call('{"name": "f"}')
    assert parse_functional_tool_call("f(x=1)", "user").requestor == "user"
    with pytest.raises(ValueError, match="form name"):
        parse_functional_tool_call("Hello!")


def test_keys_are_sorted():
    assert (
        to_functional_format(ToolCall(name="f", arguments={"b": "it's", "a": 1}))
        == 'f(a=1, b="it\'s")'
    )


TEXT = st.text(max_size=8)
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXT,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
NAMES = st.one_of(st.sampled_from(["create_task", "class", "with space", "ünï"]), TEXT.filter(bool))


@given(
    name=NAMES,
    arguments=st.dictionaries(st.one_of(st.sampled_from(["a", "b", "if"]), TEXT), JSON, max_size=3),
)
def test_what_is_written_is_read_back(name, arguments):
    call = ToolCall(name=name, arguments=arguments)
    for text in (to_functional_format(call), json.dumps({"name": name, "arguments": arguments})):
        assert parse_action_string(text).tool_calls == [call]


@given(text=st.one_of(st.text(max_size=30), st.text("f(x='1\",)=[]{}: \n", max_size=30)))
def test_any_text_is_some_action(text):
    if text.strip():
        message = parse_action_string(text)
        assert message.is_tool_call() or message.content == text
