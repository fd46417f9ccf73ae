"""Copy-on-write lists: the counterpart of `cow.Table` for databases that hold lists of records.

A record is cloned the first time it is asked for, so a caller may mutate what it gets; `peek` and
`peek_values` read without cloning, and what they return must not be mutated. `find` looks records
up by a field without a search: the shared records are indexed once for all views of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from typing import Any, Generic, TypeGuard, TypeVar, cast, overload

from pydantic import BaseModel

from tau2.environment.cow import clone, clone_shared

V = TypeVar("V")


class ListTable(MutableSequence[V], Generic[V]):
    """A private view of a shared sequence; see the module docstring.

    Every record has a row number that it keeps wherever it moves: its index in the base, or, for an
    added record, a number after those.
    """

    __slots__ = ("_base", "_indexes", "_next", "_own", "_rows")

    def __init__(self, base: Sequence[V]) -> None:
        self._base = base
        self._own: dict[int, V] = {}
        self._rows: list[int] | None = None  # row numbers in order; None while they count up
        self._next = len(base)
        self._indexes: dict[
            str, dict[object, list[int]]
        ] = {}  # field -> value -> rows of the base; shared by all forks

    def fork(self, memo: dict[int, object] | None = None) -> ListTable[V]:
        """Return an independent view with the same content; costs what this one has touched."""
        memo = {} if memo is None else memo
        child: ListTable[V] = ListTable(self._base)
        child._own = {row: clone_shared(record, memo) for row, record in self._own.items()}
        child._rows = None if self._rows is None else list(self._rows)
        child._next = self._next
        child._indexes = self._indexes
        return child

    def changes(self) -> tuple[object, ...]:
        """Return what was touched, for `changed` of a view of an equal base."""
        return self._own, self._rows, self._next

    def changed(self, changes: tuple[Any, ...]) -> ListTable[V]:
        """Return a view of the same base with the changes of another one, which it keeps."""
        child: ListTable[V] = ListTable(self._base)
        child._own = changes[0]
        child._rows = changes[1]
        child._next = changes[2]
        child._indexes = self._indexes
        return child

    def _order(self) -> Sequence[int]:
        return range(self._next) if self._rows is None else self._rows

    def _movable(self) -> list[int]:
        if self._rows is None:
            self._rows = list(range(self._next))
        return self._rows

    def peek_row(self, row: int) -> V:
        """Return the record of a row number without cloning it; do not mutate what comes back."""
        return self._own[row] if row in self._own else self._base[row]

    def peek(self, index: int) -> V:
        """Return the record at `index` without cloning it; do not mutate what comes back."""
        return self.peek_row(self._order()[index])

    def peek_values(self) -> Iterator[V]:
        """Yield every record without cloning it; do not mutate what comes back."""
        if self.is_pristine():
            yield from self._base
        else:
            yield from map(self.peek_row, self._order())

    def find(self, field: str, value: object) -> list[int]:
        """Return where the records are whose `field` is `value`.

        A field that is a list has each of its values.
        """
        try:
            shared = self._index(field).get(value, ())
        except TypeError:  # something is not hashable
            return _searched(self.peek_values(), field, value)
        rows = [row for row in shared if row not in self._own]
        rows += [row for row, record in self._own.items() if value in _values(record, field)]
        if self._rows is None:
            return sorted(rows)
        wanted = set(rows)
        return [index for index, row in enumerate(self._rows) if row in wanted]

    def _index(self, field: str) -> dict[object, list[int]]:
        index = self._indexes.get(field)
        if index is None:
            index = {}
            for row, record in enumerate(self._base):
                for value in dict.fromkeys(_values(record, field)):
                    index.setdefault(value, []).append(row)
            self._indexes[field] = index
        return index

    def _private(self, row: int) -> V:
        if row not in self._own:
            self._own[row] = clone(self._base[row])
        return self._own[row]

    def _adopt(self, record: V) -> int:
        row = self._next
        self._next += 1
        self._own[row] = record
        return row

    @overload
    def __getitem__(self, index: int) -> V: ...
    @overload
    def __getitem__(self, index: slice) -> list[V]: ...
    def __getitem__(self, index: int | slice) -> V | list[V]:
        rows = self._order()[index]
        return (
            self._private(rows) if isinstance(rows, int) else [self._private(row) for row in rows]
        )

    @overload
    def __setitem__(self, index: int, value: V) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[V]) -> None: ...
    def __setitem__(self, index: int | slice, value: V | Iterable[V]) -> None:
        if isinstance(index, int):
            self._own[self._order()[index]] = cast("V", value)
            return
        before = list(self._order())
        rows = self._movable()
        rows[index] = [self._adopt(record) for record in cast("Iterable[V]", value)]
        self._forget(before)

    def __delitem__(self, index: int | slice) -> None:
        before = list(self._order())
        del self._movable()[index]
        self._forget(before)

    def _forget(self, before: Iterable[int]) -> None:
        for row in set(before).difference(self._order()):
            self._own.pop(row, None)

    def insert(self, index: int, value: V) -> None:
        """Put a record before `index`."""
        self._movable().insert(index, self._adopt(value))

    def append(self, value: V) -> None:
        """Put a record at the end."""
        row = self._adopt(value)
        if self._rows is not None:
            self._rows.append(row)

    def sort(self, *, key: Callable[[V], Any] | None = None, reverse: bool = False) -> None:
        """Sort in place, as a list does."""
        by: Callable[[V], Any] = key if key is not None else lambda record: record
        self._movable().sort(key=lambda row: by(self.peek_row(row)), reverse=reverse)

    def copy(self) -> list[V]:
        """Return a plain list of this view's records."""
        return list(self)

    def __add__(self, other: Iterable[V]) -> list[V]:
        return [*self, *other]

    def __radd__(self, other: Iterable[V]) -> list[V]:
        return [*other, *self]

    def __len__(self) -> int:
        return len(self._order())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ListTable):
            return self.same_as(other)
        return self.plain() == other if isinstance(other, list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"ListTable({len(self)} records, {len(self._own)} touched)"

    def __deepcopy__(self, memo: dict[int, object]) -> ListTable[V]:
        return self.fork(memo)

    def __copy__(self) -> ListTable[V]:
        return self.fork()

    @property
    def base(self) -> Sequence[V]:
        """The shared records; never mutate them."""
        return self._base

    def rows(self) -> Sequence[int]:
        """Return the row numbers in order."""
        return self._order()

    def touched(self) -> set[int]:
        """Return the row numbers whose record may differ from the base's."""
        return set(self._own)

    def is_pristine(self) -> bool:
        """Return whether nothing was touched."""
        return not self._own and self._rows is None

    def same_as(self, other: ListTable[V], equal: Callable[[V, V], bool] | None = None) -> bool:
        """Compare two views.

        Two of one base in the same order by the records that either has touched.
        """
        same = equal or (lambda mine, theirs: bool(mine == theirs))
        order = self._order()
        others = other.rows()
        # A list of rows and a range of the same rows are not equal by themselves.
        if other.base is self._base and (order == others or list(order) == list(others)):
            pairs = [
                (self.peek_row(row), other.peek_row(row))
                for row in self.touched() | other.touched()
            ]
        elif len(self) != len(other):
            return False
        else:
            pairs = list(zip(self.peek_values(), other.peek_values(), strict=True))
        return all(mine is theirs or same(mine, theirs) for mine, theirs in pairs)

    def plain(self) -> list[V]:
        """Return a plain list of the shared and private records; do not mutate the records."""
        return list(self.peek_values())


def _values(record: object, field: str) -> Sequence[object]:
    value = getattr(record, field)
    return value if isinstance(value, list) else (value,)


def find(records: Sequence[V], field: str, value: object) -> Sequence[int]:
    """Do what `ListTable.find` does, also in a plain list."""
    if isinstance(records, ListTable):
        return records.find(field, value)
    return _searched(records, field, value)


def _searched(records: Iterable[object], field: str, value: object) -> list[int]:
    return [index for index, record in enumerate(records) if value in _values(record, field)]


def peek_at(records: Sequence[V], index: int) -> V:
    """Return one record of a list table or a plain list without cloning it; do not mutate it."""
    return records.peek(index) if isinstance(records, ListTable) else records[index]


def peek_list(records: Sequence[V]) -> Iterable[V]:
    """Return every record of a list table or a plain list without cloning any.

    Do not mutate them.
    """
    if not isinstance(records, ListTable):
        return records
    return records.base if records.is_pristine() else records.peek_values()


def is_list_table_like(value: object) -> TypeGuard[list[object]]:
    """Return whether a field is worth a view: a list of models."""
    return isinstance(value, list) and any(isinstance(v, BaseModel) for v in value)
