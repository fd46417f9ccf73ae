"""Messages become ids once; what is scored is the prompt's ids followed by the sampled ids."""

from __future__ import annotations

import pytest

from act_prm.llm_handlers.chat import Chat, demonstrated_datum, sampled_datum
from act_prm.llm_handlers.client import SampledCompletion
from tau2.actions.chat_template import template_message, template_tool


class Letters:
    """A tokenizer of single letters, but for `ab`, which is one token: encoding again would not
    give the same ids."""

    eos_token_id = 0

    def __init__(self):
        self.rendered = []

    def encode(self, text, *, add_special_tokens):
        assert not add_special_tokens
        ids = []
        while text:
            ids.append(1 if text.startswith("ab") else ord(text[0]))
            text = text[2 if text.startswith("ab") else 1 :]
        return ids

    def decode(self, ids, *, skip_special_tokens):
        return "".join(
            {0: "" if skip_special_tokens else "$", 1: "ab"}.get(one, chr(one)) for one in ids
        )

    def apply_chat_template(self, messages, **options):
        self.rendered.append((messages, options))
        return "".join(f"[{one['role']}]{one['content']}" for one in messages) + "[assistant]"


def test_a_prompt_ends_where_the_assistant_speaks_or_in_a_prefix_it_goes_on_from():
    chat = Chat(Letters(), template_options={"enable_thinking": False})
    messages = [{"role": "user", "content": "hi"}]

    assert chat.decode(chat.prompt(messages)) == "[user]hi[assistant]"
    assert chat.decode(chat.prompt(messages, prefix="<thought>")) == "[user]hi[assistant]<thought>"
    for _, options in chat.tokenizer.rendered:
        assert options == {
            "tools": None,
            "add_generation_prompt": True,
            "tokenize": False,
            "enable_thinking": False,
        }


def test_the_scored_sequence_is_the_prompt_and_the_sampled_ids_never_encoded_again():
    chat = Chat(Letters())
    prompt = chat.prompt([{"role": "user", "content": "hi"}])
    sampled = SampledCompletion([ord("a"), ord("b"), 0], [-1.0, -2.0, -3.0], "ab", finished=True)

    datum = sampled_datum(prompt, sampled, advantage=0.5, mask=[True, True, False])

    assert chat.encode(sampled.text) == [1]  # what encoding again would have made of it
    assert datum.tokens == [*prompt, ord("a"), ord("b"), 0]
    assert datum.weights == [0.0] * len(prompt) + [1.0, 1.0, 0.0]
    assert datum.advantages == [0.0] * len(prompt) + [0.5, 0.5, 0.0]
    assert datum.logprobs == [0.0] * len(prompt) + [-1.0, -2.0, -3.0]


def test_a_demonstration_is_closed_as_the_model_closes_its_turn_and_alone_in_the_loss():
    chat = Chat(Letters())
    reply = chat.reply("cab")

    assert reply == [ord("c"), 1, 0]
    assert chat.reply("c", closed=False) == [ord("c")]
    assert demonstrated_datum([5, 6], reply, weight=2.0).weights == [0.0, 0.0, 2.0, 2.0, 2.0]
    with pytest.raises(ValueError, match="first token"):
        demonstrated_datum([], reply)


def test_flattened_tools_are_nested_as_templates_expect_and_nested_ones_stay():
    flat = {
        "type": "function",
        "name": "look",
        "description": "Look.",
        "parameters": {"type": "object"},
    }
    nested = {
        "type": "function",
        "function": {key: flat[key] for key in ("name", "description", "parameters")},
    }

    assert template_tool(flat) == nested
    assert template_tool(nested) == nested


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"role": "user", "content": "hi"}, {"role": "user", "content": "hi"}),
        ({"role": "assistant", "content": None}, {"role": "assistant", "content": ""}),
        (
            {"role": "tool", "type": "function_call_output", "call_id": "c1", "output": "[1]"},
            {"role": "tool", "content": "[1]", "tool_call_id": "c1"},
        ),
        (
            {
                "role": "assistant",
                "tool_calls": [{"id": "c1", "name": "look", "arguments": '{"at": 1}'}],
            },
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {
                        "type": "function",
                        "function": {"name": "look", "arguments": {"at": 1}},
                        "id": "c1",
                    }
                ],
            },
        ),
        (
            {
                "role": "assistant",
                "tool_calls": [{"function": {"name": "look", "arguments": "not JSON"}}],
            },
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"type": "function", "function": {"name": "look", "arguments": "not JSON"}}
                ],
            },
        ),
    ],
)
def test_messages_of_an_environment_become_those_of_a_template(given, made):
    assert template_message(given) == made
