"""`data_model.py` of a package that was derived from a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tau2.scaffold.interface import Interface, Member, RecordShape, Shape
from tau2.scaffold.names import article, class_name, key_of, phrase, unique
from tau2.scaffold.source_text import (
    WIDTH,
    annotated_lines,
    annotation,
    docstring,
    literal,
    literal_lines,
    names_in,
    one_line,
    sentence,
)

EVENT = "Event"


class ClassNames:
    """The classes of a package: one for every record, each once."""

    def __init__(self, interface: Interface, *taken: str) -> None:
        """Name the records of tables, of single values and of arguments, and those inside them."""
        self.names: dict[object, str] = {}
        self.records: list[RecordShape] = []
        self._begun: set[RecordShape] = set()
        self._taken = {EVENT, *taken}
        self._tables = {_members(one.record): one.record for one in interface.tables}
        for table in interface.tables:
            # A record of a table has the name of its kind, also where another kind holds one.
            if table.record not in self.names:
                self._name(table.record, ())
        for table in interface.tables:
            self._add(table.record)
        for single in interface.singles:
            self._add_from(single.shape)
        for tool in interface.tools:
            for parameter in tool.parameters:
                self._add_from(parameter.member.shape)

    def _add_from(self, shape: Shape, within: str = "") -> None:
        if shape.record is not None:
            self._add(shape.record, within)
        if shape.item is not None:
            self._add_from(shape.item, within)

    def _add(self, record: RecordShape, within: str = "") -> None:
        if record in self._begun:
            return
        same = self._tables.get(_members(record), record)
        if key_of(same.name) not in key_of(record.name):
            same = record  # such as a category, which has an id and a name as a tag has
        if same != record and same not in self._begun:
            self._add(same)
        if same != record and same in self.records:
            self._begun.add(record)
            self.names[record] = self.names[same]
            return
        self._begun.add(record)
        own = self.names.get(record) or self._name(record, (f"{within} {record.name}",))
        for member in record.members:
            self._add_from(member.shape, own)
        self.records.append(record)

    def _name(self, record: RecordShape, others: Sequence[str]) -> str:
        """Give a record the first name that is free, or one with a number."""
        names = [class_name(one) for one in (record.name, *others)]
        free = (one for one in names if one not in self._taken)
        name = next(free, "") or unique(names[-1], self._taken).replace("_", "")
        while name in self._taken:
            name += "X"
        self._taken.add(name)
        self.names[record] = name
        return name


def _members(record: RecordShape) -> frozenset[tuple[str, Shape, bool]]:
    """Return what records of one kind share, in whichever order their fields are."""
    return frozenset((one.name, one.shape, one.is_required) for one in record.members)


def data_model_source(interface: Interface, db_class: str, classes: ClassNames) -> str:
    """Return the source of the models: records first, the database last."""
    blocks = [_class_lines(record, classes) for record in classes.records]
    if interface.has_events:
        blocks.append(_EVENT_LINES)
    blocks.append(_db_lines(interface, db_class, classes))
    body = "\n\n\n".join("\n".join(block) for block in blocks)
    used = names_in(body)
    typing = [name for name in ("Any", "Literal") if name in used]
    pydantic = [name for name in ("BaseModel", "Field") if name in used]
    lines = [f'"""What there is in the database, derived from {interface.source}."""', ""]
    if typing:
        lines += [f"from typing import {', '.join(typing)}", ""]
    if pydantic:
        lines.append(f"from pydantic import {', '.join(pydantic)}")
    lines += ["from tau2.plugins import DB", "", "", body, ""]
    return "\n".join(lines)


_EVENT_LINES = [
    "class Event(BaseModel):",
    '    """A call of a tool of which nothing else follows for the database."""',
    "",
    "    number: int",
    "    tool: str",
    "    arguments: dict[str, Any]",
]


def _class_lines(record: RecordShape, classes: ClassNames) -> list[str]:
    about = sentence(one_line(record.description, 88 - 8))
    about = about or sentence(article(phrase(classes.names[record]) or "record"))
    lines = [f"class {classes.names[record]}(BaseModel):", *docstring(about, (), "    ")]
    if record.members:
        lines.append("")
    for member in record.members:
        # A value that may be null may be left out.
        optional = replace(member, is_required=member.is_required and not member.shape.is_nullable)
        if not optional.is_required:
            optional = replace(optional, shape=replace(member.shape, is_nullable=True))
        lines += _field_lines(optional, annotation(optional.shape, classes.names))
    return lines


def _db_lines(interface: Interface, db_class: str, classes: ClassNames) -> list[str]:
    lines = [
        f"class {db_class}(DB):",
        *docstring("Everything that tools read and change.", (), "    "),
    ]
    if interface.tables or interface.singles or interface.has_events:
        lines.append("")
    for table in interface.tables:
        kind = f"dict[str, {classes.names[table.record]}]"
        key = ", ".join(table.key)
        lines += _field_lines(Member(table.name, Shape("any"), description=f"By {key}"), kind)
    for single in interface.singles:
        about = Member(single.name, single.shape, description=single.description)
        lines += _field_lines(about, annotation(single.shape, classes.names))
    if interface.has_events:
        lines.append("    events: dict[str, Event] = Field(default_factory=dict)")
    return lines


def _field_lines(member: Member, kind: str) -> list[str]:
    description = one_line(member.description, 300)
    if member.source:
        spelled = f"'{one_line(member.source, 60)}' in the source"
        description = f"{description} ({spelled})" if description else spelled
    head = f"    {member.name}: {kind}"
    if not description:
        return _plain_field(member, kind)
    default = "" if member.is_required else "default=None, "
    line = f"{head} = Field({default}description={literal(description)})"
    if len(line) <= WIDTH:
        return [line]
    if len(f"{head} = Field(") > WIDTH:
        return _plain_field(member, kind)
    inner = f"        {default}description={literal(description)}"
    if len(inner) <= WIDTH:
        return [f"{head} = Field(", inner, "    )"]
    lines = [f"{head} = Field("]
    if default:
        lines.append("        default=None,")
    described = f"        description={literal(description)},"
    if len(described) <= WIDTH:
        return [*lines, described, "    )"]
    return [
        *lines, "        description=(", *literal_lines(description, "            "),
        "        ),", "    )",
    ]  # fmt: skip


def _plain_field(member: Member, kind: str) -> list[str]:
    tail = "" if member.is_required else " = None"
    return annotated_lines(member.name, member.shape, kind, tail, "    ")
