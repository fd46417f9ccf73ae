"""From operations of an interface to tables and tools.

An operation is a request of an API or a tool of an MCP server, of which only names and schemas are
known. What it does follows from a rule: it gets, lists, creates, updates or deletes records of a
resource; it changes the state of one ("cancel"); it reads what there is once; or, where nothing of
this is so and it may change something, it is noted as an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.scaffold.examples import add_examples, example_value
from tau2.scaffold.interface import (
    Constant,
    Interface,
    Link,
    Member,
    Parameter,
    RecordShape,
    Role,
    Shape,
    Single,
    Table,
    ToolDesign,
    ToolKind,
)
from tau2.scaffold.names import (
    FIELDS,
    TABLES,
    identifier,
    key_of,
    phrase,
    plural_name,
    plural_noun,
    singular_name,
    unique,
    words_of,
)
from tau2.scaffold.selection import EVERYTHING, Selection
from tau2.scaffold.state_words import is_state, state_after
from tau2.scaffold.tables import LIMIT, named_tool
from tau2.utils.json_types import JsonObject
from tau2.utils.text import first_of

Verb: TypeAlias = Literal["get", "list", "create", "update", "delete", "act", "single", "unknown"]

_TELLING: tuple[Verb, ...] = ("get", "list", "create", "update", "delete")
"""Operations on records, those first whose results say most of a record."""
MOST_TOOLS = 127
"""Models accept 128 tools; one hands the conversation over."""
_LIMITS = frozenset({"limit", "perpage", "pagesize", "size", "maxresults", "first", "top", "count",
                     "take", "max", "n"})  # fmt: skip
_SEARCHES = frozenset({"q", "query", "search", "keyword", "keywords", "term", "text", "filter",
                       "searchterm", "searchtext"})  # fmt: skip
_BOUND_WORDS: tuple[tuple[Role, frozenset[str], frozenset[str]], ...] = (
    (
        "least",
        frozenset({"min", "minimum"}),
        frozenset({"min", "gte", "gt", "after", "since", "from"}),
    ),
    (
        "most",
        frozenset({"max", "maximum"}),
        frozenset({"max", "lte", "lt", "before", "until", "to"}),
    ),
)
"""What names of arguments begin or end with that bound a field."""
_NUMBERING = (["id"], ["uuid"], ["guid"], ["uid"], ["number"], ["no"])
"""Last words of names of keys that the company gives."""
_KEY_NAMES = (
    "id",
    "uuid",
    "uid",
    "guid",
    "code",
    "number",
    "slug",
    "username",
    "key",
    "sku",
    "name",
)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation, as its source describes it."""

    name: str
    verb: Verb
    resource: str
    """What it is about, in words and in the singular."""
    description: str = ""
    parents: tuple[tuple[str, Member], ...] = ()
    """Resources above it in the path, each with the argument that names one."""
    key: Member | None = None
    """The argument that names a record of the resource."""
    filters: tuple[Member, ...] = ()
    values: tuple[Member, ...] = ()
    """What is sent, such as the members of a body."""
    result: Shape | None = None
    """What one record of the result looks like, or the result itself."""
    action: str = ""
    """Of an act: what is done with the record."""
    may_change: bool = True
    source: str = ""
    """How it is named to people."""
    groups: tuple[str, ...] = ()
    """What else `--only` may call it: its tags, its path."""


@dataclass(slots=True)
class _Resource:
    noun: str
    members: dict[str, Member] = field(default_factory=dict)
    about: str = ""
    key: list[Member] = field(default_factory=list)
    parents: list[tuple[str, Member]] = field(default_factory=list)
    is_unknown: bool = False
    """Whether no schema says what is in a record."""
    gives_key: bool = False
    """Whether who creates a record says its key."""

    def add(self, member: Member, *, is_required: bool) -> Member:
        """Return the field of this name; it is added where there is none."""
        known = self.members.get(key_of(member.name))
        if known is None:
            name = identifier(member.name, FIELDS, "field")
            name = unique(name, {one.name for one in self.members.values()})
            known = replace(
                member, name=name, is_required=is_required, default=None, is_read_only=False
            )
            self.members[key_of(member.name)] = known
        return known

    def find(self, name: str) -> Member | None:
        """Return the field that an argument is about: of its name, or without the noun."""
        wanted = key_of(name)
        noun = key_of(self.noun)
        spelled = [wanted, f"{noun}{wanted}"]
        if wanted.startswith(noun) and wanted != noun:
            spelled.append(wanted[len(noun) :])
        return next((self.members[one] for one in spelled if one in self.members), None)


def derive(
    operations: Sequence[Operation], interface: Interface, selection: Selection = EVERYTHING
) -> Interface:
    """Fill an interface with the tables, single values and tools of operations, and return it.

    Operations that are not selected still say what is in a record.
    """
    chosen = selection.of(operations, lambda one: (one.name, *one.groups), interface.source)
    # Packages have one of their own.
    chosen = [one for one in chosen if "_".join(words_of(one.name)) != TRANSFER_TOOL]
    kept = chosen[:MOST_TOOLS]
    if len(chosen) > MOST_TOOLS:
        interface.notes.append(
            f"Of {len(chosen):,} tools, {MOST_TOOLS} were taken, as models accept "
            f"{MOST_TOOLS + 1}: say which with --only"
        )
    for operation in chosen[MOST_TOOLS:]:
        interface.left_out.append(f"{operation.source}: models accept {MOST_TOOLS + 1} tools")
    resources = _resources(operations)
    used = {one.resource for one in kept}
    used |= {noun for one in used & resources.keys() for noun, _ in resources[one].parents}
    names: set[str] = set()
    tables: dict[str, Table] = {}
    for noun, resource in resources.items():
        if noun not in used:
            continue
        name = unique(identifier(plural_name(noun), TABLES, "table"), names)
        names.add(name)
        tables[noun] = _as_table(resource, name)
    for noun, table in tables.items():
        table.links = tuple(_parent_links(resources[noun], tables))
    interface.tables = list(tables.values())
    add_examples(interface)
    taken: set[str] = set()
    dropped: list[str] = []
    for operation in kept:
        known = tables.get(operation.resource)
        design = _design(interface, operation, known, resources.get(operation.resource), names)
        if design is None:
            reason = "what it returns does not follow from records"
            interface.left_out.append(f"{operation.source}: {reason}")
            continue
        interface.tools.append(named_tool(design, taken))
        if design.kind in {"find", "get"}:
            used_names = {one.member.name for one in design.parameters}
            dropped += [one.name for one in operation.filters if one.name not in used_names]
    if dropped:
        names_of_dropped = first_of(dict.fromkeys(dropped), 12)
        interface.notes.append(
            "Arguments that page, sort or choose what is shown, or that no field is known for, are "
            f"not in the tools: {names_of_dropped}"
        )
    _drop_unused(interface)
    return interface


def _drop_unused(interface: Interface) -> None:
    """Leave out tables that no tool works on and no other table names."""
    used = {tool.table for tool in interface.tools}
    used |= {link.table for table in interface.tables for link in table.links if table.name in used}
    interface.tables = [table for table in interface.tables if table.name in used]


def _resources(operations: Iterable[Operation]) -> dict[str, _Resource]:
    """Return what there are records of, by noun, with every field that is known of them."""
    found: dict[str, _Resource] = {}
    records: list[Operation] = []
    for operation in operations:
        if operation.verb in {"get", "list", "create", "update", "delete"}:
            found.setdefault(operation.resource, _Resource(operation.resource))
            records.append(operation)
    for operation in sorted(records, key=lambda one: _TELLING.index(one.verb)):
        _add_returned(found[operation.resource], operation)
    for resource in found.values():
        mine = [one for one in records if one.resource == resource.noun]
        _add_written(resource, mine)
        _add_key(resource, mine)
        _add_parents(resource, mine)
        _add_substance(resource, mine)
    for operation in operations:
        acted = found.get(operation.resource)
        if operation.verb != "act" or acted is None:
            continue
        if operation.key is not None and acted.is_unknown and is_state(operation.action):
            acted.add(Member("status", Shape("text"), description="State"), is_required=False)
        if _state_change(acted, operation):
            _add_missing(acted, operation.values)
    return found


def _add_missing(resource: _Resource, values: Iterable[Member]) -> None:
    for value in values:
        if resource.find(value.name) is None:
            resource.add(value, is_required=False)


def _add_returned(resource: _Resource, operation: Operation) -> None:
    """Add the fields that an operation returns."""
    record = operation.result.record if operation.result is not None else None
    if record is not None:
        resource.about = resource.about or record.description
        for member in record.members:
            # Nobody sends it, and a record cannot be made up when another one is created.
            is_given = member.is_read_only and member.shape.kind == "record"
            resource.add(member, is_required=member.is_required and not is_given)


def _add_written(resource: _Resource, operations: Sequence[Operation]) -> None:
    """Add the fields that are sent but not returned."""
    has_result = bool(resource.members)
    for operation in operations:
        if operation.verb not in {"create", "update"}:
            continue
        for value in operation.values:
            if resource.find(value.name) is None:
                is_required = value.is_required and operation.verb == "create" and not has_result
                resource.add(value, is_required=is_required)


def _add_key(resource: _Resource, operations: Sequence[Operation]) -> None:
    """Decide by which fields a record is found."""
    named = next((one.key for one in operations if one.key is not None), None)
    key = None
    if named is not None:
        key = resource.find(named.name) or _by_other_name(resource, named)
        if key is None:
            key = resource.add(named, is_required=True)
    else:
        for name in _KEY_NAMES:
            key = key or resource.members.get(name) or resource.find(f"{resource.noun} {name}")
    if key is None or not key.shape.is_scalar or key.shape.kind == "boolean":
        key = resource.add(Member("id", Shape("integer"), description="Number"), is_required=True)
    shape = key.shape.without_null()
    given = named.shape.kind if named is not None else ""
    if named is not None and given != shape.kind and given in {"integer", "text", "choice"}:
        shape = replace(named.shape, examples=key.shape.examples or named.shape.examples)
    _put_key(resource, replace(key, is_required=True, shape=shape))
    for operation in operations:
        if operation.verb == "create":
            sent = [
                one for one in operation.values
                if resource.find(one.name) == resource.key[0] and not one.is_read_only
            ]  # fmt: skip
            is_number = words_of(resource.key[0].name)[-1:] in _NUMBERING
            required = any(one.is_required for one in sent)
            resource.gives_key = resource.gives_key or required or bool(sent and not is_number)


def _put_key(resource: _Resource, key: Member) -> None:
    spelled = next(k for k, one in resource.members.items() if one.name == key.name)
    resource.members[spelled] = key
    resource.key = [key]


def _by_other_name(resource: _Resource, named: Member) -> Member | None:
    """Return the field that an argument such as `order_ref` or `order` means, by another name."""
    last = words_of(named.name)[-1:]
    ways = (["id"], ["uuid"], ["guid"], ["uid"], ["key"], ["ref"], ["identifier"])
    if last in ways or key_of(named.name) == key_of(resource.noun):
        for name in ("id", "uuid", "uid", "guid"):
            found = resource.members.get(name)
            if found is not None:
                return found
    return None


def _add_parents(resource: _Resource, operations: Sequence[Operation]) -> None:
    """Add what the path says of the records above; it is part of the key where it always is."""
    by_key = [one for one in operations if one.key is not None]
    everywhere: set[str] | None = None
    for operation in by_key:
        mine = {key_of(member.name) for _, member in operation.parents}
        everywhere = mine if everywhere is None else everywhere & mine
    for operation in operations:
        for noun, member in operation.parents:
            own = resource.members.get(key_of(member.name))
            known = own or resource.add(member, is_required=False)
            if all(one.name != known.name for _, one in resource.parents):
                resource.parents.append((noun, known))
            if everywhere and key_of(member.name) in everywhere:
                everywhere.discard(key_of(member.name))
                key = replace(known, is_required=True, shape=known.shape.without_null())
                resource.members[key_of(member.name)] = key
                resource.key.insert(len(resource.key) - 1, key)


def _add_substance(resource: _Resource, operations: Sequence[Operation]) -> None:
    """Add what is asked by, and a text where a record would have nothing to tell."""
    if any(one.result is not None and one.result.record is not None for one in operations):
        return
    resource.is_unknown = not {"status", "state"} & resource.members.keys()
    for operation in operations:
        for asked in operation.filters if operation.verb in {"list", "get"} else ():
            plain = key_of(asked.name)
            is_way = plain in _LIMITS or plain in _SEARCHES or not asked.shape.is_scalar
            _, name = bounded_name(asked.name)
            if not is_way and resource.find(name) is None:
                resource.add(replace(asked, name=name), is_required=False)
    parents = {member.name for _, member in resource.parents}
    if not [
        m for m in resource.members.values() if m not in resource.key and m.name not in parents
    ]:
        details = Member("details", Shape("text"), description="What is known of it")
        resource.add(details, is_required=False)


def _as_table(resource: _Resource, name: str) -> Table:
    keys = [member.name for member in resource.key]
    members = sorted(resource.members.values(), key=lambda one: one.name not in keys)
    record = RecordShape(resource.noun, tuple(members), resource.about)
    key = tuple(keys)
    return Table(name, resource.noun, record, key, is_numbered=not resource.gives_key)


def _parent_links(resource: _Resource, tables: dict[str, Table]) -> Iterable[Link]:
    for noun, member in resource.parents:
        other = tables.get(noun)
        if other is None or noun == resource.noun or len(other.key) != 1:
            continue
        its = other.record.member(other.key[0])
        if its is not None and its.shape.kind == member.shape.kind:
            yield Link((member.name,), other.name)


def _state_change(resource: _Resource, operation: Operation) -> tuple[str, Constant] | None:
    """Return the field that says what an action leads to, and its value then."""
    return state_after(operation.action, list(resource.members.values()))


def _design(
    interface: Interface, operation: Operation, table: Table | None, resource: _Resource | None,
    names: set[str],
) -> ToolDesign | None:  # fmt: skip
    if operation.verb == "single":
        return _single(interface, operation, names)
    if table is None or resource is None:
        return _event(operation, None) if operation.may_change else None
    keys = _keys(operation, table, resource)
    is_by_key = len(keys) == len(table.key)
    if operation.verb == "get" and is_by_key:
        return _made(operation, "get", table, keys)
    if operation.verb in {"get", "list"}:
        return _made(operation, "find", table, _found_by(operation, resource))
    if operation.verb == "create":
        return _created(operation, table, resource)
    if operation.verb == "delete" and is_by_key:
        return _made(operation, "delete", table, keys)
    if operation.verb in {"update", "act"} and is_by_key:
        return _updated(operation, table, resource, keys)
    return _event(operation, None) if operation.may_change else None


def _made(
    operation: Operation, kind: ToolKind, table: Table, parameters: Sequence[Parameter],
    constants: tuple[tuple[str, Constant], ...] = (),
) -> ToolDesign:  # fmt: skip
    return ToolDesign(
        operation.name, kind, table.name, operation.description, tuple(parameters), constants
    )


def _parameter(member: Member, role: Role, target: str, *, is_required: bool) -> Parameter:
    shape = member.shape.without_null()
    default = None if is_required else member.default
    asked = replace(member, shape=shape, is_required=is_required, default=default)
    return Parameter(asked, role, target)


def _keys(operation: Operation, table: Table, resource: _Resource) -> list[Parameter]:
    """Return the arguments that name a record; fewer than its key has where one is missing."""
    given = [member for _, member in operation.parents]
    if operation.key is not None:
        given.append(operation.key)
    elif operation.verb == "update":
        given += [one for one in operation.values if resource.find(one.name) == resource.key[-1]]
    by_name: dict[str, Parameter] = {}
    for member in given:
        is_own = operation.key is not None and member == operation.key
        field_ = resource.key[-1] if is_own else resource.find(member.name)
        if field_ is not None and field_.name in table.key:
            shaped = replace(member, shape=field_.shape)
            by_name[field_.name] = _parameter(shaped, "key", field_.name, is_required=True)
    return [by_name[name] for name in table.key if name in by_name]


def _found_by(operation: Operation, resource: _Resource) -> list[Parameter]:
    found: list[Parameter] = []
    parents = [member for _, member in operation.parents]
    key = [operation.key] if operation.key is not None else []
    for member in [*parents, *key]:
        field_ = resource.find(member.name)
        if field_ is not None:
            found.append(_parameter(member, "filter", field_.name, is_required=True))
    has_limit = False
    has_search = False
    for member in operation.filters:
        field_ = resource.find(member.name) or _filtered(resource, member)
        plain = key_of(member.name)
        if field_ is not None and (field_.shape.is_scalar or field_.shape.kind == "list"):
            if _can_compare(member.shape, field_.shape):
                required = member.is_required
                found.append(_parameter(member, "filter", field_.name, is_required=required))
        elif _bound(resource, member) is not None:
            role, target = _bound(resource, member) or ("least", "")
            found.append(_parameter(member, role, target, is_required=member.is_required))
        elif plain in _LIMITS and member.shape.kind in {"integer", "number"} and not has_limit:
            has_limit = True
            found.append(Parameter(replace(LIMIT.member, name=member.name), "limit"))
        elif plain in _SEARCHES and member.shape.kind == "text" and not has_search:
            has_search = True
            found.append(_parameter(member, "search", "", is_required=member.is_required))
    return found


def _filtered(resource: _Resource, member: Member) -> Member | None:
    """Return the field that `filter[status]` is about, or `ids` where it is a list."""
    words = words_of(member.name)
    if words[:1] in (["filter"], ["by"], ["with"]) and len(words) > 1:
        return resource.find("_".join(words[1:]))
    return resource.find(singular_name(member.name)) if member.shape.kind == "list" else None


def _bound(resource: _Resource, member: Member) -> tuple[Role, str] | None:
    """Return which bound of which field an argument such as `max_price` is."""
    role, name = bounded_name(member.name)
    spelled = (f"{name}{end}" for end in ("", "_at", "_date", "_on", "_time"))
    fields = (resource.find(one) for one in spelled) if role is not None else ()
    field_ = next((one for one in fields if one is not None), None)
    if role is None or field_ is None or field_.shape.kind not in {"integer", "number", "text"}:
        return None
    return (role, field_.name) if _can_compare(member.shape, field_.shape) else None


def bounded_name(name: str) -> tuple[Role | None, str]:
    """Return which bound an argument is by its name, and what is left of the name."""
    words = words_of(name)
    for role, starts, ends in _BOUND_WORDS:
        if len(words) > 1 and words[0] in starts:
            return role, "_".join(words[1:])
        if len(words) > 1 and words[-1] in ends:
            return role, "_".join(words[:-1])
    return None, name


def _can_compare(asked: Shape, stored: Shape) -> bool:
    one = asked.item or Shape("any") if asked.kind == "list" else asked
    other = stored.item or Shape("any") if stored.kind == "list" else stored
    if other.kind == "record" and one.kind == "text":
        return True  # such as the name of a tag
    alike = {"text": "text", "choice": "text", "integer": "number", "number": "number"}
    return alike.get(one.kind, one.kind) == alike.get(other.kind, other.kind)


def _values(
    operation: Operation, table: Table, resource: _Resource, *, is_create: bool
) -> list[Parameter]:
    values = []
    taken: set[str] = set()
    for member in operation.values:
        field_ = resource.find(member.name)
        if field_ is None or member.is_read_only or field_.name in {*table.key, *taken}:
            continue
        taken.add(field_.name)
        needed = is_create and field_.is_required and not field_.shape.is_nullable
        required = needed if is_create else member.is_required
        if needed and field_.shape.kind in {"list", "map"}:
            required = member.is_required or needed
        # The record has the shape of the result; what is sent may be another one of the same name.
        shaped = replace(member, shape=field_.shape)
        values.append(_parameter(shaped, "value", field_.name, is_required=required))
    return values


def _created(operation: Operation, table: Table, resource: _Resource) -> ToolDesign | None:
    parents = [member for _, member in operation.parents]
    given: list[Parameter] = []
    for member in parents:
        field_ = resource.find(member.name)
        if field_ is not None:
            shaped = replace(member, shape=field_.shape)
            given.append(_parameter(shaped, "value", field_.name, is_required=True))
    own = resource.key[-1]
    if resource.gives_key:
        sent = (
            one for one in operation.values
            if resource.find(one.name) == own and not one.is_read_only
        )  # fmt: skip
        key = next(sent, None)
        if key is None:
            return _event(operation, None)
        shaped = replace(key, shape=own.shape)
        given.append(_parameter(shaped, "key", own.name, is_required=True))
    known = {one.target for one in given}
    values = [one for one in _values(operation, table, resource, is_create=True)
              if one.target not in known]  # fmt: skip
    missing = [
        member for member in resource.members.values()
        if member.is_required and not member.shape.is_nullable
        and member.name not in {*known, own.name, *(one.target for one in values)}
    ]  # fmt: skip
    constants = tuple(
        (member.name, _beginning(member)) for member in missing if _has_beginning(member.shape)
    )
    values += [
        _parameter(member, "value", member.name, is_required=True)
        for member in missing if not _has_beginning(member.shape)
    ]  # fmt: skip
    return _made(operation, "create", table, [*given, *values], constants)


def _has_beginning(shape: Shape) -> bool:
    return shape.is_scalar or shape.kind in {"list", "map"}


def _beginning(member: Member) -> Constant:
    """Return what a field is at first, if nobody says so."""
    shape = member.shape
    if shape.kind == "list":
        return []
    if shape.kind == "map":
        return {}
    if shape.kind == "choice":
        return shape.choices[0]
    if shape.kind == "boolean":
        return False
    if shape.kind in {"integer", "number"}:
        return int(shape.low or 0)
    return {"date": "2027-03-01", "date-time": "2027-03-01T09:00:00Z"}.get(shape.form, "")


def _updated(
    operation: Operation, table: Table, resource: _Resource, keys: Sequence[Parameter]
) -> ToolDesign | None:
    values = _values(operation, table, resource, is_create=False)
    constants: tuple[tuple[str, Constant], ...] = ()
    if operation.verb == "act":
        change = _state_change(resource, operation)
        if change is not None and all(one.target != change[0] for one in values):
            constants = (change,)
    if not values and not constants:
        return _event(operation, table, keys) if operation.may_change else None
    return _made(operation, "update", table, [*keys, *values], constants)


def _event(operation: Operation, table: Table | None, keys: Sequence[Parameter] = ()) -> ToolDesign:
    known = {one.member.name for one in keys}
    given = [*(member for _, member in operation.parents), *operation.filters, *operation.values]
    if operation.key is not None:
        given.append(operation.key)
    values = [
        _parameter(one, "value", "", is_required=one.is_required)
        for one in given if one.name not in known and not one.is_read_only
    ]  # fmt: skip
    name = table.name if table is not None else ""
    return ToolDesign(operation.name, "event", name, operation.description, (*keys, *values))


def _single(interface: Interface, operation: Operation, names: set[str]) -> ToolDesign | None:
    noun = operation.resource
    known = next((one for one in interface.singles if one.description == noun), None)
    if operation.values:
        if known is None or known.shape.record is None:
            return _event(operation, None)
        record = known.shape.record
        values = []
        for member in operation.values:
            target = next(
                (one for one in record.members if key_of(one.name) == key_of(member.name)), None
            )
            if target is not None and not member.is_read_only:
                shaped = replace(member, shape=target.shape)
                values.append(_parameter(shaped, "value", target.name, is_required=False))
        return ToolDesign(
            operation.name, "update_single", known.name, operation.description, tuple(values)
        )
    shape = operation.result
    if operation.may_change or shape is None or shape.kind not in {"record", "map", "list"}:
        return _event(operation, None) if operation.may_change else None
    if known is None:
        name = unique(identifier("_".join(words_of(noun)), TABLES, "single"), names)
        names.add(name)
        value = _row_like(interface, shape) or example_value(interface, shape, name)
        known = Single(name, shape, value, noun)
        interface.singles.append(known)
    return ToolDesign(operation.name, "read_single", known.name, operation.description)


def _row_like(interface: Interface, shape: Shape) -> JsonObject | None:
    """Return a record of a table as what there is once, such as the user who is signed in."""
    record = shape.record
    for table in interface.tables:
        if record is None or table.record.name != record.name or not table.rows:
            continue
        row = table.rows[0]
        if all(one.name in row for one in record.members):
            return {one.name: row[one.name] for one in record.members}
    return None


def nouns_of(tables: Iterable[Table]) -> list[str]:
    """Return what the records of tables are called."""
    return [plural_noun(phrase(table.noun)) for table in tables]
