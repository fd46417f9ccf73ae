"""The stand-in for the absent user of a solo episode."""

from __future__ import annotations

from typing import Any

from tau2.data_model.message import Message, UserMessage
from tau2.errors import UserError
from tau2.user.base_user import HalfDuplexUser, UserState


class DummyUser(HalfDuplexUser):
    """Nobody: it can be built like any user, keeps silent, and must never be asked."""

    blocking = False

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        """Take what every user is given and use none of it."""
        super().__init__(instructions=None, tools=None)
        self.llm = "dummy"
        self.llm_args: dict[str, Any] = {}

    def get_init_state(self, message_history: list[Message] | None = None) -> UserState:
        """Return an empty state."""
        return UserState()

    def generate_next_message(self, message: Any, state: Any) -> tuple[UserMessage, Any]:
        """Raise UserError: in a solo episode the agent talks to nobody."""
        raise UserError("there is no user in a solo episode; the agent must call tools or stop")

    def set_seed(self, seed: int) -> None:
        """Do nothing: silence needs no seed."""
