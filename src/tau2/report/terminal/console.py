"""A run on the terminal: progress while it is played, tables at the end."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tau2 import config
from tau2.metrics.summary import RunSummary, summarize
from tau2.report.safe_text import one_line, plain
from tau2.report.terminal.progress import NoProgress, Progress, progress_for
from tau2.report.terminal.summary import summary_view
from tau2.runner.events import (
    DisplaySpec,
    Event,
    RunDamaged,
    RunEnded,
    RunPreparing,
    RunStarted,
    RunStopping,
    SimulationRetried,
    SimulationStarted,
    SimulationStored,
)
from tau2.utils.terminal import terminal
from tau2.utils.terminal_text import named, shell_word
from tau2.utils.text import plural


class ConsoleSink:
    """Receives the events of a run and shows them."""

    def __init__(
        self,
        console: Console | None = None,
        *,
        progress: Progress | None = None,
        summary: bool = True,
    ) -> None:
        """Show progress (default: what suits the console), and at the end the summary."""
        self.console = console or terminal()
        self.progress = progress if progress is not None else progress_for(self.console)
        self.summary: RunSummary | None = None
        """The figures of the run, once it is over."""
        self._started: float | None = None
        self._shows_summary = summary

    def __call__(self, event: Event) -> None:
        """Show one event. A terminal or file that fails shows nothing more; the run goes on."""
        if isinstance(event, RunStarted):
            self._started = time.monotonic()
        elif isinstance(event, RunEnded):
            summary = summarize(event.results, event.folder, interrupted=event.interrupted)
            self.summary = replace(summary, wall_seconds=self._wall_seconds())
        try:
            self._show(event)
        except OSError:
            self.console.quiet = True

    def _wall_seconds(self) -> float | None:
        return None if self._started is None else time.monotonic() - self._started

    def _show(self, event: Event) -> None:
        match event:
            case RunStarted():
                self.progress.started(event)
            case RunPreparing():
                self.console.print(plain(event.what, style="dim"))
            case SimulationStarted():
                self.progress.playing(event)
            case SimulationStored():
                self.progress.stored(event)
            case SimulationRetried():
                self.progress.retried(event)
            case RunStopping():
                self.console.print(Text(_stopping(event)))
            case RunDamaged():
                for what in event.what:
                    self.console.print(plain(one_line(what, 300), style="yellow"))
            case RunEnded():
                self.progress.ended(event)
                self._ended()

    def _ended(self) -> None:
        if self._shows_summary and self.summary is not None:
            self.console.print(Text(""))
            self.console.print(summary_view(self.summary))
            self.console.print(saved_view(self.summary), soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was, also after a failure."""
        self.progress.close()


def _stopping(event: RunStopping) -> str:
    unfinished = plural(event.playing, "unfinished simulation")
    if event.abandoned:
        ends = "ends" if event.playing == 1 else "end"
        return f"stopping: {unfinished} on a model of this process {ends} here"
    return f"stopping: waiting for {unfinished}; press Ctrl-C again to abandon the rest"


def save_name(folder: Path) -> str:
    """Return how a run's folder is named on the command line.

    By its name when it lies where runs are saved, else by its path.
    """
    try:
        return str(folder.relative_to(config.simulations_dir()))
    except ValueError:
        return str(folder.absolute())


def saved_view(summary: RunSummary) -> Text:
    """Return where a run was saved and how to look at it."""
    if summary.saved_to is None:
        return Text("\nnot saved: no folder was given")
    lines = [
        "",
        f"saved to {named(summary.saved_to)}",
        f"look at it with: tau2 view {shell_word(save_name(summary.saved_to))}",
    ]
    return Text("\n".join(lines))


def result_line(summary: RunSummary) -> str:
    """Return the result of a run on one line."""
    played = plural(summary.num_simulations, "simulation")
    average = f"no scored simulation among {played}"
    if summary.average_reward is not None:
        scored = f"{summary.num_scored:,} of {played}"
        average = f"average reward {summary.average_reward:.3f} over {scored}"
    return f"{average}; saved to {named(summary.saved_to)}"


def make() -> ConsoleSink:
    """Return a sink that shows a run on standard output."""
    return ConsoleSink()


def quiet() -> ConsoleSink:
    """Return a sink that keeps the summary; what has to be said goes to standard error."""
    return ConsoleSink(terminal(stderr=True), progress=NoProgress(), summary=False)


DISPLAYS = (DisplaySpec("console", make),)

__all__ = [
    "DISPLAYS",
    "ConsoleSink",
    "make",
    "quiet",
    "result_line",
    "save_name",
    "saved_view",
    "terminal",
]
