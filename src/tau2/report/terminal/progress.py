"""How far a run is: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import html
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tau2.data_model.simulation import SimulationRun
from tau2.metrics.outcomes import lost_on, run_passed, why_unscored
from tau2.metrics.summary import expense
from tau2.report.safe_text import one_line, task_name
from tau2.runner.events import (
    RunEnded,
    RunStarted,
    SimulationRetried,
    SimulationStarted,
    SimulationStored,
)
from tau2.utils.output import passed_mark
from tau2.utils.text import plural

Clock = Callable[[], float]

_RECENT = 5  # finished simulations listed under the bar
_EVERY_LINE = 40  # up to this many simulations, each one gets a plain line
_SECONDS_BETWEEN_LINES = 30.0
"""In a longer run, and while nothing is finished."""
_SECONDS_BETWEEN_DRAWINGS = 0.25  # in a notebook, whose pages are slow
_NOTEBOOK_BAR = 30  # characters
_MOST_CAUSES = 3  # of retries that are shown, the most frequent first


@dataclass
class Tally:
    """What is known of a run under way."""

    clock: Clock = time.monotonic
    title: str = ""
    total: int = 0
    done: int = 0
    done_before: int = 0
    reward_sum: float = 0.0
    scored: int = 0
    unscored: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    """How often simulations were attempted again, by cause."""
    playing: dict[tuple[str, int], float] = field(default_factory=dict)
    """When each simulation in flight began, the oldest first."""
    tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    started: float = 0.0
    recent: deque[SimulationRun] = field(default_factory=lambda: deque(maxlen=_RECENT))
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    """Held while it changes and while it is read: another thread draws it."""

    def begin(self, event: RunStarted) -> None:
        """Note the start of a run."""
        self.title = event.title
        self.total = event.total
        self.done_before = event.already_done
        self.done = event.already_done
        self.started = self.clock()

    def play(self, event: SimulationStarted) -> None:
        """Note a simulation that begins."""
        with self.lock:
            self.playing[event.task_id, event.trial] = self.clock()

    def retry(self, event: SimulationRetried) -> None:
        """Note why a simulation is attempted again."""
        with self.lock:
            self.retries[one_line(event.error, 500)] += 1

    def add(self, event: SimulationStored) -> None:
        """Note a finished simulation."""
        with self.lock:
            run = event.run
            self.done = event.done
            self.total = event.total
            self.recent.append(run)
            self.playing.pop(run.unit, None)
            spent = expense([(run.agent_cost, run.agent_usage), (run.user_cost, run.user_usage)])
            self.tokens += spent.prompt_tokens + spent.completion_tokens
            self.cost += spent.known_cost
            self.unpriced += bool(spent.unpriced)
            if run.is_scored and run.reward_info is not None:
                self.scored += 1
                self.reward_sum += run.reward_info.reward
            else:
                self.unscored += 1

    @property
    def average(self) -> float | None:
        """The mean reward so far, of what this process has played."""
        return self.reward_sum / self.scored if self.scored else None

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.started

    @property
    def remaining(self) -> float | None:
        """Seconds still to go at the pace so far; None before the first simulation is finished."""
        played = self.done - self.done_before
        return self.elapsed / played * (self.total - self.done) if played else None

    @property
    def in_flight(self) -> str:
        """How many simulations are played now, and the oldest of them; empty for none."""
        with self.lock:
            playing = list(self.playing.items())
        if not playing:
            return ""
        (task_id, _trial), began = playing[0]
        oldest = f"oldest: {task_name(task_id, 40)}, {span(self.clock() - began)}"
        return f"{len(playing):,} in flight ({oldest})"

    def causes(self) -> list[str]:
        """Return why simulations were attempted again, the most frequent cause first."""
        with self.lock:
            most = self.retries.most_common(_MOST_CAUSES)
        return [f"{number} × {cause}" for cause, number in most]

    def figures(self) -> list[str]:
        """Return what is known, in words."""
        parts = [f"reward {self.average:.3f}" if self.average is not None else "reward -"]
        parts.append(span(self.elapsed))
        if self.in_flight:
            parts.append(self.in_flight)
        if self.tokens and self.elapsed >= 1:
            parts.append(f"{self.tokens / self.elapsed:,.0f} tokens/s")
        if self.unpriced and self.cost:
            parts.append(f"cost at least ${self.cost:.4f}")
        elif self.unpriced:
            parts.append("cost unknown")
        elif self.cost:
            parts.append(f"cost ${self.cost:.4f}")
        if self.retries:
            parts.append(f"{self.retries.total()} retried")
        if self.unscored:
            parts.append(f"{self.unscored} not scored")
        if self.remaining is not None and self.done < self.total:
            parts.append(f"ETA {span(self.remaining)}")
        return parts


def span(seconds: float) -> str:
    """Return a duration as h:mm:ss."""
    return str(timedelta(seconds=round(seconds)))


def outcome(run: SimulationRun) -> Text:
    """Return one finished simulation on one line."""
    name = task_name(run.task_id, 60) + (f" trial {run.trial}" if run.trial else "")
    if not run.is_scored or run.reward_info is None:
        return Text(f"! {name}: not scored, {one_line(why_unscored(run), 500)}", style="yellow")
    passed = run_passed(run)
    detail = f"{run.reward_info.reward:.2f}" + ("" if passed else f" ({', '.join(lost_on(run))})")
    line = Text(f"{passed_mark(passed)} ", style="green" if passed else "red")
    return line.append(
        f"{name}: {detail}, {plural(len(run.get_messages()), 'message')}, {run.duration:.1f} s",
        style="",
    )


class LiveProgress:
    """A bar with figures and the last finished tasks, redrawn in place."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        """Draw on `console`."""
        self.tally = Tally(clock)
        self._live = Live(
            console=console, get_renderable=self._draw, refresh_per_second=5, transient=True
        )

    def _draw(self) -> RenderableType:
        tally = self.tally
        head = Table.grid(padding=(0, 1), expand=True)
        head.add_column(no_wrap=True)
        head.add_column(ratio=1)
        head.add_column(no_wrap=True, justify="right")
        bar = ProgressBar(total=max(tally.total, 1), completed=tally.done)
        head.add_row(
            Text(one_line(tally.title, 50), style="bold"), bar, Text(f"{tally.done}/{tally.total}")
        )
        with tally.lock:
            recent = list(tally.recent)
        return Group(
            head,
            Text("  " + "  ".join(tally.figures()), style="dim"),
            *(Text(f"  retried {cause}", style="yellow") for cause in tally.causes()),
            *map(outcome, recent),
        )

    def started(self, event: RunStarted) -> None:
        """Show the bar."""
        self.tally.begin(event)
        self._live.start()

    def stored(self, event: SimulationStored) -> None:
        """Move the bar."""
        self.tally.add(event)

    def playing(self, event: SimulationStarted) -> None:
        """Count a simulation in flight."""
        self.tally.play(event)

    def retried(self, event: SimulationRetried) -> None:
        """Count a retry, and show its cause."""
        self.tally.retry(event)

    def ended(self, _event: RunEnded) -> None:
        """Take the bar away."""
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._live.stop()


class PlainProgress:
    """One line per finished simulation; in a long run one line every 30 s.

    While nothing is finished, a line every 30 s says what is in flight.
    """

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        """Write to `console`."""
        self.tally = Tally(clock)
        self._console = console
        self._last = float("-inf")
        self._over = threading.Event()
        self._watch: threading.Thread | None = None

    def started(self, event: RunStarted) -> None:
        """Say what begins."""
        self.tally.begin(event)
        before = f", {event.already_done:,} already done" if event.already_done else ""
        self._write(f"{one_line(event.title)}: {plural(event.total, 'simulation')}{before}")
        self._watch = threading.Thread(target=self._wait, name="tau2-progress", daemon=True)
        self._watch.start()

    def _wait(self) -> None:
        while not self._over.wait(1.0):
            self.still()

    def still(self) -> None:
        """Say what is in flight if nothing was said for 30 s."""
        tally = self.tally
        now = tally.clock()
        if tally.playing and now - max(self._last, tally.started) >= _SECONDS_BETWEEN_LINES:
            self._last = now
            self._write(self._figures())

    def _figures(self) -> str:
        tally = self.tally
        parts = [*tally.figures(), *(f"retried {cause}" for cause in tally.causes())]
        return f"[{tally.done}/{tally.total}] {', '.join(parts)}"

    def playing(self, event: SimulationStarted) -> None:
        """Note what is in flight."""
        self.tally.play(event)

    def stored(self, event: SimulationStored) -> None:
        """Say what is finished, unless another line was written a moment ago."""
        tally = self.tally
        tally.add(event)
        now = tally.clock()
        each = tally.total <= _EVERY_LINE
        if not each and now - self._last < _SECONDS_BETWEEN_LINES and tally.done < tally.total:
            return
        self._last = now
        line = f"[{tally.done}/{tally.total}] {outcome(event.run).plain}"
        self._write(line if each else self._figures())

    def retried(self, event: SimulationRetried) -> None:
        """Say why something is attempted again, in short runs."""
        self.tally.retry(event)
        if self.tally.total <= _EVERY_LINE:
            self._write(
                f"  {task_name(event.task_id, 60)}: trying again: {one_line(event.error, 500)}"
            )

    def ended(self, _event: RunEnded) -> None:
        """Say nothing more; the summary follows."""
        self.close()

    def close(self) -> None:
        """Stop watching the clock."""
        self._over.set()
        if self._watch is not None:
            self._watch.join()
            self._watch = None

    def _write(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


class NotebookProgress:
    """One text in the output of a cell, updated in place: bar, figures, and the last simulations.

    It needs no widgets: a display of IPython is replaced, at most four times a second.
    """

    def __init__(self, clock: Clock = time.monotonic, show: Show | None = None) -> None:
        """Show it with `show`; by default in the cell that is executed."""
        self.tally = Tally(clock)
        self._show = show or _shown_in_cell()
        self._last = float("-inf")
        self._shown = ""

    def _draw(self, *, now: bool = False) -> None:
        tally = self.tally
        at = tally.clock()
        if not now and at - self._last < _SECONDS_BETWEEN_DRAWINGS:
            return
        self._last = at
        with tally.lock:
            recent = [outcome(run).plain for run in tally.recent]
        share = tally.done / max(tally.total, 1)
        full = round(share * _NOTEBOOK_BAR)
        bar = "█" * full + "░" * (_NOTEBOOK_BAR - full)
        lines = [
            f"{one_line(tally.title, 80)}  {bar} {tally.done:,}/{tally.total:,}",
            "  ".join(tally.figures()),
            *(f"retried {cause}" for cause in tally.causes()),
            *recent,
        ]
        text = "\n".join(lines)
        if text != self._shown:
            self._shown = text
            self._show(text)

    def started(self, event: RunStarted) -> None:
        """Show the bar."""
        self.tally.begin(event)
        self._draw(now=True)

    def stored(self, event: SimulationStored) -> None:
        """Move the bar."""
        self.tally.add(event)
        self._draw(now=event.done == event.total)

    def playing(self, event: SimulationStarted) -> None:
        """Count a simulation in flight."""
        self.tally.play(event)
        self._draw()

    def retried(self, event: SimulationRetried) -> None:
        """Count a retry, and show its cause."""
        self.tally.retry(event)
        self._draw(now=True)

    def ended(self, _event: RunEnded) -> None:
        """Leave the last state where it is."""
        self._draw(now=True)

    def close(self) -> None:
        """Nothing to put back."""


Show = Callable[[str], None]


def _shown_in_cell() -> Show:
    """Return what replaces one text in the output of the cell that is executed."""
    # Not a dependency: whoever is in a notebook has it.
    from IPython.display import display  # type: ignore[import-not-found]  # noqa: PLC0415

    handle: list[Any] = []

    def show(text: str) -> None:
        bundle = {"text/plain": text, "text/html": f"<pre>{html.escape(text)}</pre>"}
        if handle:
            handle[0].update(bundle, raw=True)
        else:
            handle.append(display(bundle, raw=True, display_id=True))

    return show


class NoProgress:
    """Progress that is not shown."""

    def started(self, event: RunStarted) -> None:
        """Show nothing."""

    def playing(self, event: SimulationStarted) -> None:
        """Show nothing."""

    def stored(self, event: SimulationStored) -> None:
        """Show nothing."""

    def retried(self, event: SimulationRetried) -> None:
        """Show nothing."""

    def ended(self, event: RunEnded) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing to put back."""


Progress = LiveProgress | PlainProgress | NotebookProgress | NoProgress


def progress_for(console: Console) -> Progress:
    """Return the progress that suits a console: live where it can be redrawn."""
    if console.is_jupyter:
        return NotebookProgress()
    return (
        LiveProgress(console)
        if console.is_terminal and not console.is_dumb_terminal
        else PlainProgress(console)
    )
