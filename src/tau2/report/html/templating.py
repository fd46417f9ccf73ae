"""The Jinja2 environment of a report: text is escaped and cleaned, a missing name is an error."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from tau2.metrics.figures import PassHatEstimate
from tau2.metrics.interaction import FEWEST_EVENTS, METRICS, InteractionMetrics
from tau2.metrics.outcomes import Outcome
from tau2.report.cleaner import Cleaner
from tau2.report.terminal.interaction import shown_value
from tau2.utils.text import plural


def new_environment(clean: Cleaner) -> Environment:
    """Return an environment for the templates of this package.

    Every text that a template shows goes through `clean`, whether the template says so or not.
    """

    def cleaned(value: object) -> object:
        return clean(value) if type(value) is str else value  # Markup is ours, and a subclass

    environment = Environment(
        loader=PackageLoader(__package__ or "tau2.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=cleaned,
    )
    environment.globals["Outcome"] = Outcome
    environment.globals["interaction_metrics"] = METRICS
    environment.globals["fewest_events"] = FEWEST_EVENTS
    environment.filters["metric_value"] = _metric_value
    environment.filters["clean"] = clean
    environment.filters["plural"] = plural
    environment.filters["seconds"] = _seconds
    environment.filters["interval"] = _interval
    return environment


def _metric_value(metrics: InteractionMetrics, metric: str) -> str:
    return shown_value(metric, getattr(metrics, metric))


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 1 else f"{1000 * value:.0f} ms"


def _interval(point: PassHatEstimate) -> str:
    """Return the interval of a figure, or why there is none."""
    if point.interval is None:
        return "needs two tasks"
    low, high = point.interval
    # Resampling tasks that all went alike has no spread; an interval without width would look sure.
    return "all tasks alike" if low == high else f"{low:.3f} … {high:.3f}"
