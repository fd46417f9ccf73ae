"""OpenAI's chat completions API: the requests, and answers that come as a stream."""

from __future__ import annotations

from tau2.llm.args import body_fields
from tau2.llm.event_stream import completion_of_stream, is_event_stream
from tau2.llm.request import Request
from tau2.llm.wire import sent_args
from tau2.utils.json_types import JsonObject, JsonValue


def body_of(request: Request, model: str) -> JsonObject:
    """Return the body of a request to `model`."""
    body: JsonObject = {
        "model": model,
        "messages": request.messages,
        "stream": request.is_streamed,  # said, because some servers stream unless told not to
    }
    if request.is_streamed:
        body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = request.tools
        body["tool_choice"] = request.tool_choice or "auto"
    body.update(sent_args(body_fields(request.args)))
    return body


def completion_of(answer: JsonValue) -> JsonValue:
    """Return an answer as it is: it is in the form that the rest of the package reads."""
    return answer


def streamed(text: str) -> JsonValue:
    """Return the completion in a stream of events; None for a text that is none."""
    return completion_of_stream(text) if is_event_stream(text) else None
