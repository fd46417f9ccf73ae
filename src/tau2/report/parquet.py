"""Parquet files that are written group by group, so that no table is held as a whole."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from tau2.errors import needs_extra

GROUP = 5_000
"""Rows that are held in memory, and lie together in the file."""


def parquet_pieces(tables: Iterable[Any], schema: Any) -> Iterator[bytes]:
    """Yield the bytes of a Parquet file of tables of pyarrow, each of which is a group of rows.

    Raise MissingExtra without pyarrow.
    """
    with needs_extra("parquet", "pyarrow"):
        import pyarrow.parquet as pq  # noqa: PLC0415  -- optional

    sink = _Sink()
    with pq.ParquetWriter(sink, schema) as writer:
        for table in tables:
            writer.write_table(table)
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """A file whose content is taken away while it is written."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        piece = bytes(content)
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._size

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        content = b"".join(self._pieces)
        self._pieces.clear()
        return content
