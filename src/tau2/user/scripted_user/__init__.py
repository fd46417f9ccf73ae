"""A simulated customer that needs no model: it follows an agenda compiled from its task."""

from __future__ import annotations

from typing import Any

from tau2.environment.environment import Environment
from tau2.participant.spec import UserSpec
from tau2.user.base_user import STOP, TRANSFER
from tau2.user.scripted_user.agenda import Agenda, Conversation
from tau2.user.scripted_user.user import ScriptedUser


def make_scripted_user(*, environment: Environment | None = None, **kwargs: Any) -> ScriptedUser:
    """Make a ScriptedUser.

    Of `kwargs`, task, instructions, tools, persona_config and seed count.
    """
    wanted = ("task", "instructions", "tools", "persona_config", "seed")
    known = {name: kwargs[name] for name in wanted if name in kwargs}
    return ScriptedUser(**known, environment=environment)


USERS = (
    UserSpec("scripted_user", make=make_scripted_user, needs_model=False, continues="replies"),
)

__all__ = [
    "STOP",
    "TRANSFER",
    "USERS",
    "Agenda",
    "Conversation",
    "ScriptedUser",
    "make_scripted_user",
]
