"""The placeholder for the absent user of a solo episode."""

from __future__ import annotations

from typing import Any

from tau2.data_model.message import Message, UserMessage
from tau2.errors import UserError
from tau2.user.base_user import HalfDuplexUser, UserState, ValidUserInputMessage
from tau2.utils.json_types import JsonObject


class _NoUser(UserError, NotImplementedError):
    """A solo episode asked for its user, as the original says it too."""


class DummyUser(HalfDuplexUser[UserState]):
    """A placeholder: it is built like any user and must never be asked for a message."""

    blocking = False

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        """Accept the arguments of every user and use none of them."""
        super().__init__(instructions=None, tools=None)
        self.llm = "dummy"
        self.llm_args: JsonObject = {}

    def get_init_state(self, message_history: list[Message] | None = None) -> UserState:
        """Return an empty state."""
        return UserState()

    def generate_next_message(
        self, message: ValidUserInputMessage, state: UserState
    ) -> tuple[UserMessage, UserState]:
        """Raise UserError: a solo episode has no user."""
        raise _NoUser("there is no user in a solo episode; the agent must call tools or stop")

    def set_seed(self, seed: int) -> None:
        """Ignore the seed."""
