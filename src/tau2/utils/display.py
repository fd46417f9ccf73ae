"""Public path of the displays; they live in `tau2.report.display`."""

from tau2.report.display import ConsoleDisplay, MarkdownDisplay

__all__ = ["ConsoleDisplay", "MarkdownDisplay"]
