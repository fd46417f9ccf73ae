"""`tau2 report`: one HTML file that shows runs, their figures and their conversations."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.cli.run_paths import named_run, title_of
from tau2.errors import ConfigError
from tau2.utils.output import show, show_json
from tau2.utils.terminal_text import named

if TYPE_CHECKING:
    from tau2.report.html import Page, ReportedRun

_EPILOG = """\
examples:
  tau2 report first                      writes report.html into the run's folder
  tau2 report baseline candidate -o both.html
  tau2 report first --max-conversations 50 --open

The file is complete: it loads nothing, and can be sent to someone (of long calls, more
than --audio-minutes of recordings are linked). What models said is shown as text; text
that looks like a credential is taken out. To show what every
turn changed in the databases, stored tool calls are executed again on the domain of
today; --no-diffs leaves that out."""


def add_arguments(parser: CommandParser) -> None:
    """Add the runs, the file, and how much goes into it."""
    from tau2.report.html.page import DEFAULT_CONVERSATIONS
    from tau2.report.html.recordings import DEFAULT_AUDIO_MINUTES

    parser.usage = "tau2 report RUN [RUN ...] [options]"
    parser.epilog = _EPILOG
    parser.set_defaults(output=None)
    parser.add_argument("runs", metavar="RUN", nargs="+", help="a run's name or path")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE",
        help="file to write (default: report.html in the run's folder; for several, in this one)",
    )  # fmt: skip
    parser.add_argument(
        "--max-conversations", type=int, default=DEFAULT_CONVERSATIONS, metavar="N",
        help="conversations in the file, failures first; the figures always cover all simulations "
        f"(default: {DEFAULT_CONVERSATIONS})",
    )  # fmt: skip
    parser.add_argument(
        "--audio-minutes", type=float, default=DEFAULT_AUDIO_MINUTES, metavar="N",
        help="minutes of recordings of calls in the file, in the same order; the others are linked "
        f"(default: {DEFAULT_AUDIO_MINUTES:g})",
    )  # fmt: skip
    parser.add_switch("--no-diffs", help="do not show database changes")
    parser.add_argument(
        "--confidence",
        type=float,
        default=0.95,
        metavar="SHARE",
        help="confidence of the intervals (default: 0.95)",
    )
    parser.add_switch("--open", help="open the file in a browser")
    parser.add_switch("--json", help="print one JSON object only")


def run(options: argparse.Namespace) -> int:
    """Write the report and say where it is."""
    import webbrowser

    from tau2.report.html import report_page

    _check(options)
    paths = [named_run(name) for name in options.runs]
    runs = [_reported(path, options.confidence) for path in paths]
    file = _target(options.output, paths)
    file.parent.mkdir(parents=True, exist_ok=True)
    page = report_page(
        runs,
        most_conversations=options.max_conversations,
        with_diffs=not options.no_diffs,
        audio_minutes=options.audio_minutes,
        folder=file.parent,
    )
    size = page.write(file)
    _say(file, runs, page, size, as_json=options.json)
    if options.open and not webbrowser.open(file.resolve().as_uri()):
        raise ConfigError(f"no browser can be started here; open {file} yourself")
    return OK


def _check(options: argparse.Namespace) -> None:
    if options.max_conversations < 0:
        raise ConfigError("--max-conversations cannot be negative")
    if not 0 <= options.audio_minutes < float("inf"):
        raise ConfigError("--audio-minutes is a number of minutes, 0 or more")
    if not 0.5 < options.confidence < 1:  # noqa: PLR2004  -- less says nothing
        raise ConfigError(f"--confidence is a share between 0.5 and 1, not {options.confidence:g}")


def _reported(path: Path, confidence: float) -> ReportedRun:
    from tau2.report.html import ReportedRun, run_figures
    from tau2.storage.on_demand import results_on_demand

    results = results_on_demand(path)
    figures = run_figures(results, path, Path(title_of(path)).name, confidence=confidence)
    return ReportedRun(results, figures, path)


def _target(asked: Path | None, paths: Sequence[Path]) -> Path:
    from tau2.storage.results import RESULTS_NAME, results_file

    if asked is not None:
        return asked / "report.html" if asked.is_dir() else asked
    file = results_file(paths[0])
    if len(paths) > 1:
        return Path("report.html")
    return file.with_name(
        "report.html" if file.name == RESULTS_NAME else f"{file.stem}.report.html"
    )


def _say(file: Path, runs: Sequence[ReportedRun], page: Page, size: int, *, as_json: bool) -> None:
    from tau2.report.html import summary_line

    if as_json:
        figures = [one.figures.as_dict() for one in runs]
        counts = {"conversations": page.num_conversations, "left_out": page.left_out}
        data = {"file": str(file), "bytes": size, **counts, "runs": figures}
        show_json(data)
    else:
        show(f"wrote {named(file)}: {summary_line(page, size)}")
