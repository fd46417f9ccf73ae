"""Stored runs, and the simulations of one, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from tau2.metrics.outcomes import Simulation, SimulationT, blamed, lost_on, run_passed
from tau2.report.safe_text import one_line, plain
from tau2.report.terminal.conversation import style_of
from tau2.report.terminal.tables import Listing, new_table
from tau2.storage.stored_runs import StoredRun
from tau2.utils.terminal_text import named
from tau2.utils.text import natural_key


def runs_table(runs: Iterable[StoredRun]) -> Listing:
    """Return one line per run; the name comes last, so that a long one is never cut."""
    table = new_table(
        *("when", "domain", "simulations", "reward", "run"),
        right=("simulations", "reward"),
        names=("run",),
    )
    for run in runs:
        if run.results is None:
            table.add_row("cannot be read", "", "", "", plain(named(run.name)), style="yellow")
            continue
        index = run.results.simulation_index
        rewards = [entry.reward for entry in index or () if entry.reward is not None]
        table.add_row(
            plain(one_line((run.results.timestamp or "")[:16].replace("T", " "))),
            plain(one_line(run.results.info.environment_info.domain_name, 200)),
            _count_text(*run.count()),
            f"{sum(rewards) / len(rewards):.3f}" if rewards else "-",
            plain(named(run.name)),
        )
    return table


def _count_text(there: int | None, total: int) -> str:
    if there is None:
        return "-"
    return f"{there:,}" if there >= total else f"{there:,} of {total:,}"


def select(
    runs: Sequence[SimulationT],
    *,
    task_id: str | None = None,
    trial: int | None = None,
    sim: str | None = None,
    only_failed: bool = False,
    only_all_failed: bool = False,
) -> list[SimulationT]:
    """Return the simulations that fit.

    `only_all_failed` keeps tasks of which no trial earned full reward.
    """
    solved = {run.task_id for run in runs if run_passed(run)}
    return [
        run
        for run in runs
        if (task_id is None or run.task_id == task_id)
        and (trial is None or run.unit.trial == trial)
        and (sim is None or run.id.startswith(sim))
        and (not only_failed or not run_passed(run))
        and (not only_all_failed or run.task_id not in solved)
    ]


def in_natural_order(runs: Iterable[SimulationT]) -> list[SimulationT]:
    """Return simulations by task, `task_2` before `task_10`, and trial."""
    return sorted(runs, key=lambda run: (natural_key(run.task_id), run.unit.trial))


def simulations_table(runs: Iterable[Simulation]) -> Listing:
    """Return one line per simulation, in their order."""
    listed = list(runs)
    at_fault = ("at fault",) if any(map(blamed, listed)) else ()
    table = new_table(
        *("task", "trial", "reward", "ended", "messages", "lost on", *at_fault),
        right=("trial", "reward", "messages"),
        names=("task",),
        fold=("lost on",),
        spare=("messages", "at fault", "ended"),
    )
    for run in listed:
        table.add_row(*_cells(run), *([plain(blamed(run) or "")] if at_fault else []))
    return table


def _cells(run: Simulation) -> Iterator[Text]:
    yield plain(one_line(run.task_id, 200))
    yield Text(str(run.unit.trial))
    reward = run.reward if run.is_scored else None
    yield Text("-" if reward is None else f"{reward:.2f}", style=style_of(run))
    yield plain(run.termination_reason.value)
    yield Text(str(run.num_messages))
    yield plain(", ".join(lost_on(run)))
