"""The third screen: one conversation, folded where it is long, with what every turn changed."""

from __future__ import annotations

from rich.text import Text

from tau2.environment.diff import turn_diffs
from tau2.report.safe_text import one_line
from tau2.runner.build import build_environment
from tau2.view.blocks import Block, blocks_of
from tau2.view.library import RunReader
from tau2.view.screen import Back, Quit, Screen
from tau2.view.wrap import wrapped

_INDENT = "    "


class ConversationScreen(Screen):
    """Blocks as lines; enter folds and unfolds the block under the cursor."""

    hints = "enter fold  tab next  d change  a all  / search  esc back"
    help = (
        ("enter space", "fold or unfold"),
        ("a", "unfold everything, or fold the calls again"),
        ("tab  Shift-tab", "next or previous part"),
        ("d  D", "next or previous change of the database"),
        ("c", "the checks"),
    )

    def __init__(self, run: RunReader, simulation_id: str) -> None:
        """Read one conversation. Raise DataFileError when it cannot be read."""
        super().__init__()
        self._simulation = run.load(simulation_id)
        self._run, self._task = run, run.task(self._simulation.task_id)
        diffs = turn_diffs(self._simulation, self._task, run.domain, build=build_environment)
        self.blocks = blocks_of(self._simulation, self._task, diffs)
        self._folded_first = [block.is_folded for block in self.blocks]
        self._lines: list[tuple[str, str, int]] = []
        self._laid_out: tuple[int, tuple[bool, ...]] | None = None
        self._width = 80

    @property
    def title(self) -> str:
        """Which run and which simulation."""
        simulation = self._simulation
        return f"{one_line(self._run.title, 80)} · task {one_line(simulation.task_id, 60)} trial {simulation.trial or 0}"

    def lay_out(self, width: int) -> None:
        """Break the blocks into lines, when width or folding changed."""
        self._width = width
        wanted = (width, tuple(block.is_folded for block in self.blocks))
        if wanted != self._laid_out:
            self._laid_out = wanted
            self._lines = [
                line
                for number, block in enumerate(self.blocks)
                for line in _lines(block, number, width)
            ]

    def count(self) -> int:
        """Return the number of lines."""
        return len(self._lines)

    def row(self, index: int, width: int) -> Text:
        """Return a line."""
        text, style, _ = self._lines[index]
        return Text(text, style=style)

    def text_of(self, index: int) -> str:
        """Return a line as it is searched."""
        return self._lines[index][0]

    def press(self, key: str) -> Screen | Back | Quit | None:
        """Fold, unfold, or go to another block."""
        kinds = {
            "tab": (1, ""),
            "back tab": (-1, ""),
            "d": (1, "diff"),
            "D": (-1, "diff"),
            "c": (1, "grading"),
        }
        if key in {"enter", "o"}:
            self._fold(self._block())
        elif key == "a":
            self._fold_all()
        elif key in kinds:
            self._to_block(*kinds[key])
        else:
            return super().press(key)
        return None

    def move(self, key: str) -> bool:
        """Move; the space bar folds here."""
        if key == " ":
            self._fold(self._block())
            return True
        return super().move(key)

    def before_search(self) -> None:
        """Unfold everything: what is folded could not be found."""
        here = self._block()
        for block in self.blocks:
            block.is_folded = False
        self._stay_at(here)

    def _block(self) -> int:
        return self._lines[self.cursor.at][2] if self._lines else 0

    def _fold(self, number: int) -> None:
        block = self.blocks[number]
        block.is_folded = bool(block.body) and not block.is_folded
        self._stay_at(number)

    def _fold_all(self) -> None:
        here, some_folded = self._block(), any(block.is_folded for block in self.blocks)
        for block, at_first in zip(self.blocks, self._folded_first, strict=True):
            block.is_folded = False if some_folded else at_first
        self._stay_at(here)

    def _stay_at(self, number: int) -> None:
        self.lay_out(self._width)
        self._go_to(number)

    def _go_to(self, number: int) -> None:
        """Put the cursor on a block, and as much of the block on the screen as fits."""
        cursor = self.cursor
        cursor.at = self._first_line(number)
        last = cursor.at + sum(line[2] == number for line in self._lines) - 1
        cursor.top = min(cursor.at, max(cursor.top, last - cursor.height + 1))

    def _first_line(self, number: int) -> int:
        return next((place for place, line in enumerate(self._lines) if line[2] == number), 0)

    def _to_block(self, step: int, kind: str) -> None:
        number = self._block() + step
        while 0 <= number < len(self.blocks):
            if not kind or self.blocks[number].kind == kind:
                self._go_to(number)
                return
            number += step
        self.note = "no more changes of the database" if kind == "diff" else ""


def _lines(block: Block, number: int, width: int) -> list[tuple[str, str, int]]:
    """Return the lines of a block; a folded head is cut to one line, an open one is whole."""
    mark = " " if not block.body else "▸" if block.is_folded else "▾"
    room = max(10, width - 4)
    head = wrapped(block.head, room - 2)
    shown = head if not block.is_folded else head[:1]
    cut = "…" if len(shown) < len(head) else ""
    lines = [
        (f"{mark if not n else ' '} {text}", block.style, number) for n, text in enumerate(shown)
    ]
    lines[-1] = (lines[-1][0] + cut, block.style, number)
    if not block.is_folded:
        lines += [
            (text, style, number)
            for body, style in block.body
            for text in wrapped(body, room, _INDENT)
        ]
    return lines
