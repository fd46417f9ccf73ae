"""Why episodes ended, in words, and how often each early ending came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tau2.data_model.message import (
    CUT_SHORT_WORDS,
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.outline import Outline
from tau2.data_model.simulation import FINISHED, SimulationRun, TerminationReason
from tau2.errors import DataFileError
from tau2.metrics.outcomes import Simulation, error_of, place_of
from tau2.storage.stored_simulations import outlines_of
from tau2.utils.text import shortened

_MOST_CHARS = 2000  # of an error of a tool
_WORDS = {
    TerminationReason.USER_STOP: "the user ended the conversation",
    TerminationReason.AGENT_STOP: "the agent ended the conversation",
    TerminationReason.MAX_STEPS: "the limit of steps was reached",
    TerminationReason.TIMEOUT: "the time limit was reached",
    TerminationReason.TOO_MANY_ERRORS: "too many tool calls failed",
    TerminationReason.AGENT_ERROR: "the agent failed",
    TerminationReason.USER_ERROR: "the simulated user failed",
    TerminationReason.INFRASTRUCTURE_ERROR: "the infrastructure failed",
    TerminationReason.CONTEXT_WINDOW_EXCEEDED: "the conversation became too long for the model",
    TerminationReason.UNEXPECTED_ERROR: "an unexpected error was raised",
}


def why_ended(run: Simulation) -> str:
    """Return in a sentence why an episode ended, with the error that ended it, if one did."""
    ending = _WORDS[run.termination_reason]
    cause = cause_of_end(run)
    return ending if cause is None else f"{ending}: {cause}"


def cause_of_end(run: Simulation) -> str | None:
    """Return the error that ended an episode; None where there is none, or it is not known.

    The last of too many errors is known from the conversation only.
    """
    if run.termination_reason in FINISHED:
        return None
    if run.termination_reason is TerminationReason.TOO_MANY_ERRORS:
        return _last_error(run) if isinstance(run, SimulationRun) else None
    info = run.info or {}
    error = info.get("error")
    if not isinstance(error, str):
        return None
    kind = info.get("error_type")
    if isinstance(kind, str):
        return f"{kind}: {error}{place_of(info)}"
    return error_of(info)


def _last_error(run: SimulationRun) -> str | None:
    """Return the last failed tool call of a conversation, and what it was told."""
    messages = run.get_messages()
    names = {call.id: call.name for message in messages for call in message.calls}
    failed = [result for message in messages for result in _results(message) if result.error]
    if not failed:
        return None
    last = failed[-1]
    name = names.get(last.id, "a tool")
    return f"the last was {name}: {shortened(last.content or '', _MOST_CHARS)}"


def _results(message: Message) -> Iterator[ToolMessage]:
    if isinstance(message, MultiToolMessage):
        yield from message.tool_messages
    elif isinstance(message, ToolMessage):
        yield message


@dataclass(frozen=True, slots=True)
class EarlyEnding:
    """One way in which episodes did not end regularly, or messages were not whole."""

    reason: str
    """A termination reason; or "length" or "content_filter", of messages."""
    number: int
    """Simulations; of messages that were not whole: messages."""
    task_id: str
    """Of the first simulation that it happened in."""
    trial: int
    cause: str
    """What happened there, in words."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "reason": self.reason,
            "number": self.number,
            "task_id": self.task_id,
            "trial": self.trial,
            "cause": self.cause,
        }


def early_endings(
    runs: Sequence[SimulationRun], outlines: Iterable[Outline] | None = None
) -> list[EarlyEnding]:
    """Return how often episodes ended early, and messages were not whole, with the first cause.

    With the `outlines` of the simulations, only those are read whose messages tell the cause.
    """
    counts: dict[str, int] = {}
    first: dict[str, tuple[str, int, str]] = {}
    for place, outline in enumerate(outlines_of(runs) if outlines is None else outlines):
        for reason, number in _unusual(outline):
            counts[reason] = counts.get(reason, 0) + number
            if reason not in first:
                first[reason] = (*outline.unit, _first_cause(runs, place, outline, reason))
    return [EarlyEnding(reason, number, *first[reason]) for reason, number in counts.items()]


def _unusual(run: Outline) -> Iterator[tuple[str, int]]:
    if run.termination_reason not in FINISHED:
        yield run.termination_reason.value, 1
    cut_off = content_filtered = 0
    for usage in (run.facts.agent_usage, run.facts.user_usage):
        if usage is not None:
            cut_off += usage.cut_off
            content_filtered += usage.content_filtered
    if cut_off:
        yield "length", cut_off
    if content_filtered:
        yield "content_filter", content_filtered


def _first_cause(runs: Sequence[SimulationRun], place: int, outline: Outline, reason: str) -> str:
    is_told = reason not in CUT_SHORT_WORDS and reason != TerminationReason.TOO_MANY_ERRORS
    if is_told:
        return cause_of_end(outline) or why_ended(outline)
    try:
        run = runs[place]
    except DataFileError:  # its folder was taken away since
        return CUT_SHORT_WORDS.get(reason) or why_ended(outline)
    if reason not in CUT_SHORT_WORDS:
        return cause_of_end(run) or why_ended(run)
    for message in run.get_messages():
        if isinstance(message, AssistantMessage | UserMessage) and message.cut_short == reason:
            whose = "agent" if message.role == "assistant" else "user"
            where = "" if message.turn_idx is None else f" {message.turn_idx}"
            return f"message{where} of the {whose} was {CUT_SHORT_WORDS[reason]}"
    return f"a message was {CUT_SHORT_WORDS[reason]}"
