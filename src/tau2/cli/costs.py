"""What a run costs: the estimate before it, and afterwards what was spent and saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import OK
from tau2.data_model.run_config import RunConfig
from tau2.utils.output import show_error, show_json
from tau2.utils.text import plural

if TYPE_CHECKING:
    from tau2.data_model.tasks import Task
    from tau2.metrics.summary import RunSummary
    from tau2.runner.events import Event, ModelsProbed, RunCounted, Sink


def dry_run(config: RunConfig, tasks: Sequence[Task], *, as_json: bool) -> int:
    """Print what a run would take."""
    from tau2.report.terminal.console import terminal
    from tau2.report.terminal.estimate import estimate_data, estimate_view
    from tau2.runner.estimate import estimate

    found = estimate(config, tasks)
    if as_json:
        show_json(estimate_data(found))
    else:
        terminal().print(estimate_view(found, config.max_cost))
    return OK


class CostReport:
    """A sink that keeps what middleware reports of costs, and passes every event on."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.counted: RunCounted | None = None
        self.out_of_money: str | None = None
        """Why a call could not be paid."""
        self.halted: str | None = None
        """Which model failed too often in a row, and how."""
        self.probed: ModelsProbed | None = None

    def __call__(self, event: Event) -> None:
        """Note one event."""
        from tau2.runner.events import ModelsProbed, RunCounted, RunHalted, RunOutOfMoney

        match event:
            case RunCounted():
                self.counted = event
            case RunOutOfMoney():
                self.out_of_money = event.why
            case RunHalted():
                self.halted = event.why
            case ModelsProbed():
                self.probed = event
        self._sink(event)

    def lines(self, summary: RunSummary) -> list[str]:
        """Return the lines that follow the summary."""
        from tau2.llm.prices import COMPILED_ON

        lines = []
        if self.probed is not None:
            models = plural(self.probed.models, "model")
            cost = f", ${self.probed.cost:.4f}" if self.probed.cost else ""
            lines.append(f"asked first: {models} ({plural(self.probed.tokens, 'token')}{cost})")
        counted = self.counted
        if counted is not None and counted.cache_hits is not None:
            hits = plural(counted.cache_hits, "response")
            sent = plural(counted.cache_misses or 0, "call")
            lines.append(f"cache: {hits} from it, {sent} sent to models")
        if counted is not None and counted.spent is not None:
            budget = f"${counted.spent:.4f} of ${counted.max_cost:.4f}"
            lines.append(f"spent {budget} (prices as of {COMPILED_ON})")
        elif summary.agent_expense.known_cost + summary.user_expense.known_cost > 0:
            lines.append(
                f"costs: list prices as of {COMPILED_ON}, "
                "unless responses or model arguments state others"
            )
        return lines

    def data(self) -> dict[str, Any]:
        """Return the same as JSON data."""
        from tau2.llm.prices import COMPILED_ON

        data: dict[str, Any] = {"prices_as_of": COMPILED_ON}
        if self.probed is not None:
            probed = self.probed
            data["probe"] = {
                "models": probed.models,
                "tokens": probed.tokens,
                "cost": probed.cost,
            }
        counted = self.counted
        if counted is None:
            return data
        cache = None
        if counted.cache_hits is not None:
            cache = {"hits": counted.cache_hits, "misses": counted.cache_misses}
        return data | {"cache": cache, "spent": counted.spent, "max_cost": counted.max_cost}

    def explain(self, done: int, total: int, again: str) -> None:
        """Print on standard error why the run stopped before its end, and how to continue."""
        if self.halted is not None:
            show_error(
                f"\nstopped: {self.halted}\n"
                f"finished: {done:,} of {plural(total, 'simulation')}, which are saved; when the "
                f"model answers again, continue with:\n  {again}"
            )
        if self.out_of_money is not None:
            show_error(
                f"\nout of money: {self.out_of_money}\n"
                f"finished: {done:,} of {plural(total, 'simulation')}; "
                f"continue with a higher --max-cost:\n  {again}"
            )
