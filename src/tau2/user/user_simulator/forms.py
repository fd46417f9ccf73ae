"""The two forms of a model-driven user's prompt, and which one a model is given.

*Full*: all rules with one worked example, and the conversation as messages. *Short*, for small
models: a few rules, and the conversation as one transcript that ends in "Customer:". In neither
form do the agent's first words stand in the user's role, where models take them for the words of
the person whom they are to help.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Literal

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.run_config import UserPrompt

PromptForm = Literal["full", "short"]

SMALL = 8.0
"""Billions of parameters from which on a model is given the full form."""

REMINDER = "Remember: you are the customer. Write only the customer's next message."
"""The last line of the full form."""

FIRST_TURN = "Write the customer's first message."
"""Stands in the place of the agent's first words, which the system message quotes."""

_SIZE = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)(?:x(\d+(?:\.\d+)?))?(b|m)(?![a-z0-9])")
_ACTIVE = re.compile(r"(?<=[-_:/])a\d+(?:\.\d+)?b(?![a-z])")
_LABEL = re.compile(r"^\s*(?:\**\s*(?:customer|user|me)\s*\**\s*:\s*\**)+", re.IGNORECASE)
_NEXT_SPEAKER = re.compile(r"\n\s*\**\s*(?:agent|assistant|customer|user)\s*\**\s*:", re.IGNORECASE)


def form_of(model: str, wanted: UserPrompt = "auto") -> PromptForm:
    """Return the form for a model: the wanted one, or by the size that its name tells.

    A name with a number of parameters under `SMALL` billions ("qwen2.5-1.5b-instruct",
    "smollm2-360m") gets the short form; every other one, also a name without a size, the full one.
    """
    if wanted != "auto":
        return wanted
    sizes = sizes_in(model)
    return "short" if sizes and max(sizes) < SMALL else "full"


def sizes_in(model: str) -> list[float]:
    """Return the numbers of parameters that a model's name tells, in billions."""
    name = _ACTIVE.sub("", model.lower().rsplit("/", 1)[-1])
    return [
        float(count) * float(each or 1) / (1 if unit == "b" else 1000)
        for count, each, unit in _SIZE.findall(name)
    ]


def opening_of(messages: Sequence[Message]) -> list[AssistantMessage]:
    """Return what the agent said before the user said or did anything."""
    opening: list[AssistantMessage] = []
    for message in messages:
        if not isinstance(message, AssistantMessage):
            break
        opening.append(message)
    return opening


def opening_note(opening: Sequence[AssistantMessage]) -> str:
    """Return how the system message tells what the agent said first."""
    said = "\n".join(message.content or "" for message in opening).strip()
    return f"<opening>\nThe agent opened the conversation with these words:\n{said}\n</opening>"


def transcript(messages: Sequence[Message], objection: str | None = None) -> str:
    """Return the conversation as one text that ends in "Customer:"."""
    lines = ["The conversation so far:", ""]
    for message in messages:
        if isinstance(message, ToolMessage):
            lines.append(f"(The customer's device shows: {message.content})")
        elif isinstance(message, UserMessage) and message.is_tool_call():
            lines += [f"(The customer uses {_call(message)})"]
        elif not isinstance(message, MultiToolMessage):
            who = "Customer" if isinstance(message, UserMessage) else "Agent"
            lines.append(f"{who}: {message.content or ''}")
    if objection is not None:
        lines.append(f"({objection_note(objection)})")
    return "\n".join([*lines, "Customer:"])


def _call(message: UserMessage) -> str:
    return ", ".join(
        f"{call.name}({json.dumps(call.arguments) if call.arguments else ''})"
        for call in message.calls
    )


def objection_note(objection: str) -> str:
    """Return how a model is told why it is asked again."""
    return (
        f"Your last answer cannot be used: {objection}. Write another message, as the customer, "
        "with facts that you were given and without this mistake."
    )


def own_line(text: str | None) -> str | None:
    """Return a small model's answer without a label, and without the lines that it adds."""
    if text is None:
        return None
    return _NEXT_SPEAKER.split(_LABEL.sub("", text), maxsplit=1)[0].strip()
