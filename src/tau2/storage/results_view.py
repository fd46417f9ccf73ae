"""Results as a notebook or an interactive session shows them: a few lines, or a small table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from tau2.data_model.outline import Outline
from tau2.utils.terminal_text import clean
from tau2.utils.text import plural, shortened

if TYPE_CHECKING:
    from tau2.storage.results import Results

_MOST_ROWS = 20
_LONGEST_NAME = 60


def text_of(results: Results) -> str:
    """Return what a run was, how many simulations it has, what they earned, and how they ended."""
    runs = results.outlines()
    lines = [f"Results of {_title(results)}: {_counted(results)}"]
    if runs:
        lines += [f"  average reward {_mean(runs)}", f"  ended by {_endings(runs)}"]
    return "\n".join(lines)


def html_of(results: Results) -> str:
    """Return the same as HTML, with a row for each of the first tasks; texts are escaped."""
    by_task: dict[str, list[Outline]] = defaultdict(list)
    outlines = results.outlines()
    for run in outlines:
        by_task[str(run.task_id)].append(run)
    rows = [_row(name, runs) for name, runs in list(by_task.items())[:_MOST_ROWS]]
    hidden = len(by_task) - len(rows)
    more = f"<p>… and {plural(hidden, 'more task')}</p>" if hidden > 0 else ""
    heads = "".join(f"<th>{head}</th>" for head in ("task", "simulations", "reward", "ended by"))
    table = f"<table><tr>{heads}</tr>{''.join(rows)}</table>{more}" if rows else ""
    title = f"<b>{_safe(_title(results))}</b>: {_safe(_counted(results))}"
    mean = f", average reward {_mean(outlines)}" if rows else ""
    return f"<p>{title}{mean}</p>{table}"


def _row(name: str, runs: Sequence[Outline]) -> str:
    cells = (shortened(name, _LONGEST_NAME), str(len(runs)), _mean(runs), _endings(runs))
    return f"<tr>{''.join(f'<td>{_safe(cell)}</td>' for cell in cells)}</tr>"


def _title(results: Results) -> str:
    info = results.info
    names = (
        info.environment_info.domain_name,
        info.agent_info.implementation,
        info.user_info.implementation,
    )
    domain, agent, user = (shortened(clean(name), _LONGEST_NAME) for name in names)
    return f"{domain}, {agent} × {user}"


def _counted(results: Results) -> str:
    runs = results.outlines()
    tasks = len({run.task_id for run in runs}) or len(results.tasks)
    scored = sum(run.is_scored for run in runs)
    counted = f"{plural(len(runs), 'simulation')} of {plural(tasks, 'task')}"
    return counted if scored == len(runs) else f"{counted}, {scored:,} scored"


def _mean(runs: Sequence[Outline]) -> str:
    rewards = [run.reward for run in runs if run.is_scored and run.reward is not None]
    return f"{sum(rewards) / len(rewards):.3f}" if rewards else "unknown: none is scored"


def _endings(runs: Sequence[Outline]) -> str:
    endings = Counter(run.termination_reason.value for run in runs)
    return ", ".join(f"{reason} {number:,}" for reason, number in endings.most_common())


def _safe(text: str) -> str:
    return escape(clean(text))
