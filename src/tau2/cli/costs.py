"""What a run costs: the estimate before it, and afterwards what was spent, what the cache gave, and what is left."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import OK
from tau2.data_model.run_config import TextRunConfig

if TYPE_CHECKING:
    from tau2.data_model.tasks import Task
    from tau2.metrics.summary import RunSummary
    from tau2.runner.events import Event, RunCounted, Sink


def dry_run(config: TextRunConfig, tasks: Sequence[Task], *, as_json: bool) -> int:
    """Print what a run would take."""
    from tau2.report.terminal.console import terminal
    from tau2.report.terminal.estimate import estimate_data, estimate_view
    from tau2.runner.estimate import estimate

    found = estimate(config, tasks)
    if as_json:
        print(json.dumps(estimate_data(found), indent=2))
    else:
        terminal().print(estimate_view(found, config.max_cost))
    return OK


class CostReport:
    """Listens to a run, for what the layers around its model calls tell, and passes everything on."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.counted: RunCounted | None = None
        self.broke: str | None = None
        """Why a call could not be paid."""

    def __call__(self, event: Event) -> None:
        """Note one event."""
        from tau2.runner.events import RunCounted, RunOutOfMoney

        match event:
            case RunCounted():
                self.counted = event
            case RunOutOfMoney():
                self.broke = event.why
        self._sink(event)

    def lines(self, summary: RunSummary) -> list[str]:
        """Return what is worth saying after the summary."""
        from tau2.llm.prices import COMPILED_ON

        said, counted = [], self.counted
        if counted is not None and counted.cache_hits is not None:
            said.append(f"cache: {counted.cache_hits} answers, {counted.cache_misses} calls sent")
        if counted is not None and counted.spent is not None:
            said.append(
                f"spent ${counted.spent:.4f} of ${counted.max_cost:.4f} (prices as of {COMPILED_ON})"
            )
        elif summary.agent_expense.known_cost + summary.user_expense.known_cost > 0:
            said.append(
                f"costs: list prices as of {COMPILED_ON}, unless the answers or arguments state others"
            )
        return said

    def data(self) -> dict[str, Any]:
        """Return the same as JSON data."""
        from tau2.llm.prices import COMPILED_ON

        counted, data = self.counted, {"prices_as_of": COMPILED_ON}
        if counted is None:
            return data
        cache = None
        if counted.cache_hits is not None:
            cache = {"hits": counted.cache_hits, "misses": counted.cache_misses}
        return data | {"cache": cache, "spent": counted.spent, "max_cost": counted.max_cost}

    def explain(self, done: int, total: int, again: str) -> None:
        """Say on standard error that the money is gone, and how to go on."""
        if self.broke is not None:
            print(
                f"\nout of money: {self.broke}\n{done} of {total} simulations are complete; continue with a higher "
                f"--max-cost:\n  {again}",
                file=sys.stderr,
            )
