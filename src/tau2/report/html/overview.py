"""What the overview of a report shows of one run, gathered for its templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tau2.data_model.outline import Outline
from tau2.metrics.figures import RunFigures
from tau2.metrics.outcomes import Outcome, blamed, lost_on, outcome_of
from tau2.metrics.summary import summarize
from tau2.report.html.chart import series_style
from tau2.storage.results import Results


@dataclass(frozen=True, slots=True)
class OutcomeLook:
    """How an outcome is shown."""

    code: str
    """One letter: the class of its colours, and the outcome in the index of simulations."""
    sign: str
    meaning: str


LOOKS: Mapping[Outcome, OutcomeLook] = {
    Outcome.PASSED: OutcomeLook("p", "✓", "full reward"),
    Outcome.AGENT_FAILURE: OutcomeLook("a", "✗", "the only failure that counts against the agent"),
    Outcome.USER_FAILURE: OutcomeLook(
        "u", "U", "the simulated user broke the conversation; left out"
    ),
    Outcome.ENVIRONMENT_FAULT: OutcomeLook(
        "w", "E", "the environment cannot be graded, or a reference action fails; left out"
    ),
    Outcome.INFRASTRUCTURE: OutcomeLook(
        "i", "–", "an endpoint, the machine or the judge failed; left out"
    ),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One simulation in the grid."""

    key: str
    """The fragment of the address that opens its conversation."""
    trial: int
    outcome: Outcome
    ending: str


@dataclass(frozen=True, slots=True)
class GridRow:
    """One task in the grid, with a cell per trial."""

    task_id: str
    cells: list[Cell]
    passed: int
    counted: int
    lost_on: list[str]


@dataclass(frozen=True, slots=True)
class RunOverview:
    """One run on the page."""

    number: int
    """Its place among the runs of the page, from 0."""
    style: str
    """Classes that give it its colour in charts."""
    figures: RunFigures
    about: str
    lost_on: list[tuple[str, int]]
    """What took reward from the agent, and in how many simulations; most frequent first."""
    at_fault: list[tuple[str, int]]
    """Whose failures there are, and how many; most frequent first."""
    grid: list[GridRow]


def run_overview(results: Results, figures: RunFigures, number: int) -> RunOverview:
    """Return everything the overview shows of a run."""
    runs = results.outlines()
    failures = [run for run in runs if outcome_of(run) is Outcome.AGENT_FAILURE]
    causes = Counter(cause for run in failures for cause in lost_on(run))
    sides = Counter(side for run in runs if (side := blamed(run)) is not None)
    return RunOverview(
        number=number,
        style=series_style(number),
        figures=figures,
        about=_about(results),
        lost_on=causes.most_common(),
        at_fault=sides.most_common(),
        grid=_grid(results, runs, number),
    )


def _about(results: Results) -> str:
    summary = summarize(results)
    trials = "1 trial" if summary.num_trials == 1 else f"{summary.num_trials:,} trials"
    parts = [
        f"{summary.domain}: {summary.agent} × {summary.user}",
        f"{trials} per task",
        f"seed {summary.seed}",
    ]
    if summary.judge:
        parts.append(f"judge {summary.judge}")
    if summary.variant:
        parts.append(f"retrieval variant {summary.variant}")
    if summary.protocol:
        parts.append(f"protocol {summary.followed}")
    if results.info.git_commit != "unknown":
        parts.append(f"commit {results.info.git_commit[:12]}")
    if results.timestamp:
        parts.append(results.timestamp[:16].replace("T", " "))
    return " · ".join(parts)


def _grid(results: Results, runs: Sequence[Outline], number: int) -> list[GridRow]:
    """Return a row per task, in the order of the run's tasks; unknown tasks come last."""
    by_task: dict[str, list[tuple[int, Outline]]] = {}
    for place, run in enumerate(runs):
        by_task.setdefault(run.task_id, []).append((place, run))
    order = {task.id: place for place, task in enumerate(results.tasks)}
    names = sorted(by_task, key=lambda name: order.get(name, len(order)))
    return [_row(name, by_task[name], number) for name in names]


def _row(name: str, runs: Sequence[tuple[int, Outline]], number: int) -> GridRow:
    cells = []
    lost: dict[str, None] = {}  # as a set, in the order of the trials
    for place, run in sorted(runs, key=lambda entry: entry[1].unit.trial):
        outcome = outcome_of(run)
        ending = run.termination_reason.value
        cells.append(Cell(f"c{number}-{place}", run.unit.trial, outcome, ending))
        if outcome is Outcome.AGENT_FAILURE:
            lost.update(dict.fromkeys(lost_on(run)))
    outcomes = [cell.outcome for cell in cells]
    return GridRow(
        task_id=name,
        cells=cells,
        passed=outcomes.count(Outcome.PASSED),
        counted=sum(outcome.counts for outcome in outcomes),
        lost_on=list(lost),
    )
