"""A conversation in OpenAI's form as what matters to the next turn: texts, calls and results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tau2.actions.message import text_of_content
from tau2.actions.tool_calls import parse_arguments
from tau2.utils.json_types import JsonMapping, JsonObject

_ERROR_STARTS = ("error", '{"error"', '{"detail"')


@dataclass(frozen=True, slots=True)
class PastCall:
    """A tool call of the conversation, with its result once there is one."""

    name: str
    arguments: JsonObject
    user_turn: int
    """How many messages the other side had written when it was made."""
    result: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether a result came back that is no error."""
        return self.result is not None and not self.result.lstrip().lower().startswith(
            _ERROR_STARTS
        )

    @property
    def key(self) -> str:
        """The call as text that equals that of an identical call."""
        return json.dumps([self.name, self.arguments], sort_keys=True)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said and done so far."""

    system_texts: tuple[str, ...]
    user_texts: tuple[str, ...]
    calls: tuple[PastCall, ...]

    @property
    def calls_in_a_row(self) -> int:
        """How many of the last calls were made since the other side last wrote."""
        return len(self.since_user)

    @property
    def since_user(self) -> tuple[PastCall, ...]:
        """The calls that were made since the other side last wrote."""
        return tuple(call for call in self.calls if call.user_turn == len(self.user_texts))


def read_conversation(messages: Sequence[JsonMapping]) -> Conversation:
    """Return the conversation that messages of OpenAI's form are."""
    system: list[str] = []
    users: list[str] = []
    made: list[tuple[str, PastCall]] = []
    results: dict[str, str] = {}
    for message in messages:
        role = message.get("role")
        text = text_of_content(message.get("content"))
        if role == "tool":
            results[str(message.get("tool_call_id"))] = text
        elif role == "assistant":
            calls = message.get("tool_calls")
            made += [_past_call(call, len(users)) for call in calls or ()]
        elif role in {"system", "developer"}:
            system.append(text)
        else:
            users.append(text)
    calls_with_results = tuple(
        PastCall(call.name, call.arguments, call.user_turn, results.get(id_)) for id_, call in made
    )
    return Conversation(tuple(system), tuple(users), calls_with_results)


def _past_call(call: JsonMapping, user_turn: int) -> tuple[str, PastCall]:
    function = call.get("function") or call
    arguments = parse_arguments(function.get("arguments"))
    past = PastCall(str(function.get("name")), arguments, user_turn)
    return str(call.get("id")), past
