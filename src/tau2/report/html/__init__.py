"""Runs as one self-contained HTML file.

`page` gathers what is shown, `templates/` holds the HTML, `static/` the style and the script, and
`conversation` the data from which the script draws a conversation.
"""

from tau2.metrics.figures import RunFigures, run_figures
from tau2.report.cleaner import Cleaner
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
