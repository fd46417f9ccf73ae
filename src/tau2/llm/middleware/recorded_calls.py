"""Recorded calls: the content of a recording.

Whole lines are read, damaged ones are named; content never raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tau2.errors import (
    ContextWindowExceeded,
    EmptyCompletion,
    ModelError,
    ModelRefused,
    ModelUnavailable,
)
from tau2.llm.failure import CallFailed
from tau2.llm.middleware.recording import LONGEST_LINE, decode_entry
from tau2.llm.request import Request
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

_LARGEST = 1 << 30  # bytes of one attempt's file
_VERDICTS: Mapping[str, type[ModelError]] = {
    verdict.__name__: verdict
    for verdict in (ContextWindowExceeded, EmptyCompletion, ModelRefused, ModelUnavailable)
}
_OUTCOMES = ("response", "failure", "learnt", "error", "abandoned", "cut")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded exchange with a model."""

    call: int
    """Its number in the attempt, from 1."""
    attempt: int
    digest: str
    request: Request | None
    """What was sent, without secrets; None where the recording no longer holds it."""
    call_name: str | None
    model: str
    args: JsonObject
    outcome: JsonMapping
    """Holds `response`, `failure`, `error`, `abandoned` or `cut`."""

    @property
    def refused_parameter(self) -> str | None:
        """The parameter that the model refused here; the request was then sent again without it."""
        name = self.outcome.get("learnt")
        return name if isinstance(name, str) else None

    def failure(self) -> CallFailed | None:
        """Return the failure as it was raised, or None."""
        stored = self.outcome.get("failure")
        if not isinstance(stored, Mapping):
            return None
        status = stored.get("status")
        wait = stored.get("retry_after")
        parameter = stored.get("parameter")
        return CallFailed(
            str(stored.get("text")),
            status=status if isinstance(status, int) else None,
            temporary=bool(stored.get("temporary")),
            retry_after=float(wait) if isinstance(wait, int | float) else None,
            parameter=parameter if isinstance(parameter, str) else None,
            verdict=_VERDICTS.get(str(stored.get("verdict")), ModelRefused),
        )


@dataclass(frozen=True, slots=True)
class RecordedCalls:
    """What one file holds: the exchanges of one attempt at a simulation."""

    path: Path
    task_id: str = ""
    trial: int = 0
    simulation_id: str = ""
    at: str = ""
    """When the attempt began."""
    exchanges: tuple[Exchange, ...] = ()
    """In the order in which they were asked."""
    damage: tuple[str, ...] = ()


@dataclass(slots=True)
class _Earlier:
    """Messages and tools of earlier lines, by call, for the lines that refer to them."""

    messages: dict[int, list[JsonObject] | None] = field(default_factory=dict)
    tools: dict[int, list[JsonObject] | None] = field(default_factory=dict)


def read_recorded_calls(path: Path) -> RecordedCalls:
    """Return what a file holds; a torn end is left out, other damage is named.

    Raises:
        OSError: the file cannot be read.
    """
    beginning: JsonObject = {}
    parts: list[list[Exchange]] = []
    earlier = _Earlier()
    damaged: list[int] = []
    unreadable: int | None = None
    for number, entry in _lines(path):
        begins = entry is not None and entry.get("kind") == "begin"
        # A line that was torn by a kill is followed by the beginning of the resumed attempt.
        if unreadable is not None and not begins:
            damaged.append(unreadable)
        unreadable = number if entry is None else None
        if entry is not None and begins:
            beginning = beginning or entry
            earlier = _Earlier()
            parts.append([])
        elif entry is not None and isinstance(entry.get("call"), int):
            parts = parts or [[]]
            parts[-1].append(_exchange(entry, earlier))
    if unreadable is not None:
        damaged.append(unreadable)
    return replace(
        _header(path, beginning),
        simulation_id=str(beginning.get("simulation_id", path.stem)),
        exchanges=tuple(_joined(parts)),
        damage=tuple(f"{path.name} line {number}: not as it was written" for number in damaged),
    )


def _joined(parts: list[list[Exchange]]) -> list[Exchange]:
    """Return the exchanges that count: a resumed attempt repeats calls whose result was lost."""
    whole: list[Exchange] = []
    for part in parts:
        ordered = sorted(part, key=lambda exchange: exchange.call)
        digests = [exchange.digest for exchange in whole]
        if ordered and ordered[0].digest in digests:
            del whole[digests.index(ordered[0].digest) :]
        whole += ordered
    return [replace(exchange, call=number) for number, exchange in enumerate(whole, 1)]


def _lines(path: Path) -> Iterator[tuple[int, JsonObject | None]]:
    """Yield the number and entry of each line; None for a damaged one."""
    size = number = 0
    with path.open("rb") as file:
        while (line := file.readline(LONGEST_LINE + 1)) and size < _LARGEST:
            number += 1
            size += len(line)
            entry = decode_entry(line.removesuffix(b"\n"))
            if entry is None and not line.endswith(b"\n") and not file.peek(1):
                return  # torn while it was written
            yield number, entry


def read_header(path: Path) -> RecordedCalls:
    """Return what a file says of its attempt, without the exchanges.

    Raises:
        OSError: the file cannot be read.
    """
    _, entry = next(_lines(path), (0, None))
    return _header(path, entry if entry is not None and entry.get("kind") == "begin" else {})


def _header(path: Path, beginning: JsonMapping) -> RecordedCalls:
    trial = beginning.get("trial")
    return RecordedCalls(
        path,
        str(beginning.get("task_id", "")),
        trial if isinstance(trial, int) else 0,
        path.stem,
        str(beginning.get("at", "")),
    )


def _exchange(entry: JsonMapping, earlier: _Earlier) -> Exchange:
    call = entry["call"]
    attempt = entry.get("attempt")
    model = str(entry.get("model", ""))
    name = entry.get("call_name")
    args = entry.get("args")
    args = dict(args) if isinstance(args, dict) else {}
    messages = _messages(entry, earlier)
    tools = _tools(entry, earlier)
    earlier.messages[call] = messages
    earlier.tools[call] = tools
    request = None
    if messages is not None:
        request = Request(model, messages, tools, entry.get("tool_choice"), args, call_name=name)
    return Exchange(
        call=call,
        attempt=attempt if isinstance(attempt, int) else 1,
        digest=str(entry.get("digest", "")),
        request=request,
        call_name=name if isinstance(name, str) else None,
        model=model,
        args=args,
        outcome={key: entry[key] for key in _OUTCOMES if key in entry},
    )


def _messages(entry: JsonMapping, earlier: _Earlier) -> list[JsonObject] | None:
    """Return all messages of a request; None when the line that it refers to is gone."""
    own: JsonValue = entry.get("messages")
    like, kept = entry.get("like"), entry.get("kept")
    if not isinstance(own, list):
        return None
    if like is None:
        return own
    before = earlier.messages.get(like) if isinstance(like, int) else None
    if before is None or not isinstance(kept, int) or not 0 <= kept <= len(before):
        return None
    return [*before[:kept], *own]


def _tools(entry: JsonMapping, earlier: _Earlier) -> list[JsonObject] | None:
    tools: JsonValue = entry.get("tools")
    if "tools" not in entry:
        tools = earlier.tools.get(entry.get("tools_of", -1))
    return tools if isinstance(tools, list) else None
