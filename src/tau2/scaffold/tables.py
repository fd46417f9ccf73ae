"""Tools of a table of which nothing but its records is known: find, get, add, change, delete."""

from __future__ import annotations

from dataclasses import replace

from tau2.scaffold.interface import Member, Parameter, Shape, Single, Table, ToolDesign
from tau2.scaffold.names import PARAMETERS, TOOLS, identifier, plural_noun, unique, words_of

MOST_FILTERS = 12  # arguments of a look-up; a table may have hundreds of columns
LIMIT = Parameter(
    Member("limit", Shape("integer"), is_required=False, default=20),
    "limit",
)


def table_tools(
    table: Table, taken: set[str], *, fixed: frozenset[str] = frozenset()
) -> list[ToolDesign]:
    """Return the tools of a table, and add their names to `taken`.

    Args:
        table: The table, with its links.
        taken: Names of tools that there are.
        fixed: Fields that no tool writes, as they are computed or binary.
    """
    noun = "_".join(words_of(table.noun))
    many = plural_noun(table.noun).replace(" ", "_")
    members = [member for member in table.record.members if member.name not in fixed]
    keys = [_key_parameter(table, name) for name in table.key]
    others = [member for member in members if member.name not in table.key]
    filters = [
        Parameter(_asked(member), "filter", member.name)
        for member in members
        if member.shape.is_scalar and table.key != (member.name,)
    ]
    values = [Parameter(_given(member), "value", member.name) for member in others]
    changes = [Parameter(_changed(member), "value", member.name) for member in others]
    known = [] if table.is_numbered else keys
    designs = [
        ToolDesign(f"get_{noun}", "get", table.name, "", tuple(keys)),
        ToolDesign(f"find_{many}", "find", table.name, "", (*filters[:MOST_FILTERS], LIMIT)),
        ToolDesign(f"create_{noun}", "create", table.name, "", _in_order([*known, *values])),
        ToolDesign(f"update_{noun}", "update", table.name, "", _in_order([*keys, *changes])),
        ToolDesign(f"delete_{noun}", "delete", table.name, "", tuple(keys)),
    ]
    if not changes:
        designs = [design for design in designs if design.kind != "update"]
    return [named_tool(design, taken) for design in designs]


def named_tool(design: ToolDesign, taken: set[str]) -> ToolDesign:
    """Return a tool whose name and arguments can be those of a method, and note its name."""
    name = unique(identifier(design.name, TOOLS, "tool"), taken)
    taken.add(name)
    arguments: set[str] = set()
    parameters = []
    for parameter in design.parameters:
        argument = unique(identifier(parameter.member.name, PARAMETERS, "value"), arguments)
        arguments.add(argument)
        parameters.append(replace(parameter, member=replace(parameter.member, name=argument)))
    return replace(design, name=name, parameters=_in_order(parameters))


def _in_order(parameters: list[Parameter]) -> tuple[Parameter, ...]:
    """Return arguments as Python wants them: those with a default last."""
    return tuple(sorted(parameters, key=lambda one: not one.member.is_required))


def _key_parameter(table: Table, name: str) -> Parameter:
    member = table.record.member(name)
    if member is None:
        raise KeyError(name)
    if name == "id":
        member = replace(member, name="_".join([*words_of(table.noun), "id"]))
    shape = member.shape.without_null()
    asked = replace(member, shape=shape, is_required=True, default=None)
    return Parameter(asked, "key", name)


def _asked(member: Member) -> Member:
    shape = member.shape.without_null()
    return replace(member, shape=shape, is_required=False, default=None, description="")


def _given(member: Member) -> Member:
    is_required = member.is_required and not member.shape.is_nullable and member.default is None
    return replace(member, is_required=is_required, shape=member.shape.without_null())


def _changed(member: Member) -> Member:
    return replace(member, is_required=False, shape=member.shape.without_null(), default=None)


def single_tools(single: Single) -> list[ToolDesign]:
    """Return the tools of what there is once: to read it, and to change the fields of a record."""
    tools = [ToolDesign(f"get_{single.name}", "read_single", single.name, "")]
    if single.shape.record is not None and not single.shape.is_nullable:
        values = [
            Parameter(_changed(member), "value", member.name)
            for member in single.shape.record.members
        ]
        update = ToolDesign(
            f"update_{single.name}", "update_single", single.name, "", tuple(values)
        )
        tools.append(update)
    return tools
