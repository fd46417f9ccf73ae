"""The functions of the original's `tau2.utils.llm_utils`, implemented with `tau2.llm`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tau2.data_model.message import AssistantMessage, Message, UserMessage
from tau2.environment.tool import Tool
from tau2.llm.args import attempt_timeout, split_args
from tau2.llm.attempts import ModelCall, send_with_retries
from tau2.llm.call import complete_unpatched
from tau2.llm.cost import cost_of, sum_known, totals
from tau2.llm.drivers import drive
from tau2.llm.parse import tokens_of
from tau2.llm.request import Request
from tau2.llm.response import Completion, as_plain, with_attributes
from tau2.llm.routing import backend_for
from tau2.llm.wire import to_wire, tools_to_wire
from tau2.utils.json_types import JsonMapping, JsonObject

__all__ = [
    "completion",
    "generate",
    "get_cost",
    "get_response_cost",
    "get_response_usage",
    "get_token_usage",
    "to_litellm_messages",
    "to_litellm_tools",
]

to_litellm_messages = to_wire
to_litellm_tools = tools_to_wire


def generate(
    model: str,
    messages: Sequence[Message],
    tools: Sequence[Tool | JsonObject] | None = None,
    tool_choice: str | None = None,
    call_name: str | None = None,
    **kwargs: Any,
) -> AssistantMessage:
    """Return what `model` says next; `kwargs` are `llm_args`, and `completion_fn`."""
    return complete_unpatched(
        model, messages, tools=tools, tool_choice=tool_choice, call_name=call_name, **kwargs
    )


def completion(
    model: str,
    messages: Sequence[JsonMapping],
    tools: Sequence[JsonMapping] | None = None,
    tool_choice: str | JsonMapping | None = None,
    **kwargs: Any,
) -> Completion:
    """Make one request with messages in OpenAI's form and return the response.

    It is repeated only as often as `num_retries` says. The response can be read like litellm's, by
    keys or attributes. Raise a ModelError when there is none.
    """
    options, args = split_args({"num_retries": 0, **kwargs})
    request = Request(
        model=model,
        messages=[dict(message) for message in messages],
        tools=tools_to_wire([dict(tool) for tool in tools or ()]),
        tool_choice=tool_choice,
        args=args,
        timeout=attempt_timeout(options, own_args=False),
    )
    sender = backend_for(model, args).sender()
    response: Completion = with_attributes(
        drive(send_with_retries(ModelCall(request, sender, options.num_retries)), sender)
    )
    return response


def get_response_cost(response: object) -> float | None:
    """Return the cost of a response in US dollars, or None when its price is not known."""
    plain = as_plain(response)
    if not isinstance(plain, Mapping):
        return None
    return cost_of(
        _parse_ft_model_name(str(plain.get("model") or "")), {}, plain, ask_patches=False
    )


def get_response_usage(response: object) -> dict[str, int] | None:
    """Return the token counts of a response of any usual form, or None when it states none."""
    plain = as_plain(response)
    prompt, answered = tokens_of(plain) if isinstance(plain, Mapping) else (None, None)
    if prompt is None and answered is None:
        return None
    return {"completion_tokens": answered or 0, "prompt_tokens": prompt or 0}


def get_cost(messages: Sequence[Message]) -> tuple[float | None, float | None]:
    """Return what agent and user cost in US dollars; None where the cost of a message is unknown.

    `tau2.llm.totals` gives partial sums and token totals.
    """
    return _cost_of_role(messages, "assistant"), _cost_of_role(messages, "user")


def _cost_of_role(messages: Sequence[Message], role: str) -> float | None:
    own = [m for m in messages if isinstance(m, AssistantMessage | UserMessage) and m.role == role]
    return sum_known(message.cost for message in own)


def get_token_usage(messages: Sequence[Message]) -> dict[str, int]:
    """Return the tokens of both sides together; messages without counts add nothing."""
    sides = [totals(messages, role) for role in ("assistant", "user")]
    return {
        "completion_tokens": sum(side.completion_tokens for side in sides),
        "prompt_tokens": sum(side.prompt_tokens for side in sides),
    }


def _parse_ft_model_name(model: str) -> str:
    """Return the base model of `ft:<base>:<org>:<name>:<id>`; any other name unchanged."""
    return model.split(":")[1] if model.startswith("ft:") else model
