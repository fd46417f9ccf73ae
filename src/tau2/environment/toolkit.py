"""Toolkits: objects whose marked methods are tools over one database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel

from tau2.data_model.tasks import Task
from tau2.environment import arithmetic
from tau2.environment.cow import clone
from tau2.environment.db import DB
from tau2.environment.tool import Tool, ToolFunction, ToolResult, as_tool
from tau2.errors import ConfigError, ToolError, UnknownName
from tau2.utils.json_types import JsonObject

T = TypeVar("T")
F = TypeVar("F", bound=ToolFunction)


class ToolType(StrEnum):
    """What a tool does to the state."""

    READ = "read"
    WRITE = "write"
    THINK = "think"
    GENERIC = "generic"


class _Mark:
    """What a decorator notes on a method."""

    __slots__ = ("discoverable", "mutates", "tool_type", "unordered")

    def __init__(
        self, tool_type: ToolType, *, mutates: bool, discoverable: bool, unordered: tuple[str, ...]
    ) -> None:
        self.tool_type = tool_type
        self.mutates = mutates
        self.discoverable = discoverable
        self.unordered = unordered


_MARK = "__tau2_tool__"


def _marker(
    tool_type: ToolType | str,
    mutates_state: bool | None,
    *,
    discoverable: bool,
    unordered: tuple[str, ...] = (),
) -> Callable[[F], F]:
    kind = ToolType(tool_type)
    mutates = kind is ToolType.WRITE if mutates_state is None else mutates_state
    attributes = _Mark(kind, mutates=mutates, discoverable=discoverable, unordered=unordered)

    def mark(method: F) -> F:
        setattr(method, _MARK, attributes)
        return method

    return mark


def is_tool(
    tool_type: ToolType | str = ToolType.READ,
    mutates_state: bool | None = None,
    *,
    unordered: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """Mark a method as a tool.

    Args:
        tool_type: What the tool does to the database.
        mutates_state: Whether it changes the state; default: only WRITE tools do.
        unordered: Arguments that are lists whose order does not matter. Several of them belong
            together element by element, such as `("item_ids", "new_item_ids")`, and keep their
            pairs when a call is compared with another.
    """
    return _marker(tool_type, mutates_state, discoverable=False, unordered=unordered)


def is_discoverable_tool(
    tool_type: ToolType | str = ToolType.READ, mutates_state: bool | None = None
) -> Callable[[F], F]:
    """Mark a method as a tool that is not listed.

    It is found through another tool and then called by name.
    """
    return _marker(tool_type, mutates_state, discoverable=True)


class ToolKitBase:
    """Tools over one database; subclass it and mark methods with `@is_tool`."""

    db: Any
    _marks: ClassVar[Mapping[str, _Mark]] = {}
    _templates: ClassVar[dict[str, Tool]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        marks: dict[str, _Mark] = {}
        for base in reversed(cls.__mro__):
            for name, member in vars(base).items():
                mark = getattr(member, _MARK, None)
                if mark is not None:
                    marks[name] = mark
                elif name in marks:
                    del marks[name]  # overridden by something that is no tool
        cls._marks = marks
        cls._templates = {}

    def __init__(self, db: Any = None) -> None:
        """Build the toolkit over `db` (a DB or any object the tools use; None for none)."""
        self.db = db

    def prepare(self, task: Task) -> None:
        """Adapt to a task that is about to be played or graded; see `Environment.prepare`."""

    @property
    def tools(self) -> dict[str, ToolFunction]:
        """Every tool's name and bound method, discoverable ones included."""
        return {name: getattr(self, name) for name in self._marks}

    def has_tool(self, tool_name: str) -> bool:
        """Return whether there is such a tool."""
        return tool_name in self._marks

    def use_tool(self, tool_name: str, **kwargs: object) -> ToolResult:
        """Call a tool with raw arguments. Raise ToolError when there is none of that name."""
        if tool_name not in self._marks:
            raise ToolError(f"Tool '{tool_name}' not found.")
        return getattr(self, tool_name)(**kwargs)

    def get_tool(self, tool_name: str) -> Tool:
        """Return one tool with its schema. Raise ToolError when there is none of that name."""
        return self.tool_template(tool_name).bind(getattr(self, tool_name))

    @classmethod
    def tool_template(cls, tool_name: str) -> Tool:
        """Return one tool with its schema, bound to no toolkit: to be described, not called.

        Raise ToolError when there is none of that name.
        """
        template = cls._templates.get(tool_name)
        if template is None:
            if tool_name not in cls._marks:
                raise ToolError(f"Tool '{tool_name}' not found.")
            template = cls._templates[tool_name] = as_tool(getattr(cls, tool_name))
        return template

    def coerce(self, tool_name: str, arguments: JsonObject) -> JsonObject:
        """Return a model's arguments as the types of the tool's signature. Raise ArgumentError."""
        return self.tool_template(tool_name).coerce(arguments)

    def without_order(self, tool_name: str, arguments: JsonObject) -> JsonObject:
        """Return arguments with the tool's unordered lists sorted, for comparing calls."""
        mark = self._marks.get(tool_name)
        names = mark.unordered if mark is not None else ()
        columns = [arguments.get(name, ()) for name in names]
        if not columns or not all(isinstance(column, list) for column in columns):
            return arguments
        if len(set(map(len, columns))) != 1:
            return arguments
        rows = sorted(zip(*columns, strict=True), key=repr)
        return {**arguments, **{name: [row[i] for row in rows] for i, name in enumerate(names)}}

    def get_tools(self, include: list[str] | None = None) -> dict[str, Tool]:
        """Return name → Tool of the listed tools, or of those in `include`.

        Raise UnknownName (a ValueError) for a name in `include` that is no tool.
        """
        names = [name for name, mark in self._marks.items() if not mark.discoverable]
        if include is not None:
            for name in include:
                if name not in self._marks:
                    raise UnknownName("tool", name, names)
            names = [name for name in names if name in include]
        templates = self._templates
        return {
            name: templates[name].bind(getattr(self, name))
            if name in templates
            else self.get_tool(name)
            for name in names
        }

    def get_discoverable_tools(self) -> dict[str, Tool]:
        """Return name → Tool of the tools that are not listed."""
        return {
            name: self.get_tool(name) for name, mark in self._marks.items() if mark.discoverable
        }

    @classmethod
    def is_discoverable(cls, tool_name: str) -> bool:
        """Return whether the tool exists and is not listed."""
        return tool_name in cls._marks and cls._marks[tool_name].discoverable

    def has_discoverable_tool(self, tool_name: str) -> bool:
        """Return whether the tool exists and is not listed."""
        return self.is_discoverable(tool_name)

    def tool_type(self, tool_name: str) -> ToolType:
        """Return what a tool does to the state. Raise ToolError when there is none of that name."""
        if tool_name not in self._marks:
            raise ToolError(f"Tool '{tool_name}' not found.")
        return self._marks[tool_name].tool_type

    def tool_mutates_state(self, tool_name: str) -> bool:
        """Return whether a tool may change the state; unmarked functions are taken to."""
        mark = self._marks.get(tool_name)
        return True if mark is None else mark.mutates

    def looks_outside(self, tool_name: str) -> bool:
        """Return whether a tool looks up what is outside of the database, such as documents.

        It changes nothing and may ask a model: who replays a conversation takes the recorded
        result.
        """
        return False

    def may_change_database(self, tool_name: str, arguments: JsonObject) -> bool:
        """Return whether a call may change the databases, which grading compares."""
        return self.tool_mutates_state(tool_name)

    def refusal(self, tool_name: str, arguments: JsonObject) -> str | None:
        """Return why a call would be refused whatever the state; None where nothing says so.

        Names and types of the tool's own arguments are not looked at: `coerce` does that.
        """
        return None

    def meant_call(self, tool_name: str, arguments: JsonObject) -> tuple[str, JsonObject]:
        """Return the tool that a call reaches, and its arguments: of one that calls others, that.

        Any other call is returned as it is.
        """
        return tool_name, arguments

    def get_statistics(self) -> dict[str, int]:
        """Return how many tools there are, in all and by type."""
        kinds = [mark.tool_type for mark in self._marks.values()]
        return {
            "num_tools": len(kinds),
            **{f"num_{k.value}_tools": kinds.count(k) for k in ToolType},
        }

    def update_db(self, update_data: JsonObject | None = None) -> None:
        """Merge `update_data` into a new, validated database.

        Raise ValueError without a database.
        """
        if self.db is None:
            raise ToolError("this toolkit has no database to update")
        if not isinstance(self.db, DB):
            raise ToolError(f"{type(self.db).__name__} is not a DB; it cannot be updated by data")
        self.db = self.db.updated(update_data or {})

    def get_db_hash(self) -> str | None:
        """Return the canonical hash of the database, or None without one."""
        return self.db.get_hash() if self.db is not None else None

    def fork(self) -> ToolKitBase:
        """Return an independent toolkit with the same state.

        Every attribute is forked or copied; what cannot be (a lock, a client) is shared, except the
        database. A subclass for which that is wrong overrides this.

        Raises:
            ConfigError: the database cannot be copied.
        """
        return self.fork_with({})

    def fork_with(self, forked: Mapping[int, object]) -> ToolKitBase:
        """Return a fork whose databases are taken from `forked`, id of a database → its copy.

        A database that is not in it is forked.
        """
        copy = self.__class__.__new__(self.__class__)
        for name, value in self.__dict__.items():
            if isinstance(value, DB):
                copy.__dict__[name] = forked.get(id(value)) or value.fork()
            else:
                copy.__dict__[name] = self._copied(name, value)
        return copy

    def _copied(self, name: str, value: T) -> T:
        try:
            return clone(value)
        except TypeError as error:
            if name != "db":
                return value
            raise ConfigError(
                f"{type(self).__name__}.db ({type(value).__name__}) cannot be copied: {error}; "
                "define fork(), "
                "or give the orchestrator an environment_factory"
            ) from error


class GenericToolKit(ToolKitBase):
    """Thinking and arithmetic."""

    @is_tool(ToolType.THINK)
    def think(self, thought: str) -> str:
        """Write down a thought. It changes nothing and nobody else sees it.

        Args:
            thought: What to think about.

        Returns:
            An empty text.
        """
        return ""

    @is_tool(ToolType.GENERIC)
    def calculate(self, expression: str) -> str:
        """Work out an arithmetic expression.

        Args:
            expression: Numbers with + - * / and parentheses, for example "2 * (3.5 + 4)".

        Returns:
            The value, rounded to two decimals.
        """
        return arithmetic.calculate(expression)


class ToolSignature(BaseModel):
    """Name, documentation and schemas of one tool."""

    name: str
    doc: str
    params: JsonObject | None = None
    returns: JsonObject | None = None


def get_tool_signatures(tools: ToolKitBase) -> dict[str, ToolSignature]:
    """Return name → signature of the listed tools."""
    return {
        name: ToolSignature(
            name=name,
            doc=tool._get_description(),  # noqa: SLF001  -- public under this name in the original
            params=tool.params.model_json_schema(),
            returns=tool.returns.model_json_schema() if tool.returns else None,
        )
        for name, tool in tools.get_tools().items()
    }


def get_tool_types(tools: ToolKitBase) -> dict[str, ToolType]:
    """Return name → type of the listed tools."""
    return {name: tools.tool_type(name) for name in tools.get_tools()}
