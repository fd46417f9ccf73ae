"""The base class of simulated users, their state, and the tokens that end a conversation."""

from __future__ import annotations

from tau2.data_model.conventions import STOP
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.tasks import UserInstructions, UserScenario
from tau2.environment.tool import Tool
from tau2.errors import UserError
from tau2.participant.base import HalfDuplexParticipant, StateT
from tau2.participant.full_duplex import FullDuplexParticipant
from tau2.participant.model_turns import ConversationState

TRANSFER = "###TRANSFER###"
OUT_OF_SCOPE = "###OUT-OF-SCOPE###"

ValidUserInputMessage = AssistantMessage | ToolMessage | MultiToolMessage


def is_valid_user_history_message(message: Message) -> bool:
    """Return whether a user sees this message.

    It sees its own messages, the agent's text, and the results of its own tools.
    """
    if isinstance(message, UserMessage):
        return True
    if isinstance(message, AssistantMessage):
        return not message.is_tool_call()
    return isinstance(message, ToolMessage) and message.requestor == "user"


class UserState(ConversationState):
    """What a model-driven user remembers."""

    objection: str | None = None
    """Why its last answer was refused, while it is asked again."""

    def flip_roles(self) -> list[Message]:
        """Return the conversation as the user's model sees it: its own turns are the assistant's.

        Raise ValueError when the agent's tool calls or their results are in it.
        """
        return [_flipped(message) for message in self.messages]


def _flipped(message: Message) -> Message:
    if isinstance(message, UserMessage):
        return AssistantMessage(
            content=message.content,
            tool_calls=message.tool_calls,
            reasoning_content=message.reasoning_content,
            provider_data=message.provider_data,
        )
    if isinstance(message, AssistantMessage) and not message.is_tool_call():
        return UserMessage(content=message.content)
    if isinstance(message, ToolMessage) and message.requestor == "user":
        return message
    raise UserError(
        f"a user cannot see this {message.role} message; it belongs to the agent's tools"
    )


class HalfDuplexUser(HalfDuplexParticipant[ValidUserInputMessage, UserMessage, StateT]):
    """A simulated user that takes turns.

    Generic in the state that it passes from turn to turn: `HalfDuplexUser["MyState"]`.
    """

    def __init__(
        self,
        instructions: UserInstructions | UserScenario | None = None,
        tools: list[Tool] | None = None,
    ) -> None:
        """Give the user its scenario and its own tools."""
        self.instructions = instructions
        self.tools = tools

    @classmethod
    def is_stop(cls, message: UserMessage) -> bool:
        """Return whether the message carries one of the tokens that end the conversation."""
        return not message.is_tool_call() and _ends(message)


def _ends(message: UserMessage) -> bool:
    content = message.content or ""
    return any(token in content for token in (STOP, TRANSFER, OUT_OF_SCOPE))


class FullDuplexUser(FullDuplexParticipant[AssistantMessage, UserMessage, StateT]):
    """A simulated user on the telephone: it may speak in every tick."""

    def __init__(
        self,
        instructions: UserInstructions | UserScenario | None = None,
        tools: list[Tool] | None = None,
    ) -> None:
        """Give the user its scenario and its own tools."""
        self.instructions = instructions
        self.tools = tools

    @classmethod
    def is_stop(cls, chunk: UserMessage) -> bool:
        """Return whether the chunk carries one of the tokens that end the conversation."""
        return _ends(chunk)


BaseUser = HalfDuplexUser
BaseStreamingUser = FullDuplexUser

__all__ = [
    "OUT_OF_SCOPE",
    "STOP",
    "TRANSFER",
    "BaseStreamingUser",
    "BaseUser",
    "FullDuplexUser",
    "HalfDuplexUser",
    "UserError",
    "UserState",
    "ValidUserInputMessage",
    "is_valid_user_history_message",
]
