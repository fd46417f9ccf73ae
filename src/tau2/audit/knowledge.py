"""Checks of tasks whose agent has to read documents, and of what their references write.

A value that a database is compared by has to follow from the scenario, the records or a document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

from tau2.audit.exploring import explored
from tau2.audit.trajectory import ScriptedEpisode, call_of, is_write
from tau2.audit.values import Written, called_tool, is_prose, values_of, with_argument
from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.tasks import Action, RewardType, Task
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.utils.json_types import JsonMapping
from tau2.utils.text import shortened

_LONGEST_SHOWN = 60  # characters of a value that a finding shows
_SOME_WORDS = "The customer asked for this today."
_WORD = re.compile(r"[^\W_]+")


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

    @cached_property
    def plain_text(self) -> str:
        """The words of all titles and contents."""
        return _plain(" ".join(f"{one.title} {one.content}" for one in self._documents))

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
    texts = [str(task.user_scenario), _allowed_values(replay.environment)]
    texts += [str(getattr(message, "content", "")) for message in task.history]
    problems = []
    is_explored = False
    for action in task.reference_actions:
        if is_write(replay.environment, action) and action.name != TRANSFER_TOOL:
            own = _own_words(action, texts, library)
            if own and not is_explored:
                texts += explored(replay, texts, frozenset())
                is_explored = True
                own = _own_words(action, texts, library)
            problems += [
                f"{one.tool} stores {one.argument} "
                f"{shortened(one.value, _LONGEST_SHOWN)!r}, which is free text"
                for one in own
                if _is_stored(replay.environment, action, one.argument)
            ]
            problems += _left_to_words(replay.environment, action)
        texts.append(replay.call(action.name, action.arguments, action.requestor))
    return problems


def _own_words(action: Action, texts: Sequence[str], library: Library) -> list[Written]:
    """Return the sentences that an action stores and nobody else says."""
    prose = [one for one in values_of(action) if is_prose(one.value)]
    heard = _plain(" ".join(texts)) if prose else ""
    found = [one for one in prose if _plain(one.value) not in heard]
    return [one for one in found if _plain(one.value) not in library.plain_text]


def _left_to_words(environment: Environment, action: Action) -> list[str]:
    """Find texts that the reference leaves at their default, where any other words count as wrong.

    An agent words them itself, so it is right only if it leaves them out, too.
    """
    toolkit = environment.tools
    name = called_tool(action)
    if toolkit is None or name == action.name or not toolkit.is_discoverable(name):
        return []
    given = {one.argument for one in values_of(action)}
    left_out = [
        field
        for field, schema in toolkit.tool_template(name).parameters.get("properties", {}).items()
        if field not in given and _is_wording(schema)
    ]
    return [
        f"{name} stores {field}, free text that the reference leaves at its default"
        for field in left_out
        if _is_stored(environment, action, field)
    ]


def _is_stored(environment: Environment, action: Action, argument: str) -> bool:
    """Return whether other words in an argument leave other databases."""
    as_written = environment.fork()
    as_written.get_response(call_of(action))
    otherwise = environment.fork()
    otherwise.get_response(call_of(with_argument(action, argument, _SOME_WORDS)))
    return not otherwise.same_state(as_written)


def _is_wording(schema: JsonMapping) -> bool:
    """Return whether a parameter takes any text and has a text as its default."""
    is_text = schema.get("type") == "string" and "enum" not in schema and "$ref" not in schema
    return is_text and bool(schema.get("default"))


def _allowed_values(environment: Environment) -> str:
    kits = (environment.tools, environment.user_tools)
    tools = [tool for kit in kits if kit is not None for tool in kit.get_tools().values()]
    return " ".join(json.dumps(tool.parameters) for tool in tools)


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))
