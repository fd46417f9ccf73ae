"""What the monitor has to know of an environment's tools."""

from __future__ import annotations

from dataclasses import dataclass

from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment


@dataclass(frozen=True, slots=True)
class MonitoredTools:
    """Names of tools, as far as the monitor needs them."""

    user: tuple[str, ...] = ()
    """The user's own tools."""
    writes: frozenset[str] | None = None
    """Those of the agent's tools that change a database; None: not known."""

    @classmethod
    def of(cls, environment: Environment | None, task: Task | None = None) -> MonitoredTools:
        """Return the tools of an environment, those of the user as the task permits."""
        if environment is None:
            return cls()
        own: tuple[str, ...] = ()
        if environment.user_tools is not None and not environment.solo_mode:
            permitted = task.user_tools if task is not None else None
            own = tuple(
                name
                for name in environment.user_tools.tools
                if permitted is None or name in permitted
            )
        kit = environment.tools
        writes = (
            frozenset(name for name in kit.tools if kit.tool_mutates_state(name))
            if kit is not None
            else frozenset()
        )
        return cls(own, writes)
