"""Random calls of every tool of the bank: valid ones, nearly valid ones, and nonsense."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    ToolCall,
    ToolMessage,
    ToolRequestor,
    UserMessage,
)
from tau2.domains.banking_knowledge.data_model import TABLES
from tau2.environment.cow import peek_values
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool

ODD: Sequence[Any] = (
    None,
    "",
    0,
    -1,
    1_000_000,
    3.5,
    1e308,
    True,
    [],
    ["x"],
    {},
    {"a": 1},
    "unknown_9",
    "01/01/2020",
    "02/30/2025",
    "$1,000.50",
    'Tom "T" Bell',
    "back\\slash",
    "½²\ud800",
    "x" * 5000,
)
"""What arguments should not be, but may be."""
NOT_ARGUMENTS: Sequence[Any] = (
    "",
    "{",
    "[]",
    "null",
    "5",
    '"text"',
    '{"a": NaN}',
    '{"a": 1, "a": 2}',
    "[" * 3000,
    None,
    5,
    {},
    ["x"],
)
"""What stands in the place of the arguments of a discoverable tool."""
AMOUNTS = (0.01, 1, 15, 25.0, 100, 500, 12.5)
BY_NAME: Mapping[str, Sequence[str]] = {
    "pin": ("4821", "2589", "1234", "7777"),
    "new_pin": ("4821", "2589", "9876"),
    "current_pin": ("4821", "2589"),
    "expiration_date": ("01/28", "11/29", "12/31/2026"),
    "delivery_option": ("STANDARD", "rush", "PIGEON"),
    "card_design": ("CLASSIC", "premium", "GOLD"),
}
"""What some arguments should be that no record holds."""
ALIASES: Mapping[str, str] = {
    "credit_card_account_id": "account_id",
    "checking_account_id": "account_id",
    "source_account_id": "account_id",
    "destination_account_id": "account_id",
    "customer_name": "name",
    "full_name": "name",
    "card_last_4_digits": "last_4_digits",
}
"""Name of an argument → the field of a record that holds such values."""


@dataclass
class Caller:
    """Draws calls for an environment; what they name mostly exists in its database."""

    environment: Environment
    rng: random.Random
    messages: list[Message] = field(default_factory=list)
    """What was called, and the results."""

    def __post_init__(self) -> None:
        kits = {"assistant": self.environment.tools, "user": self.environment.user_tools}
        self.tools = {
            side: (list(kit.get_tools().values()), list(kit.get_discoverable_tools().values()))
            for side, kit in kits.items()
            if kit is not None
        }

    def calls(self, count: int) -> Iterator[tuple[ToolCall, ToolMessage]]:
        """Make calls and yield each with its result."""
        for number in range(count):
            if number % 100 == 0:
                self._read_database()
            call = self._drawn(f"c{number}")
            result = self.environment.get_response(call)
            kind = UserMessage if call.requestor == "user" else AssistantMessage
            self.messages += [kind(tool_calls=[call], cost=0.0), result]
            yield call, result

    def _read_database(self) -> None:
        self.subjects: dict[frozenset[str], list[dict[str, Any]]] = {}
        assert self.environment.tools is not None
        db = self.environment.tools.db
        self.records = [record for table in TABLES for record in peek_values(db.table(table))]
        self.users = {record["user_id"]: record for record in peek_values(db.users)}
        rules = self.environment.tools.rules
        self.by_name = {
            **BY_NAME,
            "account_class": [level.name for level in rules.levels.values()],
            "card_type": list(rules.cards),
            "credit_card_type": list(rules.cards),
        }

    def _drawn(self, call_id: str) -> ToolCall:
        side: ToolRequestor = "user" if self.rng.random() < 0.3 else "assistant"
        listed, hidden = self.tools[side]
        tool = self.rng.choice(listed + hidden)
        if tool in hidden and self.rng.random() < 0.95:
            return self._of_hidden(call_id, side, tool)
        arguments = self._arguments(tool)
        names = sorted(arguments.keys() & {"agent_tool_name", "discoverable_tool_name"})
        if names and self.rng.random() < 0.8:
            arguments[names[0]] = self.rng.choice(hidden or [tool]).name
        return ToolCall(id=call_id, name=tool.name, arguments=arguments, requestor=side)

    def _of_hidden(self, call_id: str, side: ToolRequestor, tool: Tool) -> ToolCall:
        """Return a call of a discoverable tool, or the one by which it is unlocked or given."""
        prepares = self.rng.random() < 0.2
        if side == "user" and prepares:
            given = {"discoverable_tool_name": tool.name}
            return ToolCall(id=call_id, name="give_discoverable_user_tool", arguments=given)
        if prepares:
            unlocked = {"agent_tool_name": tool.name}
            return ToolCall(id=call_id, name="unlock_discoverable_agent_tool", arguments=unlocked)
        text: object = json.dumps(self._arguments(tool))
        if self.rng.random() < 0.05:
            text = self.rng.choice(NOT_ARGUMENTS)
        name = "call_discoverable_user_tool" if side == "user" else "call_discoverable_agent_tool"
        key = "discoverable_tool_name" if side == "user" else "agent_tool_name"
        arguments = {key: tool.name, "arguments": text}
        return ToolCall(id=call_id, name=name, arguments=arguments, requestor=side)

    def _arguments(self, tool: Tool) -> dict[str, Any]:
        schema = tool.parameters
        fields: dict[str, Any] = schema.get("properties", {})
        subject = self._subject(fields)
        found = {
            name: self._value(name, one, subject)
            for name, one in fields.items()
            if name in schema.get("required", ()) or self.rng.random() < 0.3
        }
        chance = self.rng.random()
        if found and chance < 0.15:
            found[self.rng.choice(sorted(found))] = self.rng.choice(ODD)
        elif found and chance < 0.2:
            del found[self.rng.choice(sorted(found))]
        elif chance < 0.23:
            found["extra_field"] = 1
        return found

    def _subject(self, names: Iterable[str]) -> dict[str, Any]:
        """Return a record that has a field for many of the arguments, and its owner's fields."""
        wanted = frozenset(ALIASES.get(name, name) for name in names)
        if wanted not in self.subjects:
            most = max(len(wanted & record.keys()) for record in self.records)
            self.subjects[wanted] = [
                record for record in self.records if len(wanted & record.keys()) == most
            ]
        record = self.rng.choice(self.subjects[wanted])
        return {**self.users.get(str(record.get("user_id")), {}), **record}

    def _value(self, name: str, schema: dict[str, Any], subject: dict[str, Any]) -> Any:
        options = schema.get("enum") or self.by_name.get(name)
        like = ALIASES.get(name, name)
        if options and (like not in subject or self.rng.random() < 0.5):
            return self.rng.choice(options)
        if like in subject and self.rng.random() < 0.9:
            return subject[like]
        kinds = [one.get("type") for one in (schema, *schema.get("anyOf", ()))]
        if "boolean" in kinds:
            return self.rng.random() < 0.5
        if "number" in kinds or "integer" in kinds:
            return self.rng.choice(AMOUNTS)
        return self.rng.choice([*self.rng.choice(self.records).values(), "text"])
