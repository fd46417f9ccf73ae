"""Verdicts on failed simulations for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tau2.blame import Blame, Side
from tau2.report.safe_text import one_line, plain
from tau2.report.terminal.summary import tool_bugs_view
from tau2.report.terminal.tables import Listing, new_table
from tau2.utils.terminal_text import shell_command
from tau2.utils.text import plural

_STYLES = {
    Side.AGENT: "red",
    Side.USER: "yellow",
    Side.TASK: "magenta",
    Side.INFRASTRUCTURE: "cyan",
}


def blame_view(
    verdicts: Sequence[Blame],
    name: str,
    *,
    simulations: int,
    failed: int,
    side: str | None,
    most: int,
    reviewed: str | None,
    tool_bugs: Sequence[tuple[str, int]] = (),
) -> RenderableType:
    """Return the counts by side and kind, and a line per failed simulation, `most` at the most.

    Args:
        verdicts: The verdicts to show: those of `side` where one was chosen.
        name: The title of the run.
        simulations: How many simulations there are.
        failed: How many of them failed, whoever was at fault.
        side: The side that was chosen, if one was.
        most: How many failures get a line.
        reviewed: How a model's reviews compare, in words, if there are any.
        tool_bugs: What tools raised, and where, each with its number of simulations.
    """
    only = "" if side is None else f"; at fault in {len(verdicts):,} of these: {side}"
    parts: list[RenderableType] = [
        Text(one_line(name, 200), style="bold"),
        plain(f"{failed:,} of {plural(simulations, 'simulation')} failed{only}"),
    ]
    if verdicts:
        parts += [Text(""), _counts(verdicts)]
    if verdicts and most:
        parts += [Text(""), _table(verdicts[:most])]
    if len(verdicts) > most:
        more = plural(len(verdicts) - most, "more failure")
        parts.append(plain(f"… and {more}; --show N or --json shows them"))
    if verdicts:
        first = verdicts[0]
        command = ["tau2", "view", name, "--task-id", first.task_id, "--trial", first.trial]
        parts += [Text(""), Text(f"a conversation: {shell_command(command)}")]
    if tool_bugs:
        parts += [Text(""), tool_bugs_view(tool_bugs)]
    if reviewed is not None:
        parts += [Text(""), plain(reviewed)]
    return Group(*parts, Text(""))


def counts_of(verdicts: Iterable[Blame]) -> Mapping[tuple[Side, str], int]:
    """Return how many failures there are by side and kind; most frequent first within a side."""
    counts = Counter((one.side, one.finding.kind.value) for one in verdicts)
    order = list(Side)
    return dict(sorted(counts.items(), key=lambda entry: (order.index(entry[0][0]), -entry[1])))


def _counts(verdicts: Sequence[Blame]) -> Listing:
    table = new_table("at fault", "what happened", "simulations", right=("simulations",))
    for (side, kind), number in counts_of(verdicts).items():
        table.add_row(Text(side.value, style=_STYLES[side]), plain(kind), f"{number:,}")
    return table


def _table(verdicts: Iterable[Blame]) -> Listing:
    table = new_table(
        *("task", "trial", "at fault", "message", "why"),
        right=("trial", "message"),
        names=("task",),
        fold=("why",),
    )
    for one in verdicts:
        finding = one.finding
        table.add_row(
            plain(one_line(one.task_id, 200)),
            str(one.trial),
            Text(one.side.value, style=_STYLES[one.side]),
            "-" if finding.turn is None else str(finding.turn),
            plain(f"{finding.kind.value}: {one_line(finding.reason, 1000)}"),
        )
    return table
