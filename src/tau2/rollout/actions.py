"""Structured actions of a rollout as messages of the role that is played; see `tau2.actions`."""

from __future__ import annotations

from tau2.actions import message
from tau2.actions.message import Action, OwnMessage
from tau2.orchestrator.episode import Role

__all__ = ["Action", "as_message"]


def as_message(action: Action, role: Role = Role.AGENT) -> OwnMessage:
    """Return an action as a new message of the role. Reasoning in text goes to `reasoning_content`.

    Whatever a model may have put into the fields is taken, and made storable. A text longer than
    LONGEST_MESSAGE (`tau2.utils.sizes`) stays as it is: an episode ends with it.

    Raises:
        TypeError: the object is no action.
    """
    return message.as_message(action, "assistant" if role is Role.AGENT else "user")
