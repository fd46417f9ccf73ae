"""A package for a domain that is derived from a source: its files, and tasks that were played."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from tau2.scaffold.interface import Interface, Table, ToolDesign
from tau2.scaffold.model_code import ClassNames, data_model_source
from tau2.scaffold.names import article, plural_noun, words_of
from tau2.scaffold.source_text import one_line, sentence, split_summary
from tau2.scaffold.tool_code import READING, plain_summary, tools_source
from tau2.utils import finite_json
from tau2.utils.json_types import JsonObject
from tau2.utils.text import first_of

_LONGEST_ABOUT = 80  # characters: it stands in one line of code
_MOST_STATES = 10  # values of a field that the policy lists
_LONGEST_STATE = 40  # characters of such a value
_MOST_LISTED = 60  # lines of a list in a README


def database_of(interface: Interface) -> JsonObject:
    """Return the content of `db.json`: tables by key, and single values."""
    content: JsonObject = {}
    for table in interface.tables:
        content[table.name] = {key_text(table, row): row for row in table.rows}
    for single in interface.singles:
        content[single.name] = single.value
    if interface.has_events:
        content["events"] = {}
    return content


def key_text(table: Table, row: Mapping[str, object]) -> str:
    """Return the key of a record, as the tools of the package form it."""
    parts = [str(row[name]) for name in table.key]
    if len(parts) == 1:
        return parts[0]
    return "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)


def code_of(interface: Interface, module: str, prefix: str) -> dict[str, str]:
    """Return path → text of the Python files and the database."""
    db_class = f"{prefix}DB"
    toolkit = f"{prefix}Tools"
    classes = ClassNames(interface, db_class, toolkit)
    return {
        f"{module}/data_model.py": data_model_source(interface, db_class, classes),
        f"{module}/tools.py": tools_source(interface, module, toolkit, db_class, classes),
        f"{module}/db.json": finite_json.dumps(database_of(interface), indent=2) + "\n",
    }


def about(interface: Interface) -> str:
    """Return what the domain is, in one line without quotes or backslashes."""
    nouns = [plural_noun(table.noun) for table in interface.tables]
    nouns += [" ".join(words_of(single.name)) for single in interface.singles]
    for most in (4, 3, 2, 1):
        text = f"{first_of(nouns, most) or 'requests'}, derived from {interface.source}"
        if len(text) <= _LONGEST_ABOUT:
            return text
    return f"derived from {interface.source}"


def policy_of(interface: Interface, title: str) -> str:
    """Return a skeleton of the policy: what holds for every company, and what there is."""
    nouns = [plural_noun(table.noun) for table in interface.tables]
    lines = ["# Policy", "", f"You work for {title}. Today is March 1, 2027.", ""]
    lines.append(f"* You help customers with {first_of(nouns, 8) or 'their requests'}.")
    if any(tool.kind in READING for tool in interface.tools):
        lines.append("* Look at a record before you speak of it or change it.")
    if any(tool.kind not in READING for tool in interface.tools):
        lines.append("* Say what you are going to change and wait for a yes before you change it.")
    lines += [
        "* Do only what the customer asks for, and say only what stands in a record.",
        "* Hand the conversation to a person only for what your tools cannot do.",
    ]
    for table in interface.tables[:_MOST_LISTED]:
        lines += [
            "",
            f"## {plural_noun(table.noun).capitalize()}",
            "",
            *_known_of(interface, table),
        ]
    lines += [
        "", "## Rules of the company", "",
        "Write here who may do what, and when: which changes are allowed in which state, what is",
        "checked first, what costs how much.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _known_of(interface: Interface, table: Table) -> list[str]:
    """Return what the policy says of records of a table: their tools, states and owners."""
    mine = [tool for tool in interface.tools if tool.table == table.name]
    looks = first_of((f"`{tool.name}`" for tool in mine if tool.kind in READING), 8)
    changes = first_of((f"`{tool.name}`" for tool in mine if tool.kind not in READING), 12)
    lines = [f"* Look them up: {looks}." if looks else "* No tool looks them up."]
    if changes:
        lines.append(f"* Change them: {changes}.")
    for link in table.links:
        other = interface.table(link.table)
        if other is not None:
            fields = " and ".join(f"`{name}`" for name in link.members)
            lines.append(f"* {fields} names {article(other.noun)}.")
    for member in table.record.members:
        choices = member.shape.choices
        if 1 < len(choices) <= _MOST_STATES and all(
            len(str(one)) < _LONGEST_STATE for one in choices
        ):
            words = ", ".join(markdown(one_line(one)) for one in choices)
            lines.append(f"* `{member.name}` is one of: {words}.")
    return lines


def readme_parts(interface: Interface) -> dict[str, list[str]]:
    """Return what the README tells of the interface: tools, notes, what was left out."""
    tools = []
    for tool in interface.tools:
        summary, _ = split_summary(one_line(tool.description, 1000), 80)
        what = markdown(summary or plain_summary(interface, tool))
        tools.append(f"| `{tool.name}` | {_effect(tool)} | {what} |")
    return {
        "tools": _cut(tools, "| | | ({} more) |"),
        "notes": [markdown(sentence(one_line(note))) for note in interface.notes],
        "left_out": _cut([markdown(one_line(one)) for one in interface.left_out], "({} more)"),
    }


def _effect(tool: ToolDesign) -> str:
    if tool.kind in READING:
        return "reads"
    return "is only noted in `events`" if tool.kind == "event" else "changes"


def _cut(lines: list[str], form: str) -> list[str]:
    if len(lines) <= _MOST_LISTED:
        return lines
    return [*lines[:_MOST_LISTED], form.format(len(lines) - _MOST_LISTED)]


def markdown(text: str) -> str:
    """Return a text of a source so that Markdown shows it as it is."""
    return "".join(_escaped(text))


def _escaped(text: str) -> Iterator[str]:
    for letter in text:
        if letter in "\\`*_[]<>|#!":
            yield "\\"
        yield letter


def tasks_text(tasks: list[JsonObject]) -> str:
    """Return the content of `tasks.json`."""
    return json.dumps(tasks, indent=2, ensure_ascii=False) + "\n"


def unknown_lookup(interface: Interface) -> str:
    """Return a call of a tool, as Python, that asks for a record which does not exist; or ""."""
    for tool in interface.tools:
        keys = tool.with_role("key")
        table = interface.table(tool.table)
        if tool.kind != "get" or table is None or not keys or len(keys) != len(tool.parameters):
            continue
        shapes = [one.member.shape for one in keys]
        if any(shape.kind not in {"text", "integer"} for shape in shapes):
            continue
        values = ['"no such record"' if shape.kind == "text" else "999999999" for shape in shapes]
        return f"{tool.name}({', '.join(values)})"
    return ""
