"""Streamed answers of OpenAI's Responses API as one response.

Sources: the public reference of the events. Some servers stream whatever is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from tau2.llm.event_stream import DONE, chunk_of, events, is_event_stream
from tau2.llm.failure import from_error_body, unreachable
from tau2.utils.json_types import JsonMapping, JsonValue

_LAST = frozenset({"response.completed", "response.incomplete", "response.failed"})
_ITEM = "response.output_item.done"
_ERROR = "error"


def response_of_stream(text: str) -> JsonValue:
    """Return the response whose events `text` holds; None for a text that is no stream.

    Raises:
        CallFailed: the stream reports an error, or ends too early.
    """
    if not is_event_stream(text):
        return None
    items: dict[int, JsonValue] = {}
    for data in events(text):
        if data == DONE:
            break
        event = chunk_of(data)
        kind = event.get("type")
        if kind == _ITEM:
            items[_place_of(event, len(items))] = event.get("item")
        elif kind in _LAST and isinstance(event.get("response"), Mapping):
            return _with_items(event["response"], items)
        elif kind == _ERROR or (kind is None and event.get("error")):
            raise from_error_body(event.get("error") or dict(event))
    raise unreachable("the stream of the answer ended too early")


def _place_of(event: JsonMapping, otherwise: int) -> int:
    place = event.get("output_index")
    return place if isinstance(place, int) else otherwise


def _with_items(response: JsonMapping, items: Mapping[int, JsonValue]) -> JsonValue:
    """Return the last event's response; some servers send its items in their own events only."""
    if response.get("output") or not items:
        return response
    return {**response, "output": [items[place] for place in sorted(items)]}
