"""The events of a Responses model that a Live session passes on."""

from __future__ import annotations

import json

from tau2.data_model.message import ToolCall
from tau2.utils.json_types import JsonObject

_STATUS = {"created": "in_progress", "completed": "completed", "failed": "failed"}


def lifecycle_event(kind: str, identifier: str) -> JsonObject:
    """Return the event that a response was `created`, `completed` or `failed`."""
    response = {"id": identifier, "object": "response", "status": _STATUS[kind], "output": []}
    return {"type": f"response.{kind}", "response": response}


def text_events(identifier: str, index: int, text: str) -> list[JsonObject]:
    """Return the events of a message: output `index` of its response."""
    item = {"type": "message", "id": identifier, "role": "assistant"}
    part = {"type": "output_text", "text": text, "annotations": []}
    about = {"output_index": index, "item_id": identifier, "content_index": 0}
    return [
        _added(index, {**item, "content": [], "status": "in_progress"}),
        {"type": "response.output_text.delta", "delta": text, "logprobs": [], **about},
        {"type": "response.output_text.done", "text": text, "logprobs": [], **about},
        _done(index, {**item, "content": [part], "status": "completed"}),
    ]


def call_events(identifier: str, index: int, call: ToolCall) -> list[JsonObject]:
    """Return the events of a call: output `index` of its response."""
    arguments = json.dumps(call.arguments)
    item = {"type": "function_call", "id": identifier, "call_id": call.id, "name": call.name}
    about = {"output_index": index, "item_id": identifier}
    kind = "response.function_call_arguments"
    return [
        _added(index, {**item, "arguments": "", "status": "in_progress"}),
        {"type": f"{kind}.delta", "delta": arguments, **about},
        {"type": f"{kind}.done", "arguments": arguments, "name": call.name, **about},
        _done(index, {**item, "arguments": arguments, "status": "completed"}),
    ]


def _added(index: int, item: JsonObject) -> JsonObject:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def _done(index: int, item: JsonObject) -> JsonObject:
    return {"type": "response.output_item.done", "output_index": index, "item": item}
