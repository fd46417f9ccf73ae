"""A person plays one role of an episode: the conversation above, an input line below."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from tau2.data_model.tasks import Task
from tau2.errors import Tau2Error
from tau2.report.safe_text import one_line
from tau2.rollout import Rollout
from tau2.view.app import INTERRUPTED, TerminalApp
from tau2.view.blocks import BlockList
from tau2.view.content.blocks import Block, capped
from tau2.view.content.play import COMMANDS, PlaySession

_MOST_NAMED = 12  # possible completions in one line
_WORD_ENDS = " \t(,"


class TypedLine(Input):
    """A line with a history, whose names the tab key completes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete"),
        Binding("up", "history(-1)", "Line before", show=False),
        Binding("down", "history(1)", "Next line", show=False),
    ]

    def __init__(
        self, completions: Callable[[str, str], list[str]], notify: Callable[[str], None]
    ) -> None:
        """Complete with `completions(line, word)`; `notify` gets what else is possible."""
        super().__init__(id="line")
        self._completions = completions
        self._notify = notify
        self._history: list[str] = []
        self._at = 0

    def take(self) -> str:
        """Return what was typed, remember it, and empty the line."""
        text = self.value
        if text.strip():
            self._history.append(text)
        self._at = len(self._history)
        self.clear()
        return text

    def action_history(self, step: int) -> None:
        """Bring a line back that was typed before."""
        self._at = max(0, min(self._at + step, len(self._history)))
        self.value = self._history[self._at] if self._at < len(self._history) else ""
        self.cursor_position = len(self.value)

    def action_complete(self) -> None:
        """Complete the word before the cursor as far as it is certain."""
        line = self.value[: self.cursor_position]
        start = max(line.rfind(end) for end in _WORD_ENDS) + 1
        found = self._completions(line, line[start:])
        common = os.path.commonprefix(found)  # noqa: RUF071  -- of words, not of paths
        if len(common) > len(line) - start:
            self.insert_text_at_cursor(common[len(line) - start :])
        more = f" … {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        self._notify("  ".join(found[:_MOST_NAMED]) + more if len(found) > 1 else "")


class PlayApp(TerminalApp):
    """One episode in which a person plays one role. `problem` holds what ended it early."""

    TITLE = "tau2 play"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+d", "quit_play", "Leave", priority=True),
        Binding("escape", "stop_waiting", "Take the move back", show=False),
        Binding("pageup", "scroll(-1.0)", "Back", show=False),
        Binding("pagedown", "scroll(1.0)", "On", show=False),
    ]

    def __init__(
        self, rollout: Rollout, task: Task, seed: int | None, ended: Callable[[], str]
    ) -> None:
        """Play `task`; `ended` is called when the episode is over, and says what became of it."""
        super().__init__()
        self.session = PlaySession(rollout, self._show, clean=capped)
        self.problem: BaseException | None = None
        """What the other side, or the grading, could not do; the caller raises it."""
        self._played = task
        self._seed = seed
        self._ended = ended
        self._role = rollout.role.value
        self._move: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        """Yield the conversation, what is going on, and the line."""
        yield Static(id="title", markup=False)
        blocks = BlockList()
        blocks.can_focus = False  # what is typed goes to the line, also after a click above it
        yield blocks
        yield Static(id="state", markup=False)
        yield TypedLine(self.session.completions, self._say)
        yield Footer()

    @property
    def _line(self) -> TypedLine:
        return self.query_one(TypedLine)

    def on_mount(self) -> None:
        """Have the other side begin."""
        title = f"task {one_line(self._played.id, 60)} · you are the {self._role}"
        self.query_one("#title", Static).update(
            f"{title}; /task and /policy say what it is about, /help the rest"
        )
        self._line.focus()
        self._carry_out(self.session.begin(self._played, self._seed))

    def _show(self, block: Block) -> None:
        self.query_one(BlockList).add_block(block)

    def _say(self, text: str) -> None:
        self.query_one("#state", Static).update(text)

    # --- moves ------------------------------------------------------------------------------------

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Carry out a line; where the episode is over, leave."""
        if self.session.is_over:
            self.exit()
            return
        if self._move is None:
            self.answer(self._line.take())

    def answer(self, line: str) -> None:
        """Carry out one typed line."""
        if line.strip():
            self._show(Block("", "dim", [(capped(f"{self._role}> {line.strip()}"), "dim")]))
            self._carry_out(self.session.answer(line))

    def _carry_out(self, work: Any) -> None:
        self._say("… the other side moves; esc takes the move back")
        self._line.placeholder = "please wait"
        self._move = asyncio.create_task(work)
        self._move.add_done_callback(self._carried_out)

    def _carried_out(self, move: asyncio.Task[None]) -> None:
        """Say what comes next; a problem ends the application."""
        self._move = None
        self._say("stopped" if move.cancelled() else "")
        self._line.placeholder = "words, or name(argument=value)"
        if not move.cancelled() and move.exception() is not None:
            self.problem = move.exception()
            self.exit()
        elif self.session.was_left:
            self.exit()
        elif self.session.is_over:
            self._finish()
        elif self.session.rollout.result is None:
            self.exit()  # not even the beginning was played

    def _finish(self) -> None:
        self._line.placeholder = "it is over"
        try:
            self._say(f"{self._ended()}; enter leaves")
        except (Tau2Error, OSError) as problem:
            self.problem = problem
            self.exit()

    def action_stop_waiting(self) -> None:
        """Do not wait for the other side: the move is taken back."""
        if self._move is not None:
            self._move.cancel()

    # --- leaving ----------------------------------------------------------------------------------

    async def _stop(self) -> None:
        if self._move is not None:
            self._move.remove_done_callback(self._carried_out)
            self._move.cancel()
            await asyncio.wait([self._move])

    async def action_quit_play(self) -> None:
        """Leave without a grade; in a line with text, delete a character."""
        if self._line.value:
            self._line.action_delete_right()
            return
        await self._stop()
        self.exit()

    async def action_leave(self) -> None:
        """Copy what the mouse has selected; where nothing is, leave as interrupted."""
        if self._line.selected_text:
            self._line.action_copy()
            return
        if self.screen.get_selected_text():
            await super().action_leave()
            return
        await self._stop()
        self.exit(return_code=0 if self.session.is_over else INTERRUPTED)

    def action_scroll(self, screens: float) -> None:
        """Scroll the conversation while the line keeps the focus."""
        self.query_one(BlockList).action_scroll_by(screens)

    def get_system_commands(self, screen: Screen[Any]) -> Any:
        """Offer what can be typed, then what every application has."""
        for name, what in COMMANDS.items():
            yield SystemCommand(name, what, lambda line=name: self.answer(line))
        yield from super().get_system_commands(screen)
