"""The attributes of spans, by OpenTelemetry's conventions for generative AI.

Our own names begin with `tau2.`.

No text of a conversation is among them unless OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT
asks for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from tau2.data_model.message import ToolCall
from tau2.data_model.simulation import SimulationRun
from tau2.llm.failure import CallFailed
from tau2.llm.middleware.limits import provider_of
from tau2.llm.parse import token_details_of, tokens_of
from tau2.llm.request import Request, Response
from tau2.llm.secrets import Redactor
from tau2.orchestrator.tracing import EpisodeInfo

Attributes: TypeAlias = dict[str, Any]

_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_LONGEST_CONTENT = 16_000  # characters of one attribute
_SAMPLING = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
}


def shows_content() -> bool:
    """Return whether texts are wanted in spans."""
    return os.environ.get(_CONTENT, "").strip().lower() in {
        "1",
        "true",
        "span_only",
        "span_and_event",
    }


def as_content(value: Any, redactor: Redactor) -> str:
    """Return a text, or data as JSON, without secrets and of bounded length."""
    text = (
        value
        if isinstance(value, str)
        else json.dumps(redactor.data(value), ensure_ascii=False, default=str)
    )
    return redactor.text(text)[:_LONGEST_CONTENT]


def of_episode(info: EpisodeInfo) -> Attributes:
    """Return what is known of an episode before it is played."""
    return {
        "gen_ai.conversation.id": info.simulation_id,
        "tau2.domain": info.domain,
        "tau2.task.id": info.task_id,
        "tau2.trial": info.trial,
        "tau2.seed": str(info.seed),  # more bits than a span's integers may have
        "tau2.agent": info.agent,
        "tau2.user": info.user,
    }


def of_run(run: SimulationRun) -> Attributes:
    """Return how an episode ended."""
    found: Attributes = {
        "tau2.termination_reason": run.termination_reason.value,
        "tau2.messages": len(run.messages or ()),
        "tau2.agent_cost": run.agent_cost,
        "tau2.user_cost": run.user_cost,
    }
    if run.is_scored and run.reward_info is not None:
        found["tau2.reward"] = run.reward_info.reward
    return {name: value for name, value in found.items() if value is not None}


def of_tool_call(call: ToolCall) -> Attributes:
    """Return which tool is called, without its arguments."""
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": call.name[:256],
        "gen_ai.tool.call.id": call.id[:256],
        "gen_ai.tool.type": "function",
        "tau2.requestor": call.requestor,
    }


def of_request(request: Request) -> Attributes:
    """Return what is asked of a model, without the messages."""
    found: Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider_of(request.model),
        "gen_ai.request.model": request.model.partition("/")[2] or request.model,
        "tau2.call_name": request.call_name,
        "tau2.request.messages": len(request.messages),
        "tau2.request.tools": len(request.tools or ()),
        **_server(request.args),
    }
    for name, attribute in _SAMPLING.items():
        value = request.args.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[attribute] = value
    return {name: value for name, value in found.items() if value is not None}


def _server(args: Mapping[str, Any]) -> Attributes:
    """Return host and port of an endpoint; the rest of an address may hold secrets."""
    try:
        parts = urlsplit(str(args.get("api_base") or args.get("base_url") or ""))
        return {"server.address": parts.hostname, "server.port": parts.port}
    except ValueError:  # no address after all: the call will say so
        return {}


def of_response(response: Response) -> Attributes:
    """Return what a response says of itself; it may be of any shape."""
    prompt, completion = tokens_of(response)
    details = token_details_of(response)
    choices = response.get("choices")
    reasons = [
        _bounded(choice.get("finish_reason"))
        for choice in (choices if isinstance(choices, list) else ())
        if isinstance(choice, Mapping)
    ]
    found = {
        "gen_ai.response.id": _bounded(response.get("id")),
        "gen_ai.response.model": _bounded(response.get("model")),
        "gen_ai.usage.input_tokens": prompt,
        "gen_ai.usage.output_tokens": completion,
        # Both are among the input tokens.
        "gen_ai.usage.cache_read.input_tokens": details.get("cached_tokens"),
        "gen_ai.usage.cache_creation.input_tokens": details.get("cache_write_tokens"),
        "gen_ai.response.finish_reasons": [one for one in reasons if one is not None] or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _bounded(value: Any) -> str | None:
    return value[:256] if isinstance(value, str) else None


def error_type(problem: BaseException) -> str:
    """Return what kind of failure it is.

    An HTTP status, a verdict on a model call, or the name of a class.
    """
    if isinstance(problem, CallFailed):
        return str(problem.status) if problem.status else problem.verdict.__name__
    return type(problem).__name__
