"""Items in lists of a size, so that no more of them are held at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

ItemT = TypeVar("ItemT")


def batched(items: Iterable[ItemT], size: int) -> Iterator[list[ItemT]]:
    """Yield lists of at most `size` items, as `itertools.batched` of Python 3.12 does in tuples."""
    waiting = iter(items)
    while some := list(islice(waiting, size)):
        yield some
