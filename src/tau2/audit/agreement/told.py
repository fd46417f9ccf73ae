"""What the comparisons look at: the scenario's text, the reference's calls, and the records."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tau2.audit.trajectory import call_of, is_write
from tau2.data_model.message import ToolCall
from tau2.data_model.tasks import Action, StructuredUserInstructions
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.environment.toolkit import ToolKitBase

Record = dict[str, Any]

_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n+")
PHONE = re.compile(r"\b\d{3}-\d{3}-\d{4}\b")
_USER_ID = re.compile(r"[a-z]+_[a-z]+_\d+")
_NAMED = re.compile(r"#W\d+|\b[A-Z0-9]{6}\b|\b[a-z]+_[a-z]+_\d+\b")
"""Ids in a text that a look-up may know: of orders, reservations and customers."""

_OWNED = (("id", "line_ids"), ("order_id", "orders"), ("reservation_id", "reservations"))
"""Argument of a look-up, and the field of a profile that lists its values."""


@dataclass(slots=True)
class _Reader:
    """Looks records up on a fresh environment, each call once."""

    environment: Environment
    toolkit: ToolKitBase
    seen: set[tuple[str, str]] = field(default_factory=set)
    records: list[Record] = field(default_factory=list)

    def read(self, key: str, value: object) -> None:
        """Call every look-up whose only argument is `key`; a value that is no text is nothing."""
        if not isinstance(value, str):
            return
        for name, tool in self.toolkit.get_tools().items():
            fields = list(tool.params.model_fields)
            if fields == [key] and not self.toolkit.tool_mutates_state(name):
                self.call(name, {key: value})

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Make a call and keep the record in its result; return the result as text."""
        mark = (name, json.dumps(arguments, sort_keys=True))
        if mark in self.seen:
            return ""
        self.seen.add(mark)
        result = self.environment.get_response(ToolCall(id="audit", name=name, arguments=arguments))
        content = result.content or ""
        if result.error:
            return ""
        self.records += _records(content)
        return content


def _records(content: str) -> Iterator[Record]:
    try:
        found = json.loads(content)
    except ValueError:
        return
    for part in found if isinstance(found, list) else [found]:
        if isinstance(part, dict):
            yield part


@dataclass(frozen=True)
class Told:
    """One task, as far as scenario and reference can be compared."""

    text: str
    """What the simulated user is told."""
    actions: Sequence[Action]
    writes: Sequence[Action]
    """Those of the agent's actions that change something."""
    records: Sequence[Record]
    """What the look-ups say at the start, about everything that reference and text name."""
    info: Sequence[str]
    """What the agent has to communicate."""

    @cached_property
    def lower(self) -> str:
        """The text in lower case."""
        return self.text.lower()

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences of the text."""
        return [part for part in _SENTENCE_END.split(self.text) if part]

    @cached_property
    def arguments(self) -> str:
        """Everything that the reference gives to tools, as text."""
        return json.dumps([action.arguments for action in self.actions], ensure_ascii=False)

    @cached_property
    def on_record(self) -> str:
        """All records as text."""
        return json.dumps(self.records, ensure_ascii=False)

    @cached_property
    def profile(self) -> Record | None:
        """The record of the customer whom the reference looks up first."""
        return next((record for record in self.records if _is_profile(record)), None)

    def record(self, key: str, value: object) -> Record | None:
        """Return the record with this id."""
        found = (r for r in self.records if value is not None and r.get(key) == value)
        return next(found, None)

    def all_with(self, key: str) -> list[Record]:
        """Return the records that have a field."""
        return [record for record in self.records if key in record]


def _is_profile(record: Record) -> bool:
    return "payment_methods" in record or ("customer_id" in record and "full_name" in record)


def told_of(setup: TaskSetup) -> Told:
    """Collect what the scenario and the reference of a task say, and what is on record."""
    task = setup.task
    told = task.user_scenario.instructions
    text = told if isinstance(told, str) else _joined(told)
    environment = setup.start()
    reader = None
    if environment.tools is not None:
        reader = _Reader(environment.fork(), environment.tools)
        _read(reader, task.reference_actions, text)
    criteria = task.evaluation_criteria
    return Told(
        text=text,
        actions=task.reference_actions,
        writes=[
            action
            for action in task.reference_actions
            if action.requestor == "assistant" and is_write(environment, action)
        ],
        records=reader.records if reader is not None else [],
        info=(criteria.communicate_info if criteria is not None else None) or [],
    )


def _joined(told: StructuredUserInstructions) -> str:
    parts = (told.reason_for_call, told.known_info, told.unknown_info, told.task_instructions)
    return "\n".join(part for part in parts if part)


def _read(reader: _Reader, actions: Sequence[Action], text: str) -> None:
    """Look up what the reference looks up, what its changes name, and what the text names."""
    for action in actions:
        if action.requestor == "assistant" and reader.toolkit.has_tool(action.name):
            _read_action(reader, action)
    for record in list(reader.records):
        reader.read("user_id", record.get("user_id"))
    for name in _NAMED.findall(text):
        for key in ("order_id", "reservation_id", "user_id"):
            reader.read(key, name)
    for phone in PHONE.findall(text):
        reader.read("phone_number", phone)
    _read_owned(reader)
    if reader.toolkit.has_tool("list_all_airports"):
        reader.call("list_all_airports", {})


def _read_action(reader: _Reader, action: Action) -> None:
    if not reader.toolkit.tool_mutates_state(action.name):
        found = reader.call(action.name, call_of(action).arguments)
        if _USER_ID.fullmatch(found):
            reader.read("user_id", found)
    for key, value in action.arguments.items():
        if key.endswith("id"):
            reader.read(key, value)
            reader.read("id", value)


def _read_owned(reader: _Reader) -> None:
    """Look up what the records list: lines, orders, reservations, and the products in orders."""
    for record in list(reader.records):
        for key, listed in _OWNED:
            for value in record.get(listed) or ():
                reader.read(key, value)
        items = record.get("items")
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict):
                reader.read("product_id", item.get("product_id"))
