"""The texts that prompts are made of: actions as the model writes them, thoughts, and conversations that fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from act_prm.config import GeneratorConfig, ToolCallTags
from act_prm.llm_handlers.types import FUNCTION_CALL, REASONING, ActionFromLLM

Message = dict[str, Any]


def action_text(
    actions: Sequence[ActionFromLLM], tags: ToolCallTags, final_answer: str = ""
) -> str:
    """Return actions as the model writes them: each call between its tags, plain words after `final_answer`."""
    parts = [_one(action, tags, final_answer) for action in actions if action.type != REASONING]
    return "\n".join(filter(None, parts))


def _one(action: ActionFromLLM, tags: ToolCallTags, final_answer: str) -> str:
    if action.type != FUNCTION_CALL:
        return f"{final_answer}{action.text}" if action.text else ""
    name = json.dumps(action.name, ensure_ascii=False)
    arguments = json.dumps(action.arguments or {}, ensure_ascii=False)
    return f'{tags.bos}\n{{"name": {name}, "{tags.argname}": {arguments}}}\n{tags.eos}'


def thought_then_action(thought: str, action: str, config: GeneratorConfig) -> str:
    """Return a turn as the plain policy writes it."""
    return f"{config.thought_bos}{thought}{config.thought_eos}\n{action}"


def action_then_thought(thought: str, action: str, config: GeneratorConfig) -> str:
    """Return a turn as it is shown to a model that is to explain actions."""
    return f"{action}\n{config.thought_bos}{thought}{config.thought_eos}"


def thought_of(text: str, config: GeneratorConfig) -> str:
    """Return the thought of a sampled continuation: all before its closing tag."""
    return text.partition(config.thought_eos)[0]


def with_thoughts(
    messages: Sequence[Mapping[str, Any]], thought_tags: tuple[str, str]
) -> list[Message]:
    """Return a conversation in which the model's thoughts stand where it wrote them: before what it said."""
    return [_with_thought(message, *thought_tags) for message in messages]


def _with_thought(message: Mapping[str, Any], opening: str, closing: str) -> Message:
    thought = message.get("reasoning_content")
    if not thought:
        return dict(message)
    kept = {key: value for key, value in message.items() if key != "reasoning_content"}
    said = message.get("content") or ""
    return kept | {"content": f"{opening}{thought}{closing}" + (f"\n{said}" if said else "")}


def fitted(
    messages: Sequence[Message], render: Callable[[list[Message]], list[int]], room: int
) -> tuple[list[Message], list[int]] | None:
    """Return the longest suffix of whole turns (after the system prompt) that renders to `room` ids, and those.

    A turn begins with what the model said, so no result is shown without its call. None if nothing fits.
    """
    kept = list(messages)
    ids = render(kept)
    if len(ids) <= room:
        return kept, ids
    head = kept[:1] if kept and kept[0].get("role") == "system" else []
    starts = [
        at
        for at in range(len(head) + 1, len(kept))
        if kept[at].get("role") in {"assistant", "user"}
    ]
    found: tuple[list[Message], list[int]] | None = None
    low, high = 0, len(starts)
    while low < high:  # later starts give shorter prompts
        middle = (low + high) // 2
        shorter = [*head, *kept[starts[middle] :]]
        ids = render(shorter)
        if len(ids) <= room:
            found, high = (shorter, ids), middle
        else:
            low = middle + 1
    return found
