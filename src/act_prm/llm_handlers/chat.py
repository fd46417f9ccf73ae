"""From messages to token ids.

Scored and trained sequences are the prompt's ids followed by the sampled ids. Only prompts and
demonstrations are encoded from text. A sampled reply is never decoded and encoded again, so its
tokens, log-probabilities and loss mask always agree.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from act_prm.llm_handlers.client import Datum, SampledCompletion
from tau2.utils.json_types import JsonMapping, JsonObject

Message = JsonMapping


class Chat:
    """The chat template of one tokenizer, with the same options for every prompt."""

    def __init__(self, tokenizer: Any, *, template_options: JsonMapping | None = None) -> None:
        self.tokenizer = tokenizer
        self._options = dict(template_options or {})

    def prompt(
        self,
        messages: Sequence[Message],
        tools: Sequence[JsonMapping] = (),
        *,
        prefix: str = "",
    ) -> list[int]:
        """Return the ids of the conversation up to the assistant's turn, then those of `prefix`.

        The model continues the prefix: after `prefix="<thought>"` it writes a thought.
        """
        return self._rendered(messages, tools, add_generation_prompt=True) + self.encode(prefix)

    def reply(self, text: str, *, closed: bool = True) -> list[int]:
        """Return the ids of a demonstrated reply, with the end-of-turn token if `closed`."""
        return self.encode(text) + ([int(self.tokenizer.eos_token_id)] if closed else [])

    def encode(self, text: str) -> list[int]:
        """Return the ids of the text alone, without special tokens."""
        if not text:
            return []
        return [int(one) for one in self.tokenizer.encode(text, add_special_tokens=False)]

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of the ids, without special tokens."""
        return str(self.tokenizer.decode(list(tokens), skip_special_tokens=True))

    def _rendered(
        self,
        messages: Sequence[Message],
        tools: Sequence[JsonMapping],
        *,
        add_generation_prompt: bool,
    ) -> list[int]:
        text = self.tokenizer.apply_chat_template(
            [template_message(one) for one in messages],
            tools=[template_tool(one) for one in tools] or None,
            add_generation_prompt=add_generation_prompt,
            tokenize=False,
            **self._options,
        )
        return self.encode(text)


def template_tool(tool: JsonMapping) -> JsonObject:
    """Return a flat tool schema (type, name, description, parameters) in the nested form."""
    if "function" in tool:
        return dict(tool)
    return {
        "type": "function",
        "function": {key: value for key, value in tool.items() if key != "type"},
    }


def template_message(message: Message) -> JsonObject:
    """Return a message of an environment in the form that chat templates expect.

    The text of a tool result may be its `output`; arguments given as JSON text become objects.
    """
    role = str(message["role"])
    content = message.get("content")
    if content is None:
        content = message.get("output", "")
    made: JsonObject = {"role": role, "content": str(content)}
    if role == "tool":
        made |= {name: message[key] for key, name in _TOOL_KEYS.items() if message.get(key)}
    if calls := message.get("tool_calls"):
        made["tool_calls"] = [_template_call(one) for one in calls]
    return made


_TOOL_KEYS = {"name": "name", "call_id": "tool_call_id", "tool_call_id": "tool_call_id"}


def _template_call(call: JsonMapping) -> JsonObject:
    function = call.get("function", call)
    made = {
        "type": "function",
        "function": {"name": function["name"], "arguments": _parsed(function["arguments"])},
    }
    return made | ({"id": call["id"]} if call.get("id") else {})


def _parsed(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except ValueError:
        # The template shows what a model wrote, even if it is not JSON.
        return arguments


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
