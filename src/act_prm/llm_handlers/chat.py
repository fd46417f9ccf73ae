"""From messages to token ids.

Scored and trained sequences are the prompt's ids followed by the sampled ids. Only prompts and
demonstrations are encoded from text. A sampled reply is never decoded and encoded again, so its
tokens, log-probabilities and loss mask always agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from act_prm.environments.respond_user import without_respond_user, without_respond_user_tool
from act_prm.llm_handlers.client import Datum, SampledCompletion
from tau2.actions.chat_template import ChatTemplate
from tau2.utils.json_types import JsonMapping

Message = JsonMapping


class Chat:
    """The chat template of one tokenizer, with the same options for every prompt.

    Args:
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
        messages: Sequence[Message],
        tools: Sequence[JsonMapping] = (),
        *,
        prefix: str = "",
    ) -> list[int]:
        """Return the ids of the conversation up to the assistant's turn, then those of `prefix`.

        The model continues the prefix: after `prefix="<thought>"` it writes a thought. Raise
        ConfigError when the template cannot render the conversation.
        """
        if self.template.writes_plainly(messages, tools):
            messages = without_respond_user(messages)
            tools = without_respond_user_tool(tools)
        return self.encode(self.template.prompt(messages, tools)) + self.encode(prefix)

    def following(self, before: Sequence[int], since: Sequence[Message]) -> list[int] | None:
        """Return the ids of the prompt after a reply: those before it, kept as they are, and more.

        Args:
            before: The ids of the last prompt and of the reply, as they were sampled.
            since: The reply as a message, and the messages after it.

        None where the template cannot render that; the whole conversation is then rendered anew.
        """
        if self.template.writes_plainly(since):
            since = without_respond_user(since)
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


def sampled_datum(
    prompt: Sequence[int],
    completion: SampledCompletion,
    *,
    advantage: float,
    mask: Sequence[bool] = (),
) -> Datum:
    """Return the datum of a sampled reply; the tokens of `mask` (default: all) have `advantage`."""
    counts = list(mask) or [True] * len(completion.tokens)
    before = [0.0] * len(prompt)
    return Datum(
        tokens=[*prompt, *completion.tokens],
        weights=before + [float(one) for one in counts],
        advantages=before + [advantage if one else 0.0 for one in counts],
        logprobs=before + list(completion.logprobs),
    )


def demonstrated_datum(
    prompt: Sequence[int], reply: Sequence[int], *, weight: float = 1.0
) -> Datum:
    """Return the datum of a demonstrated reply; only the reply is in the loss."""
    return Datum(tokens=[*prompt, *reply], weights=[0.0] * len(prompt) + [weight] * len(reply))
