"""Reviews for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from tau2.data_model.outline import Outline
from tau2.data_model.review import (
    Review,
    ReviewError,
    UserOnlyReview,
    mistakes,
)
from tau2.data_model.simulation import SimulationRun
from tau2.report.safe_text import clean, one_line, plain
from tau2.report.terminal.boxes import Box
from tau2.report.terminal.tables import Listing, new_table
from tau2.utils.text import plural, shortened

if TYPE_CHECKING:
    from tau2.runner.reviews import Reviewed

_MOST_TEXT = 2000  # characters shown of one explanation


def reviews_view(
    reviewed: Sequence[Reviewed], name: str, *, details: bool, written_to: str | None
) -> RenderableType:
    """Return the counts and a line per simulation with mistakes; with `details`, every mistake."""
    found = [one.review for one in reviewed if one.review is not None]
    kept = sum(one.is_kept for one in reviewed)
    parts: list[RenderableType] = [
        Text(one_line(name, 200), style="bold"),
        plain(
            f"{len(found):,} of {plural(len(reviewed), 'simulation')} reviewed"
            + (f", {kept:,} of them before" if kept else "")
        ),
        plain(counts_line(mistakes(found))),
        plain(f"cost of the reviews: {_dollars(reviewed)}"),
    ]
    with_mistakes = [one for one in reviewed if one.review is not None and one.review.has_errors]
    if with_mistakes:
        parts += [Text(""), _table(with_mistakes)]
    if details:
        parts += [review_panel(one.run, one.review) for one in reviewed if one.review is not None]
    parts += [
        plain(f"not reviewed: {one_line(one.run.id)}: {one_line(one.problem, 300)}", style="yellow")
        for one in reviewed
        if one.problem is not None
    ]
    if written_to:
        parts.append(plain(f"written to {written_to}"))
    return Group(*parts, Text(""))


def counts_line(counts: dict[str, int]) -> str:
    """Return the mistakes by role and severity, in words."""
    return "; ".join(
        f"mistakes of the {role}: "
        f"{counts[f'{role}_critical']} critical, {counts[f'{role}_minor']} minor"
        for role in ("agent", "user")
    )


def _dollars(reviewed: Iterable[Reviewed]) -> str:
    costs = [one.review.cost for one in reviewed if one.review is not None and not one.is_kept]
    known = sum(cost for cost in costs if cost is not None)
    unknown = sum(cost is None for cost in costs)
    return f"${known:.4f}" + (
        f" and {plural(unknown, 'review')} of unknown cost" if unknown else ""
    )


def _table(reviewed: Iterable[Reviewed]) -> Listing:
    table = new_table(
        "task",
        "trial",
        "agent",
        "user",
        "summary",
        right=("trial",),
        names=("task",),
        fold=("summary",),
    )
    for one in reviewed:
        assert one.review is not None, "only reviews with mistakes are listed"
        counts = mistakes([one.review])
        table.add_row(
            plain(one_line(one.run.task_id, 200)),
            str(one.run.unit.trial),
            _mistakes(counts, "agent"),
            _mistakes(counts, "user"),
            plain(one_line(one.review.summary, 300)),
        )
    return table


def _mistakes(counts: dict[str, int], role: str) -> Text:
    cell = Text()
    for severity, style in (("critical", "red"), ("minor", "yellow")):
        number = counts[f"{role}_{severity}"]
        if number:
            cell.append(", " if cell else "").append(f"{number} {severity}", style=style)
    return cell or Text("-")


def review_panel(run: SimulationRun | Outline, review: Review | UserOnlyReview) -> Box:
    """Return one review: its summary, and every mistake with role, turn, reason and correction."""
    parts = [plain(review.summary or "(no summary)")]
    for error in review.errors:
        style = "red" if error.is_critical else "yellow"
        role = error.source.value if isinstance(error, ReviewError) else "user"
        turn = "" if error.turn_idx is None else f", turn {error.turn_idx}"
        why = shortened(error.reasoning, _MOST_TEXT)
        parts.append(
            plain(f"• {role}, {clean(error.error_type or error.weight)}{turn}: {why}", style=style)
        )
        if error.correct_behavior:
            parts.append(plain(f"  better: {shortened(error.correct_behavior, _MOST_TEXT)}"))
    if not review.errors:
        parts.append(Text("no mistakes found", style="green"))
    title = f"review of {one_line(run.task_id, 60)}, trial {run.unit.trial}"
    return Box(Group(*parts), title)


def review_panels(run: SimulationRun) -> list[Box]:
    """Return the reviews that a simulation has."""
    return [
        review_panel(run, review)
        for review in (run.review, run.user_only_review)
        if review is not None
    ]
