"""What the monitor has to know of an environment: names of tools, and the customer's cards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tau2.data_model.tasks import Task
from tau2.environment.cow import peek
from tau2.environment.environment import Environment


@dataclass(frozen=True, slots=True)
class MonitoredTools:
    """Names of tools, as far as the monitor needs them, and what stands on the user's cards."""

    user: tuple[str, ...] = ()
    """The user's own tools."""
    writes: frozenset[str] | None = None
    """Those of the agent's tools that change a database; None: not known."""
    cards: frozenset[str] = frozenset()
    """Last digits of the customer's payment methods: whoever owns a card can read them off it."""

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
        database = getattr(kit, "db", None)
        return cls(own, writes, _cards_of(database, task) if task is not None else frozenset())


_USER_ID = re.compile(r"\b[a-z]+_[a-z]+_\d+\b")


def _cards_of(database: Any, task: Task) -> frozenset[str]:
    """Return the last digits of the payment methods of the user whom a task is about."""
    users = getattr(database, "users", None)
    if users is None or not hasattr(users, "get"):
        return frozenset()
    owners = set(_USER_ID.findall(str(task.user_scenario)))
    owners |= {
        action.arguments["user_id"]
        for action in task.reference_actions
        if isinstance(action.arguments.get("user_id"), str)
    }
    methods = [
        method
        for owner in sorted(owners)
        for method in (getattr(peek(users, owner), "payment_methods", None) or {}).values()
    ]
    return frozenset(
        digits for method in methods if isinstance(digits := getattr(method, "last_four", 0), str)
    )
