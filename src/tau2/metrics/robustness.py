"""Pass^k over different environments: the same tasks, each played under k conditions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from tau2.metrics.agent_metrics import mean, successes_by_task
from tau2.metrics.outcomes import counted_in
from tau2.storage.results import Results


def pass_in_all(results: Sequence[Results]) -> float | None:
    """Return the mean probability that a task is passed under every condition.

    `results` holds one run for each condition, over the same tasks. With one trial of each task it
    is the share of tasks that passed in every run; with several, a trial is drawn from each run.
    Only tasks that have a counted trial in every run are part of it; None if there is none.
    """
    tables = [successes_by_task(counted_in(one)) for one in results]
    if not tables:
        return None
    shared = set(tables[0]).intersection(*tables[1:])
    return mean(
        prod(sum(table[task]) / len(table[task]) for table in tables) for task in sorted(shared)
    )
