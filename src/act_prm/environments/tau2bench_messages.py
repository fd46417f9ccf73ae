"""A policy's actions as messages of an agent, and an episode as messages for a policy.

Every action is a call: `respond_user` speaks to the user, other calls are tools of the domain.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from act_prm.environments.types import Message
from act_prm.llm_handlers.types import FUNCTION_CALL, MESSAGE, REASONING, UNREADABLE, ActionFromLLM
from tau2.data_model.conventions import DONE_TOOL, STOP
from tau2.data_model.malformed import malformed_reason
from tau2.data_model.message import AssistantMessage, ToolMessage, UserMessage
from tau2.data_model.message import Message as Tau2Message
from tau2.utils.json_types import JsonObject

logger = logging.getLogger(__name__)

RESPOND_USER = "respond_user"
RESPOND_USER_TOOL: JsonObject = {
    "type": "function",
    "name": RESPOND_USER,
    "description": "Say something to the customer, and wait for the answer.",
    "parameters": {
        "type": "object",
        "properties": {"text": {"type": "string", "description": "What to say."}},
        "required": ["text"],
    },
}
HOW_TO_ACT = (
    f"Every turn of yours is a tool call. To say something to the customer, call `{RESPOND_USER}` "
    "with the text; the customer sees nothing else of what you write."
)
"""The end of the system prompt."""
SENT = "sent"
"""The output of `respond_user`; the user's answer is a message of its own."""


@dataclass
class AgentMessage:
    """One message of the agent, made of one or several actions of the policy."""

    calls: list[ActionFromLLM] = field(default_factory=list)
    """The calls that are answered."""
    text: str = ""
    reasoning: str = ""
    to_user: bool = False
    """Whether `text` goes to the user; text beside tool calls goes to nobody."""
    problem: str | None = None
    """Why the message cannot be sent, as a sentence for the model."""

    @property
    def has_tools(self) -> bool:
        """Whether the message calls tools of the domain."""
        return not self.to_user and self.problem is None

    @property
    def as_openai(self) -> JsonObject:
        """The message as an assistant message of OpenAI's API."""
        return {
            "role": "assistant",
            "content": self.text,
            "reasoning_content": self.reasoning,
            "tool_calls": [] if self.to_user else [_openai_call(call) for call in self.calls],
        }


def _openai_call(call: ActionFromLLM) -> JsonObject:
    function = {"name": call.name or "", "arguments": call.arguments or {}}
    return {"id": call.call_id or "", "type": "function", "function": function}


def agent_messages_of(actions: Sequence[ActionFromLLM]) -> list[AgentMessage]:
    """Return the messages that the actions of one policy step are, at least one.

    Consecutive tool calls are one message. Text without any call goes to the user; text beside
    calls does not. A step without text and calls is an empty message, which ends the episode.
    """
    messages: list[AgentMessage] = []
    texts: list[str] = []
    reasoning: list[str] = []
    for action in actions:
        if action.type in {MESSAGE, REASONING}:
            (texts if action.type == MESSAGE else reasoning).append(action.text or "")
            continue
        if not action.is_call:
            logger.warning("an action of the unknown type %r is ignored", action.type)
            continue
        message = _message_of_call(action)
        follows_tools = bool(messages) and messages[-1].has_tools and not texts and not reasoning
        if message.has_tools and follows_tools:
            messages[-1].calls.append(action)
            continue
        if message.has_tools:
            message.text = "\n".join(texts)
            message.reasoning = "\n".join(reasoning)
        else:
            # The text field holds what the user receives, so text before the call is reasoning.
            message.reasoning = "\n".join([*reasoning, *texts])
        messages.append(message)
        texts, reasoning = [], []
    if messages:
        return messages
    text = "\n".join(texts).strip()
    return [AgentMessage(text=text, reasoning="\n".join(reasoning), to_user=True)]


def _message_of_call(action: ActionFromLLM) -> AgentMessage:
    if action.type == UNREADABLE:
        return AgentMessage([action], problem=action.error or "the tool call could not be read.")
    if action.name != RESPOND_USER:
        return AgentMessage([action])
    text = (action.arguments or {}).get("text")
    if isinstance(text, str) and text.strip():
        return AgentMessage([action], text=text, to_user=True)
    problem = malformed_reason(action.arguments or {})
    return AgentMessage(
        [action], problem=problem or f"{RESPOND_USER} needs `text`: what to say to the customer."
    )


def with_ids(actions: Sequence[ActionFromLLM], timestep: int) -> list[ActionFromLLM]:
    """Return the actions, each call with an id; ids that the caller gave are kept."""
    return [
        action.model_copy(update={"call_id": f"call_{timestep}_{i}"})
        if action.is_call and not action.call_id
        else action
        for i, action in enumerate(actions)
    ]


def tool_message(call_id: str | None, output: str, role: str = "tool") -> Message:
    """Return a tool's output as the policy observes it."""
    return {"role": role, "type": "function_call_output", "call_id": call_id, "output": output}


def user_message(text: str) -> Message:
    """Return a message of the user."""
    return {"role": "user", "content": text}


def assistant_message(actions: Iterable[ActionFromLLM]) -> Message:
    """Return actions as one OpenAI message; unreadable calls stay text."""
    actions = list(actions)
    texts = [one.text or "" for one in actions if one.type in {MESSAGE, UNREADABLE}]
    reasoning = [one.text or "" for one in actions if one.type == REASONING]
    message: Message = {"role": "assistant", "content": "\n".join(filter(None, texts))}
    if any(reasoning):
        message["reasoning_content"] = "\n".join(reasoning)
    calls = [_openai_call(one) for one in actions if one.type == FUNCTION_CALL]
    for call in calls:
        call["function"]["arguments"] = json.dumps(call["function"]["arguments"], default=str)
    return message | ({"tool_calls": calls} if calls else {})


def respond_user(text: str, call_id: str | None = None) -> ActionFromLLM:
    """Return the call that speaks to the user."""
    return _function_call(RESPOND_USER, {"text": text}, call_id)


def actions_of(
    message: AssistantMessage, timestep: int = 0, *, solo: bool = False
) -> list[ActionFromLLM]:
    """Return a message of a tau2 agent as actions of a policy: every one is a call.

    In solo mode there is nobody to talk to, so a text without calls is a call of `done`.
    """
    calls = [_function_call(call.name, call.arguments, call.id) for call in message.calls]
    text = message.content or ""
    if not calls and not solo:
        return [respond_user(text, f"call_{timestep}_0")]
    if solo:
        text = text.replace(STOP, "").strip()
    texts = [ActionFromLLM(role="assistant", type=MESSAGE, text=text)] if text else []
    return with_ids([*texts, *(calls or [_function_call(DONE_TOOL, {})])], timestep)


def _function_call(name: str, arguments: JsonObject, call_id: str | None = None) -> ActionFromLLM:
    return ActionFromLLM(
        role="assistant",
        type=FUNCTION_CALL,
        name=name,
        arguments=arguments,
        call_id=call_id or None,
    )


def history_of(messages: Iterable[Tau2Message], tool_role: str = "tool") -> list[Message]:
    """Return a conversation, as an agent sees it, in the form for a policy.

    A greeting at its beginning is left out: chat templates expect the user to begin.
    """
    history: list[Message] = []
    begun = False
    for number, message in enumerate(messages):
        if isinstance(message, AssistantMessage):
            begun = begun or bool(message.calls)
            if not begun:
                continue
            actions = actions_of(message, -number)
            history.append(assistant_message(actions))
            if not message.calls:
                history.append(tool_message(actions[0].call_id, SENT, tool_role))
        elif isinstance(message, ToolMessage):
            history.append(tool_message(message.id, message.content or "", tool_role))
        elif isinstance(message, UserMessage):
            history.append(user_message(message.content or ""))
        begun = True
    return history
