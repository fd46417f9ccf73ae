"""One parser for every syntax: it takes any text, in linear time."""

from __future__ import annotations

import contextlib
import time

import pytest

from tau2.actions.parse import TAGGED, WHOLE_TEXT, read_calls, read_text
from tau2.actions.reasoning import split_reasoning
from tau2.actions.tagged import TOOL_CALL_TAGS, PartKind, Tags, TagSplitter
from tau2.actions.tool_calls import MalformedAction, parse_tool_calls

CALL = '{"name": "find", "arguments": {"title": "Tea"}}'


def names(text, syntaxes):
    return [call.name for call in read_calls(text, syntaxes).calls]


@pytest.mark.parametrize(
    "text",
    [CALL, f"[{CALL}]", f"```json\n{CALL}\n```", "find(title='Tea')", f"<tool_call>{CALL}"],
)
def test_the_first_syntax_that_a_text_is_written_in_counts(text):
    (call,) = read_calls(text, (*TAGGED, *WHOLE_TEXT), "user").calls
    assert (call.name, call.arguments, call.requestor) == ("find", {"title": "Tea"}, "user")


def test_a_text_in_no_syntax_is_words():
    assert read_calls(CALL, TAGGED) == ([], CALL)
    assert read_calls(f"See <tool_call>{CALL}", WHOLE_TEXT).words == f"See <tool_call>{CALL}"


def test_a_closing_tag_within_a_string_ends_no_call():
    body = CALL.replace("Tea", "</tool_call>")
    (call,) = read_calls(f"One moment.<tool_call>{body}</tool_call>", TAGGED).calls
    assert call.arguments == {"title": "</tool_call>"}


def test_words_beside_calls_are_kept_and_thoughts_are_not_among_them():
    message = read_text(f"<think>Hm.</think>Now: <tool_call>{CALL}</tool_call> done", TAGGED)
    assert (message.content, message.reasoning_content) == ("Now:  done", "Hm.")


def test_a_text_that_says_nothing_is_refused():
    with pytest.raises(MalformedAction, match="empty"):
        read_text("<think>Hm.</think>", TAGGED)


def test_thoughts_between_other_tags():
    parts = TagSplitter(TOOL_CALL_TAGS, [Tags("[t]", "[/t]")]).split("a[/t]b[t]c[/t]d[t]e")
    assert [(kind, body) for kind, body in parts if body] == [
        (PartKind.REASONING, "a"),
        (PartKind.TEXT, "b"),
        (PartKind.REASONING, "c"),
        (PartKind.TEXT, "d"),
        (PartKind.REASONING, "e"),
    ]


def test_equal_calls_get_ids_of_their_own_that_are_always_the_same():
    entries = [{"function": {"name": "find", "arguments": "{}"}}] * 3
    first, _ = parse_tool_calls(entries)
    again, _ = parse_tool_calls(entries)
    assert len({call.id for call in first}) == 3
    assert [call.id for call in first] == [call.id for call in again]
    more, _ = parse_tool_calls(entries, taken_ids={call.id for call in first})
    assert not {call.id for call in first} & {call.id for call in more}


@pytest.mark.parametrize(
    "read",
    [
        lambda: split_reasoning("<think>a</think>b" * 50_000),
        lambda: split_reasoning("</think>" * 100_000),
        lambda: read_text("<tool_call>" * 60 + "{" * 900_000, TAGGED),
        lambda: parse_tool_calls([{"id": "x", "function": {"name": "find"}}] * 8_000),
    ],
    ids=["thoughts", "closing tags", "open calls", "equal calls"],
)
def test_long_texts_take_linear_time(read):
    began = time.process_time()
    with contextlib.suppress(MalformedAction):
        read()
    assert time.process_time() - began < 4.0  # seconds; quadratic time takes far more
