"""Metrics as JSON lines, one row for each batch and each evaluation."""

from __future__ import annotations

import json
import os
from itertools import islice
from pathlib import Path

from tau2.errors import DataFileError
from tau2.utils.json_types import JsonMapping, JsonObject

METRICS = "metrics.jsonl"

MetricsRow = JsonObject


class MetricsFile:
    """Appends rows to `metrics.jsonl` in a folder; each is on disk when `log` returns."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / METRICS
        self.rows = len(read_metrics(folder))
        """The number of rows."""

    def log(self, row: JsonMapping) -> None:
        """Append one row."""
        with self.file.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(dict(row)) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        self.rows += 1

    def cut(self, rows: int) -> None:
        """Keep the first `rows` rows: those that a checkpoint counted."""
        kept = first_lines(self.file, rows)
        draft = self.file.with_name(f".{self.file.name}.tmp")
        draft.write_text("".join(kept), encoding="utf-8")
        draft.replace(self.file)
        self.rows = len(kept)


def first_lines(file: Path, count: int) -> list[str]:
    """Return the first `count` lines of a file; none if it is not there."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8") as handle:
        return list(islice(handle, count))


def read_metrics(folder: Path) -> list[MetricsRow]:
    """Return the rows of a run, without an incomplete last line.

    Raise DataFileError for other damage.
    """
    file = folder / METRICS
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    rows: list[MetricsRow] = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            raise DataFileError(f"{file}, line {number}: {error}") from error
    return rows
