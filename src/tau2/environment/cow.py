"""Copy-on-write tables: a copy costs what it touches, not what it holds.

A `Table` shows a shared, never mutated base mapping as if it were private. A record is cloned the
first time it is asked for, so a caller may mutate what it gets; `peek` and `peek_values` read
without cloning, and what they return must not be mutated. Nothing here knows about tools, grading
or domains.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Generic, TypeGuard, TypeVar, cast, overload

from pydantic import BaseModel

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

_ATOMS = frozenset(
    {
        str,
        int,
        float,
        bool,
        type(None),
        bytes,
        complex,
        date,
        datetime,
        time,
        timedelta,
        Decimal,
        frozenset,
    }
)
_MISSING: Final = object()


def _fill_model(bare: BaseModel, value: BaseModel, copied: Callable[[object], object]) -> None:
    """Set the fields of a bare model to copies of those of `value`.

    Writes what pydantic keeps on the instance directly: `model_copy(deep=True)` and `deepcopy` take
    several times as long, and validation is not wanted for data that has been validated.
    """
    state = bare.__dict__
    for name, field in value.__dict__.items():
        state[name] = field if field.__class__ in _ATOMS else copied(field)
    put = object.__setattr__
    put(bare, "__pydantic_fields_set__", set(value.__pydantic_fields_set__))
    extra = value.__pydantic_extra__
    put(bare, "__pydantic_extra__", None if extra is None else copied(extra))
    private = value.__pydantic_private__
    put(bare, "__pydantic_private__", None if private is None else copied(private))


def clone(value: T) -> T:
    """Return an independent copy of plain data and models.

    Several times faster than `copy.deepcopy`.
    """
    kind = value.__class__
    if kind in _ATOMS:
        return value
    # Exact classes: a subclass may keep state of its own, which deepcopy knows how to copy. The
    # test for atoms is repeated inline because a call per field costs more than the copy.
    if kind is list:
        return cast(
            "T", [v if v.__class__ in _ATOMS else clone(v) for v in cast("list[object]", value)]
        )
    if kind is dict:
        items = cast("dict[object, object]", value).items()
        return cast("T", {k: v if v.__class__ in _ATOMS else clone(v) for k, v in items})
    if isinstance(value, BaseModel):
        model = value.__class__.__new__(value.__class__)
        _fill_model(model, value, clone)
        return model
    if isinstance(value, Table):
        return cast("T", value.fork())
    return value if isinstance(value, Enum) else copy.deepcopy(value)


class Memo(dict[int, object]):
    """What has been copied so far, as for `copy.deepcopy`: id of the old object → the new one."""

    shared = False
    """Whether any object was met more than once."""


def clone_shared(value: T, memo: dict[int, object]) -> T:
    """Return `clone(value)` in which an object that occurs several times is copied once.

    `memo` as for `copy.deepcopy`.
    """
    kind = value.__class__
    if kind in _ATOMS or isinstance(value, Enum):
        return value
    known = memo.get(id(value), _MISSING)
    if known is _MISSING:
        known = _clone_once(value, memo)
    elif isinstance(memo, Memo):
        memo.shared = True
    return cast("T", known)


def _clone_once(value: object, memo: dict[int, object]) -> object:
    # A container is noted in the memo before its content is copied: it may contain itself.
    if value.__class__ is list:
        items: list[object] = []
        memo[id(value)] = items
        items.extend(clone_shared(item, memo) for item in cast("list[object]", value))
        return items
    if value.__class__ is dict:
        entries: dict[object, object] = {}
        memo[id(value)] = entries
        for key, item in cast("dict[object, object]", value).items():
            entries[key] = clone_shared(item, memo)
        return entries
    if isinstance(value, Table):
        table = value.fork(memo)
        memo[id(value)] = table
        return table
    if isinstance(value, BaseModel):
        model = value.__class__.__new__(value.__class__)
        memo[id(value)] = model
        _fill_model(model, value, lambda part: clone_shared(part, memo))
        return model
    return copy.deepcopy(value, memo)


class Table(MutableMapping[K, V], Generic[K, V]):
    """A private view of a shared mapping; see the module docstring.

    Iterates like a dict: first the keys of the base that were never deleted, in the base's order,
    then added keys in order of insertion. A key of the base that is deleted and set again moves to
    the end.
    """

    __slots__ = ("_added", "_base", "_dropped", "_own")

    def __init__(self, base: Mapping[K, V]) -> None:
        self._base = base
        self._own: dict[K, V] = {}
        self._added: dict[K, None] = {}  # keys shown after the base's own, in order of insertion
        self._dropped: set[K] = (
            set()
        )  # keys of the base that were deleted, even if they were added again

    def fork(self, memo: dict[int, object] | None = None) -> Table[K, V]:
        """Return an independent view with the same content; costs what this one has touched."""
        child: Table[K, V] = Table(self._base)
        # Most tables of most episodes are never touched.
        if self._own:
            memo = {} if memo is None else memo
            child._own = {key: clone_shared(record, memo) for key, record in self._own.items()}
        if self._added:
            child._added = dict(self._added)
        if self._dropped:
            child._dropped = set(self._dropped)
        return child

    def changes(self) -> tuple[object, ...]:
        """Return what was touched, for `changed` of a view of an equal base."""
        return self._own, self._added, self._dropped

    def changed(self, changes: tuple[Any, ...]) -> Table[K, V]:
        """Return a view of the same base with the changes of another one, which it keeps."""
        child: Table[K, V] = Table(self._base)
        child._own = changes[0]
        child._added = changes[1]
        child._dropped = changes[2]
        return child

    @overload
    def peek(self, key: K) -> V | None: ...
    @overload
    def peek(self, key: K, default: T) -> V | T: ...
    def peek(self, key: K, default: object = None) -> object:
        """Return the record without cloning it; do not mutate what comes back."""
        if key in self._own:
            return self._own[key]
        return default if key in self._dropped else self._base.get(key, default)

    def peek_values(self) -> Iterator[V]:
        """Yield every record without cloning it; do not mutate what comes back."""
        yield from map(self._peeked, self)

    def peek_items(self) -> Iterator[tuple[K, V]]:
        """Yield every key and record without cloning; do not mutate what comes back."""
        for key in self:
            yield key, self._peeked(key)

    def _peeked(self, key: K) -> V:
        return self._own[key] if key in self._own else self._base[key]

    def __getitem__(self, key: K) -> V:
        own = self._own
        if key in own:
            return own[key]
        if key in self._dropped:
            raise KeyError(key)
        # The caller may mutate what it gets, so reading a record makes it private.
        record = own[key] = clone(self._base[key])
        return record

    def __setitem__(self, key: K, record: V) -> None:
        if key not in self:
            self._added[key] = None
        self._own[key] = record

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        self._own.pop(key, None)
        self._added.pop(key, None)
        if key in self._base:
            self._dropped.add(key)

    def popitem(self) -> tuple[K, V]:
        """Remove and return the last record with its key, as a dict does.

        Raise KeyError when there is none.
        """
        for key in reversed(self):
            return key, self.pop(key)
        raise KeyError("the table is empty")

    def copy(self) -> dict[K, V]:
        """Return a plain dict of this view's records."""
        return dict(self.items())

    def __or__(self, other: Mapping[K, V]) -> dict[K, V]:
        return self.copy() | dict(other)

    def __ror__(self, other: Mapping[K, V]) -> dict[K, V]:
        return dict(other) | self.copy()

    def __ior__(self, other: Mapping[K, V]) -> Table[K, V]:
        self.update(other)
        return self

    def __contains__(self, key: object) -> bool:
        return key in self._own or (key in self._base and key not in self._dropped)

    def __iter__(self) -> Iterator[K]:
        if not self._dropped:
            yield from self._base
        else:
            yield from (key for key in self._base if key not in self._dropped)
        yield from self._added

    def __reversed__(self) -> Iterator[K]:
        yield from reversed(self._added)
        yield from (key for key in reversed(list(self._base)) if key not in self._dropped)

    def __len__(self) -> int:
        return len(self._base) - len(self._dropped) + len(self._added)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Table) and other._base is self._base:
            return self.same_as(other)
        if not isinstance(other, Mapping) or len(other) != len(self):
            return NotImplemented if not isinstance(other, Mapping) else False
        get = other.peek if isinstance(other, Table) else other.get
        return all(record == get(key, _MISSING) for key, record in self.peek_items())

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"Table({len(self)} records, {len(self._own)} touched)"

    def __deepcopy__(self, memo: dict[int, object]) -> Table[K, V]:
        return self.fork(memo)

    def __copy__(self) -> Table[K, V]:
        return self.fork()

    @property
    def base(self) -> Mapping[K, V]:
        """The shared records; never mutate them."""
        return self._base

    def touched(self) -> set[K]:
        """Return the keys whose record may differ from the base's."""
        return set(self._own) | self._dropped

    def is_pristine(self) -> bool:
        """Return whether nothing was touched."""
        return not self._own and not self._dropped

    def same_as(self, other: Table[K, V], equal: Callable[[V, V], bool] | None = None) -> bool:
        """Compare two views of one base by the records either has touched."""
        for key in self.touched() | other.touched():
            if (key in self) != (key in other):
                return False
            if key not in self:
                continue
            mine = self._peeked(key)
            theirs = other._peeked(key)
            if mine is not theirs and not (equal(mine, theirs) if equal else mine == theirs):
                return False
        return True

    def plain(self) -> dict[K, V]:
        """Return a plain dict of the shared and private records; do not mutate the records."""
        return dict(self.peek_items())


def peek(records: Mapping[K, V], key: K) -> V | None:
    """Return one record of a table or a plain mapping without cloning it, or None.

    Do not mutate it.
    """
    return records.peek(key) if isinstance(records, Table) else records.get(key)


def peek_values(records: Mapping[K, V]) -> Iterable[V]:
    """Return every record of a table or a plain mapping without cloning any; do not mutate them."""
    if not isinstance(records, Table):
        return records.values()
    return records.base.values() if records.is_pristine() else records.peek_values()


def is_table_like(value: object) -> TypeGuard[dict[Any, object]]:
    """Return whether a field is worth a view: a dict with models as values."""
    return isinstance(value, dict) and any(isinstance(v, BaseModel) for v in value.values())
