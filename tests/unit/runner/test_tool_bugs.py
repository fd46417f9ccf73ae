"""A tool of somebody's own that is wrong: the record says where, and so does what is shown."""

from __future__ import annotations

import io

from rich.console import Console

from tau2 import TextRunConfig
from tau2.domains.mock.tools import MockTools
from tau2.environment.toolkit import ToolType, is_tool
from tau2.metrics.summary import summarize
from tau2.report.terminal.conversation import conversation_view
from tau2.report.terminal.summary import summary_view
from tau2.runner.batch import run_domain


@is_tool(ToolType.WRITE)
def broken(self, user_id: str, title: str, description: str | None = None) -> str:
    """Add a task.

    Args:
        user_id: Whose.
        title: What.
        description: More.
    """
    known: dict[str, str] = {}
    return known[title]


def shown(view) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(view)
    return console.file.getvalue()


def test_the_line_of_a_bug_in_a_tool_is_told(monkeypatch):
    monkeypatch.setattr(MockTools, "create_task", broken)
    config = TextRunConfig(
        domain="mock", agent="oracle_agent", user="scripted_user", task_ids=["create_task_1"]
    )
    results = run_domain(config, console_display=False)
    place = "test_tool_bugs.py:28, in broken"
    summary = shown(summary_view(summarize(results)))
    assert "create_task: KeyError: 'Important Meeting', raised at" in summary
    assert f"{place} (in 1 simulation)" in summary
    assert f"{place})" in shown(conversation_view(results.simulations[0]))
