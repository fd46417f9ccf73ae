"""The result of replaying a recorded run, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tau2.report.safe_text import one_line, plain
from tau2.runner.replay import Replayed, ReplayReport
from tau2.utils.text import first_of

_MOST_NAMED = 20


def replay_view(report: ReplayReport, name: str) -> RenderableType:
    """Return the counts, and the first divergence in full."""
    parts: list[RenderableType] = [Text(one_line(name, 200), style="bold"), _counts(report)]
    parts += [
        plain(f"recording: {one_line(what, 200)}", style="yellow")
        for what in report.damage[:_MOST_NAMED]
    ]
    if report.diverged:
        parts += [Text(""), *_divergence(report.diverged[0])]
        parts += _others("also diverged", report.diverged[1:])
    parts += _others("not recorded (tau2 run --record)", report.unrecorded)
    return Group(*parts, Text(""))


def _counts(report: ReplayReport) -> RenderableType:
    counts = f"identical {len(report.identical)}, diverged {len(report.diverged)}"
    if report.unrecorded:
        counts += f", not recorded {len(report.unrecorded)}"
    is_same = len(report.identical) == len(report.entries)
    return plain(counts, style="green" if is_same else "red")


def _divergence(entry: Replayed) -> list[RenderableType]:
    assert entry.divergence is not None, "only diverged simulations are shown this way"
    where = f"model call {entry.divergence.call}" if entry.divergence.call else "result"
    purpose = f" ({one_line(entry.divergence.call_name)})" if entry.divergence.call_name else ""
    lines: list[RenderableType] = [
        plain(
            f"first divergence: {one_line(entry.task_id, 200)}, trial {entry.trial}",
            style="bold red",
        ),
        plain(f"  {where}{purpose}: {one_line(entry.divergence.what, 300)}"),
    ]
    return lines + [plain(f"    {indented_line(line)}") for line in entry.divergence.details]


def indented_line(line: str) -> str:
    """Return one line of a difference, with the spaces it begins with."""
    indent = len(line) - len(line.lstrip())
    return " " * indent + one_line(line, 400)


def _others(what: str, entries: Sequence[Replayed]) -> list[RenderableType]:
    if not entries:
        return []
    named = (f"{one_line(entry.task_id, 60)} trial {entry.trial}" for entry in entries)
    return [Text(""), plain(f"{what}: {first_of(named, _MOST_NAMED)}")]


def replay_data(report: ReplayReport) -> dict[str, object]:
    """Return the same as JSON data."""
    return {
        "identical": len(report.identical),
        "diverged": len(report.diverged),
        "not_recorded": len(report.unrecorded),
        "damage": list(report.damage),
        "first_divergence": _entry(report.diverged[0]) if report.diverged else None,
        "simulations": [_entry(entry) for entry in report.entries],
    }


def _entry(entry: Replayed) -> dict[str, object]:
    if entry.divergence is None:
        status = "identical"
    else:
        status = "diverged" if entry.is_recorded else "not recorded"
    found: dict[str, object] = {
        "simulation_id": entry.simulation_id,
        "task_id": entry.task_id,
        "trial": entry.trial,
        "recorded_calls": entry.calls,
        "status": status,
    }
    if entry.divergence is not None:
        found |= {
            "call": entry.divergence.call or None,
            "call_name": entry.divergence.call_name,
            "what": entry.divergence.what,
            "details": list(entry.divergence.details),
        }
    return found
