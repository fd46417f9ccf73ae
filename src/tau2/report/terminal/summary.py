"""The summary of a run as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tau2.data_model.message import CUT_SHORT_WORDS
from tau2.data_model.simulation import NO_SCORE
from tau2.metrics.agent_metrics import shown_ks
from tau2.metrics.endings import EarlyEnding
from tau2.metrics.resampling import Interval
from tau2.metrics.summary import RunSummary, TaskRow
from tau2.report.safe_text import one_line, plain, task_name
from tau2.report.terminal.boxes import Indented
from tau2.report.terminal.tables import Facts, Listing, new_table
from tau2.utils.text import duration_text, first_of, plural

MOST_ROWS = 30
_LONGEST_CAUSE = 1000  # characters; a cause that is cut off is no help
_MOST_NAMED = 10  # simulations without a score that are named


def summary_view(summary: RunSummary) -> RenderableType:
    """Return everything that is shown at the end of a run, except where it was saved."""
    parts: list[RenderableType] = [
        Text(f"{summary.domain}: {summary.agent} x {summary.user}", style="bold"),
    ]
    if summary.rows:
        parts += [Text(""), task_table(summary.rows, summary.num_trials)]
    hidden = hidden_rows(summary.rows)
    if hidden:
        parts.append(Text(f"… and {hidden}", style="dim"))
    parts += [Text(""), figures_view(summary)]
    early = [one for one in summary.early_endings if one.reason not in _LISTED_BELOW]
    if early:
        parts += [Text(""), early_endings_table(early)]
    if summary.tool_bugs:
        parts += [Text(""), tool_bugs_view(summary.tool_bugs)]
    if summary.unscored:
        parts += [Text(""), unscored_view(summary)]
    return Group(*parts)


def shown_rows(rows: Sequence[TaskRow], most: int = MOST_ROWS) -> list[TaskRow]:
    """Return at most `most` rows, those that lost something first, in their own order."""
    ranked = sorted(range(len(rows)), key=lambda place: (rows[place].is_perfect, place))
    return [rows[place] for place in sorted(ranked[:most])]


def hidden_rows(rows: Sequence[TaskRow], most: int = MOST_ROWS) -> str:
    """Return in words which rows are not shown; empty when all are."""
    shown = {row.task_id for row in shown_rows(rows, most)}
    hidden = [row for row in rows if row.task_id not in shown]
    if not hidden:
        return ""
    perfect = sum(row.is_perfect for row in hidden)
    rest = len(hidden) - perfect
    others = f", {rest:,} without" if rest else ""
    return f"{plural(len(hidden), 'more task')}: {perfect:,} with full reward{others}"


def task_table(rows: Sequence[TaskRow], num_trials: int) -> Listing:
    """Return one line per task."""
    passed = ("passed",) if num_trials > 1 else ()
    at_fault = ("at fault",) if any(row.blame for row in rows) else ()
    table = new_table(
        *("task", "reward", *passed, "messages", "lost on", *at_fault),
        right=("reward", "passed", "messages"),
        names=("task",),
        fold=("lost on",),
        spare=("messages", "at fault"),
    )
    for row in shown_rows(rows):
        lost = "red" if row.scored else "yellow"
        table.add_row(
            plain(one_line(row.task_id, 200)),
            Text(
                "-" if row.reward is None else f"{row.reward:.2f}",
                style="green" if row.is_perfect else lost,
            ),
            *([f"{row.passed}/{row.scored}"] if passed else []),
            f"{row.messages:.0f}",
            plain(", ".join(row.lost_on)),
            *([plain(", ".join(row.blame))] if at_fault else []),
        )
    return table


def figures_view(summary: RunSummary) -> Facts:
    """Return the figures of the whole run, one per line."""
    table = Facts()
    _add_rates(table, summary)
    for label, counts in (
        ("outcomes", summary.outcomes),
        ("ended by", summary.terminations),
        ("at fault", summary.blame),
    ):
        if counts or label != "at fault":
            table.add_row(label, plain(_counts_text(counts)))
    if summary.cut_short:
        cut = (
            f"{plural(number, 'message')} {CUT_SHORT_WORDS[reason]}"
            for reason, number in summary.cut_short.items()
        )
        table.add_row("not whole", Text(", ".join(cut), style="yellow"))
    if summary.wall_seconds is not None:
        table.add_row("wall time", duration_text(summary.wall_seconds))
    if summary.variant:
        table.add_row("variant", plain(one_line(summary.variant, 80)))
    for figures in (summary.voice, summary.retrieval):
        for label, text in (figures.lines() if figures is not None else {}).items():
            table.add_row(label, plain(text))
    table.add_row("agent", plain(summary.agent_expense))
    table.add_row("user", plain(summary.user_expense))
    if summary.judge:
        table.add_row("judge", plain(summary.judge))
    if summary.protocol:
        style = "yellow" if summary.departures else ""
        table.add_row("protocol", plain(summary.followed, style=style))
    return table


def _add_rates(table: Facts, summary: RunSummary) -> None:
    table.add_row("average reward", _average(summary))
    for k in shown_ks(summary.pass_hat_k):
        value, tasks = summary.pass_hat_k[k]
        beside = _beside(summary.pass_hat_intervals.get(k))
        table.add_row(f"pass^{k}", Text(f"{value:.3f}  over {plural(tasks, 'task')}{beside}"))


def _counts_text(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.items()) or "none"


def _average(summary: RunSummary) -> Text:
    if summary.average_reward is None:
        return Text("no scored simulation", style="yellow")
    text = Text(f"{summary.average_reward:.3f}", style="bold")
    out_of = f"  over {summary.num_scored:,} of {plural(summary.num_simulations, 'simulation')}"
    if summary.num_scored != summary.num_simulations:
        out_of += " (the rest not scored)"
    return text.append(out_of + _beside(summary.average_interval), style="not bold")


def _beside(interval: Interval | None) -> str:
    """Return an interval as it stands behind its figure; nothing where there is none to show."""
    # Tasks that all went alike give an interval without a width, which would look like certainty.
    if interval is None or interval.low == interval.high:
        return ""
    return f", 95 % interval {interval.low:.3f} … {interval.high:.3f}"


_LISTED_BELOW = frozenset(reason.value for reason in NO_SCORE)
"""Endings whose simulations have no score: each is listed with its reason."""


def early_endings_table(endings: Iterable[EarlyEnding]) -> Listing:
    """Return how often episodes ended early or messages were cut, and the first cause of each."""
    table = new_table("ended early", "times", "first", right=("times",), fold=("first",))
    for one in endings:
        where = task_name(one.task_id) + (f" trial {one.trial}" if one.trial else "")
        cause = one_line(one.cause, _LONGEST_CAUSE)
        table.add_row(plain(one.reason), f"{one.number:,}", plain(f"{where}: {cause}"))
    return table


def tool_bugs_view(bugs: Sequence[tuple[str, int]]) -> RenderableType:
    """Return which tools raised what only wrong code raises, and where."""
    lines: list[RenderableType] = [Text("bugs in tools", style="bold yellow")]
    for what, number in bugs:
        text = f"{one_line(what, _LONGEST_CAUSE)} (in {plural(number, 'simulation')})"
        lines.append(Indented(Text(text, style="yellow"), 2))
    return Group(*lines)


def unscored_view(summary: RunSummary) -> RenderableType:
    """Return which simulations have no score, and why; those with the same reason together."""
    by_reason: dict[str, list[str]] = {}
    for item in summary.unscored:
        name = task_name(item.task_id) + (f" trial {item.trial}" if summary.num_trials > 1 else "")
        by_reason.setdefault(one_line(item.reason, _LONGEST_CAUSE), []).append(name)
    lines: list[RenderableType] = [Text("not scored", style="bold yellow")]
    for reason, names in by_reason.items():
        lines.append(Indented(Text(first_of(names, _MOST_NAMED)), 2))
        lines.append(Indented(Text(reason, style="yellow"), 6))
    return Group(*lines)
