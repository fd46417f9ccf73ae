"""Texts of actions, and conversations that fit."""

from hypothesis import given
from hypothesis import strategies as st

from act_prm.config import ToolCallTags
from act_prm.generator.prompts import action_text, fitted, with_thoughts
from act_prm.llm_handlers.actions import get_actions
from act_prm.llm_handlers.types import FUNCTION_CALL, ActionFromLLM

ROLES = st.lists(st.sampled_from(["user", "assistant", "tool"]), min_size=1, max_size=8)


def call(name, /, **arguments):
    return ActionFromLLM(role="assistant", type=FUNCTION_CALL, name=name, arguments=arguments)


@given(
    st.dictionaries(
        st.text(max_size=5), st.text(max_size=9) | st.integers() | st.none(), max_size=3
    )
)
def test_an_action_as_text_is_read_as_the_same_action(arguments):
    [read] = get_actions(
        action_text([call("find", **{k: v for k, v in arguments.items() if k})], ToolCallTags())
    )
    assert (read.name, read.arguments) == ("find", {k: v for k, v in arguments.items() if k})


def test_other_tags_and_plain_words():
    tags = ToolCallTags(bos="<<", eos=">>", argname="parameters")
    said = ActionFromLLM(role="assistant", type="message", text="Bye")
    text = action_text([call("find", id=1), said], tags, "Final Answer: ")
    assert text == '<<\n{"name": "find", "parameters": {"id": 1}}\n>>\nFinal Answer: Bye'


@given(ROLES, st.integers(0, 60))
def test_what_fits_is_a_suffix_that_begins_with_a_turn(roles, room):
    messages = [
        {"role": "system", "content": "s"},
        *({"role": role, "content": role} for role in roles),
    ]

    def render(some):
        return [0] * sum(len(one["content"]) for one in some)

    found = fitted(messages, render, room)
    if found is None:
        assert len(render(messages)) > room
        return
    kept, ids = found
    assert len(ids) <= room
    assert ids == render(kept)
    assert kept[0] == messages[0]
    assert kept[1:] == messages[len(messages) - len(kept) + 1 :]
    if len(kept) < len(messages):
        assert kept[1]["role"] != "tool"


def test_thoughts_come_before_what_was_said():
    told = with_thoughts(
        [
            {"role": "assistant", "content": "Hi", "reasoning_content": "Be kind."},
            {"role": "user", "content": "Yes"},
        ],
        ("<thought>", "</thought>"),
    )
    assert [one["content"] for one in told] == ["<thought>Be kind.</thought>\nHi", "Yes"]
