"""From messages to token ids.

Scored and trained sequences are the prompt's ids followed by the sampled ids. Only prompts and
demonstrations are encoded from text. A sampled reply is never decoded and encoded again, so its
tokens, log-probabilities and loss mask always agree.
"""

from __future__ import annotations

from collections.abc import Sequence

from act_prm.environments.respond_user import without_respond_user, without_respond_user_tool
from act_prm.llm_handlers.client import Datum, SampledCompletion
from tau2.actions.chat_tokens import ChatTokens
from tau2.utils.json_types import JsonMapping

Message = JsonMapping


class Chat(ChatTokens):
    """The chat template of one tokenizer; in plain prompts a policy speaks without `respond_user`.

    The arguments are those of `ChatTokens`.
    """

    def prompt(
        self,
        messages: Sequence[Message],
        tools: Sequence[JsonMapping] = (),
        *,
        prefix: str = "",
    ) -> list[int]:
        """Return the ids of the conversation up to the assistant's turn; see `ChatTokens`."""
        if self.template.writes_plainly(messages, tools):
            messages = without_respond_user(messages)
            tools = without_respond_user_tool(tools)
        return super().prompt(messages, tools, prefix=prefix)

    def following(self, before: Sequence[int], since: Sequence[Message]) -> list[int] | None:
        """Return the ids of the prompt after a reply; see `ChatTokens`."""
        if self.template.writes_plainly(since):
            since = without_respond_user(since)
        return super().following(before, since)


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
