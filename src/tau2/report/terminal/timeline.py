"""The timeline of a spoken call as text: one cell a second, a row for each participant."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Literal, NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from tau2.data_model.message import Message, Tick
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.utterances import as_conversation
from tau2.metrics.hearing import Passage, heard_by_agent, heard_by_user, passages, word_errors
from tau2.metrics.timeline import PACKET_LOSS, Segment, Span, Timeline, timeline_of
from tau2.report.safe_text import one_line
from tau2.utils.text import clock_text

LANES = ("agent", "user")
_LEFT = 6  # cells of the names
_WIDEST = 200  # columns
_STEP = 10  # cells, and seconds, between two times
_FEWEST = 20  # cells of a row
_SIGNS = {"call": "▼", "cut": "×", "effect": "*"}
LEGEND = "█ speaks  ░ backchannel  ▼ tool call  × cut off  * effect"

RowStyle = Literal["label", "agent", "user", "dim"]


class TimelineRow(NamedTuple):
    """One line of a drawn timeline."""

    text: str
    style: RowStyle


def timeline_rows(timeline: Timeline, width: int) -> Iterator[TimelineRow]:
    """Yield a timeline that is at most `width` cells wide; a longer call takes several rows."""
    room = max(_FEWEST, (width - _LEFT) // _STEP * _STEP)
    seconds = max(1, int(timeline.seconds + 0.999))
    lanes = {name: _lane(_segments(timeline, name), timeline) for name in LANES}
    marks = _marks(timeline, seconds)
    for start in range(0, seconds, room):
        end = min(start + room, seconds)
        times = "".join(clock_text(at).ljust(_STEP) for at in range(start, end, _STEP))
        yield TimelineRow((" " * _LEFT + times)[:width].rstrip(), "label")
        for name in LANES:
            cells = "".join(lanes[name].get(second, " ") for second in range(start, end))
            row_style: RowStyle = "agent" if name == "agent" else "user"
            yield TimelineRow(f"{name:<{_LEFT}}{cells}".rstrip(), row_style)
        below = "".join(marks.get(second, " ") for second in range(start, end)).rstrip()
        if below:
            yield TimelineRow(f"{'':<{_LEFT}}{below}", "dim")
    yield TimelineRow(LEGEND, "dim")


def _segments(timeline: Timeline, name: str) -> list[Segment]:
    return timeline.agent if name == "agent" else timeline.user


def _lane(segments: list[Segment], timeline: Timeline) -> dict[int, str]:
    """Return the cells of one participant by second; any speech in a second fills its cell."""
    cells: dict[int, str] = {}
    for segment in segments:
        sign = "░" if segment.is_backchannel else "█"
        for second in _seconds_of(segment, timeline):
            if cells.get(second) != "█":
                cells[second] = sign
    return cells


def _seconds_of(span: Span, timeline: Timeline) -> range:
    """Return the seconds of which a span has the larger part, and at least one."""
    first = int(span.start * timeline.tick_seconds + 0.5)
    last = int(span.end * timeline.tick_seconds + 0.5)
    return range(first, max(last, first + 1))


def _marks(timeline: Timeline, seconds: int) -> dict[int, str]:
    """Return what else happens, by second; tool calls before cuts before effects."""
    marks: dict[int, str] = {}
    for span in timeline.effects:
        # Lost packets are so many that they would hide the rest.
        if span.effect.kind != PACKET_LOSS and span.ticks < timeline.num_ticks * 0.9:
            marks |= dict.fromkeys(_seconds_of(span, timeline), _SIGNS["effect"])
    for kind, ticks in (
        ("cut", [cut.tick for cut in timeline.cuts]),
        ("call", [made.tick for made in timeline.calls]),
    ):
        for tick in ticks:
            marks[min(int(tick * timeline.tick_seconds), seconds - 1)] = _SIGNS[kind]
    return marks


def timeline_head(timeline: Timeline) -> str:
    """Return in one line how long a call is, and how much of it who speaks."""

    def seconds(spans: list[Segment] | list[Span]) -> str:
        return f"{sum(span.ticks for span in spans) * timeline.tick_seconds:.0f} s"

    return (
        f"call {clock_text(timeline.seconds)}: agent {seconds(timeline.agent)}, "
        f"user {seconds(timeline.user)}, both {seconds(timeline.overlaps())}, "
        f"silence {seconds(timeline.silences())}"
    )


def hearing_lines(timeline: Timeline) -> list[str]:
    """Return who heard the other how well, as far as it is stored."""
    heard = (("agent", heard_by_agent(timeline)), ("user", heard_by_user(timeline)))
    return [f"{name} heard: {hearing}" for name, hearing in heard if hearing is not None]


class TimelineView:
    """A timeline that fills the width of the terminal, up to 200 columns."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        styles = {"label": "dim", "agent": "cyan", "user": "green", "dim": "dim"}
        yield Text(timeline_head(self._timeline), style="bold")
        for row in timeline_rows(self._timeline, min(options.max_width, _WIDEST)):
            yield Text(row.text, style=styles[row.style], no_wrap=True)
        for line in hearing_lines(self._timeline):
            yield Text(line)


def readable(run: SimulationRun) -> SimulationRun:
    """Return a simulation whose messages are sentences, also where only its ticks are stored."""
    if run.messages is not None or not run.ticks:
        return run
    return run.model_copy(update={"messages": as_conversation(run.ticks)})


class SpokenMessages:
    """When the messages of a call were said, and what was heard of them."""

    def __init__(self, run: SimulationRun) -> None:
        """Read the ticks of a simulation; one without ticks knows nothing."""
        ticks = run.ticks or []
        self.timeline = timeline_of(ticks)
        self._ticks = _by_stamp(ticks)
        starts = [
            self._ticks[message.timestamp or ""]
            for message in run.get_messages()
            if message.role == "user" and _stamp(message) in self._ticks and not message.calls
        ] if ticks else []  # fmt: skip
        self._heard: dict[int, Passage] = {}
        for passage in passages(self.timeline):
            place = bisect_right(starts, passage.segments[-1].start)
            if place:
                self._heard[starts[place - 1]] = passage

    def at(self, message: Message) -> float | None:
        """Return when a message begins, in seconds of the call; None where that is not known."""
        tick = self._ticks.get(_stamp(message))
        return None if tick is None else tick * self.timeline.tick_seconds

    def misheard(self, message: Message) -> str | None:
        """Return what the agent understood of a message of the user; None if it was what was said.

        None also where it is not known.
        """
        tick = self._ticks.get(_stamp(message))
        if tick is None or message.role != "user" or message.calls:
            return None
        passage = self._heard.get(tick)
        if passage is None or not word_errors(passage.said, passage.heard).errors:
            return None
        return one_line(passage.heard, 2000)


def _stamp(message: Message) -> str:
    return getattr(message, "timestamp", None) or ""


def _by_stamp(ticks: list[Tick]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, tick in enumerate(ticks):
        places.setdefault(tick.timestamp, place)
    return places
