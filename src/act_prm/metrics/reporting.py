"""Progress reports of a trainer; the command line shows them as bars."""

from __future__ import annotations

from typing import Protocol

from tau2.utils.json_types import JsonMapping


class Reporter(Protocol):
    """Receives progress reports; everything is also in the run's files."""

    def begin(self, title: str, done: int, total: int) -> None:
        """A phase of `total` batches begins or continues; `done` are finished."""

    def batch(self, done: int, total: int, row: JsonMapping) -> None:
        """A batch of the phase is finished; `row` holds its metrics."""

    def part(self, title: str, done: int, total: int) -> None:
        """Within a batch, `done` of `total` pieces of the work `title` are finished."""

    def note(self, text: str) -> None:
        """Show a text."""


class NoReporter:
    """A reporter that shows nothing."""

    def begin(self, title: str, done: int, total: int) -> None:
        """Do nothing."""

    def batch(self, done: int, total: int, row: JsonMapping) -> None:
        """Do nothing."""

    def part(self, title: str, done: int, total: int) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""
