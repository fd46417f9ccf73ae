"""A list of blocks that fold; the cursor goes through a long one by lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style as VisualStyle
from textual.visual import RenderOptions, Visual
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tau2.view.content.blocks import Block, Kind, Style
from tau2.view.content.rows import next_match

STYLES: Mapping[Style, str] = {
    "": "",
    "title": "bold",
    "label": "bold",
    "dim": "dim",
    "thought": "dim italic",
    "taken": "bold",
    "good": "$text-success",
    "bad": "$text-error",
    "warn": "$text-warning",
    "agent": "$text-primary",
    "user": "$text-success",
    "call": "$text-warning",
    "task": "$text-primary",
    "system": "$text-accent",
    "change": "$text-accent",
}
"""Colours of the theme, so that they change with it."""

_INDENT = 4  # cells of a body
_MARK = 2  # cells of the sign that says whether a block is folded
_FOUND = "reverse"


class BlockVisual(Visual):
    """Draws a block: its head, and while it is unfolded its body, indented."""

    def __init__(self, block: Block, found: str = "") -> None:
        """Draw `block`, and mark every occurrence of `found` in it."""
        self._block = block
        self._found = re.compile(re.escape(found), re.IGNORECASE) if found else None
        self._wrapped: tuple[int, list[Content]] | None = None

    def lines(self, width: int) -> list[Content]:
        """Return the lines that are shown in this width."""
        if self._wrapped is None or self._wrapped[0] != width:
            self._wrapped = (width, list(self._lines(max(width, 2 * _INDENT))))
        return self._wrapped[1]

    def _lines(self, width: int) -> Iterator[Content]:
        block = self._block
        if block.head:
            yield from self._head(block, width)
        if not block.is_folded:
            indent = _INDENT if block.head else _MARK
            for text, style in block.lines(max(_INDENT, width - indent)):
                for line in text.split("\n"):
                    yield from self._indented(line, STYLES[style], indent, width)

    def _head(self, block: Block, width: int) -> Iterator[Content]:
        weight = "" if block.kind == "call" or block.style == "dim" else "bold "
        head = self._marked(block.head, weight + STYLES[block.style])
        room = width - _MARK
        lines = [head.truncate(room, ellipsis=True)] if block.is_folded else head.wrap(room)
        mark = "  "
        if block.body or block.drawn is not None:
            mark = "▸ " if block.is_folded else "▾ "
        for number, line in enumerate(lines):
            yield Content(mark if number == 0 else " " * _MARK) + line

    def _indented(self, line: str, style: str, indent: int, width: int) -> Iterator[Content]:
        """Yield a line in as many as it takes; those after the first keep its own indentation."""
        own = len(line) - len(line.lstrip(" "))
        if own > width // 2:
            own = 0
        room = max(_INDENT, width - indent - own)
        for part in self._marked(line[own:], style).wrap(room) or [Content()]:
            yield Content(" " * (indent + own)) + part

    def _marked(self, text: str, style: str) -> Content:
        content = Content.styled(text, style.strip())
        return (
            content if self._found is None else content.highlight_regex(self._found, style=_FOUND)
        )

    def render_strips(
        self, width: int, height: int | None, style: VisualStyle, options: RenderOptions
    ) -> list[Strip]:
        """Return the lines as the screen has them."""
        blank = [Strip.blank(width, style.rich_style)]
        lines = self.lines(width)[:height]
        return [(line.render_strips(width, 1, style, options) or blank)[0] for line in lines]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """Return the whole width: text is wrapped."""
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        """Return the number of lines."""
        return len(self.lines(width))


class BlockList(OptionList):
    """Blocks below one another; enter folds and unfolds the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter,space,o", "select", "Fold", key_display="⏎", tooltip="Fold or unfold this part"
        ),
        Binding("a", "fold_all", "All", tooltip="Unfold everything, or fold the calls again"),
        Binding("tab", "to_block(1)", "Next part", show=False),
        Binding("shift+tab", "to_block(-1)", "Previous part", show=False),
        Binding("down,j", "cursor_down", "Down", show=False),
        Binding("up,k", "cursor_up", "Up", show=False),
        Binding("pagedown,ctrl+f", "scroll_by(1.0)", "One screen down", show=False),
        Binding("pageup,b,ctrl+b", "scroll_by(-1.0)", "One screen up", show=False),
        Binding("ctrl+d", "scroll_by(0.5)", "Half a screen down", show=False),
        Binding("ctrl+u", "scroll_by(-0.5)", "Half a screen up", show=False),
        Binding("home,g", "first", "First part", show=False),
        Binding("end,G", "last", "Last part", show=False),
    ]

    def __init__(self, blocks: Sequence[Block] = ()) -> None:
        self.blocks = list(blocks)
        self._folded_first = [block.is_folded for block in blocks]
        self._found = ""
        self._scrolls = True
        super().__init__(
            *(Option(BlockVisual(block)) for block in blocks), classes="main", markup=False
        )

    def add_block(self, block: Block) -> None:
        """Show one more block, and go to it."""
        self.blocks.append(block)
        self._folded_first.append(block.is_folded)
        self.add_option(Option(BlockVisual(block)))
        self._go_to(len(self.blocks) - 1)

    @property
    def current(self) -> Block | None:
        """The block under the cursor."""
        return None if self.highlighted is None else self.blocks[self.highlighted]

    # --- folding ----------------------------------------------------------------------------------

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Fold or unfold the block under the cursor."""
        event.stop()
        block = self.blocks[event.option_index]
        has_more = bool(block.body) or block.drawn is not None
        block.is_folded = has_more and not block.is_folded
        self._drawn_anew(event.option_index)

    def action_fold_all(self) -> None:
        """Unfold everything; where everything is, fold what was folded at first."""
        some_folded = any(block.is_folded for block in self.blocks)
        for block, at_first in zip(self.blocks, self._folded_first, strict=True):
            block.is_folded = False if some_folded else at_first
        self._drawn_anew(*range(len(self.blocks)))

    def _drawn_anew(self, *numbers: int) -> None:
        """Draw blocks again, with the cursor's on the screen."""
        for number in numbers:
            self.replace_option_prompt_at_index(
                number, BlockVisual(self.blocks[number], self._found)
            )
        self.scroll_to_highlight()

    # --- moving -----------------------------------------------------------------------------------

    def scroll_to_highlight(self, top: bool = False) -> None:
        """Show the block under the cursor; of one that is taller than the screen, the beginning."""
        if self._scrolls and self.highlighted is not None:
            first, behind = self._span(self.highlighted)
            super().scroll_to_highlight(top=top or behind - first > self._height)

    @property
    def _height(self) -> int:
        return self.scrollable_content_region.height

    def _span(self, number: int) -> tuple[int, int]:
        """Return the first line of a block, and the first one behind it."""
        width = self.scrollable_content_region.width
        heights = [len(self._visual(each).lines(width)) for each in range(number + 1)]
        return sum(heights[:-1]), sum(heights)

    def _visual(self, number: int) -> BlockVisual:
        visual = self.get_option_at_index(number).prompt
        assert isinstance(visual, BlockVisual), "every option is a block"
        return visual

    def _go_to(self, number: int, *, scroll: bool = True) -> None:
        self._scrolls = scroll
        try:
            self.highlighted = number
        finally:
            self._scrolls = True

    def action_cursor_down(self) -> None:
        """Go to the next block, or one line on where the block goes on below the screen."""
        number = self.highlighted or 0
        if self._span(number)[1] > self.scroll_offset.y + self._height:
            self._scroll_lines(1)
        elif number + 1 < len(self.blocks):
            self._go_to(number + 1)

    def action_cursor_up(self) -> None:
        """Go to the block before, or one line back where the block begins above the screen."""
        number = self.highlighted or 0
        if self._span(number)[0] < self.scroll_offset.y:
            self._scroll_lines(-1)
        elif number > 0:
            first, behind = self._span(number - 1)
            self._go_to(number - 1, scroll=behind - first <= self._height)
            if self.scroll_offset.y >= behind:
                self._scroll_lines(-1)

    def action_scroll_by(self, screens: float) -> None:
        """Scroll, and take the cursor along."""
        self._scroll_lines(int(self._height * screens))
        top, number = self.scroll_offset.y, self.highlighted or 0
        while screens > 0 and number + 1 < len(self.blocks) and self._span(number)[1] <= top:
            number += 1
        while screens < 0 and number > 0 and self._span(number)[0] >= top + self._height:
            number -= 1
        at_the_end = top >= self.max_scroll_y and screens > 0
        if at_the_end or (top == 0 and screens < 0):
            number = len(self.blocks) - 1 if at_the_end else 0
        self._go_to(number, scroll=False)

    def _scroll_lines(self, lines: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False, immediate=True)

    def to_kind(self, kind: Kind | None, step: int) -> bool:
        """Go to the next block of a kind (`step` -1: the one before); return if there is one."""
        number = (-1 if self.highlighted is None else self.highlighted) + step
        while 0 <= number < len(self.blocks):
            if kind is None or self.blocks[number].kind == kind:
                self._go_to(number)
                return True
            number += step
        return False

    def action_to_block(self, step: int) -> None:
        """Go to the next block, or the one before."""
        self.to_kind(None, step)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; on the block under the cursor, fold or unfold it."""
        number = event.style.meta.get("option")
        event.prevent_default()
        if number is not None and number != self.highlighted:
            self._go_to(number, scroll=False)
        elif number is not None:
            self.action_select()

    # --- searching --------------------------------------------------------------------------------

    def find(self, text: str, step: int) -> bool:
        """Go to the next block that holds `text` and unfold it; return whether there is one."""
        here = -1 if self.highlighted is None else self.highlighted
        number = next_match([block.text for block in self.blocks], text, here, step)
        if number is not None:
            self._show_found(number, text)
        return number is not None

    def _show_found(self, number: int, text: str) -> None:
        block = self.blocks[number]
        if text.casefold() not in block.head.casefold():
            block.is_folded = False
        if text != self._found:
            self._found = text
            self._drawn_anew(*range(len(self.blocks)))
        else:
            self._drawn_anew(number)
        self._go_to(number)
        lines = self._visual(number).lines(self.scrollable_content_region.width)
        line = next(
            (place for place, each in enumerate(lines) if text.casefold() in each.plain.casefold()),
            0,
        )
        first = self._span(number)[0] + line
        if not self.scroll_offset.y <= first < self.scroll_offset.y + self._height:
            self.scroll_to(y=first, animate=False, immediate=True)
