"""Former path of `tau2.user.base_user`."""

from tau2.user.base_user import (
    OUT_OF_SCOPE,
    STOP,
    TRANSFER,
    BaseUser,
    HalfDuplexUser,
    UserError,
    UserState,
    ValidUserInputMessage,
    is_valid_user_history_message,
)

__all__ = [
    "OUT_OF_SCOPE",
    "STOP",
    "TRANSFER",
    "BaseUser",
    "HalfDuplexUser",
    "UserError",
    "UserState",
    "ValidUserInputMessage",
    "is_valid_user_history_message",
]
