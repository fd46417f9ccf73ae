"""A run whose cast is scripted, and known to the registry for one test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.cast import Agent, User, create_meeting, says

from tau2.data_model.simulation import TextRunConfig
from tau2.participant.spec import AgentSpec, UserSpec
from tau2.registry import registry

SOLVES = says(create_meeting(), "It is on the list.")


@pytest.fixture
def cast():
    """Return `cast(agent=..., user=...)`.

    Makers of participants, by the names scripted_cast_agent and _user.
    """
    with _Known() as known:
        yield known.become


class _Known:
    """Two names in the registry whose makers a test may choose."""

    def __init__(self) -> None:
        self.agent: Callable[..., Any] = lambda **_: Agent(SOLVES)
        self.user: Callable[..., Any] = lambda **_: User(says("Please."))

    def become(self, agent: Any = None, user: Any = None) -> None:
        self.agent, self.user = agent or self.agent, user or self.user

    def __enter__(self) -> _Known:
        agent = AgentSpec(
            "cast_agent", make=lambda **options: self.agent(**options), needs_model=False
        )
        user = UserSpec("cast_user", make=lambda **options: self.user(**options), needs_model=False)
        self._agent, self._user = registry.agents.adding(agent), registry.users.adding(user)
        self._agent.__enter__()
        self._user.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        self._user.__exit__(*problem)
        self._agent.__exit__(*problem)


def a_config(**options: Any) -> TextRunConfig:
    """Return a configuration with the scripted cast on the mock domain."""
    return TextRunConfig(
        **{
            "domain": "mock",
            "agent": "cast_agent",
            "user": "cast_user",
            "retry_delay": 0.0,
            "user_monitor": "off",  # the cast says whatever a test needs
            **options,
        }
    )
