"""A task and a factory of its environments: enough to play it, and to grade it, again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tau2.data_model.message import Message, ToolCall
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.history import split_pending


@dataclass(frozen=True, slots=True)
class TaskSetup:
    """A task and what makes fresh environments for it; no registry is needed to play it."""

    task: Task
    fresh: Callable[[], Environment]
    """Returns a new, independent environment in the domain's initial state."""

    def start(self) -> Environment:
        """Return an environment in the task's initial state, with the task's history replayed.

        Tool calls at the end of the history are not executed yet: see `pending_calls`.
        """
        environment = self.fresh()
        set_initial_state(environment, self.task, self.history)
        return environment

    @property
    def history(self) -> list[Message]:
        """The task's recorded messages."""
        return list(self.task.history)

    @property
    def pending_calls(self) -> list[ToolCall]:
        """The tool calls at the end of the task's history.

        They are executed first, whatever the agent does afterwards.
        """
        return split_pending(self.history)[1]


def set_initial_state(
    environment: Environment, task: Task, messages: Sequence[Message], *, strict: bool = True
) -> None:
    """Bring a fresh environment to where `messages` leave it, from the task's initial state on.

    It is prepared for the task first. Tool calls at the very end, without results, are not
    executed.

    Raise ReplayMismatch as `set_state` does.
    """
    environment.prepare(task)
    state = task.initial_state
    environment.set_state(
        initialization_data=state.initialization_data if state else None,
        initialization_actions=state.initialization_actions if state else None,
        message_history=split_pending(messages)[0],
        strict=strict,
    )


def copies_of(environment: Environment, task: Task) -> Callable[[], Environment]:
    """Return what makes copies of an environment as it is now, before an episode changes it."""
    if task.evaluation_criteria is None:
        return environment.fork  # nothing is graded, so nothing is compared with the start
    before = environment.fork()
    return before.fork
