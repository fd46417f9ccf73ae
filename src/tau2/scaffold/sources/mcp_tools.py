"""A domain from the tools of an MCP server: what each does follows from its name and its schema.

A server says nothing of its data, so records are made up. Where a tool's name begins with a verb
of `_VERBS`, the words behind it are what it is about, and it works on records of that kind; other
tools that may change something are noted as events, and others that only read are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tau2.errors import ConfigError
from tau2.scaffold.interface import Interface, Member, Shape
from tau2.scaffold.names import phrase, singular_name, words_of
from tau2.scaffold.operations import Operation, Verb, derive
from tau2.scaffold.schemas import SchemaReader
from tau2.scaffold.selection import EVERYTHING, Selection
from tau2.scaffold.source_text import one_line

_MOST = 500  # tools that are looked at
_SEVERAL = 3
_VERBS: Mapping[str, Verb] = {
    **dict.fromkeys(("get", "read", "fetch", "show", "describe", "lookup", "retrieve", "view",
                     "check", "inspect", "load"), "get"),
    **dict.fromkeys(("list", "search", "find", "query", "browse", "filter"), "list"),
    **dict.fromkeys(("create", "add", "new", "insert", "make", "register", "open", "submit", "send",
                     "post", "log", "write", "schedule", "request", "place", "start", "record",
                     "file", "reserve", "book", "order", "issue", "upload", "store", "save"),
                    "create"),
    **dict.fromkeys(("update", "edit", "set", "modify", "change", "patch", "rename", "move",
                     "assign", "adjust", "reschedule", "replace", "put"), "update"),
    **dict.fromkeys(("delete", "remove", "drop", "destroy", "purge", "erase"), "delete"),
}  # fmt: skip
_COUNTED = frozenset({"all", "my", "the", "a", "an", "new", "current", "list", "details", "detail",
                      "info", "information", "record", "records"})  # fmt: skip
_NOUNS_TOO = frozenset(
    {"issue", "order", "book", "record", "file", "request", "log", "store", "place", "check",
     "view", "start", "set", "save", "open", "query"}
)  # fmt: skip
"""Verbs that are what another verb in front of them is about, as in `close_issue`."""
_ABOUT = frozenset({"info", "details"})
_ENDS = frozenset(
    {"by", "for", "with", "from", "to", "of", "in", "on", "at", "into", "and", "using"}
)


def is_tool_list(document: Mapping[str, object]) -> bool:
    """Return whether a document is what a server answers to `tools/list`."""
    result = document.get("result")
    inner = result if isinstance(result, Mapping) else document
    tools = inner.get("tools")
    return isinstance(tools, list) and any(
        isinstance(one, Mapping) and "name" in one for one in tools
    )


def read_tools(
    document: Mapping[str, object], source: str, selection: Selection = EVERYTHING
) -> Interface:
    """Return the interface of the tools that a server lists, or of those that are selected.

    Raises:
        ConfigError: it lists none, or none that is selected.
    """
    result = document.get("result")
    inner = result if isinstance(result, Mapping) else document
    listed = inner.get("tools")
    tools = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    by_name = {str(one.get("name", "")): one for one in tools[:_MOST]}
    tools = [one for name, one in by_name.items() if words_of(name)]
    if not tools:
        raise ConfigError(f"{source} lists no tools; an MCP server with tools is expected")
    interface = Interface(source)
    shared = _shared_words(tools)
    operations = [_operation(one, shared) for one in tools]
    derive(_within_scopes(about_known_nouns(operations)), interface, selection)
    interface.notes.append(
        "An MCP server tells nothing of its data: tables, records and what tools do to them follow "
        "from names and schemas. Put your records into db.json, and correct in tools.py what your "
        "server does otherwise."
    )
    return interface


def _shared_words(tools: Sequence[Mapping[str, object]]) -> int:
    """Return how many words all names begin with, such as the name of the server: `git_status`."""
    names = [words_of(str(one["name"])) for one in tools]
    begin_alike = len({words[0] for words in names}) == 1 and names[0][0] not in _VERBS
    return 1 if len(names) >= _SEVERAL and begin_alike and min(map(len, names)) > 1 else 0


def _operation(tool: Mapping[str, object], shared: int) -> Operation:
    name = str(tool["name"])
    schema = tool.get("inputSchema") or tool.get("input_schema") or tool.get("parameters") or {}
    reader = SchemaReader(schema if isinstance(schema, Mapping) else {})
    arguments = reader.members(schema, name)
    is_reading = _hint(tool, "readOnlyHint")
    operation = operation_of(
        words_of(name)[shared:],
        arguments,
        may_change=None if is_reading is not True else False,
    )
    result = _result(tool, operation.resource)
    return replace(
        operation,
        name=name,
        description=one_line(tool.get("description") or tool.get("title") or "", 1000),
        result=result,
        source=f"tool {one_line(name, 80)}",
    )


def operation_of(
    words: Sequence[str], arguments: Sequence[Member], *, may_change: bool | None
) -> Operation:
    """Return what follows from a name and its arguments.

    Args:
        words: The words of the name.
        arguments: What is sent.
        may_change: Whether something may be changed; None: the name says it.
    """
    verb, about = verb_of(words)
    if may_change is False and verb not in {"get", "list"}:
        verb = "unknown"
    noun = _noun(about)
    key = _key(arguments, noun, verb)
    if key is not None and key.shape.kind == "number":
        # What names a record is whole, also where a server's language has one kind of number.
        whole = replace(key, shape=replace(key.shape, kind="integer"))
        arguments = [whole if one is key else one for one in arguments]
        key = whole
    rest = tuple(one for one in arguments if one is not key)
    reads = verb in {"get", "list"}
    operation = Operation(
        name="_".join(words),
        verb=verb,
        resource=noun,
        key=key,
        filters=rest if reads else (),
        values=() if reads else rest,
        action=words[0] if verb == "act" else "",
        may_change=not reads and may_change is not False,
    )
    if verb == "get" and key is None:
        return replace(operation, verb="list" if rest else "single")
    return operation


def _hint(tool: Mapping[str, object], name: str) -> object:
    annotations = tool.get("annotations")
    return annotations.get(name) if isinstance(annotations, Mapping) else None


def verb_of(words: Sequence[str]) -> tuple[Verb, Sequence[str]]:
    """Return what a tool does, and the words of its name that say with what."""
    if len(words) > 1 and words[-1] in _ABOUT and words[0] not in _VERBS:
        return "get", words[:-1]
    if len(words) > 1 and words[0] in _ABOUT:
        return "get", words[1:]
    for place, word in enumerate(words[:2]):
        is_last = place == len(words) - 1
        is_noun = place == 1 and (word in _NOUNS_TOO or (word == "post" and is_last))
        if word in _VERBS and len(words) > 1 and not is_noun:
            others = [*words[:place], *words[place + 1 :]]
            return _VERBS[word], others
    if len(words) > 1:
        return "act", words[1:]
    return "unknown", words


def _noun(words: Sequence[str]) -> str:
    kept: list[str] = []
    for word in words:
        if word in _ENDS and kept:
            break
        if word not in _COUNTED and word not in _ENDS:
            kept.append(word)
    return phrase(singular_name("_".join(kept or words[:1]))) or "record"


def _key(arguments: Sequence[Member], noun: str, verb: Verb) -> Member | None:
    """Return the argument that names a record: of its noun, or the only one that is needed."""
    if verb in {"list", "create", "unknown"}:
        return None
    words_of_noun = noun.split(" ")
    nouns = {"".join(words_of_noun), words_of_noun[0], words_of_noun[-1]}
    identifying = [one for one in arguments if one.is_required and _is_identifying(one)]
    for member in identifying:
        words = words_of(member.name)
        if words[:-1] == [] or "".join(words[:-1]) in nouns:
            return member
    if identifying:
        return identifying[0]
    needed = [one for one in arguments if one.is_required and one.shape.is_scalar]
    named = [one for one in needed if "".join(words_of(one.name)) in nouns]
    if named:
        return named[0]
    return needed[0] if len(needed) == 1 or (verb != "get" and needed) else None


def _is_identifying(member: Member) -> bool:
    last = words_of(member.name)[-1:]
    ends = (["id"], ["uuid"], ["number"], ["code"], ["key"], ["slug"], ["sku"], ["ref"])
    return last in ends and member.shape.kind in {"text", "integer", "number"}


def _result(tool: Mapping[str, object], noun: str) -> Shape | None:
    schema = tool.get("outputSchema")
    if not isinstance(schema, Mapping):
        return None
    shape = SchemaReader(schema).shape(schema, noun)
    if shape.record is None:
        return None
    members = shape.record.members
    if len(members) == 1:
        inner = members[0].shape
        inner = inner.item if inner.kind == "list" and inner.item is not None else inner
        if inner.record is not None:
            return inner
        if members[0].name == "result":  # how SDKs wrap what is no object
            return None
    return shape


def _within_scopes(operations: Sequence[Operation]) -> list[Operation]:
    """Return operations with what every record of a kind is named by besides its own id.

    Of `get_issue(owner, repo, issue_number)` and `list_issues(owner, repo)`, an issue's number says
    which one it is within a repository.
    """
    scopes = {one.resource: _scope(operations, one) for one in operations if one.verb == "get"}
    return [_within(one, scopes.get(one.resource, frozenset())) for one in operations]


def _scope(operations: Sequence[Operation], reading: Operation) -> frozenset[str]:
    mine = [one for one in operations if one.resource == reading.resource]
    given = [
        {m.name for m in (*one.filters, *one.values) if m.is_required and m.shape.kind == "text"}
        for one in mine if one.key is not None or one.verb in {"list", "create"}
    ]  # fmt: skip
    return frozenset(set.intersection(*given)) if len(given) > 1 else frozenset()


def _within(operation: Operation, scope: frozenset[str]) -> Operation:
    above = [one for one in (*operation.filters, *operation.values) if one.name in scope]
    if not above or operation.verb == "unknown":
        return operation
    return replace(
        operation,
        parents=tuple(("", one) for one in above),
        filters=tuple(one for one in operation.filters if one.name not in scope),
        values=tuple(one for one in operation.values if one.name not in scope),
    )


def about_known_nouns(operations: Sequence[Operation]) -> list[Operation]:
    """Return operations that are about records of which other tools are, too.

    `get_order_status(order_id)` is about orders where another tool creates, lists or cancels them.
    """
    strong = {one.resource for one in operations if one.verb in {"list", "create", "delete"}}
    keyed = {one.resource for one in operations if one.key is not None and one.verb != "act"}
    known = strong | {noun for noun in keyed if " " not in noun}
    return [_about_known(one, known) for one in operations]


def _about_known(operation: Operation, known: set[str]) -> Operation:
    if operation.verb == "create":
        return _made_of_known(operation)
    if operation.verb in {"list", "unknown", "single"} or operation.key is None:
        return operation
    named = " ".join(words_of(operation.key.name)[:-1])
    words = operation.resource.split(" ")
    options = [named, operation.resource, *(" ".join(words[:n]) for n in range(len(words), 0, -1)),
               *words[::-1]]  # fmt: skip
    noun = next((one for one in options if one and one in known), operation.resource)
    return replace(operation, resource=noun)


def _made_of_known(operation: Operation) -> Operation:
    """Return `book_flight(flight_id)` as what is done with a flight, and not as a new flight."""
    own = f"{operation.resource} id"
    given = next((one for one in operation.values
                  if " ".join(words_of(one.name)) == own and one.is_required), None)  # fmt: skip
    if given is None or not operation.name:
        return operation
    verb = words_of(operation.name)[0]
    if verb in {"create", "add", "new", "insert", "register", "save", "store"}:
        return operation
    rest = tuple(one for one in operation.values if one is not given)
    return replace(operation, verb="act", key=given, values=rest, action=verb)
