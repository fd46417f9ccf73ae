"""The messages that participants, tools and the orchestrator exchange.

Field names and defaults are those of the public trajectory format. Equality ignores times, costs
and other measurements: two messages are equal when their content is.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    field_serializer,
)

from tau2.utils.json_types import JsonObject, JsonValue

ToolRequestor = Literal["user", "assistant"]


def _now() -> str:
    return datetime.now().isoformat()  # noqa: DTZ005  -- the public format stores naive local time


def _text(value: object) -> object:
    """Base64-encode bytes: the format stores text only."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


Text = Annotated[str | None, BeforeValidator(_text)]


CUT_SHORT_KEY = "cut_short"
"""The entry of `raw_data` that says why an answer is not whole."""
CUT_SHORT_WORDS = {
    "length": "cut off at the length limit",
    "content_filter": "cut off by the content filter",
}
"""How the values of `cut_short` are shown."""

_HEAD_LINES = 3  # title, id and name of a tool call as text


class _WithRole(BaseModel):
    """Every dump keeps the role: without it, stored messages could not be distinguished."""

    def model_post_init(self, context: object, /) -> None:
        """Count the role as given, so that `exclude_unset` keeps it."""
        self.__pydantic_fields_set__.add("role")

    @property
    def calls(self) -> list[ToolCall]:
        """The tool calls of the message; empty for a message that cannot have any."""
        return []


class SystemMessage(_WithRole):
    """Instructions for a model."""

    role: Literal["system"] = "system"
    content: str | None = None
    turn_idx: int | None = None
    timestamp: str | None = Field(default_factory=_now)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SystemMessage):
            return NotImplemented
        return self.role == other.role and self.content == other.content

    __hash__ = None  # type: ignore[assignment]  # mutable, like every pydantic model


ProviderData = Annotated[JsonObject | None, Field(exclude_if=lambda value: value is None)]
"""What a provider attached and wants back; see `tau2.actions.provider_data`.

No part of what is said or graded: equality ignores it, and where there is none, dumps do not
mention it.
"""


ToolMetadata = Annotated[JsonObject | None, Field(exclude_if=lambda value: value is None)]
"""How a tool found its result: `documents` (ids of those shown) and `search_seconds`.

No participant sees it and no check looks at it: equality ignores it, and where there is none, dumps
do not mention it.
"""


class ToolCall(BaseModel):
    """A request to run one tool."""

    id: str = ""
    name: str
    arguments: JsonObject
    requestor: ToolRequestor = "assistant"
    provider_data: ProviderData = Field(default=None, repr=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ToolCall):
            return NotImplemented
        return (
            self.id == other.id
            and self.name == other.name
            and self.arguments == other.arguments
            and self.requestor == other.requestor
        )

    __hash__ = None  # type: ignore[assignment]  # mutable, like every pydantic model

    def __str__(self) -> str:
        body = json.dumps(self.arguments, indent=2, default=str)
        head = f"ToolCall (from {self.requestor})\nid: {self.id}\nname: {self.name}"
        return f"{head}\narguments:\n{body}"

    @classmethod
    def from_string(cls, text: str) -> ToolCall:
        """Parse what `str()` wrote. Raise ValueError when `text` has another shape."""
        head, marker, body = text.partition("\narguments:\n")
        lines = head.splitlines()
        is_head = len(lines) == _HEAD_LINES and lines[0].startswith("ToolCall (from ")
        if not marker or not is_head:
            raise ValueError(f"not a tool call in text form: {text[:80]!r}")
        return cls.model_validate(
            {
                "requestor": lines[0].removeprefix("ToolCall (from ").removesuffix(")"),
                "id": lines[1].removeprefix("id: "),
                "name": lines[2].removeprefix("name: "),
                "arguments": json.loads(body),
            }
        )


class TurnTakingAction(BaseModel):
    """What a streaming participant decided in one tick; times are in seconds."""

    action: str
    info: str | None = None
    time_since_last_talk: float | None = None
    time_since_last_other_talk: float | None = None
    other_talk_duration: float | None = None
    self_talk_duration: float | None = None
    interruption_cost: float | None = None
    backchannel_cost: float | None = None
    decision_cost: float | None = None
    decision_seconds: float | None = None


class ParticipantMessageBase(_WithRole):
    """A message of an agent or a user: text, tool calls, or a chunk of speech."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    role: str = ""
    content: Text = None
    tool_calls: list[ToolCall] | None = None
    is_audio: bool = False
    turn_idx: int | None = None
    timestamp: str | None = Field(default_factory=_now)
    cost: float | None = None
    """US dollars; None when the price is not known."""
    usage: JsonObject | None = None
    """Token counts: `prompt_tokens`, `completion_tokens`."""
    raw_data: JsonObject | None = None
    """The provider's answer as it came."""
    generation_time_seconds: float | None = None
    reasoning_content: str | None = None
    """The model's reasoning; not shown to the other participant, sent back where models need it."""
    provider_data: ProviderData = Field(default=None, repr=False)

    audio_format: JsonValue = None
    audio_content: Any = Field(default=None, exclude=True, repr=False)
    audio_path: str | None = None
    audio_script_gold: str | None = None
    speech_effects: JsonValue = None
    source_effects: JsonValue = None
    channel_effects: JsonValue = None
    turn_taking_action: TurnTakingAction | None = None

    utterance_ids: list[str] | None = None
    chunk_id: int | None = None
    is_final_chunk: bool = True
    source: str | None = None
    contains_speech: bool = True

    def validate(self) -> None:  # type: ignore[override]  # public name; shadows an old classmethod
        """Raise ValueError when the message carries neither content nor a tool call."""
        if not self.has_content() and not self.is_tool_call():
            raise ValueError(f"an empty {self.role} message: it needs text, audio or a tool call")

    def has_content(self) -> bool:
        """Return whether there is text or audio."""
        return self.has_audio_content() if self.is_audio else self.has_text_content()

    def has_text_content(self) -> bool:
        """Return whether there is text that is not blank."""
        return bool(self.content and self.content.strip())

    def has_audio_content(self) -> bool:
        """Return whether there is audio."""
        return bool(self.is_audio and (self.audio_content or self.audio_path or self.content))

    @property
    def calls(self) -> list[ToolCall]:
        """The tool calls of the message."""
        return self.tool_calls or []

    @property
    def cut_short(self) -> str | None:
        """Why the model's answer is not whole: "length" or "content_filter"; None when it is."""
        reason = (self.raw_data or {}).get(CUT_SHORT_KEY)
        return reason if isinstance(reason, str) else None

    def is_tool_call(self) -> bool:
        """Return whether the message asks for at least one tool."""
        return bool(self.tool_calls)

    def get_audio_bytes(self) -> bytes | None:
        """Return the audio as bytes, or None."""
        if isinstance(self.audio_content, bytes):
            return self.audio_content
        if isinstance(self.audio_content, str):
            return base64.b64decode(self.audio_content)
        if not self.is_audio or not self.content:
            return None
        try:
            return base64.b64decode(self.content, validate=True)
        except ValueError:
            return None  # words, and no audio

    @classmethod
    def text(
        cls,
        content: str | None,
        *,
        tool_calls: list[ToolCall] | None = None,
        cost: float | None = None,
        usage: JsonObject | None = None,
        raw_data: JsonObject | None = None,
        generation_time_seconds: float | None = None,
    ) -> Self:
        """Make a text message."""
        return cls(
            content=content,
            tool_calls=tool_calls,
            cost=cost,
            usage=usage,
            raw_data=raw_data,
            generation_time_seconds=generation_time_seconds,
        )

    @classmethod
    def voice(cls, audio_content: bytes | str, **fields: Any) -> Self:
        """Make a speech message; `fields` are any further fields of the class."""
        return cls(is_audio=True, audio_content=audio_content, **fields)

    @classmethod
    def merge_chunks(cls, chunks: Sequence[Self]) -> Self:
        """Join the chunks of one utterance in their order. Raise ValueError when there is none."""
        if not chunks:
            raise ValueError("there are no chunks to merge")
        merged = chunks[-1].model_copy(deep=True)
        texts = [chunk.content for chunk in chunks if chunk.content]
        merged.content = "".join(texts) or None
        merged.tool_calls = [call for chunk in chunks for call in chunk.calls] or None
        audio = [data for chunk in chunks if (data := chunk.get_audio_bytes())]
        merged.audio_content = b"".join(audio) or None
        ids = [i for chunk in chunks for i in chunk.utterance_ids or ()]
        merged.utterance_ids = list(dict.fromkeys(ids)) or None
        merged.contains_speech = any(chunk.contains_speech for chunk in chunks)
        merged.timestamp = chunks[0].timestamp
        return merged

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ParticipantMessageBase):
            return NotImplemented
        return (
            self.role == other.role
            and self.content == other.content
            and self.is_audio == other.is_audio
            and self.tool_calls == other.tool_calls
            and self.audio_content == other.audio_content
        )

    __hash__ = None  # type: ignore[assignment]  # mutable, like every pydantic model


class UserMessage(ParticipantMessageBase):
    """A message of the (simulated) user: text, tool calls, or both."""

    role: Literal["user"] = "user"


class AssistantMessage(ParticipantMessageBase):
    """A message of the agent: text, tool calls, or both."""

    role: Literal["assistant"] = "assistant"


class ToolMessage(_WithRole):
    """The result of one tool call."""

    id: str
    role: Literal["tool"] = "tool"
    content: str | None = None
    requestor: ToolRequestor = "assistant"
    error: bool = False
    turn_idx: int | None = None
    timestamp: str | None = Field(default_factory=_now)
    metadata: ToolMetadata = Field(default=None, repr=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ToolMessage):
            return NotImplemented
        return (
            self.id == other.id
            and self.content == other.content
            and self.requestor == other.requestor
            and self.error == other.error
        )

    __hash__ = None  # type: ignore[assignment]  # mutable, like every pydantic model


class MultiToolMessage(_WithRole):
    """Several tool results handed to a participant at once; never stored in a trajectory."""

    role: Literal["tool"] = "tool"
    tool_messages: list[ToolMessage]


class Tick(BaseModel):
    """One fixed slice of a full-duplex conversation."""

    tick_id: int
    timestamp: str
    agent_chunk: AssistantMessage | None = None
    user_chunk: UserMessage | None = None
    agent_tool_calls: list[ToolCall] = Field(default_factory=list)
    user_tool_calls: list[ToolCall] = Field(default_factory=list)
    agent_tool_results: list[ToolMessage] = Field(default_factory=list)
    user_tool_results: list[ToolMessage] = Field(default_factory=list)
    user_transcript: str | None = None
    tick_duration_seconds: float | None = None
    wall_clock_duration_seconds: float | None = None

    @field_serializer("agent_chunk", "user_chunk", mode="wrap")
    def _without_nulls(
        self, chunk: object, serialize: SerializerFunctionWrapHandler
    ) -> JsonObject | None:
        """Leave out what is null: of the fields of a chunk most are, and a call has thousands."""
        dumped: JsonObject | None = serialize(chunk)
        if dumped is None:
            return None
        return {name: value for name, value in dumped.items() if value is not None}

    def get_all_messages(self) -> list[Message]:
        """Return the tick as messages: speech first, then tool calls and their results."""
        messages: list[Message] = [
            chunk for chunk in (self.agent_chunk, self.user_chunk) if chunk is not None
        ]
        if self.agent_tool_calls:
            messages.append(
                AssistantMessage(tool_calls=self.agent_tool_calls, timestamp=self.timestamp)
            )
        if self.user_tool_calls:
            messages.append(UserMessage(tool_calls=self.user_tool_calls, timestamp=self.timestamp))
        return [*messages, *self.agent_tool_results, *self.user_tool_results]


APICompatibleMessage = SystemMessage | AssistantMessage | UserMessage | ToolMessage
Message = SystemMessage | AssistantMessage | UserMessage | ToolMessage | MultiToolMessage
EnvironmentMessage = ToolMessage | MultiToolMessage
ValidInputMessage = UserMessage | AssistantMessage | ToolMessage | MultiToolMessage


def _message_kind(value: object) -> str | None:
    """Return the kind of a message by its role, so that only one class is tried per message."""
    if isinstance(value, BaseModel):
        return "multi" if isinstance(value, MultiToolMessage) else getattr(value, "role", None)
    if not isinstance(value, dict):
        return None
    return "multi" if "tool_messages" in value else value.get("role")


StoredMessage = Annotated[
    Annotated[SystemMessage, Tag("system")]
    | Annotated[AssistantMessage, Tag("assistant")]
    | Annotated[UserMessage, Tag("user")]
    | Annotated[ToolMessage, Tag("tool")]
    | Annotated[MultiToolMessage, Tag("multi")],
    Discriminator(_message_kind),
]
"""A `Message` as a field; the role decides which class is validated."""
