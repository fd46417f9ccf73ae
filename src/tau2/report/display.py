"""The two displays of the public package: one prints to the terminal, one returns Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import RenderableType

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import FINISHED, RunConfig, SimulationRun
from tau2.data_model.tasks import Action, Task
from tau2.metrics.agent_metrics import AgentMetrics, shown_ks
from tau2.metrics.endings import why_ended
from tau2.report.safe_text import clean, one_line, plain, shorten
from tau2.report.terminal.console import terminal
from tau2.report.terminal.conversation import (
    MAX_TOOL_RESULT_CHARS,
    check_lines,
    compact_call,
    conversation_view,
    grading_view,
    head_view,
    message_view,
    task_view,
)
from tau2.report.terminal.tables import Facts
from tau2.utils.text import plural


class ConsoleDisplay:
    """Shows one thing at a time on the terminal."""

    @staticmethod
    def _print(view: RenderableType) -> None:
        terminal().print(view)

    @staticmethod
    def display_run(config: RunConfig) -> None:
        """Print how a run is configured: what differs from an empty field."""
        table = Facts()
        for name, value in config.model_dump(exclude_none=True).items():
            table.add_row(name, plain(value))
        ConsoleDisplay._print(table)

    @staticmethod
    def display_task(task: Task) -> None:
        """Print what the user is told and what the reference does."""
        ConsoleDisplay._print(task_view(task))

    @staticmethod
    def display_messages(
        messages: Iterable[Message], max_tool_result_chars: int | None = MAX_TOOL_RESULT_CHARS
    ) -> None:
        """Print messages as panels."""
        for message in messages:
            ConsoleDisplay._print(message_view(message, max_tool_result_chars))

    @staticmethod
    def display_simulation(
        simulation: SimulationRun,
        show_details: bool = True,
        max_tool_result_chars: int | None = MAX_TOOL_RESULT_CHARS,
        **_compatibility: Any,
    ) -> None:
        """Print a simulation; without details, only how it ended and was graded."""
        if show_details:
            ConsoleDisplay._print(
                conversation_view(simulation, max_tool_result_chars=max_tool_result_chars)
            )
            return
        ConsoleDisplay._print(head_view(simulation))
        ConsoleDisplay._print(grading_view(simulation))

    @staticmethod
    def display_agent_metrics(metrics: AgentMetrics) -> None:
        """Print average reward, pass^k, cost and termination reasons."""
        table = Facts()
        average = "no scored simulation"
        if metrics.num_scored:
            scored = plural(metrics.num_scored, "simulation")
            average = f"{metrics.avg_reward:.3f} over {scored}"
        table.add_row("average reward", average)
        for k in shown_ks(metrics.pass_hat_ks):
            value = metrics.pass_hat_ks[k]
            tasks = metrics.pass_hat_k_tasks.get(k, metrics.num_tasks)
            table.add_row(f"pass^{k}", f"{value:.3f} over {plural(tasks, 'task')}")
        cost = metrics.avg_agent_cost
        table.add_row("agent cost per simulation", "unknown" if cost is None else f"${cost:.4f}")
        table.add_row(
            "ended by", ", ".join(f"{name} {count}" for name, count in metrics.terminations.items())
        )
        ConsoleDisplay._print(table)


class MarkdownDisplay:
    """Returns Markdown text."""

    @staticmethod
    def display_actions(actions: Sequence[Action]) -> str:
        """Return reference actions as a list."""
        return "\n".join(
            f"- {action.requestor}: `{clean(action.get_func_format())}`" for action in actions
        )

    @staticmethod
    def display_messages(
        messages: Iterable[Message], max_tool_result_chars: int | None = None
    ) -> str:
        """Return a conversation, one paragraph per message."""
        return "\n\n".join(_markdown(message, max_tool_result_chars) for message in messages)

    @staticmethod
    def display_simulation(
        simulation: SimulationRun, max_tool_result_chars: int | None = None
    ) -> str:
        """Return a simulation: how it ended, the conversation, and every check."""
        info = simulation.reward_info
        reward = "not scored" if info is None or not simulation.is_scored else f"{info.reward:.2f}"
        why = ""
        if simulation.termination_reason not in FINISHED:
            why = f": {one_line(why_ended(simulation), 500)}"
        head = [
            f"## Task {clean(simulation.task_id)}, trial {simulation.unit.trial}",
            f"- ended: {simulation.termination_reason.value}{why}",
            f"- reward: {reward}",
        ]
        checks = [
            f"- {'met' if met else 'NOT met'}: {kind}: {clean(text)}"
            for met, kind, text in (check_lines(info) if info is not None else ())
        ]
        talk = MarkdownDisplay.display_messages(simulation.get_messages(), max_tool_result_chars)
        return "\n".join(
            [*head, "", "### Conversation", "", talk, "", "### Checks", "", *(checks or ["none"])]
        )


def _markdown(message: Message, most: int | None) -> str:
    if isinstance(message, MultiToolMessage):
        return "\n\n".join(_markdown(part, most) for part in message.tool_messages)
    if isinstance(message, ToolMessage):
        kind = "error" if message.error else "result"
        text = shorten(message.content or "", most)
        # The fence is longer than any run of backticks in the text, which thus cannot close it.
        longest = max(map(len, re.findall("`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"**tool {kind} for {message.requestor}**:\n{fence}\n{text}\n{fence}"
    lines = [f"**{message.role}**: {clean(message.content or '')}".rstrip(" ")]
    if isinstance(message, AssistantMessage | UserMessage):
        lines += [f"- calls `{compact_call(call)}`" for call in message.calls]
    return "\n".join(lines)


__all__ = ["ConsoleDisplay", "MarkdownDisplay"]
