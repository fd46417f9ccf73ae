"""Checks of tasks whose agent has to read documents, and of what their references write.

A value that a database is compared by has to follow from the scenario, the records or a document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from tau2.audit.trajectory import ScriptedEpisode, is_write
from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.tasks import Action, RewardType, Task
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.utils.text import shortened

_NAMES_A_TOOL = ("agent_tool_name", "discoverable_tool_name")
_ARGUMENTS = "arguments"
_PROSE = 4  # words from which on a value is a sentence of somebody's
_LONGEST_SHOWN = 60  # characters of a value that a finding shows
_WORD = re.compile(r"[^\W_]+")
_QUANTITY = re.compile(
    r"-?\$-?[\d,]{1,20}(?:\.\d{1,9})?|-?[\d,]{1,20}\.\d{1,9}|\d{1,20} [a-z]{1,20}"
)
"""A number with its unit: what an agent computes, and not what it looks up."""
_DATE = re.compile(r"(\d\d/\d\d)/\d{4}")


class Readable(Protocol):
    """A document, as `tau2.knowledge.documents` has it."""

    @property
    def id(self) -> str:
        """By which tasks require it."""

    @property
    def title(self) -> str:
        """Its first line."""

    @property
    def content(self) -> str:
        """Its text."""


class Library:
    """The documents of a domain, found by id or title."""

    def __init__(self, documents: Sequence[Readable] = ()) -> None:
        self._documents = tuple(documents)
        self._found = {one.title: one for one in reversed(self._documents)}
        self._found |= {one.id: one for one in self._documents}

    def find(self, name: str) -> Readable | None:
        """Return the document with this id or title."""
        return self._found.get(name)

    def required_by(self, task: Task) -> list[Readable]:
        """Return the documents that a task requires, as far as they exist."""
        found = (self.find(name) for name in task.required_documents or ())
        return [document for document in found if document is not None]

    def naming(self, word: str) -> list[Readable]:
        """Return the documents in which a word stands."""
        return [document for document in self._documents if word in document.content]


class Written(NamedTuple):
    """A text that the reference gives to a tool."""

    tool: str
    argument: str
    value: str


def called_tool(action: Action) -> str:
    """Return the tool that an action calls: itself, or the discoverable one that it names."""
    names = (action.arguments.get(key) for key in _NAMES_A_TOOL)
    return next((name for name in names if isinstance(name, str)), action.name)


def values_of(action: Action) -> list[Written]:
    """Return the texts among the arguments of an action, also of those written as JSON."""
    tool = called_tool(action)
    return [Written(tool, key, value) for key, value in _texts(action.arguments, "")]


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            inner = _as_object(item) if name == _ARGUMENTS else None
            yield from _texts(item if inner is None else inner, name)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key)
    elif isinstance(value, str):
        yield key, value


def _as_object(value: object) -> Mapping[str, Any] | None:
    if not isinstance(value, str):
        return None
    try:
        parsed = json.loads(value)
    except ValueError:
        return None
    return parsed if isinstance(parsed, Mapping) else None


def needs_no_source(value: str) -> bool:
    """Return whether a value is a number with its unit: a decision, and not knowledge."""
    return _QUANTITY.fullmatch(value) is not None


def without_year(value: str) -> str:
    """Return a date without its year, which a rule may have shifted; any other value as it is."""
    date = _DATE.fullmatch(value)
    return value if date is None else date[1]


def check_documents(task: Task, library: Library) -> list[str]:
    """The documents that a task requires exist, and name the tools that its reference calls."""
    problems = [
        f"requires {name!r}, which is no document"
        for name in task.required_documents or ()
        if library.find(name) is None
    ]
    required = library.required_by(task)
    for tool in _discoverable(task):
        if any(tool in document.content for document in required):
            continue
        elsewhere = library.naming(tool)
        named = f"it stands in {elsewhere[0].id}" if elsewhere else "no document names it"
        problems.append(f"calls {tool}, which no required document names: {named}")
    return problems


def _discoverable(task: Task) -> list[str]:
    """Return the discoverable tools of the agent and of the customer that a reference calls."""
    found = [called_tool(one) for one in task.reference_actions if called_tool(one) != one.name]
    return list(dict.fromkeys(found))


def check_people(setup: TaskSetup) -> list[str]:
    """Every customer whom the reference names exists."""
    environment = setup.start()
    users = getattr(getattr(environment.tools, "db", None), "users", None)
    if not isinstance(users, Mapping):
        return []
    named = [
        one.value
        for action in setup.task.reference_actions
        for one in values_of(action)
        if one.argument == "user_id"
    ]
    return [
        f"the reference is about customer {name!r}, who does not exist"
        for name in dict.fromkeys(named)
        if name not in users
    ]


def check_free_text(setup: TaskSetup, library: Library) -> list[str]:
    """No value by which databases are compared is in the words of whoever wrote the reference."""
    task = setup.task
    criteria = task.evaluation_criteria
    if criteria is None or RewardType.DB not in criteria.reward_basis:
        return []
    replay = ScriptedEpisode(setup)
    texts = [str(task.user_scenario), *(one.content for one in library.required_by(task))]
    texts += [str(getattr(message, "content", "")) for message in task.history]
    schemas = _allowed_values(replay.environment)
    problems = []
    for action in task.reference_actions:
        if is_write(replay.environment, action) and action.name != TRANSFER_TOOL:
            heard = _plain(" ".join([*texts, schemas]))
            problems += [
                f"{one.tool} stores {one.argument} "
                f"{shortened(one.value, _LONGEST_SHOWN)!r}, which is free text"
                for one in values_of(action)
                if is_prose(one.value) and _plain(one.value) not in heard
            ]
        texts.append(replay.call(action.name, action.arguments, action.requestor))
    return problems


def is_prose(value: str) -> bool:
    """Return whether a value is a sentence and not a name, an id, a date or a code."""
    return len(_WORD.findall(value)) >= _PROSE and " " in value.strip()


def _allowed_values(environment: Environment) -> str:
    kits = (environment.tools, environment.user_tools)
    tools = [tool for kit in kits if kit is not None for tool in kit.get_tools().values()]
    return " ".join(json.dumps(tool.parameters) for tool in tools)


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))
