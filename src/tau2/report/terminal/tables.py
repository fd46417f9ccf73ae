"""How every table on the terminal looks, and what gives way where space is short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

_GAP = 2  # spaces between columns, unless a table says otherwise
_INDENT = 2  # of the rest of a row below its name
_LEAST = 16  # characters that are left of a text that gives way
_LONGEST_WORD = 24  # characters of a word that is not broken
_NO_FIGURES = frozenset({"", "-", "–"})

Cell = str | Text


@dataclass(frozen=True, slots=True)
class _Layout:
    """What a table shows in a given width."""

    above: tuple[int, ...]
    """Columns that stand on a line of their own, above the rest of their row."""
    widths: Mapping[int, int]
    """The other columns that are shown, in their order, with their widths."""
    left_out: tuple[int, ...] = ()


class Listing:
    """A table that shows names whole in every width.

    Where it is too wide, texts are wrapped first. Then names stand on lines of their own, above the
    rest of their rows, or columns that can be spared are left out, with a note that names them:
    whichever shows more columns.
    """

    def __init__(
        self,
        columns: Sequence[str],
        *,
        right: Sequence[str] = (),
        names: Sequence[str] = (),
        fold: Sequence[str] = (),
        spare: Sequence[str] = (),
        has_header: bool = True,
        gap: int = _GAP,
    ) -> None:
        """Return a table without rows; see `new_table`."""
        place = {name: number for number, name in enumerate(columns)}
        self._columns = tuple(columns)
        self._right = frozenset(place[name] for name in right if name in place)
        self._names = tuple(place[name] for name in names if name in place)
        self._fold = frozenset(place[name] for name in fold if name in place)
        self._spare = tuple(place[name] for name in spare if name in place)
        self._has_header = has_header
        self._gap = gap
        self._rows: list[tuple[list[Text], str]] = []

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def add_row(self, *cells: Cell, style: str = "") -> None:
        """Add a row; cells that are missing at its end are empty."""
        row = [cell if isinstance(cell, Text) else Text(cell) for cell in cells]
        row += [Text("") for _ in self._columns[len(row) :]]
        self._rows.append((row, style))

    def __rich_measure__(self, _console: Console, options: ConsoleOptions) -> Measurement:
        """Return the narrowest and the natural width."""
        whole = _total(self._natural(), self._gap)
        return Measurement(min(_LEAST, whole), min(whole, options.max_width))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield lines that are no wider than the console."""
        layout = self._layout(options.max_width)
        if self._has_header:
            header = [Text(name) for name in self._columns]
            yield from self._row_lines(console, header, layout, options.max_width, "bold", None)
        before: list[Text] | None = None
        for row, style in self._rows:
            yield from self._row_lines(console, row, layout, options.max_width, style, before)
            before = row
        if layout.left_out:
            hidden = ", ".join(self._columns[place] for place in layout.left_out)
            yield Text(f"(no room for: {hidden})", style="dim")

    def _natural(self) -> dict[int, int]:
        """Return column → the width in which nothing is wrapped."""
        names = self._columns if self._has_header else [""] * len(self._columns)
        widths = {place: cell_len(name) for place, name in enumerate(names)}
        for row, _ in self._rows:
            for place, cell in enumerate(row):
                longest = max(map(cell_len, cell.plain.split("\n")))
                widths[place] = max(widths[place], longest)
        return widths

    def _layout(self, width: int) -> _Layout:
        natural = self._natural()
        beside = self._fitting(natural, (), width)
        if beside is not None and not beside.left_out:
            return beside
        above = self._names if len(self._names) < len(self._columns) else ()
        inside = width - _INDENT if above else width
        below = self._fitting(natural, above, inside) if above else None
        fitting = [layout for layout in (beside, below) if layout is not None]
        if fitting:
            return min(fitting, key=lambda layout: len(layout.left_out))
        rest = {place: size for place, size in natural.items() if place not in above}
        return _Layout(above, _squeezed(rest, inside, self._gap))

    def _fitting(
        self, natural: Mapping[int, int], above: tuple[int, ...], width: int
    ) -> _Layout | None:
        """Return the layout with most columns that fits; None where none does."""
        places = [place for place in natural if place not in above]
        left_out: list[int] = []
        candidates = [None, *(place for place in self._spare if place in places)]
        for candidate in candidates:
            if candidate is not None:
                if len(places) == 1:
                    return None
                places.remove(candidate)
                if not self._is_blank(candidate):
                    left_out.append(candidate)
            widths = self._wrapped({place: natural[place] for place in places}, width)
            if widths is not None:
                return self._with_more(natural, _Layout(above, widths, tuple(left_out)), width)
        return None

    def _with_more(self, natural: Mapping[int, int], layout: _Layout, width: int) -> _Layout:
        """Return a layout with those of the columns left out that fit after all.

        A narrow one goes first and is no longer in the way once a wide one has gone, too.
        """
        for place in reversed(layout.left_out):
            shown = sorted({*layout.widths, place})
            widths = self._wrapped({one: natural[one] for one in shown}, width)
            if widths is not None:
                rest = tuple(one for one in layout.left_out if one != place)
                layout = replace(layout, widths=widths, left_out=rest)
        return replace(layout, left_out=tuple(sorted(layout.left_out)))

    def _is_blank(self, place: int) -> bool:
        return all(row[place].plain in _NO_FIGURES for row, _ in self._rows)

    def _wrapped(self, natural: Mapping[int, int], width: int) -> dict[int, int] | None:
        """Return widths in which the columns fit, with texts wrapped; None where they do not."""
        least = {
            place: min(size, self._least(place)) if place in self._fold else size
            for place, size in natural.items()
        }
        if _total(least, self._gap) > width:
            return None
        return _squeezed(natural, width, self._gap, least)

    def _least(self, place: int) -> int:
        """Return how narrow a text may be: as its longest word, within bounds."""
        words = (word for row, _ in self._rows for word in row[place].plain.split())
        longest = max(map(cell_len, words), default=0)
        return max(_LEAST, min(longest, _LONGEST_WORD), cell_len(self._columns[place]))

    def _row_lines(
        self,
        console: Console,
        row: Sequence[Text],
        layout: _Layout,
        width: int,
        style: str,
        before: Sequence[Text] | None,
    ) -> Iterator[Text]:
        """Yield the lines of a row. Names that are those of the row before are not repeated."""
        names = [row[place] for place in layout.above]
        # Names that are not repeated in the rows below them are not repeated here, either.
        if any(name.plain for name in names) and (
            before is None or names != [before[place] for place in layout.above]
        ):
            beside = Text(" " * self._gap).join(names)
            for line in [beside] if beside.cell_len <= width else names:
                yield from _styled(line.wrap(console, width, overflow="fold"), style)
        cells = [_wrapped_cell(console, row[place], size) for place, size in layout.widths.items()]
        indent = " " * _INDENT if layout.above else ""
        for parts in zip_longest(*cells, fillvalue=Text("")):
            yield from _styled([self._line(parts, layout.widths, indent)], style)

    def _line(self, parts: Sequence[Text], widths: Mapping[int, int], indent: str) -> Text:
        line = Text(indent)
        for part, (place, size) in zip(parts, widths.items(), strict=True):
            padding = " " * (size - part.cell_len)
            is_right = place in self._right
            line.append(padding if is_right else "")
            line.append_text(part)
            line.append(("" if is_right else padding) + " " * self._gap)
        line.rstrip()
        return line


def _styled(lines: Iterable[Text], style: str) -> Iterator[Text]:
    """Yield lines that are not wrapped again."""
    for line in lines:
        line.no_wrap = True
        line.overflow = "ignore"
        if style:
            line.stylize_before(style)
        yield line


def _wrapped_cell(console: Console, cell: Text, width: int) -> list[Text]:
    if "\n" not in cell.plain and cell.cell_len <= width:
        return [cell]
    return list(cell.wrap(console, width, overflow="fold"))


def _total(widths: Mapping[int, int], gap: int) -> int:
    return sum(widths.values()) + gap * (len(widths) - 1)


def _squeezed(
    natural: Mapping[int, int], width: int, gap: int, least: Mapping[int, int] | None = None
) -> dict[int, int]:
    """Return widths that fit: the widest column gives way first, none below its least width."""
    widths = dict(natural)
    least = least or dict.fromkeys(natural, 1)
    while _total(widths, gap) > width:
        giving = [place for place, size in widths.items() if size > least[place]]
        if not giving:
            break
        widths[max(giving, key=widths.__getitem__)] -= 1
    return widths


def new_table(
    *columns: str,
    right: Sequence[str] = (),
    names: Sequence[str] = (),
    fold: Sequence[str] = (),
    spare: Sequence[str] = (),
) -> Listing:
    """Return a table without rows.

    Args:
        columns: The headers.
        right: Columns that are aligned right.
        names: Columns of names and ids. They are never cut: where space is short, they get lines of
            their own.
        fold: Columns of texts, which are wrapped first.
        spare: Columns that are left out where space is still short, in this order.
    """
    return Listing(columns, right=right, names=names, fold=fold, spare=spare)


class Facts(Listing):
    """A table without a header: on each row a label and what it is."""

    def __init__(self) -> None:
        """Return a table without rows."""
        super().__init__(("label", "fact"), fold=("fact",), has_header=False)

    def add_row(self, *cells: Cell, style: str = "") -> None:
        """Add a label and a fact."""
        label, *facts = cells
        bold = Text(label, style="bold") if isinstance(label, str) else label
        super().add_row(bold, *facts, style=style)
