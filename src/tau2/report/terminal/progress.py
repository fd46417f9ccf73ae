"""How far a run is: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tau2.data_model.simulation import SimulationRun
from tau2.metrics.outcomes import lost_on, run_passed, why_unscored
from tau2.metrics.summary import expense
from tau2.report.safe_text import one_line
from tau2.runner.events import RunEnded, RunStarted, SimulationRetried, SimulationStored
from tau2.utils.text import plural

Clock = Callable[[], float]

_RECENT = 5  # finished simulations listed under the bar
_EVERY_LINE = 40  # up to this many simulations, each one gets a plain line
_SECONDS_BETWEEN_LINES = 5.0  # in a longer run


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
    retries: int = 0
    cost: float = 0.0
    unpriced: int = 0
    started: float = 0.0
    recent: deque[SimulationRun] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def begin(self, event: RunStarted) -> None:
        """Note the start of a run."""
        self.title = event.title
        self.total = event.total
        self.done_before = event.already_done
        self.done = event.already_done
        self.started = self.clock()

    def add(self, event: SimulationStored) -> None:
        """Note a finished simulation."""
        run = event.run
        self.done = event.done
        self.total = event.total
        self.recent.append(run)
        spent = expense([(run.agent_cost, run.agent_usage), (run.user_cost, run.user_usage)])
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

    def figures(self) -> list[str]:
        """Return what is known, in words."""
        parts = [f"reward {self.average:.3f}" if self.average is not None else "reward -"]
        if self.unpriced and self.cost:
            parts.append(f"cost at least ${self.cost:.4f}")
        elif self.unpriced:
            parts.append("cost unknown")
        elif self.cost:
            parts.append(f"cost ${self.cost:.4f}")
        if self.retries:
            parts.append(f"{self.retries} retried")
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
    name = one_line(run.task_id, 60) + (f" trial {run.trial}" if run.trial else "")
    if not run.is_scored or run.reward_info is None:
        return Text(f"! {name}: not scored, {one_line(why_unscored(run), 100)}", style="yellow")
    passed = run_passed(run)
    detail = f"{run.reward_info.reward:.2f}" + ("" if passed else f" ({', '.join(lost_on(run))})")
    line = Text(f"{'✓' if passed else '✗'} ", style="green" if passed else "red")
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
        return Group(
            head, Text("  " + "  ".join(tally.figures()), style="dim"), *map(outcome, tally.recent)
        )

    def started(self, event: RunStarted) -> None:
        """Show the bar."""
        self.tally.begin(event)
        self._live.start()

    def stored(self, event: SimulationStored) -> None:
        """Move the bar."""
        self.tally.add(event)

    def retried(self, _event: SimulationRetried) -> None:
        """Count a retry."""
        self.tally.retries += 1

    def ended(self, _event: RunEnded) -> None:
        """Take the bar away."""
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._live.stop()


class PlainProgress:
    """One line per finished simulation; in a long run, one line every few seconds."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        """Write to `console`."""
        self.tally = Tally(clock)
        self._console = console
        self._last = float("-inf")

    def started(self, event: RunStarted) -> None:
        """Say what begins."""
        self.tally.begin(event)
        before = f", {event.already_done:,} already done" if event.already_done else ""
        self._write(f"{one_line(event.title)}: {plural(event.total, 'simulation')}{before}")

    def stored(self, event: SimulationStored) -> None:
        """Say what is finished, unless another line was written a moment ago."""
        tally = self.tally
        tally.add(event)
        now = tally.clock()
        each = tally.total <= _EVERY_LINE
        if not each and now - self._last < _SECONDS_BETWEEN_LINES and tally.done < tally.total:
            return
        self._last = now
        what = outcome(event.run).plain if each else ", ".join(tally.figures())
        self._write(f"[{tally.done}/{tally.total}] {what}")

    def retried(self, event: SimulationRetried) -> None:
        """Say why something is attempted again, in short runs."""
        self.tally.retries += 1
        if self.tally.total <= _EVERY_LINE:
            self._write(
                f"  {one_line(event.task_id, 60)}: trying again: {one_line(event.error, 120)}"
            )

    def ended(self, _event: RunEnded) -> None:
        """Nothing more to say; the summary follows."""

    def close(self) -> None:
        """Nothing to put back."""

    def _write(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


class NoProgress:
    """Progress that is not shown."""

    def started(self, event: RunStarted) -> None:
        """Show nothing."""

    def stored(self, event: SimulationStored) -> None:
        """Show nothing."""

    def retried(self, event: SimulationRetried) -> None:
        """Show nothing."""

    def ended(self, event: RunEnded) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing to put back."""


Progress = LiveProgress | PlainProgress | NoProgress


def progress_for(console: Console) -> Progress:
    """Return the progress that suits a console: live where it can be redrawn."""
    return (
        LiveProgress(console)
        if console.is_terminal and not console.is_dumb_terminal
        else PlainProgress(console)
    )
