"""A finished conversation as verdicts look at it: who said what, and what every call did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from pydantic_core import to_jsonable_python

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.tasks import Action
from tau2.environment.environment import Environment
from tau2.environment.history import Waiting, decoded
from tau2.environment.task_setup import TaskSetup, set_initial_state
from tau2.errors import ToolError
from tau2.user.base_user import OUT_OF_SCOPE, STOP, TRANSFER
from tau2.user.monitor import Finding as UserFinding
from tau2.user.monitor import user_findings
from tau2.utils.json_types import JsonObject

_MOST_READ = 20_000  # characters of a message that verdicts look at
_MOST_READ_OF_RESULTS = 200_000


@dataclass(frozen=True, slots=True)
class Said:
    """A text message of one participant."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """A tool call, and what came of it in the conversation and on replay."""

    turn: int
    call: ToolCall
    """Of a discoverable tool, the call of that tool itself."""
    result: ToolMessage | None
    """As recorded; None where the conversation ends before it."""
    replayed: ToolMessage
    changes: bool
    """Whether it is a tool that changes something and, on replay, succeeded."""

    @property
    def failed(self) -> bool:
        """Whether the recorded call failed."""
        return self.result is not None and self.result.error


@dataclass
class Conversation:
    """The messages of a simulation with their calls executed again."""

    setup: TaskSetup
    messages: Sequence[Message]
    start: Environment = field(init=False)

    def __post_init__(self) -> None:
        # The messages begin with the task's own history, so that is not replayed here.
        self.start = self.setup.fresh()
        set_initial_state(self.start, self.setup.task, [])

    @property
    def last_turn(self) -> int | None:
        """Index of the last message; None where there is none."""
        return len(self.messages) - 1 if self.messages else None

    @cached_property
    def agent(self) -> list[Said]:
        """The agent's text messages."""
        return list(_texts(self.messages, AssistantMessage))

    @cached_property
    def user(self) -> list[Said]:
        """The user's text messages, without the tokens that end a conversation."""
        said = _texts(self.messages, UserMessage)
        return [Said(one.turn, without_end_token(one.text)) for one in said]

    @cached_property
    def user_findings(self) -> list[UserFinding]:
        """What the user monitor finds in the conversation."""
        return user_findings(self.messages, self.setup.task, self.start)

    @cached_property
    def calls(self) -> list[Done]:
        """Every tool call, in order, of both participants."""
        return list(self._replayed())

    @cached_property
    def writes(self) -> list[Done]:
        """The calls that changed something, after the task's own history."""
        first = len(self.setup.task.history)
        return [done for done in self.calls if done.changes and done.turn >= first]

    @cached_property
    def hand_over(self) -> Done | None:
        """The agent's first call that hands the customer over."""
        return next((done for done in self.calls if done.call.name == TRANSFER_TOOL), None)

    def _replayed(self) -> Iterator[Done]:
        environment = self.start.fork()
        waiting: Waiting[tuple[int, ToolCall]] = Waiting()
        for turn, message in enumerate(self.messages):
            if isinstance(message, AssistantMessage | UserMessage):
                waiting.add((call.id, (turn, _of(message, call))) for call in message.calls)
            for result in _results(message):
                called = waiting.take(result.id) or waiting.take_first()
                if called is not None:
                    yield self._executed(environment, *called, result)

    def _executed(
        self, environment: Environment, turn: int, call: ToolCall, result: ToolMessage
    ) -> Done:
        if environment.looks_outside(call):
            return Done(turn, meant(environment, call), result, result, changes=False)
        replayed = environment.get_response(call)
        changes = not replayed.error and mutates(environment, call)
        return Done(turn, meant(environment, call), result, replayed, changes)

    def results_text(self, before: int | None = None) -> Iterator[tuple[int, str]]:
        """Yield the index and text of every tool result, those before a message only."""
        for turn, message in enumerate(self.messages):
            if before is not None and turn >= before:
                return
            for result in _results(message):
                yield turn, (result.content or "")[:_MOST_READ_OF_RESULTS]


def _texts(
    messages: Sequence[Message], kind: type[AssistantMessage] | type[UserMessage]
) -> Iterator[Said]:
    for turn, message in enumerate(messages):
        if isinstance(message, kind) and message.content:
            yield Said(turn, message.content[:_MOST_READ])


def without_end_token(text: str) -> str:
    """Return a user's message without the token that ends the conversation."""
    for token in (STOP, TRANSFER, OUT_OF_SCOPE):
        text = text.replace(token, "")
    return text.strip()


def _of(message: AssistantMessage | UserMessage, call: ToolCall) -> ToolCall:
    requestor = "user" if isinstance(message, UserMessage) else "assistant"
    return call.model_copy(update={"requestor": requestor})


def _results(message: Message) -> Sequence[ToolMessage]:
    if isinstance(message, MultiToolMessage):
        return message.tool_messages
    return [message] if isinstance(message, ToolMessage) else []


def mutates(environment: Environment, call: ToolCall | Action) -> bool:
    """Return whether a call may change the databases of the environment."""
    toolkit = environment.user_tools if call.requestor == "user" else environment.tools
    return (
        toolkit is not None
        and toolkit.has_tool(call.name)
        and toolkit.may_change_database(call.name, call.arguments)
    )


CallT = TypeVar("CallT", ToolCall, Action)


def meant(environment: Environment, call: CallT) -> CallT:
    """Return a call of the tool that a call reaches: of a discoverable tool, that tool's own."""
    toolkit = environment.user_tools if call.requestor == "user" else environment.tools
    if toolkit is None or not toolkit.has_tool(call.name):
        return call
    name, arguments = toolkit.meant_call(call.name, call.arguments)
    if name == call.name:
        return call
    return call.model_copy(update={"name": name, "arguments": arguments})


def as_taken(environment: Environment, call: ToolCall | Action) -> JsonObject:
    """Return a call's arguments as its tool takes them; as they are when it would refuse them."""
    arguments = call.arguments
    with suppress(ToolError):
        toolkit = environment.toolkit_for(call.name, call.requestor)
        arguments = toolkit.without_order(call.name, toolkit.coerce(call.name, arguments))
    plain: JsonObject = to_jsonable_python(arguments)  # tools may take models as arguments
    return plain


def tool_failures(conversation: Conversation) -> list[Done]:
    """Return recorded calls that failed although the same call succeeds on replay."""
    return [
        done
        for done in conversation.calls
        if done.failed
        and not done.replayed.error
        and done.result is not None
        and decoded(done.result.content) != decoded(done.replayed.content)
    ]
