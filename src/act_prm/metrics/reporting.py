"""What a trainer tells whoever watches; the command line draws bars from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Reporter(Protocol):
    """Hears of progress; everything is also in the run's files."""

    def begin(self, title: str, done: int, total: int) -> None:
        """A phase of `total` batches begins (or goes on), of which `done` are over."""

    def batch(self, done: int, total: int, row: Mapping[str, Any]) -> None:
        """A batch of the phase is over; `row` is what was measured."""

    def part(self, title: str, done: int, total: int) -> None:
        """Of the work named by `title` inside a batch, `done` of `total` pieces are over."""

    def note(self, text: str) -> None:
        """Say something once."""


class Silent:
    """Tells nobody."""

    def begin(self, title: str, done: int, total: int) -> None:
        """Do nothing."""

    def batch(self, done: int, total: int, row: Mapping[str, Any]) -> None:
        """Do nothing."""

    def part(self, title: str, done: int, total: int) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""
