"""`tools.py` of a package that was derived from a source."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.scaffold.interface import (
    Interface,
    Member,
    Parameter,
    Role,
    Table,
    ToolDesign,
    ToolKind,
)
from tau2.scaffold.model_code import ClassNames
from tau2.scaffold.names import article, key_prefix, plural_noun, unique, words_of
from tau2.scaffold.source_text import (
    WIDTH,
    annotated_lines,
    annotation,
    argument_lines,
    call_lines,
    docstring,
    formatted_call,
    literal,
    names_in,
    one_line,
    sentence,
    split_summary,
)

_ANYTHING = "str | float | bool | list[Any] | dict[str, Any]"
"""The type of an argument of which nothing is known: models are told a type of each."""
_IN = "        "  # within a method
MOST_FOUND = 20
"""How many records a tool returns unless it is asked for more."""
READING: frozenset[ToolKind] = frozenset({"get", "find", "read_single"})


def tools_source(
    interface: Interface, module: str, toolkit: str, db_class: str, classes: ClassNames
) -> str:
    """Return the source of the toolkit, one method a tool, and of the functions that they share."""
    methods = [_method(interface, tool, classes) for tool in interface.tools]
    if all(tool.name != TRANSFER_TOOL for tool in interface.tools):
        methods.append(_TRANSFER.split("\n"))
    if interface.has_events:
        methods.append(_NOTE.split("\n"))
    body = [f"class {toolkit}(ToolKitBase):"]
    body += docstring(f"Tools derived from {interface.source}.", (), "    ")
    body += ["", f"    db: {db_class}"]
    for method in methods:
        body += ["", *method]
    shared = _shared_functions("\n".join(body))
    code = "\n".join(body) + "".join(f"\n\n\n{one}" for one in shared)
    used = names_in(code)
    before = ['R = TypeVar("R", bound=BaseModel)'] if "R" in used else []
    before += _links_lines(interface) if "LINKS" in used else []
    head = _imports("\n".join([*before, code]), module, db_class, classes)
    return "\n".join([*head, "", *before, *(["", ""] if before else [""]), code, ""])


def _imports(code: str, module: str, db_class: str, classes: ClassNames) -> list[str]:
    used = names_in(code)
    own = sorted(
        {db_class, "Event", *classes.names.values()} & used | {db_class}, key=_import_order
    )
    lines = ['"""What the agent can do. Models read names, types and docstrings."""', ""]
    shapes = [name for name in ("Iterator", "Mapping", "Sequence") if name in used]
    if shapes:
        lines.append(f"from collections.abc import {', '.join(shapes)}")
    typing = [name for name in ("Any", "Literal", "TypeVar") if name in used]
    if typing:
        lines.append(f"from typing import {', '.join(typing)}")
    if typing or shapes:
        lines.append("")
    pydantic = [name for name in ("BaseModel", "ValidationError") if name in used]
    if pydantic:
        lines.append(f"from pydantic import {', '.join(pydantic)}")
    wanted = ("DB", "ToolError", "ToolKitBase", "ToolType", "is_tool")
    plugins = [name for name in wanted if name in used]
    lines += [f"from tau2.plugins import {', '.join(plugins)}", ""]
    line = f"from {module}.data_model import {', '.join(own)}"
    if len(line) <= WIDTH:
        return [*lines, line]
    return [*lines, f"from {module}.data_model import (", *(f"    {name}," for name in own), ")"]


def _import_order(name: str) -> tuple[bool, list[tuple[bool, int, str]]]:
    """Return what ruff sorts imported names by: constants first, and numbers by their value."""
    pieces = [piece for piece in re.split(r"(\d+)", name.lower()) if piece]
    by_value = [(not p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in pieces]
    return not (len(name) > 1 and name.isupper()), by_value


def _method(interface: Interface, tool: ToolDesign, classes: ClassNames) -> list[str]:
    body, result = _BODIES[tool.kind](interface, tool, classes)
    kind = "READ" if tool.kind in READING else "WRITE"
    arguments = ["self", *(_argument(one.member, classes) for one in tool.parameters)]
    return [
        f"    @is_tool(ToolType.{kind})",
        *call_lines(f"def {tool.name}", arguments, f" -> {result}:", "    "),
        *_tool_docstring(interface, tool),
        *body,
    ]


def _argument(member: Member, classes: ClassNames) -> str:
    kind = annotation(member.shape.without_null(), classes.names)
    if kind == "Any":
        kind = _ANYTHING
    tail = "" if member.is_required else " | None = None"
    if member.default is not None and not member.is_required:
        tail = f" = {literal(member.default)}"
    # A comma follows, and `call_lines` puts the indent in front of the first line.
    lines = annotated_lines(member.name, member.shape, kind, tail, _IN)
    return "\n".join(lines).removeprefix(_IN)


def _tool_docstring(interface: Interface, tool: ToolDesign) -> list[str]:
    text = one_line(tool.description, 1000)
    summary, rest = split_summary(text, WIDTH - len(_IN) - 8)
    if not summary:
        summary = plain_summary(interface, tool)
    paragraphs = [sentence(rest)] if rest else []
    described = [(one.member.name, _argument_text(interface, tool, one)) for one in tool.parameters]
    arguments = argument_lines(described, _IN) if described else ""
    return docstring(summary, paragraphs, _IN, arguments=arguments)


def _argument_text(interface: Interface, tool: ToolDesign, parameter: Parameter) -> str:
    given = sentence(one_line(parameter.member.description))
    return given or _described(interface, tool, parameter)


def plain_summary(interface: Interface, tool: ToolDesign) -> str:
    """Return what a tool does, in one sentence, where the source does not say it shortly."""
    table = interface.table(tool.table)
    noun = one_line(table.noun if table is not None else " ".join(words_of(tool.table)), 40)
    return {
        "get": f"Look at {article(noun)}.",
        "find": f"Find {plural_noun(noun)}.",
        "create": f"Add {article(noun)}.",
        "update": f"Change {article(noun)}; what is not given stays as it is.",
        "delete": f"Delete {article(noun)}.",
        "event": f"Note a request: {' '.join(words_of(tool.name))}.",
        "read_single": f"Look at the {noun}.",
        "update_single": f"Change the {noun}; what is not given stays as it is.",
    }[tool.kind]


def _described(interface: Interface, tool: ToolDesign, parameter: Parameter) -> str:
    words = " ".join(words_of(parameter.member.name))
    table = interface.table(tool.table)
    noun = table.noun if table is not None else ""
    if parameter.role == "limit":
        return "How many records to return at most."
    if parameter.role == "search":
        return "Text that a record contains."
    if parameter.role in _BOUNDS:
        than = "at least" if parameter.role == "least" else "at most"
        return f"Only records whose {' '.join(words_of(parameter.target))} is {than} this."
    if parameter.role == "filter":
        return f"Only records with this {words}."
    if parameter.role == "key":
        own = words.removeprefix(f"{noun} ")
        own = " ".join(words_of(parameter.target)) if own == noun else own
        return f"The {own} of the {noun or 'record'}."
    return f"The new {words}." if tool.kind.startswith("update") else f"The {words}."


_BOUNDS: tuple[Role, ...] = ("least", "most")
_Body = tuple[list[str], str]


def _key_call(table: Table, tool: ToolDesign) -> str:
    names = {one.target: one.member.name for one in tool.with_role("key")}
    return f"_key({', '.join(names[member] for member in table.key)})"


def _table_of(interface: Interface, tool: ToolDesign) -> Table:
    table = interface.table(tool.table)
    if table is None:
        raise KeyError(tool.table)
    return table


def _record_lines(head: str, table: Table, tool: ToolDesign) -> list[str]:
    arguments = [f"self.db.{table.name}", _key_call(table, tool), literal(table.noun)]
    return formatted_call(f"{head}_found", arguments, _IN)


def _get(interface: Interface, tool: ToolDesign, classes: ClassNames) -> _Body:
    table = _table_of(interface, tool)
    return _record_lines("return ", table, tool), classes.names[table.record]


def _find(interface: Interface, tool: ToolDesign, classes: ClassNames) -> _Body:
    table = _table_of(interface, tool)
    wanted = _mapping(tool.with_role("filter"))
    limits = [one.member.name for one in tool.with_role("limit")]
    searches = [one.member.name for one in tool.with_role("search")]
    arguments = [f"self.db.{table.name}", wanted or "{}", *(limits or [str(MOST_FOUND)])]
    arguments += [f"text={name}" for name in searches]
    arguments += [
        f"{role}={{{_inner(tool.with_role(role))}}}" for role in _BOUNDS if tool.with_role(role)
    ]
    lines = call_lines("return _matching", arguments, "", _IN)
    if len(lines) > 1 and wanted:
        entries = [f"{literal(x.target)}: {x.member.name}" for x in tool.with_role("filter")]
        lines = _named_mapping("wanted", entries)
        arguments[1] = "wanted"
        lines += call_lines("return _matching", arguments, "", _IN)
    return lines, f"list[{classes.names[table.record]}]"


def _mapping(parameters: Sequence[Parameter]) -> str:
    return f"{{{_inner(parameters)}}}" if parameters else ""


def _inner(parameters: Sequence[Parameter]) -> str:
    return ", ".join(f"{literal(one.target)}: {one.member.name}" for one in parameters)


def _named_mapping(name: str, entries: Sequence[str]) -> list[str]:
    line = f"{_IN}{name} = {{{', '.join(entries)}}}"
    if len(line) <= WIDTH:
        return [line]
    return [f"{_IN}{name} = {{", *(f"{_IN}    {entry}," for entry in entries), f"{_IN}}}"]


def _create(interface: Interface, tool: ToolDesign, classes: ClassNames) -> _Body:
    table = _table_of(interface, tool)
    kind = classes.names[table.record]
    given = [*tool.with_role("key"), *tool.with_role("value")]
    lines = _link_checks(interface, table, given)
    values = [f"{literal(one.target)}: {one.member.name}" for one in given]
    values += [f"{literal(name)}: {literal(value)}" for name, value in tool.constants]
    if table.is_numbered and not tool.with_role("key"):
        key = f"{literal(table.key[-1])}: {_new_key(table)}"
        if len(f"{_IN}    {key},") > WIDTH:
            name = unique("new_key", {one.member.name for one in tool.parameters})
            lines.append(f"{_IN}{name} = {_new_key(table)}")
            key = f"{literal(table.key[-1])}: {name}"
        values.insert(0, key)
    lines += _named_mapping("values", values)
    lines.append(f"{_IN}record = _made({kind}, values)")
    keys = ", ".join(f"record.{name}" for name in table.key)
    arguments = [f"self.db.{table.name}", f"_key({keys})", "record", literal(table.noun)]
    lines += formatted_call("return _added", arguments, _IN)
    return lines, kind


def _new_key(table: Table) -> str:
    name = table.key[-1]
    member = table.record.member(name)
    shape = member.shape if member is not None else None
    if shape is not None and shape.kind == "integer":
        return f"_next_number(self.db.{table.name}, {literal(name)})"
    if shape is not None and shape.form == "uuid":
        form = '"00000000-0000-4000-8000-{:012d}"'
    else:
        form = literal(f"{key_prefix(table.noun)}-{{}}")
    return f"_next_text(self.db.{table.name}, {literal(name)}, {form})"


def _link_checks(interface: Interface, table: Table, given: Sequence[Parameter]) -> list[str]:
    """Return lines that refuse a record which names one that does not exist."""
    names = {one.target: one.member for one in given}
    lines = []
    for link in table.links:
        other = interface.table(link.table)
        if other is None or not set(link.members) <= names.keys():
            continue
        members = [names[name] for name in link.members]
        optional = [
            member.name for member in members if not member.is_required or member.shape.is_nullable
        ]
        key = f"_key({', '.join(one.name for one in members)})"
        arguments = [f"self.db.{other.name}", key, literal(other.noun)]
        if optional:
            condition = " and ".join(f"{name} is not None" for name in optional)
            lines.append(f"{_IN}if {condition}:")
            lines += formatted_call("_found", arguments, f"{_IN}    ")
        else:
            lines += formatted_call("_found", arguments, _IN)
    return lines


def _update(interface: Interface, tool: ToolDesign, classes: ClassNames) -> _Body:
    table = _table_of(interface, tool)
    values = tool.with_role("value")
    lines = _record_lines("record = ", table, tool)
    lines += _link_checks(interface, table, values)
    lines += _changes(values, tool)
    return [*lines, f"{_IN}return record"], classes.names[table.record]


def _changes(values: Sequence[Parameter], tool: ToolDesign) -> list[str]:
    entries = [f"{literal(one.target)}: {one.member.name}" for one in values]
    entries += [f"{literal(name)}: {literal(value)}" for name, value in tool.constants]
    if not entries:
        return []
    line = f"{_IN}_change(record, {{{', '.join(entries)}}})"
    if len(line) <= WIDTH:
        return [line]
    return [*_named_mapping("values", entries), f"{_IN}_change(record, values)"]


def _delete(interface: Interface, tool: ToolDesign, classes: ClassNames) -> _Body:
    table = _table_of(interface, tool)
    lines = _record_lines("record = ", table, tool)
    if any(link.table == table.name for other in interface.tables for link in other.links):
        arguments = ["self.db", literal(table.name), _key_call(table, tool)]
        lines += call_lines("_delete", arguments, "", _IN)
    else:
        lines.append(f"{_IN}del self.db.{table.name}[{_key_call(table, tool)}]")
    return [*lines, f"{_IN}return record"], classes.names[table.record]


def _links_lines(interface: Interface) -> list[str]:
    """Return the source of `LINKS`: which records name which."""
    lines = [
        "LINKS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (",
        "    # Records of a table, by which fields they name one of another table, and what to do",
        '    # when that one is deleted: "delete" them, too, "clear" these fields, or "refuse".',
    ]
    for table in interface.tables:
        for link in table.links:
            fields = ", ".join(map(literal, link.members))
            comma = "," if len(link.members) == 1 else ""
            parts = [literal(table.name), f"({fields}{comma})", literal(link.table),
                     literal(link.on_delete)]  # fmt: skip
            line = f"    ({', '.join(parts)}),"
            if len(line) > WIDTH:
                lines += ["    (", *(f"        {part}," for part in parts), "    ),"]
            else:
                lines.append(line)
    return [*lines, ")"]


def _event(interface: Interface, tool: ToolDesign, _classes: ClassNames) -> _Body:
    lines = []
    table = interface.table(tool.table)
    if table is not None and tool.with_role("key"):
        lines += _record_lines("", table, tool)
    inner = ", ".join(f"{literal(one.member.name)}: {one.member.name}" for one in tool.parameters)
    line = f"{_IN}return self._note({literal(tool.name)}, {{{inner}}})"
    if len(line) > WIDTH:
        lines.append(f"{_IN}arguments = {{")
        names = [one.member.name for one in tool.parameters]
        lines += [f"{_IN}    {literal(name)}: {name}," for name in names]
        lines += [f"{_IN}}}", f"{_IN}return self._note({literal(tool.name)}, arguments)"]
    else:
        lines.append(line)
    return lines, "Event"


def _read_single(interface: Interface, tool: ToolDesign, classes: ClassNames) -> _Body:
    single = interface.single(tool.table)
    if single is None:
        raise KeyError(tool.table)
    return [f"{_IN}return self.db.{single.name}"], annotation(single.shape, classes.names)


def _update_single(interface: Interface, tool: ToolDesign, classes: ClassNames) -> _Body:
    lines, result = _read_single(interface, tool, classes)
    lines = [f"{_IN}record = self.db.{tool.table}"]
    return [*lines, *_changes(tool.with_role("value"), tool), f"{_IN}return record"], result


_BODIES: Mapping[ToolKind, Callable[[Interface, ToolDesign, ClassNames], _Body]] = {
    "get": _get,
    "find": _find,
    "create": _create,
    "update": _update,
    "delete": _delete,
    "event": _event,
    "read_single": _read_single,
    "update_single": _update_single,
}

_TRANSFER = '''\
    @is_tool(ToolType.GENERIC)
    def transfer_to_human_agents(self, summary: str) -> str:
        """Hand the conversation to a person. Only when the tools cannot do what is needed.

        Args:
            summary: What the customer needs, in a sentence or two.
        """
        return "Transfer successful"'''

_NOTE = '''\
    def _note(self, tool: str, arguments: Mapping[str, Any]) -> Event:
        """Note a call of which nothing else follows; it is part of the database and graded."""
        number = len(self.db.events) + 1
        plain = {name: _plain(value) for name, value in arguments.items() if value is not None}
        event = Event(number=number, tool=tool, arguments=plain)
        self.db.events[str(number)] = event
        return event'''


def _shared_functions(body: str) -> list[str]:
    """Return the functions that the methods use, and those that these use."""
    known = _known_functions()
    needed: set[str] = set()
    waiting = [body]
    while waiting:
        used = names_in(waiting.pop()) & known.keys()
        waiting += [known[name] for name in used - needed]
        needed |= used
    return [text for name, text in known.items() if name in needed]


@cache
def _known_functions() -> dict[str, str]:
    """Return name → source of the functions of `shared_functions`."""
    text = (files("tau2.scaffold") / "shared_functions.py").read_text(encoding="utf-8")
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return {one.name: ast.get_source_segment(text, one) or "" for one in functions}
