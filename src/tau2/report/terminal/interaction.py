"""The interaction metrics of spoken runs as tables."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from rich.console import Group, RenderableType
from rich.text import Text

from tau2.metrics.interaction import (
    FEWEST_EVENTS,
    LATENCIES,
    LOWER_IS_BETTER,
    METRICS,
    RunPanel,
)
from tau2.metrics.resampling import Interval
from tau2.report.safe_text import one_line
from tau2.report.terminal.tables import new_table
from tau2.utils.text import plural


def panels_view(panels: Sequence[RunPanel]) -> RenderableType:
    """Return one table per domain, and the means over domains where there are several."""
    parts: list[RenderableType] = []
    for panel in panels:
        calls = plural(panel.metrics.counts.n_simulations, "spoken simulation")
        parts += [Text(f"{one_line(panel.domain, 100)}: {calls}", style="bold"), Text("")]
        parts += [panel_table(panel), Text("")]
    if len(panels) > 1:
        parts += [Text(f"mean over {plural(len(panels), 'domain')}", style="bold"), Text("")]
        parts += [_mean_table(panels), Text("")]
    parts.append(
        Text(
            f"Figures of fewer than {FEWEST_EVENTS} events are not shown; --json has all. "
            "Intervals: 95 %, cluster bootstrap over tasks.",
            style="dim",
        )
    )
    return Group(*parts)


def panel_table(panel: RunPanel) -> RenderableType:
    """Return the metrics of one run with their intervals, and how many events they stand on."""
    table = new_table(
        *("metric", "value", "interval", "events", "better"),
        right=("value", "events"),
        names=("metric",),
        spare=("better",),
    )
    hidden = panel.metrics.too_few()
    for metric, title in METRICS.items():
        is_hidden = metric in hidden
        table.add_row(
            title,
            "–" if is_hidden else shown_value(metric, getattr(panel.metrics, metric)),
            "" if is_hidden else _interval(panel.intervals.get(metric)),
            f"{panel.metrics.events_behind(metric):,}",
            "lower" if metric in LOWER_IS_BETTER else "higher",
        )
    return table


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return "needs two tasks"
    # Resampling tasks that all went alike has no spread; no width would look sure.
    alike = interval.low == interval.high
    return "all tasks alike" if alike else f"{interval.low:.2f} … {interval.high:.2f}"


def shown_value(metric: str, value: float | None) -> str:
    """Return a metric's value with its unit; "none" where there was no event."""
    if value is None:
        return "none"
    return f"{value:.2f} s" if metric in LATENCIES else f"{value:.2f}"


def _mean_table(panels: Sequence[RunPanel]) -> RenderableType:
    """Return the means over domains; one is hidden where a domain's value is."""
    table = new_table("metric", "value", right=("value",))
    for metric, title in METRICS.items():
        if any(metric in panel.metrics.too_few() for panel in panels):
            table.add_row(title, "–")
        else:
            values = [getattr(panel.metrics, metric) for panel in panels]
            table.add_row(title, shown_value(metric, fmean(values)))
    return table
