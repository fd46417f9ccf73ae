"""Runs as one HTML file that needs nothing else: figures, outcomes, a grid, conversations, database changes."""

from tau2.metrics.figures import RunFigures, run_figures
from tau2.report.html.markup import Cleaner
from tau2.report.html.page import (
    DEFAULT_CONVERSATIONS,
    Page,
    ReportedRun,
    report_page,
    summary_line,
)

__all__ = [
    "DEFAULT_CONVERSATIONS",
    "Cleaner",
    "Page",
    "ReportedRun",
    "RunFigures",
    "report_page",
    "run_figures",
    "summary_line",
]
