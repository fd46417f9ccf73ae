"""Histories: every call has its result, in order."""

from __future__ import annotations

import pytest

from tau2.data_model.message import (
    AssistantMessage,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.environment.history import paired_calls, split_pending
from tau2.errors import ReplayMismatch


def asks(*ids: str) -> AssistantMessage:
    return AssistantMessage(tool_calls=[ToolCall(id=i, name="look", arguments={}) for i in ids])


def result(i: str) -> ToolMessage:
    return ToolMessage(id=i, content="x")


def test_calls_are_paired_with_their_results():
    history = [
        UserMessage(content="Hi"),
        asks("1", "2"),
        result("1"),
        result("2"),
        asks("3"),
        result("3"),
    ]
    assert [(call.id, answer.id) for call, answer in paired_calls(history)] == [
        ("1", "1"),
        ("2", "2"),
        ("3", "3"),
    ]
    wrapped = [asks("1", "2"), MultiToolMessage(tool_messages=[result("1"), result("2")])]
    assert len(paired_calls(wrapped)) == 2
    assert paired_calls([]) == []


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ([result("1")], "Tool message not expected"),
        ([asks("1"), result("2")], "Tool call id mismatch"),
        (
            [asks("1"), UserMessage(content="Hi")],
            "Tool message expected for 'look', got a user message",
        ),
        ([asks("1", "2"), result("1")], "but the history ends"),
        ([asks("1"), result("1"), result("1")], "Tool message not expected"),
    ],
)
def test_a_call_without_its_result_is_a_mismatch(history, words):
    with pytest.raises(ReplayMismatch, match=words):
        paired_calls(history)


def test_calls_at_the_end_are_pending():
    history = [UserMessage(content="Hi"), asks("1")]
    settled, pending = split_pending(history)
    assert settled == history[:1]
    assert [call.id for call in pending] == ["1"]
    assert split_pending([*history, result("1")])[1] == []
    assert split_pending([]) == ([], [])
