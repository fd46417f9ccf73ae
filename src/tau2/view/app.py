"""What the applications share, and the one that looks at runs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rich.segment import Segment
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.filter import LineFilter
from textual.screen import Screen

from tau2.utils.terminal_text import clean
from tau2.view.content.library import RunReader
from tau2.view.runs import RunsScreen
from tau2.view.screens import SearchScreen
from tau2.view.simulations import SimulationsScreen

INTERRUPTED = 130  # what Ctrl-C ends with, where the work was not done

_ENDING = ("SIGTERM", "SIGHUP")  # not every system has both


class CleanText(LineFilter):
    """Takes escape sequences and control characters out of whatever a widget draws."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line, cleaned; those that control the terminal are no text."""
        return [
            segment if segment.control else Segment(clean(segment.text), segment.style)
            for segment in segments
        ]


class TerminalApp(App[None]):
    """Restores the terminal when it is asked to end, and offers its keys as commands."""

    CSS_PATH: ClassVar[Any] = "view.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z", "suspend_process", "Suspend", show=False),
        Binding("ctrl+l", "redraw", "Draw anew", show=False),
        Binding("ctrl+c", "leave", "Leave at once", show=False, priority=True),
    ]

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what every line passes before it is drawn."""
        return [*super().get_line_filters(), CleanText()]

    def on_mount(self) -> None:
        """End, with the terminal restored, on a request to end."""
        for number in self._ending_signals():
            # Windows has no handlers on the loop, and only the main thread may set any.
            with suppress(NotImplementedError, RuntimeError, ValueError):
                asyncio.get_running_loop().add_signal_handler(number, self._end, 128 + number)

    def on_unmount(self) -> None:
        """Give the signals back."""
        for number in self._ending_signals():
            with suppress(NotImplementedError, RuntimeError, ValueError):
                asyncio.get_running_loop().remove_signal_handler(number)

    @staticmethod
    def _ending_signals() -> list[signal.Signals]:
        return [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]

    def _end(self, code: int) -> None:
        self.exit(return_code=code)

    async def action_leave(self) -> None:
        """Copy what the mouse has selected; where nothing is, leave."""
        selected = self.screen.get_selected_text()
        if selected:
            self.copy_to_clipboard(selected)
            self.screen.clear_selection()
        else:
            self.exit()

    def action_redraw(self) -> None:
        """Draw everything again."""
        self.screen.refresh(layout=True)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer the keys that work here, then what every application has (themes)."""
        if isinstance(screen, SearchScreen):
            yield from screen.commands()
        # A binding with several keys is there once for each of them.
        shown = {
            active.binding.description: active
            for active in screen.active_bindings.values()
            if active.enabled
        }
        for description, (node, binding, _, tooltip) in shown.items():
            if binding.show and not binding.system:
                title = f"{description} ({self.get_key_display(binding)})"
                yield SystemCommand(
                    title, tooltip or description, partial(self.run_action, binding.action, node)
                )
        yield from super().get_system_commands(screen)


class ViewApp(TerminalApp):
    """Runs, their simulations, their conversations."""

    TITLE = "tau2 view"

    def __init__(self, *, folder: Path | None = None, run: RunReader | None = None) -> None:
        """Open on the simulations of `run`, or on the runs of `folder`.

        Raise DataFileError for a run that cannot be used.
        """
        super().__init__()
        self._first: SearchScreen
        if run is not None:
            self._first = SimulationsScreen(run)
        else:
            assert folder is not None, "a folder or a run"
            self._first = RunsScreen(folder)

    def get_default_screen(self) -> Screen[None]:
        """Return the first screen."""
        return self._first
