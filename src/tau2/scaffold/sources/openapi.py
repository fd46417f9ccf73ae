"""A domain from an OpenAPI document (2.0, 3.0, 3.1): operations by path and method."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from tau2.errors import ConfigError
from tau2.scaffold.interface import Interface, Member, Shape
from tau2.scaffold.names import (
    FIELDS,
    PARAMETERS,
    identifier,
    key_of,
    phrase,
    singular_name,
    unique,
    words_of,
)
from tau2.scaffold.operations import Operation, Verb, derive
from tau2.scaffold.schemas import Schema, SchemaReader
from tau2.scaffold.selection import EVERYTHING, Selection
from tau2.scaffold.source_text import one_line
from tau2.scaffold.sources.mcp_tools import about_known_nouns, operation_of, verb_of
from tau2.scaffold.state_words import is_state
from tau2.utils.json_types import JsonObject

_METHODS = ("get", "post", "put", "patch", "delete")
_MOST_OPERATIONS = 1000
_MOST_ARGUMENTS = 25
_WRAPPERS = frozenset(
    {"data", "result", "results", "items", "item", "records", "list", "content", "value", "values",
     "payload", "response", "rows", "entries", "hits"}
)  # fmt: skip
"""Names of fields that hold the records of a result."""
_PAGING = frozenset(
    {"paging", "pagination", "page", "pageinfo", "meta", "metadata", "links", "cursor", "cursors",
     "info", "summary"}
)  # fmt: skip
"""Names of fields beside the records of a result that say how to get more."""
_AROUND_NAMES = frozenset(
    {"response", "dto", "model", "schema", "resource", "object", "out", "read", "detail",
     "details", "result", "view", "entity", "representation"}
)  # fmt: skip
"""Words in the name of a schema that do not say what it is about."""
_JSON_API = frozenset({"type", "id", "attributes", "relationships", "links", "meta"})
_COMMON_BEGINNINGS = frozenset({"api", "rest", "public", "services", "service"})
_NOT_PLAIN = {
    "get": "get",
    "post": "create",
    "put": "update",
    "patch": "update",
    "delete": "delete",
}
_SEARCHING = frozenset({"search", "query", "find", "filter", "lookup"})


@dataclass(frozen=True, slots=True)
class _Segment:
    """A part of a path: a word of its own, or an argument."""

    name: str
    is_argument: bool


@dataclass(frozen=True, slots=True)
class _Request:
    """One operation of the document, with its parts read."""

    method: str
    path: str
    segments: tuple[_Segment, ...]
    raw: Schema
    arguments: Mapping[str, Member]
    """Of the path, by their name in it."""
    query: tuple[Member, ...]
    body: Shape | None
    result: Shape | None
    is_list: bool
    """Whether the result is a list of records."""
    component: str
    """What the record of the result is called."""

    @property
    def static(self) -> tuple[str, ...]:
        """The words of the path, without its arguments."""
        return tuple("{}" if one.is_argument else one.name for one in self.segments)


def read_openapi(document: JsonObject, source: str, selection: Selection = EVERYTHING) -> Interface:
    """Return the interface of an OpenAPI document, or of those operations that are selected.

    Raises:
        ConfigError: the document has no operation, or none that is selected.
    """
    interface = Interface(source)
    requests = list(_requests(document, interface))
    if not requests:
        raise ConfigError(
            f"{source} has no operation below `paths`; an OpenAPI document with paths is expected"
        )
    collections = _collections(requests)
    components = _components(requests, collections)
    operations = [_operation(one, collections, components) for one in requests]
    if any(map(_is_procedure, requests)):
        operations = about_known_nouns(operations)
    return derive(list(_with_names(operations, requests)), interface, selection)


def is_openapi(document: Mapping[str, object]) -> bool:
    """Return whether a document describes an API."""
    return isinstance(document.get("paths"), Mapping)


# --- reading --------------------------------------------------------------------------------------


def _requests(document: JsonObject, interface: Interface) -> Iterator[_Request]:
    reader = SchemaReader(document)
    count = 0
    paths = document.get("paths")
    for path, listed in paths.items() if isinstance(paths, Mapping) else ():
        item = reader.resolved(listed)
        for method in _METHODS:
            raw = item.get(method)
            if not isinstance(raw, Mapping):
                continue
            count += 1
            if count > _MOST_OPERATIONS:
                interface.left_out.append(
                    f"{method.upper()} {one_line(path, 80)}: too many of them"
                )
                continue
            yield _request(reader, method, str(path), item, raw)
    if reader.is_cut:
        interface.notes.append("Schemas that are very deep or very large were cut.")


def _request(reader: SchemaReader, method: str, path: str, item: Schema, raw: Schema) -> _Request:
    segments = _segments(path)
    above = ""
    parameters = [*_parameters(reader, item), *_parameters(reader, raw)]
    by_place: dict[tuple[str, str], Schema] = {
        (str(one.get("in")), str(one.get("name"))): one for one in parameters
    }
    arguments: dict[str, Member] = {}
    for segment in segments:
        if not segment.is_argument:
            above = singular_name(segment.name)
            continue
        given = by_place.get(("path", segment.name), {"schema": {"type": "string"}})
        member = _argument(reader, segment.name, given)
        if member.name in {"id", "uuid"} and above:
            # Of two records in a path, each has an id.
            name = identifier(f"{above}_{member.name}", PARAMETERS, "value")
            member = replace(member, name=name, source=segment.name)
        arguments[segment.name] = replace(member, is_required=True, default=None)
    query = [_argument(reader, name, one) for (place, name), one in by_place.items()
             if place == "query"]  # fmt: skip
    body = _body(reader, by_place, raw, f"{segments[-1].name} body" if segments else "body")
    result = _result(reader, raw, singular_name(_last_word(segments)) or "result")
    record, is_list = _unwrapped(result)
    record = _flat(record)
    component = record.record.name if record is not None and record.record is not None else ""
    return _Request(
        method, path, segments, raw, arguments, tuple(_distinct(query)), body, record, is_list,
        component,
    )  # fmt: skip


def _last_word(segments: Sequence[_Segment]) -> str:
    return next((one.name for one in reversed(segments) if not one.is_argument), "record")


def _segments(path: str) -> tuple[_Segment, ...]:
    """Return the parts of a path; `{id}:cancel` is an argument and a word."""
    found: list[_Segment] = []
    for part in path.split("?", maxsplit=1)[0].split("/")[:20]:
        opening = part.find("{")
        closing = part.find("}", opening)
        if opening < 0 or closing < 0:
            word = part.removesuffix(".json").removesuffix(".xml")
            if word:
                found.append(_Segment(word, is_argument=False))
            continue
        before = part[:opening].partition("(")[0]  # `/orders({id})` of OData
        if words_of(before):
            found.append(_Segment(before, is_argument=False))
        found.append(_Segment(part[opening + 1 : closing], is_argument=True))
        behind = part[closing + 1 :].lstrip(")")
        rest = behind.lstrip(":")
        if words_of(rest) and not behind.startswith("."):
            found.append(_Segment(rest, is_argument=False))
    while len(found) > 1 and not found[0].is_argument and _is_beginning(found[0].name):
        del found[0]
    return tuple(
        one for place, one in enumerate(found)
        if not (_is_around_action(one) and place and found[place - 1].is_argument
                and place + 1 < len(found))
    )  # fmt: skip


def _is_around_action(segment: _Segment) -> bool:
    """Return whether a word only says that what is done follows: `/orders/{id}/actions/cancel`."""
    return words_of(segment.name) in (["actions"], ["action"])


def _is_beginning(name: str) -> bool:
    """Return whether a word is what paths of an API commonly begin with: `api`, `v1`."""
    is_version = name[:1] in "vV" and name[1:2].isdigit()
    is_day = name[:4].isdigit() and name.count("-") == 2  # noqa: PLR2004  -- 2027-03-01
    return name.lower() in _COMMON_BEGINNINGS or is_version or is_day


def _parameters(reader: SchemaReader, owner: Schema) -> list[Schema]:
    listed = owner.get("parameters")
    return [reader.resolved(one) for one in listed[:100]] if isinstance(listed, list) else []


def _argument(reader: SchemaReader, name: str, raw: Schema) -> Member:
    schema: Any = raw.get("schema")
    content = raw.get("content")
    if schema is None and isinstance(content, Mapping) and content:
        schema = reader.resolved(next(iter(content.values()))).get("schema")
    if schema is None:
        schema = raw  # version 2 describes an argument where it stands
    if raw.get("example") is not None and isinstance(schema, Mapping):
        schema = {"example": raw["example"], **schema}
    shape = reader.shape(schema, name)
    found = reader.resolved(schema)
    default = found.get("default")
    is_plain = isinstance(default, str | int | float | bool) and shape.is_scalar
    about = raw.get("description") or found.get("description") or ""
    spelled = name.removesuffix("[]")
    bound = {">": "_after", "<": "_before"}.get(spelled[-1:], "")
    python_name = identifier(f"{spelled}{bound}", PARAMETERS, "value")
    return Member(
        python_name,
        shape,
        is_required=raw.get("required") is True,
        description=one_line(about),
        source="" if python_name == name else name,
        default=default if is_plain and _is_of_kind(default, shape) else None,
    )


def _is_of_kind(value: object, shape: Shape) -> bool:
    if shape.kind == "choice":
        return value in shape.choices
    kinds: dict[str, tuple[type, ...]] = {
        "text": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
    }  # fmt: skip
    is_truth = isinstance(value, bool)
    return isinstance(value, kinds[shape.kind]) and is_truth == (shape.kind == "boolean")


def _body(
    reader: SchemaReader, by_place: Mapping[tuple[str, str], Schema], raw: Schema, name: str
) -> Shape | None:
    for (place, _), parameter in by_place.items():
        if place == "body":
            return reader.shape(parameter.get("schema", {}), name)
    fields = {key: one for (place, key), one in by_place.items() if place == "formData"}
    if fields:
        needed = [key for key, one in fields.items() if one.get("required") is True]
        plain = {key: {k: v for k, v in one.items() if k not in {"required", "in", "name"}}
                 for key, one in fields.items()}  # fmt: skip
        return reader.shape({"type": "object", "properties": plain, "required": needed}, name)
    schema = _of_content(reader, reader.resolved(raw.get("requestBody")))
    return reader.shape(schema, name) if schema is not None else None


def _of_content(reader: SchemaReader, owner: Schema) -> object:
    """Return the schema of a body or response: that of JSON, or else the first."""
    content = owner.get("content")
    if not isinstance(content, Mapping) or not content:
        return owner.get("schema")
    by_json = [one for kind, one in content.items() if "json" in str(kind)]
    return reader.resolved((by_json or list(content.values()))[0]).get("schema")


def _result(reader: SchemaReader, raw: Schema, name: str) -> Shape | None:
    responses = raw.get("responses")
    if not isinstance(responses, Mapping):
        return None
    good = sorted(str(code) for code in responses if str(code).startswith("2"))
    for code in [*good, "default"] if good else []:
        response = reader.resolved(responses.get(code))
        schema = _of_content(reader, response)
        if schema is not None:
            return reader.shape(schema, name)
    return None


def _unwrapped(shape: Shape | None) -> tuple[Shape | None, bool]:
    """Return the record of a result, out of what is around it, and whether there are several."""
    if shape is None:
        return None, False
    if shape.kind == "list":
        return (shape.item, True) if _is_record(shape.item) else (shape, False)
    if shape.record is None:
        return shape, False
    members = shape.record.members
    lists = [one for one in members if one.shape.kind == "list" and _is_record(one.shape.item)]
    is_around = len(members) == 1 or not any(_looks_like_key(one.name) for one in members)
    if len(lists) == 1 and is_around:
        others = [
            one for one in members
            if one is not lists[0] and _is_record(one.shape) and key_of(one.name) not in _PAGING
        ]  # fmt: skip
        if not others or lists[0].name in _WRAPPERS or key_of(lists[0].name) in _WRAPPERS:
            return lists[0].shape.item, True
    inner = [
        one for one in members if _is_record(one.shape) and key_of(one.name) not in _PAGING
    ]  # fmt: skip
    if len(inner) == 1 and is_around and (inner[0].name in _WRAPPERS or len(members) == 1):
        return _unwrapped(inner[0].shape)
    return shape, False


def _flat(shape: Shape | None) -> Shape | None:
    """Return a record of JSON:API, which keeps its fields in `attributes`, with these as its own.

    Of its relationships those to one record are kept, as its id.
    """
    record = shape.record if shape is not None else None
    names = {one.name: one for one in record.members} if record is not None else {}
    attributes = names["attributes"].shape.record if "attributes" in names else None
    if shape is None or record is None or attributes is None or not names.keys() <= _JSON_API:
        return shape
    members = [names["id"]] if "id" in names else []
    related = names["relationships"].shape.record if "relationships" in names else None
    for one in related.members if related is not None else ():
        data = one.shape.record.member("data") if one.shape.record is not None else None
        if data is not None and data.shape.record is not None:
            target = Shape("text", is_nullable=True)
            members.append(Member(f"{one.name}_id", target, is_required=False))
    taken = {one.name for one in members}
    members += [one for one in attributes.members if one.name not in taken]
    return replace(shape, record=replace(record, members=tuple(members)))


def _looks_like_key(name: str) -> bool:
    return words_of(name)[-1:] in (["id"], ["uuid"], ["guid"], ["name"], ["code"], ["number"])


def _is_record(shape: Shape | None) -> bool:
    return shape is not None and shape.kind == "record"


def _distinct(members: Iterable[Member]) -> Iterator[Member]:
    taken: set[str] = set()
    for member in members:
        name = unique(member.name, taken)
        taken.add(name)
        yield replace(member, name=name)


# --- what operations are about --------------------------------------------------------------------


def _collections(requests: Sequence[_Request]) -> dict[tuple[str, ...], str]:
    """Return the paths at which there are records, with what one of them is called."""
    found: dict[tuple[str, ...], str] = {}
    for one in requests:
        static = one.static
        if one.segments and one.segments[-1].is_argument:
            above = static[:-1]
            if above and above[-1] != "{}":
                found.setdefault(above, _noun(above[-1]))
        elif one.method == "get" and one.is_list and static and not _is_way(one):
            found.setdefault(static, _noun(static[-1]))
    # Paths such as `/pettypes` run words together which names of schemas keep apart.
    spelled = {key_of(one.component): phrase(one.component) for one in requests if one.component}
    return {path: spelled.get(key_of(noun), noun) for path, noun in found.items()}


def _is_way(one: _Request) -> bool:
    """Return whether the last word of a path says how to look, and not for what: `findByStatus`."""
    words = words_of(one.segments[-1].name)
    return bool(words) and (words[0] in _SEARCHING or "by" in words[1:2])


def _noun(segment: str) -> str:
    return phrase(singular_name(segment)) or "record"


def _components(
    requests: Sequence[_Request], collections: Mapping[tuple[str, ...], str]
) -> dict[str, str]:
    """Return what records of a schema are called."""
    found: dict[str, str] = {}
    for one in requests:
        static = one.static
        if not one.component:
            continue
        if one.method == "get" and static[-1:] == ("{}",) and static[:-1] in collections:
            found.setdefault(one.component, collections[static[:-1]])
    for one in requests:
        if one.component and one.static in collections and one.method in {"get", "post"}:
            found.setdefault(one.component, collections[one.static])
    return found


def _operation(
    one: _Request, collections: Mapping[tuple[str, ...], str], components: Mapping[str, str]
) -> Operation:
    static = one.static
    values = (*_sent(one), *(one.query if one.method != "get" else ()))
    operation = Operation(
        name="",
        verb="unknown",
        resource=components.get(one.component) or _component_noun(one),
        description=_description(one.raw),
        filters=one.query[:_MOST_ARGUMENTS] if one.method == "get" else (),
        values=values,
        result=one.result,
        may_change=one.method != "get",
        source=one_line(f"{one.method.upper()} {one.path}", 90),
        groups=_groups(one),
    )
    arguments = [one.arguments[s.name] for s in one.segments if s.is_argument]
    if "{}" not in static and _is_procedure(one):
        return _procedure(one, operation)
    if static and static[-1] == "{}":
        return _on_record(one, operation, collections, arguments)
    if len(static) > 1 and static[-2] == "{}" and static not in collections:
        return _below_record(one, operation, collections, components, arguments)
    return _on_collection(one, operation, collections, components)


def _is_procedure(one: _Request) -> bool:
    """Return whether the path says what is done with what, as in `/getOrder` or `/users.info`."""
    words = _procedure_words(one)
    is_known = verb_of(words)[0] not in {"act", "unknown"} or is_state(words[0])
    return len(one.segments) == 1 and len(words) > 1 and is_known


def _procedure_words(one: _Request) -> list[str]:
    """Return the words of a path with the verb in front: of `users.info`, "info" and "users"."""
    noun, dot, method = _last_word(one.segments).rpartition(".")
    words = words_of(method)
    return words if len(words) > 1 or not dot else [*words, *words_of(noun)]


def _procedure(one: _Request, operation: Operation) -> Operation:
    words = _procedure_words(one)
    arguments = tuple(_distinct([*one.query, *_sent(one)]))
    made = operation_of(words, arguments, may_change=None if one.method != "get" else False)
    return replace(
        operation, verb=made.verb, resource=made.resource, key=made.key, filters=made.filters,
        values=made.values, action=made.action, may_change=made.may_change,
        result=one.result if _is_record(one.result) else None,
    )  # fmt: skip


def _groups(one: _Request) -> tuple[str, ...]:
    """Return what `--only` may call an operation besides its id: its tags and its path."""
    tags = one.raw.get("tags")
    words = (f"{{{part.name}}}" if part.is_argument else part.name for part in one.segments)
    paths = dict.fromkeys([one.path, f"/{'/'.join(words)}"])
    return (
        *(map(str, tags[:20]) if isinstance(tags, list) else ()),
        *paths,
        *(f"{one.method} {path}" for path in paths),
    )


def _component_noun(one: _Request) -> str:
    words = [word for word in words_of(one.component) if word not in _AROUND_NAMES]
    return " ".join(words) or _noun(_last_word(one.segments))


def _parents(
    one: _Request, collections: Mapping[tuple[str, ...], str], upto: int
) -> tuple[tuple[str, Member], ...]:
    """Return the records above in the path, up to a place in it, each with its argument."""
    static = one.static
    found = []
    for place, segment in enumerate(one.segments[:upto]):
        if segment.is_argument:
            above = static[:place]
            noun = collections.get(above) or (
                _noun(above[-1]) if above and above[-1] != "{}" else ""
            )
            found.append((noun, one.arguments[segment.name]))
    return tuple(found)


def _on_record(
    one: _Request, operation: Operation, collections: Mapping[tuple[str, ...], str],
    arguments: Sequence[Member],
) -> Operation:  # fmt: skip
    above = one.static[:-1]
    noun = collections.get(above) or operation.resource
    if one.is_list and one.method == "get":
        # Records of another kind that belong to the one that is named: `/children/of/{id}`.
        noun = operation.resource
    verbs: dict[str, Verb] = {"get": "get", "post": "update", "put": "update", "patch": "update",
                              "delete": "delete"}  # fmt: skip
    verb = "list" if one.is_list and one.method == "get" else verbs[one.method]
    if one.method in {"put", "patch"}:
        operation = replace(operation, values=_optional(operation.values))
    result = one.result if verb in {"get", "list"} and _is_record(one.result) else None
    if verb == "update" and _is_record(one.result) and one.component:
        result = one.result
    return replace(
        operation, verb=verb, resource=noun, key=arguments[-1], result=result,
        parents=_parents(one, collections, len(one.segments) - 1),
    )  # fmt: skip


def _below_record(
    one: _Request, operation: Operation, collections: Mapping[tuple[str, ...], str],
    components: Mapping[str, str], arguments: Sequence[Member],
) -> Operation:  # fmt: skip
    """Return what a word behind a record means: what is done with it, or a part of it."""
    above = one.static[:-2]
    parent = collections.get(above) or (_noun(above[-1]) if above else operation.resource)
    word = one.segments[-1].name
    parents = _parents(one, collections, len(one.segments) - 2)
    if one.method == "get":
        if not _is_record(one.result):
            return replace(operation, verb="unknown", parents=parents, key=arguments[-1])
        noun = components.get(one.component) or f"{parent} {phrase(singular_name(word))}"
        if one.is_list or noun == parent:
            everything = _parents(one, collections, len(one.segments))
            return replace(operation, verb="list", resource=noun, parents=everything, key=None)
        everything = ((parent, arguments[-1]),)
        return replace(operation, verb="get", resource=noun, key=arguments[-1], parents=parents)
    makes = components.get(one.component)
    if one.method == "post" and makes is not None and makes != parent:
        everything = _parents(one, collections, len(one.segments))
        return replace(operation, verb="create", resource=makes, parents=everything)
    has_content = _is_record(one.body) or _is_record(one.result)
    is_one_word = len(words_of(word)) == 1
    if one.method == "post" and singular_name(word) != word and (has_content or is_one_word):
        everything = _parents(one, collections, len(one.segments))
        noun = makes or f"{parent} {phrase(singular_name(word))}"
        return replace(operation, verb="create", resource=noun, parents=everything)
    values = operation.values
    if one.body is not None and not _is_record(one.body):
        values = (Member(identifier(word, FIELDS, "value"), one.body),)
    elif one.method in {"put", "patch"} and one.body is not None:
        values = (*values, Member(identifier(word, FIELDS, "value"), one.body, is_required=False))
    return replace(
        operation, verb="act", resource=parent, parents=parents, key=arguments[-1], values=values,
        action=f"un{word}" if one.method == "delete" else word, result=None,
    )  # fmt: skip


def _on_collection(
    one: _Request, operation: Operation, collections: Mapping[tuple[str, ...], str],
    components: Mapping[str, str],
) -> Operation:  # fmt: skip
    noun = collections.get(one.static, "")
    parents = _parents(one, collections, len(one.segments))
    if one.method == "get":
        is_untold = one.result is None and one.static in collections
        if one.is_list or is_untold or (one.component in components and parents):
            resource = components.get(one.component) or noun or operation.resource
            return replace(operation, verb="list", resource=resource, parents=parents)
        asked = next((x for x in one.query if x.is_required and _looks_like_key(x.name)), None)
        if asked is not None and _has_key(one.result):
            rest = tuple(x for x in operation.filters if x is not asked)
            return replace(operation, verb="get", key=asked, filters=rest, parents=parents)
        return replace(operation, verb="single", resource=_noun_of_path(one), values=())
    makes = noun or components.get(one.component, "")
    is_search = (
        one.method == "post"
        and one.is_list
        and bool(_SEARCHING & set(words_of(_last_word(one.segments))))
    )
    if is_search:
        return replace(
            operation, verb="list", filters=operation.values, values=(), may_change=False
        )
    if one.method in {"put", "patch"}:
        return _changed(one, operation, makes, parents)
    is_several = one.body is not None and one.body.kind == "list"
    if one.method == "post" and makes and not is_several and (noun or _is_record(one.result)):
        result = one.result if _is_record(one.result) and not one.is_list else None
        return replace(operation, verb="create", resource=makes, parents=parents, result=result)
    if one.method == "post" and not makes and _is_record(one.result) and _has_key(one.result):
        return replace(operation, verb="create", parents=parents)
    return replace(operation, verb="unknown", parents=parents, resource="")


def _changed(
    one: _Request, operation: Operation, makes: str, parents: tuple[tuple[str, Member], ...]
) -> Operation:
    """Return what a change means that names no record in its path: one that its body names."""
    is_several = one.body is not None and one.body.kind == "list"
    if makes and not is_several and _names_record(one):
        return replace(
            operation, verb="update", resource=makes, parents=parents, result=None,
            values=_optional(operation.values),
        )  # fmt: skip
    if not parents:
        return replace(operation, verb="single", resource=_noun_of_path(one))
    return replace(operation, verb="unknown", parents=parents, resource="")


def _optional(members: Sequence[Member]) -> tuple[Member, ...]:
    """Return the members of a whole record, of which those that are not given stay as they are."""
    return tuple(replace(one, is_required=False) for one in members)


def _names_record(one: _Request) -> bool:
    sent = (member.name for member in _sent(one))
    return any(_looks_like_key(name) and words_of(name)[-1:] != ["name"] for name in sent)


def _has_key(shape: Shape | None) -> bool:
    return (
        shape is not None
        and shape.record is not None
        and any(words_of(one.name)[-1:] in (["id"], ["uuid"]) for one in shape.record.members)
    )


def _noun_of_path(one: _Request) -> str:
    words = [phrase(segment.name) for segment in one.segments if not segment.is_argument]
    return " ".join(words[-2:]) or "state"


def _sent(one: _Request) -> tuple[Member, ...]:
    """Return what is sent: the members of a body; another body is one argument."""
    if one.body is None or one.method == "get":
        return ()
    if one.body.record is None:
        return (Member("body", one.body),)
    own = {key_of(member.name) for member in one.arguments.values()}
    record = _flat(_unwrapped_body(one.body)) or one.body
    members = record.record.members if record.record is not None else ()
    return tuple(one for one in members if key_of(one.name) not in own)[:_MOST_ARGUMENTS]


def _unwrapped_body(shape: Shape) -> Shape:
    """Return a body out of what is around it: `{"pet": {...}}`."""
    if shape.record is not None and len(shape.record.members) == 1:
        inner = shape.record.members[0].shape
        if inner.record is not None:
            return inner
    return shape


def _description(raw: Schema) -> str:
    summary = one_line(raw.get("summary") or "", 200)
    more = one_line(raw.get("description") or "", 800)
    if not summary or more.startswith(summary.rstrip(".")):
        return more or summary
    return f"{summary.rstrip('.')}. {more}" if more else summary


# --- names ----------------------------------------------------------------------------------------


def _with_names(
    operations: Sequence[Operation], requests: Sequence[_Request]
) -> Iterator[Operation]:
    """Yield operations under their ids; those without one are named after method and path."""
    ids = [one.raw.get("operationId") for one in requests]
    repeated = {one for one in ids if isinstance(one, str) and ids.count(one) > 1}
    for operation, one, given in zip(operations, requests, ids, strict=True):
        name = given if isinstance(given, str) and words_of(given) and given not in repeated else ""
        yield replace(operation, name=name or _name_of_path(one, operation))


def _is_deed(word: str) -> bool:
    return is_state(word) or verb_of([word, "it"])[0] != "act" or word.startswith("re")


def _name_of_path(one: _Request, operation: Operation) -> str:
    segments = [segment for segment in one.segments if not segment.is_argument]
    if _is_procedure(one) and "{}" not in one.static:
        return "_".join(words_of(segments[-1].name))
    words = ["_".join(words_of(segment.name)) for segment in segments] or ["record"]
    if operation.verb == "act" and len(words) > 1:
        what = words[-1].split("_")
        is_part = one.method == "post" and _is_record(one.body) and not _is_deed(what[0])
        changes = one.method in {"put", "patch"} or is_part
        head = ["add" if is_part else _NOT_PLAIN[one.method]] if changes else what[:1]
        return "_".join([*head, singular_name(words[-2]), *(what if changes else what[1:])])
    many = operation.verb in {"list", "single", "unknown"}
    names = [*map(singular_name, words[:-1]), words[-1] if many else singular_name(words[-1])]
    verb = "list" if operation.verb == "list" else _NOT_PLAIN[one.method]
    distinct = [words[0] for words in pairwise([*names, ""]) if words[0]]
    return "_".join([verb, *distinct[-3:]])
