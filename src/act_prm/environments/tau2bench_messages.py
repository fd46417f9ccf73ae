"""A model's turn as moves of an episode, and an episode as messages for a model.

Every turn is a call: `respond_user` speaks to the customer, other calls are tools of the domain.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from act_prm.environments.types import Message
from act_prm.llm_handlers.types import FUNCTION_CALL, MESSAGE, REASONING, UNREADABLE, ActionFromLLM
from tau2.data_model.conventions import DONE_TOOL, STOP
from tau2.data_model.malformed import malformed_reason
from tau2.data_model.message import AssistantMessage, ToolMessage, UserMessage
from tau2.data_model.message import Message as Tau2Message

logger = logging.getLogger(__name__)

RESPOND_USER = "respond_user"
RESPOND_USER_TOOL: dict[str, Any] = {
    "type": "function",
    "name": RESPOND_USER,
    "description": "Say something to the customer, and wait for the answer.",
    "parameters": {
        "type": "object",
        "properties": {"text": {"type": "string", "description": "What to say."}},
        "required": ["text"],
    },
}
SENT = "sent"
"""What a call of `respond_user` gives back; the customer's answer is a message of its own."""


@dataclass
class Move:
    """One move of the agent in the episode, made of one action of the model or several."""

    calls: list[ActionFromLLM] = field(default_factory=list)
    """The calls that are answered."""
    said: str = ""
    thought: str = ""
    tells: bool = False
    """Whether `said` goes to the customer; text beside tool calls is told to nobody."""
    problem: str | None = None
    """Why the move cannot be made, as a sentence for the model."""

    @property
    def wire(self) -> dict[str, Any]:
        """The move as an assistant message of OpenAI's API."""
        calls = [] if self.tells else [_wire_call(call) for call in self.calls]
        return {
            "role": "assistant",
            "content": self.said,
            "reasoning_content": self.thought,
            "tool_calls": calls,
        }


def _wire_call(call: ActionFromLLM) -> dict[str, Any]:
    function = {"name": call.name or "", "arguments": call.arguments or {}}
    return {"id": call.call_id or "", "type": "function", "function": function}


def moves_of(actions: Sequence[ActionFromLLM]) -> list[Move]:
    """Return the moves that a model's turn is made of, at least one.

    Calls of tools that follow one another are one move. Text without any call is told to the customer; text beside
    calls is not. A turn that says nothing at all is an empty message, which ends the episode.
    """
    moves: list[Move] = []
    said: list[str] = []
    thought: list[str] = []
    for action in actions:
        if action.type in {MESSAGE, REASONING}:
            (said if action.type == MESSAGE else thought).append(action.text or "")
            continue
        if not action.is_call:
            logger.warning("an action of the unknown type %r is ignored", action.type)
            continue
        move = _move(action)
        if _is_tools(move) and moves and _is_tools(moves[-1]) and not said and not thought:
            moves[-1].calls.append(action)
            continue
        _put_beside(move, said, thought)
        moves.append(move)
        said, thought = [], []
    if not moves:
        moves.append(Move(said="\n".join(said).strip(), thought="\n".join(thought), tells=True))
    return moves


def _move(action: ActionFromLLM) -> Move:
    if action.type == UNREADABLE:
        return Move([action], problem=action.error or "the tool call could not be read.")
    if action.name != RESPOND_USER:
        return Move([action])
    text = (action.arguments or {}).get("text")
    if isinstance(text, str) and text.strip():
        return Move([action], said=text, tells=True)
    reason = malformed_reason(action.arguments or {})
    return Move(
        [action], problem=reason or f"{RESPOND_USER} needs `text`: what to say to the customer."
    )


def _is_tools(move: Move) -> bool:
    return not move.tells and move.problem is None


def _put_beside(move: Move, said: Sequence[str], thought: Sequence[str]) -> None:
    """Keep what was said and thought before a call: with tool calls as their text, else as a thought."""
    if _is_tools(move):
        move.said, move.thought = "\n".join(said), "\n".join(thought)
    else:
        move.thought = "\n".join([*thought, *said])


def with_ids(actions: Sequence[ActionFromLLM], timestep: int) -> list[ActionFromLLM]:
    """Return the actions, each call with an id; ids that the caller gave are kept."""
    missing = {
        i: f"call_{timestep}_{i}"
        for i, one in enumerate(actions)
        if one.is_call and not one.call_id
    }
    return [
        one.model_copy(update={"call_id": missing[i]}) if i in missing else one
        for i, one in enumerate(actions)
    ]


def tool_message(call_id: str | None, output: str, role: str = "tool") -> Message:
    """Return a tool's result as the model sees it."""
    return {"role": role, "type": "function_call_output", "call_id": call_id, "output": output}


def user_message(text: str) -> Message:
    """Return what the customer says."""
    return {"role": "user", "content": text}


def assistant_message(actions: Iterable[ActionFromLLM]) -> Message:
    """Return a model's turn as one message of OpenAI's API; what could not be read stays text."""
    actions = list(actions)
    texts = [one.text or "" for one in actions if one.type in {MESSAGE, UNREADABLE}]
    thoughts = [one.text or "" for one in actions if one.type == REASONING]
    calls = [_spelled(one) for one in actions if one.type == FUNCTION_CALL]
    message: Message = {"role": "assistant", "content": "\n".join(filter(None, texts))}
    if any(thoughts):
        message["reasoning_content"] = "\n".join(thoughts)
    return message | ({"tool_calls": calls} if calls else {})


def _spelled(call: ActionFromLLM) -> dict[str, Any]:
    wired = _wire_call(call)
    wired["function"]["arguments"] = json.dumps(wired["function"]["arguments"], default=str)
    return wired


def respond_user(text: str, call_id: str | None = None) -> ActionFromLLM:
    """Return the call that says something to the customer."""
    return _called(RESPOND_USER, {"text": text}, call_id)


def actions_of(
    message: AssistantMessage, timestep: int = 0, *, solo: bool = False
) -> list[ActionFromLLM]:
    """Return what an agent of tau2 said or called as the actions of a model: every turn is a call.

    With nobody to talk to, words end the case.
    """
    calls = [_called(call.name, call.arguments, call.id) for call in message.calls]
    text = (message.content or "").replace(STOP, "").strip() if solo else message.content or ""
    if not calls and not solo:
        return [respond_user(text, f"call_{timestep}_0")]
    said = [ActionFromLLM(role="assistant", type=MESSAGE, text=text)] if text else []
    return with_ids([*said, *(calls or [_called(DONE_TOOL, {})])], timestep)


def _called(name: str, arguments: dict[str, Any], call_id: str | None = None) -> ActionFromLLM:
    return ActionFromLLM(
        role="assistant",
        type=FUNCTION_CALL,
        name=name,
        arguments=arguments,
        call_id=call_id or None,
    )


def history_of(messages: Iterable[Tau2Message], role: str = "tool") -> list[Message]:
    """Return a conversation as an agent has seen it in the form in which a model is shown one.

    A greeting that opens it is left out: models expect the customer to begin.
    """
    return list(_history(messages, role))


def _history(messages: Iterable[Tau2Message], role: str) -> Iterator[Message]:
    begun = False
    for number, message in enumerate(messages):
        if isinstance(message, AssistantMessage) and (begun or message.tool_calls):
            actions = actions_of(message, -number)
            yield assistant_message(actions)
            if not message.tool_calls:
                yield tool_message(actions[0].call_id, SENT, role)
        elif isinstance(message, ToolMessage):
            yield tool_message(message.id, message.content or "", role)
        elif isinstance(message, UserMessage):
            yield user_message(message.content or "")
        begun = begun or not isinstance(message, AssistantMessage) or bool(message.tool_calls)
