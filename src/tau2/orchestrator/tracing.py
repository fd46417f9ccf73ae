"""Protocols for tracing the turns, tool calls, model calls and the end of an episode.

Tracers change nothing. Without a tracer, tracing costs one comparison per turn and per tool call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from tau2.data_model.message import ToolCall, ToolMessage
from tau2.data_model.simulation import SimulationRun
from tau2.orchestrator.episode import Ask

if TYPE_CHECKING:
    from tau2.llm.middleware import Middleware

Notify: TypeAlias = Callable[[Any], None]
"""Takes the answer of a turn, or the ToolMessage of a tool call. It is not called when the turn or
call raised."""


@dataclass(frozen=True, slots=True)
class EpisodeInfo:
    """Which episode is about to be played."""

    simulation_id: str
    task_id: str
    trial: int
    seed: int
    domain: str
    agent: str
    user: str


class TurnTracer(Protocol):
    """Traces the turns and tool calls of one episode."""

    def turn(self, ask: Ask) -> AbstractContextManager[Notify]:
        """Enclose one turn: an agent's or user's, or the execution of tool calls."""

    def tool_call(self, call: ToolCall) -> AbstractContextManager[Notify]:
        """Enclose one tool call; it lies within a turn of the environment."""


class EpisodeTracer(TurnTracer, Protocol):
    """Traces everything about one episode."""

    @property
    def middleware(self) -> Middleware:
        """The middleware around every attempt to reach a model, including judge and reviewer."""

    def ended(self, run: SimulationRun) -> None:
        """Take the graded record."""


class RunTracer(Protocol):
    """Traces the episodes of a run."""

    def episode(self, info: EpisodeInfo) -> AbstractContextManager[EpisodeTracer]:
        """Enclose one attempt at an episode and its grading; an exception may end it."""

    def close(self) -> None:
        """Write what is still to be written."""


_UNTRACED: AbstractContextManager[Notify] = nullcontext(lambda _result: None)


def traced_turn(tracer: TurnTracer | None, ask: Ask) -> AbstractContextManager[Notify]:
    """Return what encloses a turn."""
    return _UNTRACED if tracer is None else tracer.turn(ask)


def traced_call(
    tracer: TurnTracer | None, call: ToolCall, execute: Callable[[ToolCall], ToolMessage]
) -> ToolMessage:
    """Return the result of a tool call, traced."""
    if tracer is None:
        return execute(call)
    with tracer.tool_call(call) as notify:
        result = execute(call)
        notify(result)
    return result


class CombinedTracer:
    """Several tracers as one; the first encloses the others."""

    def __init__(self, tracers: Sequence[TurnTracer]) -> None:
        self._tracers = tracers

    @contextmanager
    def turn(self, ask: Ask) -> Iterator[Notify]:
        """Enclose one turn."""
        with ExitStack() as stack:
            yield _to_all([stack.enter_context(tracer.turn(ask)) for tracer in self._tracers])

    @contextmanager
    def tool_call(self, call: ToolCall) -> Iterator[Notify]:
        """Enclose one tool call."""
        with ExitStack() as stack:
            yield _to_all([stack.enter_context(tracer.tool_call(call)) for tracer in self._tracers])


def _to_all(receivers: Sequence[Notify]) -> Notify:
    def notify(result: Any) -> None:
        for receive in receivers:
            receive(result)

    return notify
