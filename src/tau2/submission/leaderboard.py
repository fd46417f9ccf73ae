"""Stored runs, ranked by domain: every figure with its denominator and interval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from tau2.data_model.outline import Outline
from tau2.errors import Tau2Error
from tau2.metrics.figures import PassHatEstimate, run_figures
from tau2.metrics.outcomes import counted
from tau2.metrics.resampling import Interval, cluster_bootstrap
from tau2.metrics.summary import participants
from tau2.report.safe_text import one_line, plain
from tau2.report.terminal.tables import Listing, new_table
from tau2.storage.on_demand import results_on_demand
from tau2.storage.results import Results
from tau2.storage.stored_runs import find_runs, read_run
from tau2.utils.text import plural

METRICS = ("pass_1", "pass_2", "pass_3", "pass_4", "cost")
_SHOWN = 4  # the largest k with a column


@dataclass(frozen=True, slots=True)
class Standing:
    """One run and where it stands."""

    run: str
    domain: str
    agent: str
    user: str
    tasks: frozenset[str]
    """Tasks with a simulation that counts."""
    counted: int
    total: int
    points: dict[int, PassHatEstimate]
    cost: float | None
    """Agent's US dollars per simulation; None when unknown, or when no model was called."""
    cost_interval: Interval | None

    def value(self, metric: str) -> float | None:
        """Return what a metric is, or None when the run has not enough trials, or no known cost."""
        if metric == "cost":
            return self.cost
        point = self.points.get(int(metric.removeprefix("pass_")))
        return point.value if point is not None else None

    def interval(self, metric: str) -> Interval | None:
        """Return the interval of a metric."""
        if metric == "cost":
            return self.cost_interval
        point = self.points.get(int(metric.removeprefix("pass_")))
        return point.interval if point is not None else None


@dataclass(frozen=True, slots=True)
class Board:
    """The runs of one domain, best first."""

    domain: str
    metric: str
    standings: tuple[Standing, ...]
    unranked: tuple[Standing, ...]
    """Runs that have no value of the metric."""
    hidden: int
    """Ranked runs beyond the limit."""

    @property
    def same_tasks(self) -> bool:
        """Whether all runs count the same tasks; otherwise their figures do not compare."""
        return len({one.tasks for one in (*self.standings, *self.unranked)}) <= 1

    def as_dict(self) -> dict[str, Any]:
        """Return the board as JSON data."""
        ranked = [{"rank": rank, **_data(one)} for rank, one in ranks(self)]
        return {
            "domain": self.domain,
            "metric": self.metric,
            "same_tasks": self.same_tasks,
            "standings": ranked,
            "unranked": [{"rank": None, **_data(one)} for one in self.unranked],
            "hidden": self.hidden,
        }


def ranks(board: Board) -> Iterator[tuple[int, Standing]]:
    """Yield each run with its rank; equal values share one."""
    rank = 0
    before = None
    for place, one in enumerate(board.standings, 1):
        value = one.value(board.metric)
        if value != before:
            rank = place
        before = value
        yield rank, one


def _data(one: Standing) -> dict[str, Any]:
    return {
        "run": one.run,
        "agent": one.agent,
        "user": one.user,
        "num_tasks": len(one.tasks),
        "num_counted": one.counted,
        "num_simulations": one.total,
        **{f"pass_{k}": point.as_dict() for k, point in one.points.items()},
        "cost": one.cost,
        "cost_interval": list(one.cost_interval) if one.cost_interval else None,
    }


def stored_standings(
    folders: Iterable[Path], domain: str | None = None, *, resamples: int = 2000
) -> tuple[list[Standing], list[str]]:
    """Return the standings of all runs in these folders, and a line per run that is broken.

    Only runs of `domain`, if one is named.
    """
    found = []
    problems = []
    for file in chain.from_iterable(map(find_runs, folders)):
        stored = read_run(file)
        if stored.results is None:
            problems.append(f"{stored.name}: {stored.problem}")
            continue
        if domain is not None and stored.results.info.environment_info.domain_name != domain:
            continue
        try:
            found.append(standing(results_on_demand(file), stored.name, resamples=resamples))
        except (Tau2Error, OSError) as problem:
            problems.append(f"{stored.name}: {problem}")
    return found, problems


def standing(results: Results, name: str, *, resamples: int = 2000) -> Standing:
    """Return where one run stands."""
    figures = run_figures(results, None, name, resamples=resamples)
    agent, user = participants(results)
    counting = counted(results.outlines())
    costs = _costs_by_task(counting)
    return Standing(
        run=name,
        domain=figures.domain,
        agent=agent,
        user=user,
        tasks=frozenset(run.task_id for run in counting),
        counted=figures.num_counted,
        total=figures.num_simulations,
        points={point.k: point for point in figures.pass_hat},
        cost=sum(costs) / len(costs) if costs else None,
        cost_interval=cluster_bootstrap(costs, resamples=resamples) if costs else None,
    )


def _costs_by_task(runs: Sequence[Outline]) -> list[float]:
    """Return what a simulation of each task cost.

    Nothing when a price is unknown or no model was called.
    """
    by_task: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        if run.agent_cost is None:
            return []
        by_task[run.task_id].append(run.agent_cost)
    if not any(run.agent_usage is None or run.agent_usage.model_calls for run in runs):
        return []
    return [sum(costs) / len(costs) for costs in by_task.values()]


def boards(
    standings: Iterable[Standing], metric: str = "pass_1", limit: int | None = None
) -> list[Board]:
    """Return one board per domain, by name.

    The cheapest run leads by `cost`, the largest value otherwise.
    """
    by_domain: dict[str, list[Standing]] = defaultdict(list)
    for one in standings:
        by_domain[one.domain].append(one)
    return [_board(domain, metric, by_domain[domain], limit) for domain in sorted(by_domain)]


def _board(domain: str, metric: str, standings: Sequence[Standing], limit: int | None) -> Board:
    sign = 1 if metric == "cost" else -1
    valued = [(value, one) for one in standings if (value := one.value(metric)) is not None]
    ranked = [one for _, one in sorted(valued, key=lambda entry: (sign * entry[0], entry[1].run))]
    unranked = sorted(
        (one for one in standings if one.value(metric) is None), key=lambda one: one.run
    )
    shown = ranked if limit is None else ranked[:limit]
    return Board(domain, metric, tuple(shown), tuple(unranked), len(ranked) - len(shown))


def board_view(board: Board) -> RenderableType:
    """Return a board for the terminal."""
    parts: list[RenderableType] = [
        Text(f"{one_line(board.domain)} by {_title(board.metric)}", style="bold"),
        _table(board),
    ]
    if board.hidden:
        parts.append(Text(f"… and {plural(board.hidden, 'more run')}", style="dim"))
    if not board.same_tasks:
        note = "these runs were scored on different tasks: their figures do not compare"
        parts.append(Text(note, style="yellow"))
    too_few = f"too few trials for {_title(board.metric)}"
    why = "no known cost" if board.metric == "cost" else too_few
    unscored = [one.run for one in board.unranked if not one.counted]
    others = [one.run for one in board.unranked if one.counted]
    for reason, runs in (("no scored simulation", unscored), (why, others)):
        if runs:
            names = ", ".join(one_line(run, 60) for run in runs)
            parts.append(plain(f"not ranked, {reason}: {names}", style="dim"))
    return Group(*parts)


def _title(metric: str) -> str:
    return metric.replace("pass_", "pass^")


def _table(board: Board) -> Listing:
    most = max((max(one.points, default=0) for one in board.standings), default=0)
    shown = range(1, min(most, _SHOWN) + 1)
    figures = [*(f"pass^{k}" for k in shown), "95 % interval", "tasks", "counted", "cost"]
    table = new_table(
        *("#", "agent", *figures, "run"), right=("#", *figures),
        names=("run", "agent"), spare=("cost", "counted", "tasks"),
    )  # fmt: skip
    for rank, one in ranks(board):
        interval = one.interval(board.metric)
        digits = 4 if board.metric == "cost" else 3
        table.add_row(
            str(rank),
            plain(one_line(one.agent, 60)),
            *(f"{one.points[k].value:.3f}" if k in one.points else "-" for k in shown),
            f"{interval.low:.{digits}f} … {interval.high:.{digits}f}" if interval else "-",
            str(len(one.tasks)),
            f"{one.counted}/{one.total}",
            "-" if one.cost is None else f"${one.cost:.4f}",
            plain(one_line(one.run, 120)),
        )
    return table
