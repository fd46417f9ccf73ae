"""The seam through which an episode is watched: its turns, tool calls, model calls and end.

Whoever watches changes nothing. Nobody watches unless asked to: then the seam costs one comparison per turn.
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

Tell: TypeAlias = Callable[[Any], None]
"""Takes what came of a turn (an Answer) or of a tool call (a ToolMessage); not called when it failed."""


@dataclass(frozen=True, slots=True)
class Staged:
    """Which episode is about to be played."""

    simulation_id: str
    task_id: str
    trial: int
    seed: int
    domain: str
    agent: str
    user: str


class Observer(Protocol):
    """Watches the turns and tool calls of one episode."""

    def turn(self, ask: Ask) -> AbstractContextManager[Tell]:
        """Enclose one turn: an agent's or user's move, or the carrying out of tool calls."""

    def tool_call(self, call: ToolCall) -> AbstractContextManager[Tell]:
        """Enclose one tool call; it lies within a turn of the environment."""


class Watch(Observer, Protocol):
    """Watches everything about one episode."""

    @property
    def around(self) -> Middleware:
        """The middleware around every attempt to reach a model, the judge's and reviewer's too."""

    def ended(self, run: SimulationRun) -> None:
        """Take the graded record."""


class Watcher(Protocol):
    """Watches the episodes of a run."""

    def episode(self, staged: Staged) -> AbstractContextManager[Watch]:
        """Enclose one attempt at an episode, with its grading; what ends it may be an exception."""

    def close(self) -> None:
        """Finish whatever is still to be written."""


def _nobody(_what: Any) -> None:
    """Tell nobody."""


_UNWATCHED: AbstractContextManager[Tell] = nullcontext(_nobody)


def turn_of(observer: Observer | None, ask: Ask) -> AbstractContextManager[Tell]:
    """Return what encloses a turn."""
    return _UNWATCHED if observer is None else observer.turn(ask)


def carried_out(
    observer: Observer | None, call: ToolCall, respond: Callable[[ToolCall], ToolMessage]
) -> ToolMessage:
    """Return the result of a tool call, watched."""
    if observer is None:
        return respond(call)
    with observer.tool_call(call) as tell:
        result = respond(call)
        tell(result)
    return result


class Observers:
    """Several observers as one; the first encloses the others."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    @contextmanager
    def turn(self, ask: Ask) -> Iterator[Tell]:
        """Enclose one turn."""
        with ExitStack() as stack:
            yield _to_all([stack.enter_context(observer.turn(ask)) for observer in self._observers])

    @contextmanager
    def tool_call(self, call: ToolCall) -> Iterator[Tell]:
        """Enclose one tool call."""
        with ExitStack() as stack:
            yield _to_all(
                [stack.enter_context(observer.tool_call(call)) for observer in self._observers]
            )


def _to_all(tells: Sequence[Tell]) -> Tell:
    def tell(what: Any) -> None:
        for one in tells:
            one(what)

    return tell
