"""What is made of tool calls, texts and thoughts that providers send in many shapes."""

from __future__ import annotations

from typing import Any

import pytest

from tau2.actions.reasoning import split_reasoning
from tau2.actions.tool_calls import parse_arguments, parse_tool_calls
from tau2.llm import MALFORMED_KEY, malformed_reason
from tau2.llm.failure import CallFailed
from tau2.llm.parse import checked_completion, parse_completion, tokens_of, with_written_calls


def answer(**message: Any) -> dict[str, Any]:
    return {"choices": [{"message": message}]}


@pytest.mark.parametrize("nothing", [None, "", "  \n", "{}", {}, "null", "[]", []])
def test_no_arguments_are_an_empty_object(nothing: Any) -> None:
    assert parse_arguments(nothing) == {}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ('{"a": 1', "not valid JSON"),
        ("[1, 2]", "a JSON object is needed, not an array"),
        ('"text"', "not a string"),
        ("7", "not a number"),
        ("[null]", "not an array"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": 1e999}', "infinite"),
        ('{"a": ' + "[" * 100 + "]" * 100 + "}", "nested deeper"),
        ("[" * 100_000, "nested deeper"),
    ],
)
def test_what_is_no_object_is_kept_and_explained(raw: str, reason: str) -> None:
    arguments = parse_arguments(raw)
    assert arguments == {MALFORMED_KEY: raw[:10_000]}
    explained = malformed_reason(arguments)
    assert explained is not None
    assert reason in explained


def test_usable_arguments_have_no_reason() -> None:
    assert malformed_reason({"a": 1}) is None
    assert malformed_reason({}) is None


def test_arguments_that_come_parsed_are_taken_as_they_are() -> None:
    assert parse_arguments({"a": [1, {"b": None}]}) == {"a": [1, {"b": None}]}
    assert parse_arguments([1]) == {MALFORMED_KEY: "[1]"}


def test_big_numbers_keep_every_digit() -> None:
    assert parse_arguments('{"card": 12345678901234567890123}') == {"card": 12345678901234567890123}


def test_ids_are_kept_when_usable_and_made_otherwise_always_the_same() -> None:
    raw = [
        {"id": i, "function": {"name": "f", "arguments": "{}"}}
        for i in ("a", "a", "", None, 7, "old")
    ]
    calls, _ = parse_tool_calls(raw, taken_ids={"old"})
    again, _ = parse_tool_calls(raw, taken_ids={"old"})
    ids = [call.id for call in calls]
    assert ids[0] == "a"
    assert len(set(ids)) == len(ids)
    assert "old" not in ids
    assert calls == again


def test_the_old_function_call_is_a_tool_call() -> None:
    reading = parse_completion(
        answer(content=None, function_call={"name": "f", "arguments": '{"a": 1}'})
    )
    assert [(call.name, call.arguments) for call in reading.tool_calls] == [("f", {"a": 1})]


def test_text_in_parts_is_joined() -> None:
    parts = [
        {"type": "text", "text": "one "},
        {"type": "image"},
        {"type": "text", "text": "two"},
        3,
    ]
    assert parse_completion(answer(content=parts)).content == "one two"


def test_a_refusal_is_what_the_model_says() -> None:
    assert parse_completion(answer(content=None, refusal="I will not.")).content == "I will not."


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_fields_are_thoughts(field: str) -> None:
    reading = parse_completion(answer(content="Yes", **{field: "why not"}))
    assert (reading.content, reading.reasoning) == ("Yes", "why not")


@pytest.mark.parametrize(
    ("text", "said", "thought"),
    [
        ("plain", "plain", None),
        (" kept as it is\n", " kept as it is\n", None),
        ("<think>a</think>b", "b", "a"),
        ("<think>a</think>\n\nb<think>c</think> d", "b d", "a\nc"),
        ("<think>never closed", None, "never closed"),
        ("said <think>never closed", "said", "never closed"),
        ("never opened</think>said", "said", "never opened"),
        ("<thinking>a</thinking>b", "b", "a"),
        ("<think></think>b", "b", None),
        ("<think>a</think>", None, "a"),
        ("   ", None, None),
    ],
)
def test_thoughts_are_split_from_speech(text: str, said: str | None, thought: str | None) -> None:
    assert split_reasoning(text) == (said, thought)


def test_splitting_takes_linear_time() -> None:
    said, thought = split_reasoning("<think>" * 200_000)
    assert said is None
    assert thought is not None


@pytest.mark.parametrize(
    "junk", [None, 3, "text", [], {}, {"choices": []}, {"choices": [None]}, {"choices": [{}]}]
)
def test_what_is_no_completion_may_pass(junk: Any) -> None:
    with pytest.raises(CallFailed, match="not a chat completion") as caught:
        checked_completion(junk)
    assert caught.value.temporary


def test_an_error_in_a_successful_answer_is_judged_by_its_code() -> None:
    with pytest.raises(CallFailed) as caught:
        checked_completion({"error": {"code": 429, "message": "slow down"}})
    assert (caught.value.temporary, caught.value.status) == (True, 429)
    with pytest.raises(CallFailed) as caught:
        checked_completion({"error": {"code": 403, "message": "no"}})
    assert not caught.value.temporary


@pytest.mark.parametrize(
    "usage", [None, [], {"prompt_tokens": "many", "completion_tokens": -1}, {"prompt_tokens": True}]
)
def test_counts_that_are_none_count_nothing(usage: Any) -> None:
    assert tokens_of({"usage": usage}) == (None, None)


TOOL = {
    "type": "function",
    "function": {"name": "get_order", "parameters": {"properties": {"order_id": {}}}},
}
WRITTEN = 'I look it up.\n```json\n{"name": "get_order", "arguments": {"order_id": "#W1"}}\n```'


def test_a_call_in_text_is_made_where_its_tool_was_offered() -> None:
    said = parse_completion(answer(content=WRITTEN))
    made = with_written_calls(said, [TOOL], taken_ids={"x"})
    [call] = made.tool_calls
    assert (call.name, call.arguments) == ("get_order", {"order_id": "#W1"})
    assert call.id
    assert made.content == "I look it up."
    assert with_written_calls(said, []) == said


def test_calls_of_its_own_are_all_that_a_completion_makes() -> None:
    native = [{"id": "a", "function": {"name": "get_order", "arguments": "{}"}}]
    said = parse_completion(answer(content=WRITTEN, tool_calls=native))
    assert with_written_calls(said, [TOOL]) == said
    text = parse_completion(answer(content="Your order is on its way."))
    assert with_written_calls(text, [TOOL]) == text
