"""Calls in the forms that models write, and texts that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.actions.written_calls import argument_names, written_calls

TOOLS = {"get_order": ["order_id"], "set_seats": ["seats", "note"], "list_all": []}
CALL = '{"name": "get_order", "arguments": {"order_id": "#W1"}}'
ONE = [("get_order", {"order_id": "#W1"})]


def read(text: str) -> tuple[list[tuple[str, dict[str, Any]]], str | None]:
    found = written_calls(text, TOOLS)
    if found is None:
        return [], text
    return [(call.name, call.arguments) for call in found.calls], found.words


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f"[{CALL}]",
        f"```json\n{CALL}\n```",
        f"```\n{CALL}\n```",
        f"<tool_call>\n{CALL}\n</tool_call>",
        f"<tool_call>{CALL}",
        f"<function_call>{CALL}</function_call>",
        f"<tools>\n{CALL}\n</tools>",
        f"<|tool_call|>[{CALL}]<|/tool_call|>",
        "<|python_tag|>" + CALL.replace("arguments", "parameters") + "<|eom_id|>",
        '<|python_tag|>get_order.call(order_id="#W1")',
        '<function=get_order>{"order_id": "#W1"}</function>',
        (
            "<tool_call>\n<function=get_order>\n<parameter=order_id>\n#W1\n</parameter>\n"
            "</function>\n</tool_call>"
        ),
        (
            "<tool_call>get_order\n<arg_key>order_id</arg_key>\n<arg_value>#W1</arg_value>\n"
            "</tool_call>"
        ),
        (
            '<function_calls>\n<invoke name="get_order">\n'
            '<parameter name="order_id">#W1</parameter>\n'
            "</invoke>\n</function_calls>"
        ),
        f"[TOOL_CALLS] [{CALL}]",
        '[TOOL_CALLS]get_order[ARGS]{"order_id": "#W1"}',
        f"functools[{CALL}]",
        (
            "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_order:0"
            '<|tool_call_argument_begin|>{"order_id": "#W1"}<|tool_call_end|>'
            "<|tool_calls_section_end|>"
        ),
        (
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_order\n"
            '```json\n{"order_id": "#W1"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
        ),
        '<｜tool▁call▁begin｜>get_order<｜tool▁sep｜>{"order_id": "#W1"}<｜tool▁call▁end｜>',
        (
            "<|start|>assistant<|channel|>commentary to=functions.get_order "
            '<|constrain|>json<|message|>{"order_id": "#W1"}<|call|>'
        ),
        'Action: get_order\nAction Input: {"order_id": "#W1"}',
        "get_order(order_id='#W1')",
        'get_order("#W1")',
        '[get_order(order_id="#W1")]',
        '`get_order(order_id="#W1")`',
        '```tool_code\nprint(get_order(order_id="#W1"))\n```',
        '```python\nresult = get_order(\n    order_id="#W1",\n)\n```',
        (
            '{"type": "function", "function": {"name": "get_order", "arguments": "{\\"order_id\\": '
            '\\"#W1\\"}"}}'
        ),
        '{"tool": "get_order", "args": {"order_id": "#W1"}}',
        '{"name": "get_order", "order_id": "#W1"}',
        '{"get_order": {"order_id": "#W1"}}',
        '{"tool_calls": [' + CALL + "]}",
    ],
)
def test_every_form_is_the_call(text: str) -> None:
    calls, words = read(text)
    assert calls == ONE
    assert words is None or "assistant" in words


@pytest.mark.parametrize(
    "text",
    [
        f"I will look at it.\n\n```json\n{CALL}\n```",
        f"I will look at it.\n{CALL}",
        f"I will look at it. <tool_call>{CALL}</tool_call>",
        "I will look at it.\nget_order(order_id='#W1')",
    ],
)
def test_a_sentence_before_stays_text(text: str) -> None:
    assert read(text) == (ONE, "I will look at it.")


def test_several_calls_keep_their_order() -> None:
    other = '{"name": "list_all", "arguments": {}}'
    both = [*ONE, ("list_all", {})]
    for text in (
        f"{CALL}\n{other}",
        f"{CALL}; {other}",
        f"<tool_call>{CALL}</tool_call>\n<tool_call>{other}</tool_call>",
        f"```json\n{CALL}\n```\n```json\n{other}\n```",
        "[get_order(order_id='#W1'), list_all()]",
        "get_order(order_id='#W1')\nlist_all()",
    ):
        assert read(text)[0] == both, text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Your order #W1 is on its way.",
        "I can call get_order(order_id='#W1') for you.",
        '{"name": "Ana", "arguments": "none"}',
        '{"order_id": "#W1"}',
        "```json\n" + '{"status": "pending"}' + "\n```",
        "<tool_call>nothing of ours</tool_call>",
        "get_order(order_id=open('x').read())",
        "other_tool(order_id='#W1')",
        "get_order(**{'order_id': 1})",
        "Action: get some sleep",
        '{"name": "get_order", "arguments": [1]}',
        '{"name": "get_order", "arguments": {"order_id": NaN}}',
    ],
)
def test_anything_else_stays_text(text: str) -> None:
    assert read(text) == ([], text)


def test_values_of_parameters_keep_their_types() -> None:
    text = (
        "<function=set_seats><parameter=seats>[1, 2]</parameter><parameter=note>01234</parameter>"
        "</function>"
    )
    assert read(text)[0] == [("set_seats", {"seats": [1, 2], "note": "01234"})]


def test_nothing_is_a_call_where_nothing_was_offered() -> None:
    assert written_calls(CALL, {}) is None
    assert written_calls(" " * 200_000 + CALL, TOOLS) is None


def test_thousands_of_calls_are_capped() -> None:
    found = written_calls((CALL + "\n") * 1500, TOOLS)
    assert found is not None
    assert len(found.calls) == 64


PIECES = [
    *[CALL, "<tool_call>", "</tool_call>", "```json\n", "\n", "[TOOL_CALLS]", "get_order("],
    *["<function=get_order>", "<parameter=order_id>", "</parameter>", "{", "[", ")", '"', "hello"],
    *["Action: get_order", "[ARGS]", "<arg_key>", "functools[", "to=functions."],
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=24))
def test_any_text_is_read(parts: list[str]) -> None:
    found = written_calls("".join(parts), TOOLS)
    if found is not None:
        assert 1 <= len(found.calls) <= 64
        for call in found.calls:
            assert call.name in TOOLS
            json.dumps(call.arguments, allow_nan=False)


def test_schemas_name_their_arguments() -> None:
    schema = {
        "type": "function",
        "function": {"name": "a", "parameters": {"properties": {"x": {}, "y": {}}}},
    }
    assert argument_names([schema, {"name": "b"}]) == {"a": ["x", "y"], "b": []}
