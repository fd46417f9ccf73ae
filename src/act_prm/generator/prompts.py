"""The texts of prompts: actions as the model writes them, thoughts, and conversations that fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from act_prm.config import GeneratorConfig, ToolCallTags
from act_prm.environments.types import Message
from act_prm.llm_handlers.types import FUNCTION_CALL, REASONING, ActionFromLLM

Prompt = tuple[list[Message], list[int]]
"""The messages of a prompt and its token ids."""


def action_text(
    actions: Sequence[ActionFromLLM], tags: ToolCallTags, final_answer: str = ""
) -> str:
    """Return actions as the model writes them: calls in tags, text after `final_answer`."""
    parts = [_as_text(action, tags, final_answer) for action in actions if action.type != REASONING]
    return "\n".join(filter(None, parts))


def _as_text(action: ActionFromLLM, tags: ToolCallTags, final_answer: str) -> str:
    if action.type != FUNCTION_CALL:
        return f"{final_answer}{action.text}" if action.text else ""
    name = json.dumps(action.name, ensure_ascii=False)
    arguments = json.dumps(action.arguments or {}, ensure_ascii=False)
    return f'{tags.bos}\n{{"name": {name}, "{tags.argname}": {arguments}}}\n{tags.eos}'


def thought_then_action(thought: str, action: str, config: GeneratorConfig) -> str:
    """Return a step as the policy writes it."""
    return f"{config.thought_bos}{thought}{config.thought_eos}\n{action}"


def action_then_thought(thought: str, action: str, config: GeneratorConfig) -> str:
    """Return a step as it is shown to a model that explains actions."""
    return f"{action}\n{config.thought_bos}{thought}{config.thought_eos}"


def thought_of(text: str, config: GeneratorConfig) -> str:
    """Return the thought of a completion: the text before the closing tag."""
    return text.partition(config.thought_eos)[0]


def with_thoughts(messages: Sequence[Message], thought_tags: tuple[str, str]) -> list[Message]:
    """Return a conversation with reasoning written into the content, before the text."""
    return [_with_thought(message, *thought_tags) for message in messages]


def _with_thought(message: Message, opening: str, closing: str) -> Message:
    thought = message.get("reasoning_content")
    if not thought:
        return dict(message)
    kept = {key: value for key, value in message.items() if key != "reasoning_content"}
    text = message.get("content") or ""
    return kept | {"content": f"{opening}{thought}{closing}" + (f"\n{text}" if text else "")}


def fitted(
    messages: Sequence[Message], render: Callable[[list[Message]], list[int]], limit: int
) -> Prompt | None:
    """Return the system prompt and as many last messages as render to at most `limit` token ids.

    The messages begin with one of the model or the user, so that no tool result is shown without
    its call. None if nothing fits.
    """
    kept = list(messages)
    ids = render(kept)
    if len(ids) <= limit:
        return kept, ids
    head = kept[:1] if kept and kept[0].get("role") == "system" else []
    starts = [
        at
        for at in range(len(head) + 1, len(kept))
        if kept[at].get("role") in {"assistant", "user"}
    ]
    found: Prompt | None = None
    # Binary search: the later the first message, the shorter the prompt.
    low = 0
    high = len(starts)
    while low < high:
        middle = (low + high) // 2
        shorter = [*head, *kept[starts[middle] :]]
        ids = render(shorter)
        if len(ids) <= limit:
            found, high = (shorter, ids), middle
        else:
            low = middle + 1
    return found
