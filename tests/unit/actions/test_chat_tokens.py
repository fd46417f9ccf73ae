"""Demonstrations as tokens and masks: what is learnt, and what is only context."""

from __future__ import annotations

import pytest
from tests.templates import BRACKETS, CHATML, NO_SYSTEM, OTHER_CALLS, TURNS, TemplateTokenizer

from tau2.actions.chat_tokens import ChatTokens, learnt_tokens

TURNS_OF_A_CASE = [
    {"role": "system", "content": "Obey."},
    {"role": "assistant", "content": "Hello!", "weight": 0},
    {"role": "user", "content": "Which?"},
    {"role": "assistant", "content": "This.", "weight": 1},
    {"role": "user", "content": "Wrong."},
    {"role": "assistant", "content": "No, that.", "weight": 0},
    {"role": "user", "content": "Yes."},
    {"role": "assistant", "content": "Done.", "weight": 1},
]


def chat_of(template):
    return ChatTokens(TemplateTokenizer(template), form="signatures")


@pytest.mark.parametrize("kind", [TURNS, CHATML, NO_SYSTEM, BRACKETS, OTHER_CALLS])
def test_only_the_turns_with_a_weight_are_learnt_with_their_ends(kind):
    chat = chat_of(kind)
    tokens, mask = learnt_tokens(chat, TURNS_OF_A_CASE)

    learnt = [token for token, weight in zip(tokens, mask, strict=True) if weight]
    end = chat.tokenizer.decode([chat.end_of_turn], skip_special_tokens=False)
    assert chat.tokenizer.decode(learnt, skip_special_tokens=False) == f"This.{end}Done.{end}"
    assert tokens[-1] == chat.end_of_turn


@pytest.mark.parametrize("kind", [TURNS, CHATML, NO_SYSTEM])
def test_the_sequence_is_the_conversation_as_the_template_writes_it(kind):
    chat = chat_of(kind)
    tokens, _ = learnt_tokens(chat, TURNS_OF_A_CASE)
    whole = chat.prompt([*TURNS_OF_A_CASE, {"role": "user", "content": ""}])
    assert whole[: len(tokens)] == tokens


def test_what_a_template_cannot_go_on_from_is_rendered_once_up_to_the_last_reply():
    class Forgetful(TemplateTokenizer):
        """Writes no reply but the last one."""

        def apply_chat_template(self, conversation, **options):
            kept = [one for one in conversation if one["role"] != "assistant"]
            return super().apply_chat_template(kept, **options)

    chat = ChatTokens(Forgetful(CHATML), form="signatures")
    tokens, mask = learnt_tokens(chat, TURNS_OF_A_CASE)
    assert chat.decode([t for t, one in zip(tokens, mask, strict=True) if one]) == "Done."


def test_a_conversation_without_a_reply_has_nothing_to_learn():
    assert learnt_tokens(chat_of(CHATML), TURNS_OF_A_CASE[:3]) == ([], [])
