"""Functions that the toolkits of derived packages share.

Nothing here calls them: `tool_code` copies those that a toolkit uses into its package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tau2.environment.db import DB
from tau2.errors import ToolError

R = TypeVar("R", bound=BaseModel)


LINKS: tuple[tuple[str, tuple[str, ...], str, str], ...] = ()


def _key(*parts: object) -> str:
    """Return the key of a record: one value as text, or several with "/" between them."""
    if len(parts) == 1:
        return str(parts[0])
    return "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _found(table: Mapping[str, R], key: str, noun: str) -> R:
    """Return a record. Raise ToolError when there is none."""
    if key not in table:
        raise ToolError(f"there is no {noun} {key}")
    return table[key]


def _matching(
    table: Mapping[str, R],
    wanted: Mapping[str, Any],
    limit: int,
    text: str | None = None,
    least: Mapping[str, Any] | None = None,
    most: Mapping[str, Any] | None = None,
) -> list[R]:
    """Return the first records that have the wanted values, the text somewhere, and no less."""
    found: list[R] = []
    for record in table.values():
        if len(found) >= limit:
            break
        fits = _has(record, wanted) and (text is None or _contains(record, text))
        if fits and _is_within(record, least or {}, most or {}):
            found.append(record)
    return found


def _is_within(record: BaseModel, least: Mapping[str, Any], most: Mapping[str, Any]) -> bool:
    """Return whether fields of a record are within bounds; one without a value never is."""
    for name, bound in [*least.items(), *most.items()]:
        if bound is not None and getattr(record, name) is None:
            return False
    return all(
        bound is None or bound <= getattr(record, name) for name, bound in least.items()
    ) and all(bound is None or getattr(record, name) <= bound for name, bound in most.items())


def _has(record: BaseModel, wanted: Mapping[str, Any]) -> bool:
    """Return whether a record has every value that is wanted; None wants nothing."""
    return all(
        value is None or _fits(getattr(record, name), value) for name, value in wanted.items()
    )


def _fits(value: Any, wanted: Any) -> bool:
    """Return whether a value is wanted: equal, in any capitalisation, or in it."""
    if isinstance(value, str) and isinstance(wanted, str):
        return value.casefold() == wanted.casefold()
    if isinstance(value, BaseModel) and isinstance(wanted, str):
        return any(_fits(part, wanted) for _, part in value)
    if isinstance(wanted, list) and not isinstance(value, list):
        return value in wanted
    if isinstance(value, list) and isinstance(wanted, list):
        return all(_fits(value, one) for one in wanted)
    if isinstance(value, list):
        return any(_fits(part, wanted) for part in value)
    return bool(value == wanted)


def _contains(record: BaseModel, text: str) -> bool:
    """Return whether a text stands in a record, in any capitalisation."""
    return text.casefold() in record.model_dump_json().casefold()


def _made(kind: type[R], values: Mapping[str, Any]) -> R:
    """Return a new record. Raise ToolError for values that it cannot have."""
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return kind.model_validate({name: _plain(value) for name, value in given.items()})
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ToolError(f"{where}: {first['msg']}") from problem


def _added(table: dict[str, R], key: str, record: R, noun: str) -> R:
    """Add a new record and return it. Raise ToolError when its key is taken."""
    if key in table:
        raise ToolError(f"there is {noun} {key} already")
    table[key] = record
    return record


def _change(record: BaseModel, values: Mapping[str, Any]) -> None:
    """Set fields of a record; what is None stays as it is."""
    for name, value in values.items():
        if value is not None:
            setattr(record, name, value)


def _delete(db: DB, table: str, key: str) -> None:
    """Delete a record and what LINKS says goes with it. Raise ToolError where it forbids that."""
    going = {(table, key)}
    waiting = [(table, key)]
    staying: list[tuple[str, str]] = []
    cleared: list[tuple[BaseModel, Sequence[str]]] = []
    while waiting:
        for place, record, fields, effect in _naming(db, *waiting.pop()):
            if effect == "clear":
                cleared.append((record, fields))
            elif effect != "delete":
                staying.append(place)
            elif place not in going:
                going.add(place)
                waiting.append(place)
    for other, other_key in [place for place in staying if place not in going]:
        raise ToolError(f"it cannot be deleted: {other_key} of {other} still needs it")
    for record, fields in cleared:
        for field in fields:
            setattr(record, field, None)
    for other, other_key in going:
        del getattr(db, other)[other_key]


def _naming(
    db: DB, table: str, key: str
) -> Iterator[tuple[tuple[str, str], BaseModel, Sequence[str], str]]:
    """Yield the records that name one: where each is, itself, by which fields, what LINKS says."""
    for other, fields, target, effect in LINKS:
        for other_key, record in getattr(db, other).items() if target == table else ():
            values = [getattr(record, field) for field in fields]
            if None not in values and _key(*values) == key:
                yield (other, other_key), record, fields, effect


def _next_number(table: Mapping[str, BaseModel], name: str) -> int:
    """Return the number of a new record."""
    return max((int(getattr(record, name)) for record in table.values()), default=0) + 1


def _next_text(table: Mapping[str, BaseModel], name: str, form: str) -> str:
    """Return the key of a new record."""
    taken = {getattr(record, name) for record in table.values()}
    number = 1001 + len(table)
    while form.format(number) in taken:
        number += 1
    return form.format(number)


def _plain(value: Any) -> Any:
    """Return a value without models."""
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value
