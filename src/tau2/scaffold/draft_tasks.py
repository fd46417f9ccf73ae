"""Tasks over derived tables: what a customer could want of a record, with the calls that do it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice, zip_longest

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.scaffold.examples import example_value
from tau2.scaffold.interface import Interface, Member, Parameter, Table, ToolDesign
from tau2.scaffold.names import article, identifier, words_of
from tau2.utils.json_types import JsonObject, JsonValue

MOST = 12  # drafts of a kind that are tried
_ROWS = 3  # of a table
_LONGEST_VALUE = 40  # characters of a text that a customer says
_MOST_SAID = 5  # values of a new record, unless more are required
_SHORTEST_TOLD = 3  # characters; less is said by chance
_LITTLE_WORTH = frozenset({"password", "token", "secret", "hash", "created", "updated", "url"})
"""Words in names of fields that customers do not speak of."""


_DELETING = frozenset({"delete", "remove", "cancel", "close", "erase", "revoke", "unsubscribe"})


def drafts(interface: Interface, domain: str) -> list[list[JsonObject]]:
    """Return drafts of tasks by kind, the most telling first, one tool after the other."""
    kinds = (
        _updates,
        _questions,
        _deletions,
        _creations,
        _finds,
        _events,
        _single_questions,
        _single_updates,
    )
    found = []
    for kind in kinds:
        by_tool = [list(islice(kind(interface, tool), MOST)) for tool in interface.tools]
        in_turn = chain.from_iterable(zip_longest(*by_tool))
        made = (draft.as_task(domain) for draft in in_turn if draft is not None)
        found.append(list(islice(made, MOST)))
    return found


def last_resort(interface: Interface, domain: str) -> list[list[JsonObject]]:
    """Return the draft of a task that any domain has: what is wanted is left to a person."""
    wish = "You want the contract ended. It has to be done, by a person where need be."
    draft = _Draft("hand_over", "The right thing is to hand over", wish, "")
    draft.call(TRANSFER_TOOL, {"summary": "The customer wants the contract ended."})
    task = draft.as_task(domain)
    task["evaluation_criteria"]["reward_basis"] = ["ACTION"]
    task["evaluation_criteria"]["actions"][0]["compare_args"] = []
    is_there = any(tool.name == TRANSFER_TOOL for tool in interface.tools)
    return [] if is_there else [[task]]


class _Draft:
    """One task: what the customer says and wants, and the calls of the reference."""

    def __init__(self, task_id: str, purpose: str, wish: str, known: str) -> None:
        self.task_id = task_id
        self.purpose = purpose
        self.wish = wish
        self.known = known
        self.calls: list[tuple[str, JsonObject]] = []
        self.told: list[str] = []

    def call(self, name: str, arguments: JsonObject) -> _Draft:
        """Add a call to the reference."""
        self.calls.append((name, arguments))
        return self

    def as_task(self, domain: str) -> JsonObject:
        """Return the task as its file has it."""
        criteria: JsonObject = {
            "actions": [
                {"action_id": str(number), "name": name, "arguments": arguments}
                for number, (name, arguments) in enumerate(self.calls)
            ]
        }
        if self.told:
            criteria["communicate_info"] = list(self.told)
        criteria["reward_basis"] = ["DB", "COMMUNICATE"] if self.told else ["DB"]
        return {
            "id": self.task_id,
            "description": {"purpose": self.purpose},
            "user_scenario": {
                "instructions": {
                    "domain": domain,
                    "reason_for_call": self.wish,
                    "known_info": self.known,
                    "task_instructions": "You are friendly and brief.",
                }
            },
            "ticket": f"{self.wish} {self.known}".replace("You ", "The customer ")
            .replace("customer want ", "customer wants ")
            .replace("customer speak ", "customer speaks ")
            .replace("customer know ", "customer knows "),
            "evaluation_criteria": criteria,
        }


def _rows(table: Table | None) -> Sequence[JsonObject]:
    return table.rows[:_ROWS] if table is not None else ()


def _named_rows(table: Table, tool: ToolDesign) -> Iterator[tuple[JsonObject, JsonObject, str]]:
    """Yield the records that a customer can name and a tool can find: record, arguments, name."""
    for row in _rows(table):
        keys = _key_arguments(table, tool, row)
        name = _name_of(table, row)
        if keys is not None and name is not None:
            yield row, keys, name


def _said(value: JsonValue) -> str | None:
    """Return how a customer says a value; None for one that nobody would say."""
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return None
    text = str(value)
    is_sayable = text.strip() == text and "\n" not in text and '"' not in text
    return text if text and len(text) <= _LONGEST_VALUE and is_sayable else None


def _key_arguments(table: Table, tool: ToolDesign, row: JsonObject) -> JsonObject | None:
    by_target = {one.target: one.member.name for one in tool.with_role("key")}
    if set(by_target) != set(table.key) or not by_target:
        return None
    return {by_target[name]: row[name] for name in table.key}


def _name_of(table: Table, row: JsonObject) -> str | None:
    """Return how a customer names a record: by its kind and its key."""
    parts = [_said(row[name]) for name in table.key]
    if None in parts:
        return None
    if len(parts) == 1:
        return f"{table.noun} {parts[0]}"
    pairs = zip(table.key, parts, strict=True)
    return f"{table.noun} with " + " and ".join(
        f"{' '.join(words_of(name))} {part}" for name, part in pairs
    )


def _reader(interface: Interface, table: Table) -> ToolDesign | None:
    readers = (one for one in interface.tools if one.kind == "get" and one.table == table.name)
    return next((one for one in readers if _is_by_key(table, one)), None)


def _is_by_key(table: Table, tool: ToolDesign) -> bool:
    return {one.target for one in tool.parameters if one.role == "key"} == set(table.key)


def _about(
    interface: Interface, table: Table, row: JsonObject, task_id: str, purpose: str, wish: str
) -> _Draft:
    """Return a draft about one record, which the reference looks at where it can."""
    name = _name_of(table, row) or table.noun
    draft = _Draft(identifier(task_id, (), "task"), purpose, wish, f"You speak of {name}.")
    reader = _reader(interface, table)
    arguments = _key_arguments(table, reader, row) if reader is not None else None
    if reader is not None and arguments is not None:
        draft.call(reader.name, arguments)
    return draft


def _worth(member: Member) -> bool:
    return not _LITTLE_WORTH & set(words_of(member.name))


def _updates(interface: Interface, tool: ToolDesign) -> Iterator[_Draft]:
    table = interface.table(tool.table)
    if tool.kind != "update" or table is None:
        return
    linked = {name for link in table.links for name in link.members}
    for row, keys, name in _named_rows(table, tool):
        yield from _fixed_change(interface, table, tool, row)
        if any(one.member.is_required for one in tool.with_role("value")):
            continue
        values = [one for one in tool.with_role("value") if one.target not in linked]
        for parameter in sorted(values, key=_rank):
            new = _other_value(table, row, parameter)
            if new is None or not _worth(parameter.member):
                continue
            words = " ".join(words_of(parameter.target))
            wish = f"You want the {words} of {name} to be changed to {_quoted(new)}."
            purpose = f"The {words} of {article(table.noun)} is changed"
            draft = _about(interface, table, row, tool.name, purpose, wish)
            yield draft.call(tool.name, {**keys, parameter.member.name: new})


def _fixed_change(
    interface: Interface, table: Table, tool: ToolDesign, row: JsonObject
) -> Iterator[_Draft]:
    """Yield a draft for a tool such as `cancel_order`, which needs no value."""
    keys = _key_arguments(table, tool, row)
    if not tool.constants or keys is None:
        return
    if any(one.member.is_required for one in tool.with_role("value")):
        return
    if all(row.get(name) == value for name, value in tool.constants):
        return
    wish = f"You want to {_verb(tool, table, 'change')} {_name_of(table, row)}."
    purpose = f"{article(table.noun).capitalize()} is changed by {tool.name}"
    yield _about(interface, table, row, tool.name, purpose, wish).call(tool.name, keys)


def _verb(tool: ToolDesign, table: Table, otherwise: str) -> str:
    """Return what a tool does by its name, as a customer says it: "cancel"."""
    of_noun = {*words_of(table.noun), *words_of(table.name)}
    own = [word for word in words_of(tool.name) if word not in of_noun]
    if tool.kind == "delete":
        return next((word for word in own if word in _DELETING), otherwise)
    return own[0] if own else otherwise


def _quoted(value: JsonValue) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _rank(parameter: Parameter) -> int:
    order = ("choice", "text", "integer", "number")
    kind = parameter.member.shape.kind
    return order.index(kind) if kind in order else len(order)


def _other_value(table: Table, row: JsonObject, parameter: Parameter) -> JsonValue:
    """Return a value that a field could have instead: another row's, or another choice."""
    shape = parameter.member.shape
    now = row.get(parameter.target)
    if shape.kind == "choice":
        return next((one for one in shape.choices if one != now), None)
    others = [other.get(parameter.target) for other in table.rows[:50]]
    if shape.kind in {"text", "integer", "number"} and parameter.target not in table.is_unique:
        sayable = (one for one in others if one != now and _said(one) is not None)
        found = next(sayable, None)
        if found is not None:
            return found
    return now + 1 if isinstance(now, int) and not isinstance(now, bool) else None


def _deletions(interface: Interface, tool: ToolDesign) -> Iterator[_Draft]:
    table = interface.table(tool.table)
    if tool.kind != "delete" or table is None:
        return
    for row, keys, name in _named_rows(table, tool):
        wish = f"You want to {_verb(tool, table, 'delete')} {name}."
        purpose = f"{article(table.noun).capitalize()} is deleted"
        yield _about(interface, table, row, tool.name, purpose, wish).call(tool.name, keys)


def _questions(interface: Interface, tool: ToolDesign) -> Iterator[_Draft]:
    table = interface.table(tool.table)
    if tool.kind != "get" or table is None:
        return
    for row, keys, name in _named_rows(table, tool):
        for member in _telling(table):
            text = _said(row.get(member.name))
            if text is None or len(text) < _SHORTEST_TOLD or text in str(keys):
                continue
            words = " ".join(words_of(member.name))
            wish = f"You want to know the {words} of {name}."
            purpose = f"The customer asks for the {words} of {article(table.noun)}"
            draft = _Draft(f"ask_{tool.name}", purpose, wish, f"You speak of {name}.")
            draft.told.append(text)
            yield draft.call(tool.name, keys)


def _telling(table: Table) -> list[Member]:
    linked = {name for link in table.links for name in link.members}
    members = [one for one in table.record.members
               if one.name not in {*table.key, *linked} and _worth(one)]  # fmt: skip
    return sorted(members, key=_awkwardness)


def _awkwardness(member: Member) -> int:
    """Return how hard it is to ask for a field: less for "the name" than for "the created at"."""
    last = words_of(member.name)[-1:]
    is_noun = last != [] and not last[0].endswith("ed") and last[0] not in {"at", "on", "by", "to"}
    is_plain = member.shape.kind in {"text", "number"} and last != ["id"]
    return (not is_noun) * 2 + (not is_plain)


def _creations(interface: Interface, tool: ToolDesign) -> Iterator[_Draft]:
    table = interface.table(tool.table)
    if tool.kind != "create" or table is None:
        return
    given = [one for one in tool.parameters if one.role in {"key", "value"}]
    for row in _rows(table):
        arguments: JsonObject = {}
        for parameter in given:
            value = row.get(parameter.target)
            if parameter.role == "key":
                value = _new_key(table, row, parameter)
            is_short = len(arguments) < _MOST_SAID and _is_easy(parameter, value)
            if value is not None and (parameter.member.is_required or is_short):
                arguments[parameter.member.name] = value
        noun = f"a new {table.noun}"
        yield from _with_arguments(tool, arguments, given, noun, f"{noun.capitalize()} is made")


def _is_easy(parameter: Parameter, value: JsonValue) -> bool:
    text = _said(value)
    return parameter.member.default is None and _worth(parameter.member) and text is not None


def _new_key(table: Table, row: JsonObject, parameter: Parameter) -> JsonValue:
    """Return a key that no record has, in the form of those that there are."""
    taken = {other.get(parameter.target) for other in table.rows}
    linked = {name for link in table.links for name in link.members}
    now = row.get(parameter.target)
    if parameter.target in linked:
        return now
    if isinstance(now, int):
        return max(one for one in taken if isinstance(one, int)) + 1
    return f"{now}-2" if isinstance(now, str) and parameter.member.shape.kind == "text" else None


def _with_arguments(
    tool: ToolDesign,
    arguments: JsonObject,
    given: Sequence[Parameter],
    noun: str,
    purpose: str,
) -> Iterator[_Draft]:
    """Yield a draft for a call of which the customer says every argument."""
    required = {one.member.name for one in given if one.member.is_required}
    texts = {name: _said(value) for name, value in arguments.items()}
    if not required <= arguments.keys() or None in texts.values() or not texts:
        return
    details = ", ".join(
        f"{' '.join(words_of(name))} {_quoted(arguments[name])}" for name in arguments
    )
    wish = f"You want {noun} with {details}."
    draft = _Draft(tool.name, purpose, wish, "You know nothing else.")
    yield draft.call(tool.name, arguments)


def _finds(interface: Interface, tool: ToolDesign) -> Iterator[_Draft]:
    table = interface.table(tool.table)
    if tool.kind != "find" or table is None:
        return
    for row in _rows(table):
        for parameter in tool.with_role("filter"):
            value = row.get(parameter.target)
            asked = _said(value)
            required = {one.member.name for one in tool.parameters if one.member.is_required}
            if asked is None or not required <= {parameter.member.name}:
                continue
            same = [one for one in table.rows if one.get(parameter.target) == value]
            for member in _telling(table):
                text = _said(row.get(member.name))
                if len(same) != 1 or text is None or len(text) < _SHORTEST_TOLD or text == asked:
                    continue
                words = " ".join(words_of(parameter.target))
                wish = (
                    f"You want to know the {' '.join(words_of(member.name))} of the {table.noun} "
                    f"whose {words} is {_quoted(value)}."
                )
                purpose = f"The customer asks about {article(table.noun)}"
                draft = _Draft(f"ask_{tool.name}", purpose, wish, f"The {words} is {asked}.")
                draft.told.append(text)
                yield draft.call(tool.name, {parameter.member.name: value})


def _events(interface: Interface, tool: ToolDesign) -> Iterator[_Draft]:
    if tool.kind != "event":
        return
    table = interface.table(tool.table)
    for row in _rows(table) or ({},):
        arguments: JsonObject = {}
        for parameter in tool.parameters:
            value = row.get(parameter.target)
            if parameter.role != "key":
                value = example_value(interface, parameter.member.shape, parameter.member.name)
            if value is not None and parameter.member.is_required:
                arguments[parameter.member.name] = value
        noun = f"this done: {' '.join(words_of(tool.name))},"
        if arguments:
            purpose = f"The customer asks for this: {' '.join(words_of(tool.name))}"
            yield from _with_arguments(tool, arguments, tool.parameters, noun, purpose)
        elif not any(one.member.is_required for one in tool.parameters):
            words = noun.rstrip(",")
            wish = f"You want {words}."
            draft = _Draft(tool.name, f"The customer wants {words}", wish, "You know nothing else.")
            yield draft.call(tool.name, {})


def _single_questions(interface: Interface, tool: ToolDesign) -> Iterator[_Draft]:
    single = interface.single(tool.table)
    if tool.kind != "read_single" or single is None or not isinstance(single.value, dict):
        return
    for name, value in single.value.items():
        text = _said(value)
        if text is not None and len(text) >= _SHORTEST_TOLD:
            words = f"{' '.join(words_of(name))} of the {' '.join(words_of(single.name))}"
            draft = _Draft(f"ask_{tool.name}", f"The customer asks for the {words}",
                           f"You want to know the {words}.", "You know nothing else.")  # fmt: skip
            draft.told.append(text)
            yield draft.call(tool.name, {})


def _single_updates(interface: Interface, tool: ToolDesign) -> Iterator[_Draft]:
    single = interface.single(tool.table)
    if tool.kind != "update_single" or single is None or not isinstance(single.value, dict):
        return
    if any(one.member.is_required for one in tool.parameters):
        return
    for parameter in sorted(tool.with_role("value"), key=_rank):
        shape = parameter.member.shape
        now = single.value.get(parameter.target)
        new = next((one for one in shape.choices if one != now), None)
        if shape.kind == "text" and not shape.form and shape.longest is None:
            new = "something else"
        if new is None or _said(now) is None or not _worth(parameter.member):
            continue
        words = f"{' '.join(words_of(parameter.target))} of the {' '.join(words_of(single.name))}"
        draft = _Draft(tool.name, f"The {words} is changed",
                       f"You want the {words} to be changed to {_quoted(new)}.",
                       "You know nothing else.")  # fmt: skip
        yield draft.call(tool.name, {parameter.member.name: new})
