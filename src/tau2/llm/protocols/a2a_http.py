"""A2A over HTTP+JSON: where it is asked, and its bodies as those of JSON-RPC.

Sources: the public specifications and protocol buffers of versions 0.3 and 1. Version 1 has the
same bodies as its JSON-RPC. In version 0.3, the parts of a message are its `content`, and data is
one object deeper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple
from urllib.parse import quote, urlsplit

from tau2.llm.failure import CallFailed
from tau2.llm.protocols.a2a import Interface
from tau2.llm.protocols.history import listed
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

_BAD_REQUEST = 400
_NOT_FOUND = 404
_INVALID_PARAMS = -32602  # codes of JSON-RPC and A2A
_NO_SUCH_TASK = -32001


class Asked(NamedTuple):
    """An HTTP request."""

    method: Literal["GET", "POST"]
    url: str
    body: JsonObject | None


def asked(interface: Interface, method: Literal["send", "get"], params: JsonMapping) -> Asked:
    """Return the request that a call is."""
    parts = urlsplit(interface.url)
    below = parts.path.rstrip("/") + ("" if interface.version == "1.0" else "/v1")
    if method == "get":
        path = f"{below}/tasks/{quote(str(params['id']), safe='')}"
        return Asked("GET", parts._replace(path=path).geturl(), None)
    url = parts._replace(path=f"{below}/message:send").geturl()
    return Asked("POST", url, dict(params) if interface.version == "1.0" else _old_request(params))


def as_json_rpc(interface: Interface, answer: JsonValue) -> JsonValue:
    """Return an answer as the response of JSON-RPC that says the same."""
    if not isinstance(answer, Mapping) or interface.version == "1.0":
        return {"result": answer} if isinstance(answer, Mapping) else answer
    return {"result": _with_parts(answer)}


def error_of(method: Literal["send", "get"], failure: CallFailed) -> JsonObject | None:
    """Return a failure as the error of JSON-RPC that says the same; None for any other failure."""
    codes = {("send", _BAD_REQUEST): _INVALID_PARAMS, ("get", _NOT_FOUND): _NO_SUCH_TASK}
    code = codes.get((method, failure.status or 0))
    return {"error": {"code": code, "message": failure.text}} if code is not None else None


def _old_request(params: JsonMapping) -> JsonObject:
    """Return the parameters of a call in version 0.3 as its body."""
    message = params["message"]
    kept = {name: message[name] for name in ("messageId", "contextId", "taskId") if name in message}
    content = [
        {"data": {"data": part["data"]}} if "data" in part else {"text": part["text"]}
        for part in listed(message["parts"])
    ]
    return {
        "message": {**kept, "role": "ROLE_USER", "content": content},
        "configuration": {"blocking": True},
    }


def _with_parts(value: JsonValue) -> JsonValue:
    """Return an answer of version 0.3 whose messages have `parts`, and whose data is not nested."""
    if isinstance(value, list):
        return [_with_parts(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    made = {
        name: _with_parts(inner)
        for name, inner in value.items()
        if name not in ("content", "parts")
    }
    for name in ("content", "parts"):
        if isinstance(value.get(name), list):
            made["parts"] = [_part(part) for part in listed(value[name])]
    return made


def _part(part: JsonMapping) -> JsonObject:
    data = part.get("data")
    return {**part, "data": data.get("data", data)} if isinstance(data, Mapping) else dict(part)
