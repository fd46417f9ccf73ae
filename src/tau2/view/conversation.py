"""The third screen: one conversation, folded where it is long, with what every call changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from tau2.environment.diff import turn_diffs
from tau2.report.safe_text import one_line
from tau2.report.terminal.timeline import readable
from tau2.runner.build import rebuild_environment
from tau2.view.blocks import BlockList
from tau2.view.content.blocks import Block, blocks_of
from tau2.view.content.library import RunReader
from tau2.view.screens import SearchScreen


def read_conversation(run: RunReader, simulation_id: str) -> tuple[str, list[Block]]:
    """Return title and blocks of a simulation. Raise DataFileError for one that cannot be read."""
    simulation = readable(run.load(simulation_id))
    task = run.task(simulation.task_id)
    info = run.metadata.info
    diffs = turn_diffs(simulation, task, run.domain, build=lambda _: rebuild_environment(info))
    blocks = blocks_of(simulation, task, diffs)
    which = f"task {one_line(simulation.task_id, 60)} trial {simulation.unit.trial}"
    return f"{one_line(run.title, 80)} · {which}", blocks


class ConversationScreen(SearchScreen):
    """One conversation as blocks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "to_kind('diff', 1)", "Next change", tooltip="Next change of the database"),
        Binding("D", "to_kind('diff', -1)", "Previous change", show=False),
        Binding("c", "to_kind('grading', 1)", "Checks"),
        Binding(
            "y",
            "copy",
            "Copy",
            show=False,
            tooltip="Copy the part under the cursor to the clipboard",
        ),
    ]

    def __init__(self, title: str, blocks: Sequence[Block]) -> None:
        super().__init__()
        self._title = title
        self.blocks = BlockList(blocks)

    def body(self) -> Iterator[Widget]:
        """Yield the blocks."""
        yield self.blocks

    def on_mount(self) -> None:
        """Show the title, and put the cursor on the first block."""
        self.set_title(self._title)
        self.blocks.highlighted = 0

    def find(self, text: str, step: int) -> bool:
        """Go to the next block that holds `text`, folded or not."""
        return self.blocks.find(text, step)

    def action_to_kind(self, kind: Any, step: int) -> None:
        """Go to the next change of the database, or to the checks."""
        if not self.blocks.to_kind(kind, step) and kind == "diff":
            self.warn("no more changes of the database")

    def action_copy(self) -> None:
        """Copy the block under the cursor to the clipboard of the terminal."""
        if self.blocks.current is not None:
            self.app.copy_to_clipboard(self.blocks.current.text)
            self.notify("copied", markup=False)
