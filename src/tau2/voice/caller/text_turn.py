"""Turns of the text user behind a caller, and taking back what could not be said."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Any

from tau2.data_model.message import (
    AssistantMessage,
    MultiToolMessage,
    ToolMessage,
    UserMessage,
)
from tau2.errors import UserError
from tau2.participant.drive import reply
from tau2.participant.protocols import UserProtocol
from tau2.voice.caller.hearing import HeardTurn
from tau2.voice.speech.protocols import Speech

_STOP_TOKEN = re.compile(r"###[A-Z][A-Z-]*###")
_AS_GOOD_AS_SAID = 0.8
"""The share of words from which an utterance that was cut off counts as said."""

UserInput = AssistantMessage | ToolMessage | MultiToolMessage


@dataclass(frozen=True, slots=True)
class TextTurn:
    """One turn of the text user."""

    reply: UserMessage
    state: Any
    """After the turn."""
    before: Any
    """A copy of the state before the turn; None if it cannot be copied."""
    heard: HeardTurn | None
    """What was answered; None if it was the result of a tool."""


@dataclass(frozen=True, slots=True)
class Thought:
    """A turn with the speech of its words, if it has any."""

    turn: TextTurn
    speech: Speech | None


def take_turn(
    user: UserProtocol, received: UserInput, state: Any, heard: HeardTurn | None
) -> TextTurn:
    """Ask the text user for its next message.

    Raise UserError for what is no message of a user, or says and does nothing: who falls silent for
    no reason would leave the agent to explain it.
    """
    before = _copied(state)
    message, state = reply(user, received, state)
    if not isinstance(message, UserMessage):
        raise UserError(f"the user must answer with UserMessage, not {type(message).__name__}")
    if not message.has_text_content() and not message.is_tool_call():
        raise UserError("the user sent an empty message")
    return TextTurn(message, state, before, heard)


def _copied(state: Any) -> Any:
    try:
        return copy.deepcopy(state)
    except TypeError:  # it holds a lock, a client or the like
        return None


def received_results(results: list[ToolMessage]) -> ToolMessage | MultiToolMessage:
    """Return results as a text user receives them."""
    return results[0] if len(results) == 1 else MultiToolMessage(tool_messages=results)


def spoken_words(content: str | None) -> tuple[str, str]:
    """Return the words of a message, and the token in it that ends the conversation, or ""."""
    text = content or ""
    tokens = _STOP_TOKEN.findall(text)
    words = " ".join(_STOP_TOKEN.sub(" ", text).split())
    return words, tokens[-1] if tokens else ""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What becomes of a turn whose utterance was cut off."""

    state: Any
    heard: HeardTurn | None
    """What is to be heard once more, because the turn was not taken after all."""


def after_cut(turn: TextTurn, said: str, share_said: float) -> TakenBack:
    """Return the text user's state after an utterance of which only `said` was said.

    A user that remembers messages remembers what was said and no more. One with a state of its own
    has not taken the turn at all, unless nearly everything was said: it hears the question once
    more, together with what the agent said since. The results of tools are never heard twice.
    """
    if share_said >= _AS_GOOD_AS_SAID:
        return TakenBack(turn.state, None)
    messages = getattr(turn.state, "messages", None)
    if said and isinstance(messages, list) and messages and messages[-1] == turn.reply:
        messages[-1] = turn.reply.model_copy(update={"content": said})
        return TakenBack(turn.state, None)
    if turn.before is None or turn.heard is None:
        return TakenBack(turn.state, None)
    return TakenBack(turn.before, turn.heard)
