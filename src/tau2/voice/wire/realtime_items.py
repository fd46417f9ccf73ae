"""The items of a Realtime conversation, and the messages that a text agent sees of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.utils.json_types import JsonObject
from tau2.voice.cascade.utterance import Utterance
from tau2.voice.wire.reading import MOST_ID, Reader, WireError

ItemStatus = Literal["completed", "incomplete", "in_progress"]
_MOST_PARTS = 64
_CONTENT_TYPES = {
    "user": ("input_text", "input_audio"),
    "system": ("input_text",),
    "assistant": ("output_text", "output_audio"),
}


@dataclass(slots=True)
class Item:
    """One item. `kind` is message, function_call or function_call_output."""

    id: str
    kind: str
    role: str = ""
    """Of a message: user, system or assistant."""
    text: str = ""
    """What a message says; of speech, what was understood, or has been said so far."""
    is_audio: bool = False
    status: ItemStatus = "completed"
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str = ""
    utterance: Utterance | None = None
    """The speech of an assistant's message."""
    audio_ms: float = 0.0
    """How much of it was sent, or is left after truncation."""
    unrecognized: int = field(default=0, repr=False)
    """How many pieces of its audio are not recognized yet."""

    def as_data(self) -> JsonObject:
        """Return the item as the protocol writes it."""
        head: JsonObject = {"id": self.id, "object": "realtime.item", "type": self.kind}
        head["status"] = self.status
        if self.kind == "function_call":
            return {
                **head,
                "call_id": self.call_id,
                "name": self.name,
                "arguments": self.arguments,
            }
        if self.kind == "function_call_output":
            return {**head, "call_id": self.call_id, "output": self.output}
        return {**head, "role": self.role, "content": [self.part()]}

    def part(self) -> JsonObject:
        """Return the content of a message."""
        direction = "output" if self.role == "assistant" else "input"
        if self.is_audio:
            transcript = None if self.unrecognized else self.text
            return {"type": f"{direction}_audio", "transcript": transcript}
        return {"type": f"{direction}_text", "text": self.text}


def read_item(item: Reader, identifier: str) -> tuple[Item, list[bytes]]:
    """Return an item that a client creates, and the audio in it.

    Raise WireError for one that cannot be accepted.
    """
    own_id = item.text("id", identifier, MOST_ID)
    if not own_id:
        raise item.wrong("id", "must not be empty")
    kind = item.one_of("type", ("message", "function_call", "function_call_output"))
    if kind == "function_call":
        arguments = item.text("arguments")
        _arguments(arguments, item)
        call_id = item.text("call_id", own_id, MOST_ID)
        name = item.text("name", most=MOST_ID)
        return Item(own_id, kind, call_id=call_id, name=name, arguments=arguments), []
    if kind == "function_call_output":
        call_id = item.text("call_id", most=MOST_ID)
        return Item(own_id, kind, call_id=call_id, output=item.text("output")), []
    role = item.one_of("role", _CONTENT_TYPES)
    parts = item.list("content", lambda part: _read_part(part, role), _MOST_PARTS)
    audio = [data for _, data in parts if data is not None]
    text = "\n".join(text for text, _ in parts if text)
    if not text and not audio:
        raise item.wrong("content", "has no text and no audio")
    read = Item(own_id, kind, role=role, text=text, is_audio=bool(audio))
    return read, audio


def _read_part(part: Reader, role: str) -> tuple[str, bytes | None]:
    kind = part.one_of("type", (*_CONTENT_TYPES[role], "text", "input_image"))
    if kind == "input_image":
        raise part.wrong("type", "input_image is not served here: a text agent sees no images")
    if kind == "input_audio":
        if "audio" in part:
            return "", part.audio("audio")
        return part.text("transcript", ""), None
    if kind == "output_audio":
        return part.text("transcript", ""), None
    return part.text("text", ""), None


def _arguments(text: str, item: Reader) -> JsonObject:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise item.wrong("arguments", "must be a JSON object")
    return value


class Conversation:
    """The items in their order."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def last_id(self) -> str | None:
        """The id of the last item."""
        return self._items[-1].id if self._items else None

    def get(self, identifier: str, param: str = "item_id") -> Item:
        """Return an item. Raise WireError where there is none."""
        for item in self._items:
            if item.id == identifier:
                return item
        raise WireError("item_not_found", "there is no item with this id", param)

    def has(self, identifier: str) -> bool:
        """Return whether an item has this id."""
        return any(item.id == identifier for item in self._items)

    def add(self, item: Item, previous_id: str | None = None) -> str | None:
        """Add an item after another one, or at the end; return the id before it.

        Raise WireError where its id is taken, or the other item does not exist.
        """
        if self.has(item.id):
            raise WireError("item_id_already_exists", "an item has this id already", "item.id")
        if previous_id == "root":
            self._items.insert(0, item)
            return None
        if previous_id is None:
            before = self.last_id
            self._items.append(item)
            return before
        place = self._items.index(self.get(previous_id, "previous_item_id"))
        self._items.insert(place + 1, item)
        return previous_id

    def remove(self, item: Item) -> None:
        """Remove an item."""
        self._items.remove(item)

    def has_call(self, call_id: str) -> bool:
        """Return whether a call of this id has no result yet."""
        of_call = [item.kind for item in self._items if item.call_id == call_id]
        return "function_call" in of_call and "function_call_output" not in of_call


def system_texts(items: Sequence[Item]) -> list[str]:
    """Return what system messages add to the instructions."""
    return [item.text for item in items if item.role == "system" and item.text]


def messages_of(items: Sequence[Item]) -> list[Message]:
    """Return a conversation as a text agent sees it.

    Messages of the user that follow one another are one turn. Calls that have no result yet are
    left out, and results stand right after their calls.
    """
    outputs = {item.call_id: item for item in items if item.kind == "function_call_output"}
    seen = [
        item
        for item in items
        if item.kind != "function_call_output"
        and item.role != "system"
        and (item.kind != "function_call" or item.call_id in outputs)
    ]
    messages: list[Message] = []
    for (kind, role), group in groupby(seen, key=lambda item: (item.kind, item.role)):
        if kind == "function_call":
            messages.extend(_with_results(list(group), outputs))
            continue
        texts = [item.text for item in group if item.text.strip()]
        if role == "user" and texts:
            messages.append(UserMessage(content=" ".join(texts), cost=0.0))
        elif role == "assistant":
            messages.extend(AssistantMessage(content=text, cost=0.0) for text in texts)
    return messages


def _with_results(calls: Sequence[Item], outputs: dict[str, Item]) -> list[Message]:
    tool_calls = [
        ToolCall(id=call.call_id, name=call.name, arguments=_loaded(call.arguments))
        for call in calls
    ]
    results = [
        ToolMessage(id=call.call_id, content=outputs[call.call_id].output, requestor="assistant")
        for call in calls
    ]
    return [AssistantMessage(content=None, tool_calls=tool_calls, cost=0.0), *results]


def _loaded(arguments: str) -> JsonObject:
    value = json.loads(arguments or "{}")
    assert isinstance(value, dict), "arguments are checked when an item is made"
    return value


def split_last(messages: Sequence[Message]) -> tuple[list[Message], Message | None]:
    """Return the history, and what the agent is to reply to; None where it has the last word."""
    if not messages or isinstance(messages[-1], AssistantMessage):
        return list(messages), None
    if not isinstance(messages[-1], ToolMessage):
        return list(messages[:-1]), messages[-1]
    count = 0
    for message in reversed(messages):
        if not isinstance(message, ToolMessage):
            break
        count += 1
    history = list(messages[:-count])
    results = [message for message in messages[-count:] if isinstance(message, ToolMessage)]
    if count == 1:
        return history, results[0]
    return history, MultiToolMessage(tool_messages=results)
