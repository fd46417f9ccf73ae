"""Discoverable tools, for any domain: their names stand in documents, not in the list of tools.

An agent unlocks a discoverable tool before it calls it, and gives the customer those of the
customer's own. Which of them were called is kept in the database, so that grading sees it; which
are unlocked is kept by the toolkit, so that forks and replayed episodes have it and hashes do not.

A domain marks methods with `@is_discoverable_tool` and mixes these classes into its toolkits:

* `DiscoverableAgentTools` (unlock, call and list) into the agent's,
* `GivesUserTools` (give) into the agent's too, where the customer has discoverable tools,
* `DiscoverableUserTools` (call and list) into the customer's.

Both toolkits share one database. It inherits `DiscoveryDB`, or the domain overrides the methods
that write the log (`log_agent_call`, `log_given_tool`, `log_user_call`) and those that read it
(`called_agent_tools`, `given_user_tools`).
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, Field

from tau2.data_model.tasks import Task
from tau2.environment.db import DB
from tau2.environment.tool import Tool, ToolResult
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ArgumentError, ToolError, quoted
from tau2.utils import finite_json
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.text import plural

_MOST_ENCODINGS = 3  # times that arguments may have been made JSON text
_KINDS = {list: "an array", str: "a text", bool: "a truth value", type(None): "null"}


class LoggedTool(BaseModel):
    """A discoverable tool that was called or given."""

    tool_name: str
    status: str


class LoggedUserCall(LoggedTool):
    """A call of a discoverable tool by the customer."""

    arguments: JsonObject = Field(default_factory=dict)


class DiscoveryDB(DB):
    """A database with room for the log of discoverable tools."""

    agent_discoverable_tools: dict[str, LoggedTool] = Field(default_factory=dict)
    """The tools that the agent called, by name."""
    user_discoverable_tools: dict[str, LoggedTool] = Field(default_factory=dict)
    """The tools that the agent gave the customer, by name."""
    user_discoverable_tool_calls: dict[str, LoggedUserCall] = Field(default_factory=dict)
    """The customer's calls, by name and arguments."""


def _as_json_text(value: object) -> object:
    """Return what a model wrote as an object, or left out, as the JSON text that is asked for."""
    if value is None:
        return "{}"
    return json.dumps(value) if isinstance(value, dict | list) else value


JsonText = Annotated[str, BeforeValidator(_as_json_text)]
"""Text that is a JSON object. An object is taken as well; the schema says text."""


def parsed_arguments(text: str) -> JsonObject:
    """Return the arguments that a participant wrote as JSON text; blank text means none.

    Raise ArgumentError for anything but one JSON object: a name that is given twice, a number that
    is not finite, or more levels than data may have.
    """
    value: JsonValue = text
    try:
        for _ in range(_MOST_ENCODINGS):
            if not isinstance(value, str):
                break
            value = _loaded(value) if value.strip() else {}
        finite_json.refuse_unreadable(value)
    except RecursionError:
        raise ArgumentError("arguments: nested too deep") from None
    except ValueError as problem:
        raise ArgumentError(f"arguments: not valid JSON: {problem}") from None
    if not isinstance(value, dict):
        kind = _KINDS.get(type(value), "a number")
        raise ArgumentError(f"arguments: a JSON object is needed, not {kind}")
    return value


def _loaded(text: str) -> JsonValue:
    return json.loads(text, object_pairs_hook=_unique, parse_constant=finite_json.refuse_constant)


def _unique(pairs: Iterable[tuple[str, JsonValue]]) -> JsonObject:
    """Return an object of which each name is given once: a second value may be the one meant."""
    found: JsonObject = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{quoted(name)} is given twice")
        found[name] = value
    return found


def _arguments_as_floats(text: str) -> Any:
    """Return parsed JSON with every integer as a float, as the original reads arguments."""
    try:
        return json.loads(text, parse_int=float)
    except ValueError as problem:
        raise ArgumentError(f"arguments: not valid JSON: {problem}") from None


def described(tool: Tool) -> str:
    """Return a tool for people and models: what it does, and every parameter on a line."""
    parameters = list(_parameter_lines(tool))
    lines = [tool.name, tool.description, ""]
    lines += ["Parameters:", *parameters] if parameters else ["It has no parameters."]
    return "\n".join(lines)


def _parameter_lines(tool: Tool) -> Iterator[str]:
    schema = tool.parameters
    definitions = schema.get("$defs") or {}
    required = schema.get("required") or ()
    for name, field in schema.get("properties", {}).items():
        need = "required" if name in required else "optional"
        if field.get("default") is not None:
            need += f", default {json.dumps(field['default'])}"
        text = field.get("description")
        line = f"- {name} ({_type_of(field, definitions)}, {need})"
        yield f"{line}: {text}" if text else line


def _type_of(schema: JsonMapping, definitions: JsonMapping) -> str:
    """Return a type of JSON schema in words: "string", "integer or null", one of "a", "b"."""
    if "$ref" in schema:
        return _type_of(definitions.get(schema["$ref"].rpartition("/")[2], {}), {})
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(map(json.dumps, schema["enum"]))
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " or ".join(_type_of(option, definitions) for option in options)
    items = schema.get("items")
    if schema.get("type") == "array" and isinstance(items, Mapping):
        return f"array of {_type_of(items, definitions)}"
    return str(schema.get("type", "any"))


def _listed(title: str, names: Iterable[str]) -> str:
    names = list(names)
    if not names:
        return f"{title}: none"
    return "\n".join([f"{title} ({plural(len(names), 'tool')}):", *(f"- {n}" for n in names)])


class _Discoverable(ToolKitBase):
    """What the toolkits of both sides have in common."""

    strict_compat: bool = False
    """Behave as the original where scores depend on it: integers among the arguments become
    floats, refused calls are logged, refusals are no tool errors, and discoverable tools may be
    called by name."""
    read_log_allowlist: frozenset[str] | None = None
    """Discoverable tools that only read and are logged nevertheless.

    None: those that the task's reference calls. Set it on a new toolkit only.
    """
    _read_by_reference: frozenset[str] = frozenset()
    _call_tool: ClassVar[str] = ""
    """The tool through which discoverable tools are called."""
    _name_argument: ClassVar[str] = ""
    """Its argument that names the tool."""

    def prepare(self, task: Task) -> None:
        """Note which look-ups the task's reference makes."""
        super().prepare(task)
        names = [
            action.arguments.get(self._name_argument)
            for action in task.reference_actions
            if action.name == self._call_tool
        ]
        self._read_by_reference = frozenset(name for name in names if isinstance(name, str))

    def use_tool(self, tool_name: str, **kwargs: object) -> ToolResult:
        """Call a listed tool with raw arguments.

        Raise ToolError for a refusal, also for a discoverable tool: that is called through
        another. `strict_compat` calls those too, and returns what a tool refuses as its result.
        """
        if not self.strict_compat:
            self._refuse_direct_call(tool_name)
            return super().use_tool(tool_name, **kwargs)
        if not self.has_tool(tool_name):
            return super().use_tool(tool_name, **kwargs)
        try:
            return self._use_as_original(tool_name, kwargs)
        except ToolError as refusal:
            return f"Error: {refusal}"

    def _use_as_original(self, tool_name: str, arguments: JsonObject) -> ToolResult:
        return super().use_tool(tool_name, **arguments)

    def coerce(self, tool_name: str, arguments: JsonObject) -> JsonObject:
        """Return a model's arguments of a listed tool as the types of its signature.

        Raise ToolError for a discoverable tool, which is called through another, so that a wrong
        call of one does not show its parameters.
        """
        if not self.strict_compat:
            self._refuse_direct_call(tool_name)
        return super().coerce(tool_name, arguments)

    def without_order(self, tool_name: str, arguments: JsonObject) -> JsonObject:
        """Return arguments for comparing calls; those of a discoverable tool as its values."""
        arguments = super().without_order(tool_name, arguments)
        name = self._reached(tool_name, arguments)
        values = self._values(name, arguments) if name is not None else None
        return arguments if values is None else {**arguments, "arguments": values}

    def meant_call(self, tool_name: str, arguments: JsonObject) -> tuple[str, JsonObject]:
        """Return the discoverable tool that a call reaches, with its arguments.

        What is not readable as arguments is left out. Any other call is returned as it is.
        """
        name = self._reached(tool_name, arguments)
        if name is None:
            return tool_name, arguments
        return name, self._values(name, arguments) or {}

    def refusal(self, tool_name: str, arguments: JsonObject) -> str | None:
        """Return why a call of a discoverable tool would be refused whatever the state.

        There is no such tool, or it would not take the arguments.
        """
        if tool_name != self._call_tool or self._name_argument not in arguments:
            return super().refusal(tool_name, arguments)
        name = arguments[self._name_argument]
        text = arguments.get("arguments", "{}")
        try:
            if not self._is_discoverable_name(name):
                raise _unknown(name)
            self._coerced(name, parsed_arguments(text if isinstance(text, str) else ""))
        except ToolError as refused:
            return str(refused)
        return None

    def may_change_database(self, tool_name: str, arguments: JsonObject) -> bool:
        """Return whether a call may change what grading compares: look-ups may be logged or not."""
        name = self._reached(tool_name, arguments)
        if name is None:
            return super().may_change_database(tool_name, arguments)
        return self.tool_mutates_state(name) or self._is_logged(name)

    def _reached(self, tool_name: str, arguments: JsonObject) -> str | None:
        """Return the discoverable tool that a call reaches; None for any other call."""
        name = arguments.get(self._name_argument)
        return name if tool_name == self._call_tool and self._is_discoverable_name(name) else None

    def _values(self, name: str, arguments: JsonObject) -> JsonObject | None:
        """Return the arguments for a discoverable tool; None for what it would refuse."""
        text = arguments.get("arguments")
        try:
            values = self._coerced(name, parsed_arguments(text if isinstance(text, str) else ""))
        except ToolError:
            return None
        return super().without_order(name, values)

    def _refuse_direct_call(self, tool_name: str) -> None:
        if self.is_discoverable(tool_name):
            self._refuse_locked(tool_name)
            raise ToolError(f"{tool_name} is called through {self._call_tool}, not by its name")

    def _refuse_locked(self, tool_name: str) -> None:
        """Raise ToolError for a tool that may not be called yet."""

    def _is_discoverable_name(self, name: object) -> bool:
        return isinstance(name, str) and self.is_discoverable(name)

    def _coerced(self, tool_name: str, arguments: JsonObject) -> JsonObject:
        return super().coerce(tool_name, arguments)

    def _is_logged(self, tool_name: str) -> bool:
        """Return whether a call of a discoverable tool belongs in the database."""
        if self.tool_type(tool_name) is ToolType.WRITE:
            return True
        allowed = self.read_log_allowlist
        return tool_name in (self._read_by_reference if allowed is None else allowed)


class DiscoverableAgentTools(_Discoverable):
    """Lets the agent unlock, call and list the discoverable tools of its toolkit."""

    unlocked: frozenset[str] = frozenset()
    """Names of the tools that the agent may call."""
    _call_tool = "call_discoverable_agent_tool"
    _name_argument = "agent_tool_name"

    @is_tool(ToolType.GENERIC, mutates_state=True)
    def unlock_discoverable_agent_tool(self, agent_tool_name: str) -> str:
        """Make a discoverable tool callable, and read what it does and which arguments it takes.

        Names of discoverable tools stand in the knowledge base. Unlock one only when you are going
        to call it.

        Args:
            agent_tool_name: The name of the tool, exactly as the knowledge base has it.

        Returns:
            What the tool does, and its parameters.
        """
        if not self._is_discoverable_name(agent_tool_name):
            raise _unknown(agent_tool_name)
        self.unlocked |= {agent_tool_name}
        return f"Unlocked: {described(self.tool_template(agent_tool_name))}"

    def refusal(self, tool_name: str, arguments: JsonObject) -> str | None:
        """Return why a call of a discoverable tool, or its unlocking, would always be refused."""
        name = arguments.get("agent_tool_name", "")
        if tool_name == "unlock_discoverable_agent_tool" and not self._is_discoverable_name(name):
            return str(_unknown(name))
        return super().refusal(tool_name, arguments)

    def may_change_database(self, tool_name: str, arguments: JsonObject) -> bool:
        """Return whether a call may change what grading compares: what is unlocked is no data."""
        is_unlock = tool_name == "unlock_discoverable_agent_tool"
        return not is_unlock and super().may_change_database(tool_name, arguments)

    @is_tool(ToolType.WRITE)
    def call_discoverable_agent_tool(
        self, agent_tool_name: str, arguments: JsonText = "{}"
    ) -> ToolResult:
        """Call a discoverable tool that you have unlocked.

        Args:
            agent_tool_name: The name of the unlocked tool.
            arguments: The arguments of the tool as the text of a JSON object, for example
                '{"order_id": "A17", "amount": 12.5}'.

        Returns:
            What the tool returns.
        """
        if not self._is_discoverable_name(agent_tool_name):
            raise _unknown(agent_tool_name)
        self._refuse_locked(agent_tool_name)
        if self.strict_compat:
            return self._call_as_original(agent_tool_name, arguments)
        values = self._coerced(agent_tool_name, parsed_arguments(arguments))
        result = getattr(self, agent_tool_name)(**values)
        self._log(agent_tool_name)
        return result

    def _refuse_locked(self, tool_name: str) -> None:
        if tool_name not in self.unlocked:
            raise ToolError(
                f"{tool_name} is not unlocked: call unlock_discoverable_agent_tool first"
            )

    def _call_as_original(self, name: str, arguments: str) -> ToolResult:
        values = _arguments_as_floats(arguments)
        try:
            result = getattr(self, name)(**values)
        except TypeError as problem:
            raise ArgumentError(f"invalid arguments for {name}: {problem}") from problem
        except ToolError as refusal:
            result = f"Error: {refusal}"
        self._log(name)
        return result

    def _log(self, name: str) -> None:
        if self._is_logged(name) and name not in self.called_agent_tools():
            self.log_agent_call(name)

    @is_tool(ToolType.READ)
    def list_discoverable_agent_tools(self) -> str:
        """List the discoverable tools that you have unlocked, and those of which calls are logged.

        Returns:
            Their names.
        """
        called = _listed("Called", self.called_agent_tools())
        if self.strict_compat:
            return called
        return "\n".join([_listed("Unlocked", sorted(self.unlocked)), called])

    def log_agent_call(self, tool_name: str) -> None:
        """Write to the database that a tool was called; called once for each tool."""
        self.db.agent_discoverable_tools[tool_name] = LoggedTool(
            tool_name=tool_name, status="CALLED"
        )

    def called_agent_tools(self) -> Iterable[str]:
        """Return the names of the tools that the database says were called."""
        return list(self.db.agent_discoverable_tools)


class GivesUserTools(_Discoverable):
    """Lets the agent give the customer the discoverable tools of the customer's toolkit."""

    user_toolkit: ClassVar[type[ToolKitBase]]
    """The class of the customer's toolkit."""

    def refusal(self, tool_name: str, arguments: JsonObject) -> str | None:
        """Return why a call, or what it gives the customer, would always be refused."""
        name = arguments.get("discoverable_tool_name", "")
        is_given = isinstance(name, str) and self.user_toolkit.is_discoverable(name)
        if tool_name == "give_discoverable_user_tool" and not is_given:
            return str(_unknown(name, of="the customer"))
        return super().refusal(tool_name, arguments)

    @is_tool(ToolType.GENERIC, mutates_state=True)
    def give_discoverable_user_tool(
        self, discoverable_tool_name: str, arguments: JsonText = "{}"
    ) -> str:
        """Give the customer a discoverable tool, which the customer then calls.

        Names of such tools stand in the knowledge base. Give one only when the customer is going
        to use it.

        Args:
            discoverable_tool_name: The name of the tool, exactly as the knowledge base has it.
            arguments: The arguments with which the customer should call it, as the text of a JSON
                object. Tell the customer what they are.

        Returns:
            What the tool does, and its parameters.
        """
        name = discoverable_tool_name
        if not isinstance(name, str):
            raise TypeError("the name of a tool must be a text")
        if not self.user_toolkit.is_discoverable(name):
            raise _unknown(name, of="the customer")
        values = _arguments_as_floats(arguments) if self.strict_compat else None
        tool = self.user_toolkit.tool_template(name)
        _check_names(tool, parsed_arguments(arguments) if values is None else values)
        if name not in self.given_user_tools():
            self.log_given_tool(name)
        return f"Given to the customer: {described(tool)}"

    def log_given_tool(self, tool_name: str) -> None:
        """Write to the database that the customer was given a tool; called once for each tool."""
        self.db.user_discoverable_tools[tool_name] = LoggedTool(tool_name=tool_name, status="GIVEN")

    def given_user_tools(self) -> Iterable[str]:
        """Return the names of the tools that the customer was given."""
        return list(self.db.user_discoverable_tools)


class DiscoverableUserTools(_Discoverable):
    """Lets the customer call and list the discoverable tools that the agent has given."""

    _call_tool = "call_discoverable_user_tool"
    _name_argument = "discoverable_tool_name"

    @is_tool(ToolType.WRITE)
    def call_discoverable_user_tool(
        self, discoverable_tool_name: str, arguments: JsonText = "{}"
    ) -> ToolResult:
        """Use a tool that the agent has given you.

        Args:
            discoverable_tool_name: The name of the tool that you were given.
            arguments: The arguments of the tool as the text of a JSON object.

        Returns:
            What the tool returns.
        """
        name = discoverable_tool_name
        if not self._is_discoverable_name(name):
            raise _unknown(name)
        if self.strict_compat:
            values = _arguments_as_floats(arguments)
            tool = self.tool_template(name)
            _check_names(tool, values, are_complete=True)
            return self._call_given(name, values)
        self._refuse_locked(name)
        values = self._coerced(name, parsed_arguments(arguments))
        result = getattr(self, name)(**values)
        if self._is_logged(name):
            self.log_user_call(name, values)
        return result

    def _use_as_original(self, tool_name: str, arguments: JsonObject) -> ToolResult:
        if not self.is_discoverable(tool_name):
            return super()._use_as_original(tool_name, arguments)
        inspect.signature(getattr(self, tool_name)).bind(**arguments)
        return self._call_given(tool_name, arguments)

    def _call_given(self, name: str, arguments: JsonObject) -> ToolResult:
        """Log a call, whatever comes of it, and make it."""
        self._refuse_locked(name)
        self.log_user_call(name, arguments)
        return getattr(self, name)(**arguments)

    def _refuse_locked(self, tool_name: str) -> None:
        if tool_name not in self.given_user_tools():
            raise ToolError(f"{tool_name} has not been given to you: ask the agent for it")

    @is_tool(ToolType.READ)
    def list_discoverable_user_tools(self) -> str:
        """List the tools that the agent has given you.

        Returns:
            Their names.
        """
        return _listed("Given to you", self.given_user_tools())

    def given_user_tools(self) -> Iterable[str]:
        """Return the names of the tools that the customer was given."""
        return list(self.db.user_discoverable_tools)

    def _is_logged(self, tool_name: str) -> bool:
        return self.strict_compat or super()._is_logged(tool_name)

    def log_user_call(self, tool_name: str, arguments: JsonObject) -> None:
        """Write a call to the database. An equal call may have been written before."""
        key = f"{tool_name} {json.dumps(arguments, sort_keys=True, default=str)}"
        self.db.user_discoverable_tool_calls[key] = LoggedUserCall(
            tool_name=tool_name, arguments=arguments, status="CALLED"
        )


def _unknown(name: object, of: str = "") -> ToolError:
    """Return what refuses an unknown name. No known one is suggested: those are to be read of."""
    owner = f" of {of}" if of else ""
    return ToolError(f"there is no discoverable tool{owner} named {quoted(str(name))}")


def _check_names(tool: Tool, arguments: object, *, are_complete: bool = False) -> None:
    """Raise ArgumentError for arguments that the tool does not have, or for those it lacks."""
    if not isinstance(arguments, dict):
        raise ArgumentError("arguments: a JSON object is needed")
    fields = tool.params.model_fields
    unknown = [name for name in arguments if name not in fields]
    missing = [n for n, field in fields.items() if field.is_required() and n not in arguments]
    problems = [f"{quoted(name)} is no parameter of it" for name in unknown]
    if are_complete:
        problems += [f"{name} is missing" for name in missing]
    if problems:
        raise ArgumentError(f"invalid arguments for {tool.name}: {'; '.join(problems)}")
