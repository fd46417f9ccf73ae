"""What makes a task unfit to be played: fields, tools and arguments that do not exist.

A reference that names no tool of the environment, or a misspelt field, would silently change what a
reward means. So these are looked for before anything is played.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.data_model.tasks import Action, EnvFunctionCall, EvaluationCriteria, RewardType, Task
from tau2.environment.db import DB
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolKitBase
from tau2.errors import UnknownName
from tau2.utils.text import plural

MOST_SHOWN = 20  # problems in one message
_MOST_GROUPS = 8
_BESIDE_OTHERS = frozenset({RewardType.COMMUNICATE, RewardType.NL_ASSERTION})
"""Bases that many tasks list and few have content for; another basis with content suffices."""
_VARIADIC = frozenset({inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD})
_NUMBERS = re.compile(r"\.\d+")


class TaskProblem(NamedTuple):
    """Something in a task that makes it unfit to be played."""

    task_id: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"task {self.task_id}: {self.place}: {self.text}"


def form_problems(tasks: Iterable[Task]) -> Iterator[TaskProblem]:
    """Yield the fields that were given and that tasks do not have."""
    for task in tasks:
        for found in task.unknown_fields:
            text = str(UnknownName("field", found.name, found.known))
            yield TaskProblem(task.id, found.path, text)


def task_problems(tasks: Iterable[Task], environment: Environment) -> Iterator[TaskProblem]:
    """Yield what tasks name and the environment lacks, and bases of rewards without content."""
    names = _Names(environment)
    for task in tasks:
        for place, text in names.problems(task):
            yield TaskProblem(task.id, place, text)


def cut_lines(problems: Sequence[str], source: object, total: int | None = None) -> str:
    """Return problems as lines, cut to a readable number; `total` counts those not given too."""
    lines = list(problems[:MOST_SHOWN])
    more = (len(problems) if total is None else total) - len(lines)
    if more > 0:
        lines.append(f"{source}: and {plural(more, 'more problem')}")
    return "\n".join(lines)


def grouped(problems: Sequence[TaskProblem], source: object) -> str:
    """Return problems on one line: how many of which kind."""
    kinds = Counter(f"{_NUMBERS.sub('.*', one.place)}: {one.text}" for one in problems)
    most = [f"{count} × {kind}" for kind, count in kinds.most_common(_MOST_GROUPS)]
    more = len(kinds) - len(most)
    if more > 0:
        most.append(f"and {plural(more, 'more kind')}")
    tasks = plural(len({one.task_id for one in problems}), "task")
    return f"{source}: {plural(len(problems), 'problem')} in {tasks}: {'; '.join(most)}"


class _Names:
    """The tools and functions of an environment, as tasks name them."""

    def __init__(self, environment: Environment) -> None:
        self._kits: dict[str, ToolKitBase | None] = {
            "assistant": environment.tools,
            "user": environment.user_tools,
        }
        self._tools = {
            owner: set(kit.tools) if isinstance(kit, ToolKitBase) else set()
            for owner, kit in self._kits.items()
        }
        # What was found right once, by name and arguments; tasks of a domain resemble each other.
        self._sound: set[tuple[str | None, ...]] = set()
        self._functions: set[tuple[str, ...]] = set()
        # An environment may add tools to those of its toolkits.
        self._tools["assistant"].update(tool.name for tool in environment.get_tools())
        if environment.user_tools is not None:
            self._tools["user"].update(tool.name for tool in environment.get_user_tools())

    def problems(self, task: Task) -> Iterator[tuple[str, str]]:
        """Yield the field of a task and what is wrong with it."""
        criteria = task.evaluation_criteria
        if criteria is not None:
            yield from self._criteria(criteria)
        state = task.initial_state
        if state is not None:
            for number, call in enumerate(state.initialization_actions or ()):
                place = f"initial_state.initialization_actions.{number}"
                yield from self._function(place, call)
            if state.initialization_data is not None:
                data = state.initialization_data
                place = "initial_state.initialization_data"
                yield from self._data(f"{place}.agent_data", data.agent_data, "assistant")
                yield from self._data(f"{place}.user_data", data.user_data, "user")
            yield from self._history(task)
        for number, name in enumerate(task.user_tools or ()):
            yield from self._tool(f"user_tools.{number}", name, "user")

    def _criteria(self, criteria: EvaluationCriteria) -> Iterator[tuple[str, str]]:
        for number, action in enumerate(criteria.actions or ()):
            compared = () if action.compare_args is None else tuple(action.compare_args)
            place = f"evaluation_criteria.actions.{number}"
            yield from self._refusal(place, action)
            key = (action.requestor, action.name, *action.arguments, None, *compared)
            if key in self._sound:
                continue
            found = list(self._call(place, action))
            function = getattr(self._kits[action.requestor], action.name, None)
            if callable(function):
                where = f"{place}.compare_args"
                found += _argument_problems(where, function, compared, partial=True)
            if not found:
                self._sound.add(key)
            yield from found
        for number, assertion in enumerate(criteria.env_assertions or ()):
            yield from self._function(f"evaluation_criteria.env_assertions.{number}", assertion)
        yield from _empty_bases(criteria)

    def _refusal(self, place: str, action: Action) -> Iterator[tuple[str, str]]:
        kit = self._kits[action.requestor]
        if isinstance(kit, ToolKitBase):
            text = kit.refusal(action.name, action.arguments)
            if text is not None:
                yield f"{place}.arguments", text

    def _tool(self, place: str, name: str, owner: str) -> Iterator[tuple[str, str]]:
        if name not in self._tools[owner]:
            whose = "user" if owner == "user" else "agent"
            yield place, str(UnknownName(f"tool of the {whose}", name, self._tools[owner]))

    def _function(self, place: str, call: EnvFunctionCall) -> Iterator[tuple[str, str]]:
        key = (call.env_type, call.func_name, *call.arguments)
        if key in self._functions:
            return
        kit = self._kits[call.env_type]
        function: Any = getattr(kit, call.func_name, None)
        if call.func_name.startswith("_") or not callable(function):
            known = [name for name in dir(kit) if name[0] != "_"] if kit is not None else []
            text = str(UnknownName(f"{call.env_type} function", call.func_name, known))
            yield f"{place}.func_name", text
            return
        found = list(_argument_problems(f"{place}.arguments", function, call.arguments))
        if not found:
            self._functions.add(key)
        yield from found

    def _data(
        self, place: str, data: Mapping[str, object] | None, owner: str
    ) -> Iterator[tuple[str, str]]:
        if not data:
            return
        db = getattr(self._kits[owner], "db", None)
        if db is None:
            yield place, "there is no database for it"
        elif isinstance(db, DB) and type(db).model_config.get("extra") == "forbid":
            known = type(db).model_fields
            for name in data:
                if name not in known:
                    yield f"{place}.{name}", str(UnknownName("field", name, known))

    def _history(self, task: Task) -> Iterator[tuple[str, str]]:
        """Check recorded calls; those that were answered with an error may name anything."""
        failed = {
            message.id
            for message in task.history
            if isinstance(message, ToolMessage) and message.error
        }
        for number, message in enumerate(task.history):
            if not isinstance(message, AssistantMessage | UserMessage):
                continue
            for index, call in enumerate(message.tool_calls or ()):
                if call.id not in failed:
                    place = f"initial_state.message_history.{number}.tool_calls.{index}"
                    yield from self._call(place, call)

    def _call(self, place: str, call: ToolCall | Action) -> Iterator[tuple[str, str]]:
        missing = list(self._tool(f"{place}.name", call.name, call.requestor))
        yield from missing
        function = getattr(self._kits[call.requestor], call.name, None)
        if not missing and callable(function):
            yield from _argument_problems(f"{place}.arguments", function, call.arguments)


class _Parameters(NamedTuple):
    """The names that a function takes."""

    known: frozenset[str]
    required: tuple[str, ...]
    takes_more: bool


@lru_cache(maxsize=1024)
def _parameters(function: Callable[..., object]) -> _Parameters:
    parameters = list(inspect.signature(function).parameters.values())
    named = [p for p in parameters if p.kind not in _VARIADIC]
    return _Parameters(
        frozenset(p.name for p in named),
        tuple(p.name for p in named if p.default is p.empty),
        any(p.kind is p.VAR_KEYWORD for p in parameters),
    )


def _argument_problems(
    place: str,
    function: Callable[..., object],
    given: Collection[str],
    *,
    partial: bool = False,
) -> Iterator[tuple[str, str]]:
    """Yield arguments that a method does not take and, unless `partial`, those that it lacks."""
    # Parameters are read once per function, not once per bound method.
    plain = getattr(function, "__func__", None)
    parameters = _parameters(plain or function)
    own = 1 if plain is not None else 0
    required = parameters.required[own:]
    if not partial:
        for name in required:
            if name not in given:
                yield place, f"the argument {name!r} is missing"
    if parameters.takes_more:
        return
    for name in given:
        if name not in parameters.known:
            known = sorted(parameters.known - {"self"})
            yield f"{place}.{name}", str(UnknownName("argument", name, known))


def _empty_bases(criteria: EvaluationCriteria) -> Iterator[tuple[str, str]]:
    """Yield bases of the reward that nothing can fail."""
    place = "evaluation_criteria.reward_basis"
    if not criteria.reward_basis:
        yield place, "it is empty, so every episode would earn 1"
        return
    content: dict[RewardType, tuple[str, Collection[object] | None]] = {
        RewardType.ENV_ASSERTION: ("env_assertions", criteria.env_assertions),
        RewardType.NL_ASSERTION: ("nl_assertions", criteria.nl_assertions),
        RewardType.ACTION: ("actions", criteria.actions),
        RewardType.COMMUNICATE: ("communicate_info", criteria.communicate_info),
    }
    # The database is compared in any case: where there are no actions, doing nothing is right. It
    # also stands for the other bases, which have nothing to check in such a task.
    has_db = RewardType.DB in criteria.reward_basis
    for number, basis in enumerate(criteria.reward_basis):
        if basis not in content:
            continue
        field, entries = content[basis]
        if entries or (has_db and basis is not RewardType.ENV_ASSERTION):
            continue
        if basis in _BESIDE_OTHERS and any(
            content[other][1] for other in criteria.reward_basis if other in content
        ):
            continue
        yield f"{place}.{number}", f"{basis.value} has nothing to grade: {field} is empty"
