"""Conversations as token ids, of which the replies of the model are kept as they were sampled.

Only prompts and demonstrations are encoded from text. The prompt of a turn is the last prompt, the
reply to it, and what came since, so that an episode is one sequence of tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

from tau2.actions.chat_template import ChatTemplate
from tau2.utils.json_types import JsonMapping


class ChatTokens:
    """The chat template of one tokenizer, with the same options for every prompt.

    Args:
        tokenizer: A Hugging Face tokenizer.
        template_options: Further variables of the template.
        form: How tools and calls are written; see `tau2.actions.chat_template.PromptForm`.
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        template_options: JsonMapping | None = None,
        form: str = "auto",
    ) -> None:
        self.tokenizer = tokenizer
        self.template = ChatTemplate(tokenizer, form=form, options=template_options)

    def prompt(
        self,
        messages: Sequence[JsonMapping],
        tools: Sequence[JsonMapping] = (),
        *,
        prefix: str = "",
    ) -> list[int]:
        """Return the ids of the conversation up to the assistant's turn, then those of `prefix`.

        The model continues the prefix: after `prefix="<thought>"` it writes a thought. Raise
        ConfigError when the template cannot render the conversation.
        """
        return self.encode(self.template.prompt(messages, tools)) + self.encode(prefix)

    def following(self, before: Sequence[int], since: Sequence[JsonMapping]) -> list[int] | None:
        """Return the ids of the prompt after a reply: those before it, kept as they are, and more.

        Args:
            before: The ids of the last prompt and of the reply, as they were sampled.
            since: The reply as a message, and the messages after it.

        None where the template cannot render that; the whole conversation is then rendered anew.
        """
        text = self.template.after_reply(since[1:])
        if text is None:
            return None
        after = self.encode(text)
        # A reply that was cut off is ended by the template; another one has ended itself.
        ended = bool(before) and before[-1] == self.end_of_turn and after[:1] == [before[-1]]
        return [*before, *(after[1:] if ended else after)]

    def reply(self, text: str, *, closed: bool = True) -> list[int]:
        """Return the ids of a demonstrated reply, with the end-of-turn token if `closed`."""
        return self.encode(self.template.inert(text)) + ([self.end_of_turn] if closed else [])

    @cached_property
    def end_of_turn(self) -> int:
        """The token that ends a turn of the assistant."""
        closing = self.encode(self.template.end_of_turn)
        first = self.tokenizer.decode(closing[:1], skip_special_tokens=False)
        if closing and first in self.template.special_tokens:
            return closing[0]
        return int(self.tokenizer.eos_token_id)

    def encode(self, text: str) -> list[int]:
        """Return the ids of the text alone, without special tokens."""
        if not text:
            return []
        return [int(one) for one in self.tokenizer.encode(text, add_special_tokens=False)]

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of the ids, without special tokens."""
        return str(self.tokenizer.decode(list(tokens), skip_special_tokens=True))


class LearntTokens(NamedTuple):
    """A demonstrated conversation as one sequence."""

    tokens: list[int]
    mask: list[int]
    """1 for the tokens of replies that are to be imitated, their ends of turn included; else 0."""


def learnt_tokens(chat: ChatTokens, turns: Sequence[JsonMapping]) -> LearntTokens:
    """Return a conversation of plain turns, up to its last reply.

    A turn of the assistant is imitated unless its `weight` is 0. Replies before the first turn of
    the user belong to the prompt. Raise ConfigError when the template cannot render it.
    """
    roles = [turn["role"] for turn in turns]
    start = roles.index("user") if "user" in roles else 0
    replies = [at for at, role in enumerate(roles) if role == "assistant" and at > start]
    tokens: list[int] = []
    mask: list[int] = []
    for number, at in enumerate(replies):
        if number == 0:
            tokens = chat.prompt(turns[:at])
        else:
            before = replies[number - 1]
            # A template that cannot go on from a reply has the whole conversation rendered anew.
            tokens = chat.following(tokens, turns[before:at]) or []
            if not tokens:
                return _last_reply(chat, turns[: replies[-1] + 1])
        mask += [0] * (len(tokens) - len(mask))
        reply = chat.reply(str(turns[at]["content"]))
        tokens = [*tokens, *reply]
        mask += [int(bool(turns[at].get("weight", 1)))] * len(reply)
    return LearntTokens(tokens, mask)


def _last_reply(chat: ChatTokens, turns: Sequence[JsonMapping]) -> LearntTokens:
    prompt = chat.prompt(turns[:-1])
    reply = chat.reply(str(turns[-1]["content"]))
    weight = int(bool(turns[-1].get("weight", 1)))
    return LearntTokens([*prompt, *reply], [0] * len(prompt) + [weight] * len(reply))
