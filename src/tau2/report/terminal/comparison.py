"""A comparison of two runs as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from tau2.metrics.comparison import Comparison, Pairing, PassHatDifference
from tau2.report.safe_text import one_line, plain
from tau2.report.terminal.boxes import Indented
from tau2.report.terminal.tables import Listing, new_table
from tau2.utils.text import first_of, natural_key, plural

_MOST_TASKS = 20
_LEAST_P = 0.0001  # smaller p-values are shown as less than this


def comparison_view(comparison: Comparison, a: str, b: str) -> RenderableType:
    """Return everything that `tau2 compare` shows."""
    pairing = comparison.pairing
    pairs = plural(pairing.units, "pair")
    tasks = plural(len(pairing.pairs), "task")
    paired = f"{pairs} of simulations of {tasks}; with the same seed: {pairing.same_seed:,}"
    return Group(
        Text(f"A {one_line(a, 200)}\nB {one_line(b, 200)}", style="bold"),
        plain(paired, style="dim"),
        *[plain(note, style="yellow") for note in (*_retrieval(comparison), *_notes(pairing))],
        Text(""),
        _table(comparison),
        Text(""),
        plain(verdict(comparison), style="bold"),
        Text(""),
        *_flips(comparison),
        plain(str(comparison.plan)),
    )


def _retrieval(comparison: Comparison) -> Iterator[str]:
    """Yield that the agents read the documents in different ways, where they did."""
    of_a, of_b = comparison.retrieval
    if of_a != of_b:
        names = (one_line(name or "unknown", 200) for name in (of_a, of_b))
        yield "different retrieval variants: A {}, B {}".format(*names)


def _notes(pairing: Pairing) -> Iterator[str]:
    """Yield what a reader has to know about the units that are compared."""
    if pairing.only_a or pairing.only_b:
        yield f"left out, in one run only: {pairing.only_a:,} of A, {pairing.only_b:,} of B"
    if pairing.unscored:
        units = (f"{one_line(task, 60)} trial {trial}" for task, trial in pairing.unscored)
        number = plural(len(pairing.unscored), "pair")
        yield f"left out, not scored in both runs: {number}: {first_of(units, _MOST_TASKS)}"
    if pairing.changed_tasks:
        tasks = (one_line(task, 60) for task in pairing.changed_tasks)
        number = plural(len(pairing.changed_tasks), "task")
        yield f"changed between the runs: {number}: {first_of(tasks, _MOST_TASKS)}"
    if pairing.same_seed < pairing.units:
        yield "where the seeds differ, simulations are paired by task and trial"


def _table(comparison: Comparison) -> Listing:
    share = f"{100 * comparison.confidence:g} % interval"
    table = new_table(
        "", "A", "B", "difference", share, "p", right=("A", "B", "difference", share, "p")
    )
    for entry in comparison.differences:
        p = entry.test.mid_p
        table.add_row(
            f"pass^{entry.k}",
            f"{entry.a:.3f}",
            f"{entry.b:.3f}",
            f"{entry.difference:+.3f}",
            _interval(entry),
            f"{p:.4f}" if p >= _LEAST_P else f"<{_LEAST_P}",
        )
    return table


def _interval(entry: PassHatDifference) -> str:
    if entry.interval is None:
        return "needs 2 tasks"
    return f"{entry.interval.low:+.3f} … {entry.interval.high:+.3f}"


def verdict(comparison: Comparison) -> str:
    """Return in one sentence what the difference in pass^1 says."""
    first = comparison.differences[0]
    if first.test.mid_p > 1 - comparison.confidence:
        return "no significant difference in pass^1"
    better = "B" if first.difference > 0 else "A"
    return f"{better} is better in pass^1, by {100 * abs(first.difference):.1f} points"


def _flips(comparison: Comparison) -> Iterator[RenderableType]:
    flips = comparison.flips
    if not flips.gained and not flips.lost:
        return
    yield Text(
        f"passed by one run only (McNemar's exact test, trials independent: p {flips.p_value:.4f})",
        style="bold",
    )
    for run, tasks, style in (("B", flips.gained, "green"), ("A", flips.lost, "red")):
        if not tasks:
            continue
        ranked = sorted(tasks.items(), key=lambda entry: (-entry[1], natural_key(entry[0])))
        named = [one_line(task, 80) + (f" ×{count}" if count > 1 else "") for task, count in ranked]
        line = Text(f"only {run} passed ({sum(tasks.values())}): ", style=style)
        line.append(first_of(named, _MOST_TASKS), style="default")
        yield Indented(line, 2)
    yield Text("")
