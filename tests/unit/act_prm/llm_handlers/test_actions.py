"""Replies of models as actions: every reply has a reading, and nothing in it is read twice."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from act_prm.llm_handlers import get_actions
from act_prm.llm_handlers.actions import LONGEST_REPLY, MOST_CALLS

A_CALL = '{"name": "get_user", "arguments": {"id": "u1"}}'


def tagged(*bodies: str) -> str:
    return "\n".join(f"<tool_call>\n{body}\n</tool_call>" for body in bodies)


def brief(reply, **options) -> list[tuple]:
    """Return the actions of a reply as short tuples."""
    return [
        (one.type, one.name, one.arguments) if one.is_call else (one.type, one.text)
        for one in get_actions(reply, **options)
    ]


def test_text_is_a_message():
    assert brief("Hello there.") == [("message", "Hello there.")]


def test_nothing_is_no_action():
    assert (
        get_actions("")
        == get_actions(" \n ")
        == get_actions([])
        == get_actions([{"content": None}])
        == []
    )


def test_a_call_between_tags():
    (call,) = get_actions([{"content": tagged(A_CALL)}])
    assert (call.role, call.type, call.name, call.arguments) == (
        "assistant",
        "function_call",
        "get_user",
        {"id": "u1"},
    )
    assert call.call_id == "call_0"


def test_text_before_between_and_after_calls_keeps_its_place():
    reply = f"Let me look.{tagged(A_CALL)}And again.{tagged(A_CALL)}Done."
    assert [one.type for one in get_actions(reply)] == [
        "message", "function_call", "message", "function_call", "message",
    ]  # fmt: skip


def test_every_call_of_a_reply_has_an_id_of_its_own():
    assert [one.call_id for one in get_actions(tagged(A_CALL, A_CALL), first_call=3)] == [
        "call_3",
        "call_4",
    ]


@pytest.mark.parametrize("body", [f"{A_CALL}\n{A_CALL}", f"[{A_CALL}, {A_CALL}]"])
def test_several_calls_between_one_pair_of_tags(body):
    assert brief(tagged(body)) == [("function_call", "get_user", {"id": "u1"})] * 2


@pytest.mark.parametrize(
    "body",
    [
        '{"name": "a"}',
        '{"name": "a", "arguments": {}}',
        '{"name": "a", "arguments": "{}"}',
        '{"name": "a", "arguments": null}',
    ],
)
def test_no_arguments_are_no_arguments(body):
    assert brief(tagged(body)) == [("function_call", "a", {})]


@pytest.mark.parametrize(
    "body",
    [
        '{"name": "a", "arguments": "{\\"b\\": 1}"}',
        '{"name": "a", "parameters": {"b": 1}}',
        '{"type": "function", "function": {"name": "a", "arguments": {"b": 1}}}',
        '```json\n{"name": "a", "arguments": {"b": 1}}\n```',
    ],
)
def test_other_spellings_of_a_call(body):
    assert brief(tagged(body)) == [("function_call", "a", {"b": 1})]


def test_a_tag_that_is_never_closed():
    assert brief(f"<tool_call>{A_CALL}") == [("function_call", "get_user", {"id": "u1"})]
    assert len(brief(f"<tool_call>{A_CALL}<tool_call>{A_CALL}")) == 2


def test_tags_inside_of_a_string_end_nothing():
    body = json.dumps(
        {"name": "respond_user", "arguments": {"text": "Write </tool_call> or <think>."}}
    )
    assert brief(tagged(body)) == [
        ("function_call", "respond_user", {"text": "Write </tool_call> or <think>."})
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"name": "get_user", "arguments": {', "not valid JSON"),
        ('{"name": "get_user", "arguments": {"id": NaN}}', "not valid JSON: NaN"),
        (f"{A_CALL}}}", "not valid JSON"),
        ("", "nothing in it"),
        ('{"arguments": {}}', "has no name"),
        ('{"name": 7}', "has no name"),
        ("[1]", "has no name"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_call_says_why(body, reason):
    (action,) = get_actions(tagged(body))
    assert (action.type, action.text, action.call_id) == ("unreadable_call", body, "call_0")
    assert reason in action.error
    assert action.error.endswith("between <tool_call> and </tool_call>.")


def test_an_unreadable_call_keeps_its_name_where_it_has_one():
    assert get_actions(tagged('{"name": "get_user", "arguments": {'))[0].name == "get_user"


def test_arguments_that_are_no_object_are_left_to_the_environment():
    (call,) = get_actions(tagged('{"name": "a", "arguments": [1]}'))
    assert (call.type, call.arguments) == ("function_call", {"__malformed__": "[1]"})


def test_a_good_call_beside_a_bad_one():
    assert [one.type for one in get_actions(tagged("{", A_CALL))] == [
        "unreadable_call",
        "function_call",
    ]


@pytest.mark.parametrize(
    "reply", [A_CALL, f"  {A_CALL}\n", f"```json\n{A_CALL}\n```", f"[{A_CALL}]"]
)
def test_bare_json_is_a_call_and_nothing_else(reply):
    assert brief(reply) == [("function_call", "get_user", {"id": "u1"})]


def test_bare_json_after_a_thought():
    assert brief(f"<think>Hm.</think>\n{A_CALL}") == [
        ("reasoning", "Hm."),
        ("function_call", "get_user", {"id": "u1"}),
    ]


@pytest.mark.parametrize(
    "reply",
    ['{"name": "Ann"}', '{"id": 1}', "[1, 2]", "{}", "[]", f"As JSON: {A_CALL}", "{", "Sure (yes)"],
)
def test_what_only_looks_like_a_call_is_a_message(reply):
    assert brief(reply) == [("message", reply)]


def test_a_known_name_alone_is_a_call():
    reply = '{"name": "list_all_airports"}'
    assert brief(reply, known_tools={"list_all_airports"}) == [
        ("function_call", "list_all_airports", {})
    ]


OFFERED = [
    {"name": "get_user", "parameters": {"properties": {"id": {"type": "string"}}}},
    {"type": "function", "function": {"name": "list_all_airports", "parameters": {}}},
]


@pytest.mark.parametrize(
    "reply",
    [
        'get_user(id="u1")',
        '```python\nget_user(id="u1")\n```',
        "<function=get_user><parameter=id>u1</parameter></function>",
        tagged("<function=get_user><parameter=id>u1</parameter></function>"),
        tagged("get_user<arg_key>id</arg_key><arg_value>u1</arg_value>"),
        'Action: get_user\nAction Input: {"id": "u1"}',
        f"[TOOL_CALLS][{A_CALL}]",
    ],
)
def test_calls_of_offered_tools_are_read_in_the_forms_that_models_write(reply):
    assert brief(reply, tools=OFFERED) == [("function_call", "get_user", {"id": "u1"})]
    assert ("function_call", "get_user", {"id": "u1"}) not in brief(
        reply, tools=OFFERED[1:]
    )  # not offered


def test_words_before_a_call_in_another_form_are_a_message():
    assert brief('Let me look.\nget_user(id="u1")', tools=OFFERED) == [
        ("message", "Let me look."),
        ("function_call", "get_user", {"id": "u1"}),
    ]
    assert brief("I can get_user for you.", tools=OFFERED) == [
        ("message", "I can get_user for you.")
    ]
    assert brief('{"name": "list_all_airports"}', tools=OFFERED) == [
        ("function_call", "list_all_airports", {})
    ]


@pytest.mark.parametrize("tag", ["think", "thinking", "thought"])
def test_thoughts_are_kept_apart(tag):
    assert brief(f"<{tag}>Hm.</{tag}>Hello.") == [("reasoning", "Hm."), ("message", "Hello.")]
    assert brief(f"Hm.</{tag}>Hello.") == [("reasoning", "Hm."), ("message", "Hello.")]
    assert brief(f"<{tag}>Hm.") == [("reasoning", "Hm.")]


def test_a_call_that_is_only_thought_of_is_not_made():
    assert brief(f"<think>{tagged(A_CALL)}</think>No.") == [
        ("reasoning", tagged(A_CALL)),
        ("message", "No."),
    ]
    assert brief(f"{tagged(A_CALL)}</think>No.") == [
        ("reasoning", tagged(A_CALL)),
        ("message", "No."),
    ]


def test_tags_of_ones_own():
    options = {"tool_call_tags": ("[CALL]", "[/CALL]"), "thought_tags": ("(", ")")}
    assert brief(f"(Hm.)[CALL]{A_CALL}[/CALL]", **options) == [
        ("reasoning", "Hm."),
        ("function_call", "get_user", {"id": "u1"}),
    ]


def test_a_message_of_openais_api():
    message = {
        "role": "assistant",
        "reasoning_content": "Hm.",
        "content": [{"type": "text", "text": "Let me look."}],
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "a", "arguments": '{"b": 1}'}},
            {"id": "c2", "type": "function", "function": {}},
            "junk",
        ],
    }
    actions = get_actions(message)
    assert [one.type for one in actions] == [
        "reasoning", "message", "function_call", "unreadable_call", "unreadable_call",
    ]  # fmt: skip
    assert (actions[2].call_id, actions[2].arguments) == ("c1", {"b": 1})


def test_a_loop_of_calls_is_cut_and_told():
    actions = get_actions(tagged(*[A_CALL] * 200))
    assert len(actions) == MOST_CALLS + 1
    assert "more than" in actions[-1].error


def test_a_reply_without_end_is_cut():
    assert len(get_actions("a" * (LONGEST_REPLY + 7))[0].text) == LONGEST_REPLY


SNIPPETS = [
    "<tool_call>",
    "</tool_call>",
    "<think>",
    "</think>",
    "<thought>",
    "</thought>",
    A_CALL,
    "```json\n",
    "```",
]
SNIPPETS += [
    "{",
    "}",
    "[",
    "]",
    '"',
    "\\",
    '"name":',
    '"arguments":',
    "NaN",
    "1e999",
    "\ud800",
    "\\ud800",
    "\x00",
]
KEYS = st.sampled_from(["name", "arguments", "function", "id", "text", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=6,
)
PIECE = st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=8), VALUES.map(json.dumps))
PIECES = st.lists(PIECE, max_size=12).map("".join)


@given(reply=PIECES)
@example(reply="\ud800")
@example(reply='{"name": "\\ud800", "arguments": {"\\ud800": "\\ud800"}}')
def test_nothing_a_model_writes_raises(reply):
    for action in [*get_actions(reply), *get_actions(reply, tools=OFFERED)]:
        assert action.model_validate_json(action.model_dump_json()) == action
        assert action.type in {"function_call", "unreadable_call", "message", "reasoning"}
        assert action.is_call or action.text.strip()


@given(
    message=st.dictionaries(
        st.sampled_from(["content", "tool_calls", "reasoning_content", "role"]), VALUES
    ),
)
def test_nothing_a_server_sends_raises(message):
    get_actions([message])


@pytest.mark.parametrize(
    "piece",
    [
        *SNIPPETS[:7],
        "[",
        "{",
        "<tool_call>{",
        '<tool_call>{"',
        '<tool_call>{"a":"',
        '<tool_call>["',
    ],
)
def test_the_longest_reply_is_read_in_linear_time(piece):
    actions = get_actions(piece * (LONGEST_REPLY // len(piece)))  # in quadratic time: minutes
    assert len(actions) <= MOST_CALLS + 1
