"""Actions as messages of an agent, and conversations as messages for a policy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.act_prm.environments.acting import call, respond, text

from act_prm.environments.tau2bench_messages import (
    actions_of,
    agent_messages_of,
    assistant_message,
    history_of,
    with_ids,
)
from act_prm.llm_handlers import ActionFromLLM, get_actions
from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage


def test_consecutive_calls_are_one_message():
    messages = agent_messages_of([call("a"), call("b"), respond("Hi"), call("c")])
    assert [[one.name for one in message.calls] for message in messages] == [
        ["a", "b"],
        ["respond_user"],
        ["c"],
    ]
    assert [message.to_user for message in messages] == [False, True, False]


def test_text_before_a_tool_call_is_its_text_and_before_respond_user_reasoning():
    (with_call,) = agent_messages_of([text("Hm.", "reasoning"), text("Let me look."), call("a")])
    assert (with_call.text, with_call.reasoning) == ("Let me look.", "Hm.")
    (with_speech,) = agent_messages_of([text("Hm.", "reasoning"), text("Now."), respond("Hi")])
    assert (with_speech.text, with_speech.reasoning) == ("Hi", "Hm.\nNow.")


def test_an_unknown_kind_of_action_is_ignored_and_logged(caplog):
    assert [
        message.calls[0].name for message in agent_messages_of([text("x", "telepathy"), call("a")])
    ] == ["a"]
    assert "telepathy" in caplog.text


ACTION = st.builds(
    ActionFromLLM,
    role=st.just("assistant"),
    type=st.sampled_from(["function_call", "message", "reasoning", "unreadable_call", "?"]),
    text=st.none() | st.text(max_size=5),
    name=st.none() | st.sampled_from(["a", "respond_user"]),
    arguments=st.none()
    | st.dictionaries(st.sampled_from(["text", "b"]), st.none() | st.text(max_size=3)),
)


@given(actions=st.lists(ACTION, max_size=6))
def test_every_call_of_a_step_is_in_exactly_one_message(actions):
    messages = agent_messages_of(actions)
    assert [one for message in messages for one in message.calls] == [
        one for one in actions if one.is_call
    ]
    assert messages
    assert all(message.to_user or message.calls for message in messages)


def test_actions_as_one_message():
    message = assistant_message(
        [text("Hm.", "reasoning"), text("Let me look."), call("a", "c1", b=1)]
    )
    assert message == {
        "role": "assistant",
        "content": "Let me look.",
        "reasoning_content": "Hm.",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "a", "arguments": '{"b": 1}'}}
        ],
    }


def test_an_unreadable_call_stays_text():
    assert assistant_message(get_actions("<tool_call>{</tool_call>")) == {
        "role": "assistant",
        "content": "{",
    }


@pytest.mark.parametrize("given_id", [None, ""])
def test_ids_are_made_where_they_are_missing(given_id):
    actions = [call("a", "mine"), call("b", given_id), text("Hi")]
    assert [one.call_id for one in with_ids(actions, 3)] == ["mine", "call_3_1", None]
    assert actions[1].call_id == given_id  # the caller's own are left alone


def test_a_conversation_of_tau2_in_the_form_of_this_one():
    history = [
        AssistantMessage(content="Hi! How can I help you?"),
        UserMessage(content="A task, please."),
        AssistantMessage(tool_calls=[ToolCall(id="c1", name="a", arguments={})]),
        ToolMessage(id="c1", content="done", requestor="assistant"),
        AssistantMessage(content="Done."),
        UserMessage(content="Thanks."),
    ]
    messages = history_of(history)
    assert [message["role"] for message in messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "user",
    ]
    assert [message.get("call_id") for message in messages if message["role"] == "tool"] == [
        message["tool_calls"][0]["id"] for message in messages if message["role"] == "assistant"
    ]
    assert messages[4]["output"] == "sent"


def test_text_of_an_agent_is_a_call():
    (action,) = actions_of(AssistantMessage(content="Hi"), 2)
    assert (action.name, action.arguments, action.call_id) == (
        "respond_user",
        {"text": "Hi"},
        "call_2_0",
    )


def test_in_solo_mode_text_is_a_call_of_done():
    said, ends = actions_of(AssistantMessage(content="All is well. ###STOP###"), solo=True)
    assert (said.text, ends.name) == ("All is well.", "done")
