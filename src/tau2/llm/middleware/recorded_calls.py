"""Reads recordings: whatever lies there, what is sound comes back and what is not is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tau2.errors import (
    ContextWindowExceeded,
    EmptyCompletion,
    ModelError,
    ModelRefused,
    ModelUnavailable,
)
from tau2.llm.failure import CallFailed
from tau2.llm.middleware.recording import LONGEST_LINE, unframed
from tau2.llm.request import Request

_LARGEST = 1 << 30  # bytes of one attempt's file
_VERDICTS: Mapping[str, type[ModelError]] = {
    kind.__name__: kind
    for kind in (ContextWindowExceeded, EmptyCompletion, ModelRefused, ModelUnavailable)
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded exchange."""

    call: int
    """Its number in the attempt, from 1."""
    attempt: int
    digest: str
    asked: Request | None
    """What was asked; None where the tape no longer tells."""
    call_name: str | None
    model: str
    args: dict[str, Any]
    outcome: Mapping[str, Any]
    """Holds `response`, `failure`, `error`, `abandoned` or `cut`."""

    @property
    def learnt(self) -> str | None:
        """The parameter that the model refused here: such an exchange only teaches how to ask."""
        name = self.outcome.get("learnt")
        return name if isinstance(name, str) else None

    def failure(self) -> CallFailed | None:
        """Return the failure as it was raised, or None."""
        said = self.outcome.get("failure")
        if not isinstance(said, Mapping):
            return None
        status, wait, parameter = said.get("status"), said.get("retry_after"), said.get("parameter")
        return CallFailed(
            str(said.get("text")),
            status=status if isinstance(status, int) else None,
            temporary=bool(said.get("temporary")),
            retry_after=float(wait) if isinstance(wait, int | float) else None,
            parameter=parameter if isinstance(parameter, str) else None,
            verdict=_VERDICTS.get(str(said.get("verdict")), ModelRefused),
        )


@dataclass(frozen=True, slots=True)
class RecordedCalls:
    """What one file holds."""

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
class _Told:
    """What earlier lines said, for those that refer to them."""

    messages: dict[int, list[Any] | None] = field(default_factory=dict)
    tools: dict[int, Any] = field(default_factory=dict)


def read_recorded_calls(path: Path) -> RecordedCalls:
    """Return a tape; a torn end is left out, other damage is named. Raise OSError when the file cannot be read."""
    begin: dict[str, Any] = {}
    parts: list[list[Exchange]] = []
    told, damage, torn = _Told(), [], None
    for number, entry in _lines(path):
        if torn is not None and (entry is None or entry.get("kind") != "begin"):
            damage.append(f"{path.name} line {torn}: not as it was written")
        torn = number if entry is None else None
        if entry is not None and entry.get("kind") == "begin":
            begin, told = begin or entry, _Told()
            parts.append([])
        elif entry is not None and isinstance(entry.get("call"), int):
            parts = parts or [[]]
            parts[-1].append(_exchange(entry, told))
    if torn is not None:
        damage.append(f"{path.name} line {torn}: not as it was written")
    trial = begin.get("trial")
    return RecordedCalls(
        path=path,
        task_id=str(begin.get("task_id", "")),
        trial=trial if isinstance(trial, int) else 0,
        simulation_id=str(begin.get("simulation_id", path.stem)),
        at=str(begin.get("at", "")),
        exchanges=tuple(_joined(parts)),
        damage=tuple(damage),
    )


def _joined(parts: list[list[Exchange]]) -> list[Exchange]:
    """Return what counts: an attempt that was continued asked its last, lost questions again."""
    whole: list[Exchange] = []
    for part in parts:
        ordered = sorted(part, key=lambda exchange: exchange.call)
        asked = [exchange.digest for exchange in whole]
        if ordered and ordered[0].digest in asked:
            del whole[asked.index(ordered[0].digest) :]
        whole += ordered
    return [replace(exchange, call=number) for number, exchange in enumerate(whole, 1)]


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    size = number = 0
    with path.open("rb") as file:
        while (line := file.readline(LONGEST_LINE + 1)) and size < _LARGEST:
            number, size = number + 1, size + len(line)
            entry = unframed(line.removesuffix(b"\n"))
            if entry is None and not line.endswith(b"\n") and not file.peek(1):
                return  # torn while it was written
            yield number, entry


def read_header(path: Path) -> RecordedCalls:
    """Return a tape without its exchanges. Raise OSError when the file cannot be read."""
    _, entry = next(_lines(path), (0, None))
    if entry is None or entry.get("kind") != "begin":
        return RecordedCalls(path, simulation_id=path.stem)
    trial = entry.get("trial")
    return RecordedCalls(
        path,
        str(entry.get("task_id", "")),
        trial if isinstance(trial, int) else 0,
        path.stem,
        str(entry.get("at", "")),
    )


def _exchange(entry: dict[str, Any], told: _Told) -> Exchange:
    args = entry.get("args") if isinstance(entry.get("args"), dict) else {}
    call, attempt = entry["call"], entry.get("attempt")
    model, name = str(entry.get("model", "")), entry.get("call_name")
    messages, tools = _messages(entry, told), _tools(entry, told)
    told.messages[call], told.tools[call] = messages, tools
    choice = entry.get("tool_choice")
    asked = (
        None
        if messages is None
        else Request(model, messages, tools, choice, args or {}, call_name=name)
    )
    return Exchange(
        call=call,
        attempt=attempt if isinstance(attempt, int) else 1,
        digest=str(entry.get("digest", "")),
        asked=asked,
        call_name=name if isinstance(name, str) else None,
        model=model,
        args=dict(args or {}),
        outcome={
            key: entry[key]
            for key in ("response", "failure", "learnt", "error", "abandoned", "cut")
            if key in entry
        },
    )


def _messages(entry: dict[str, Any], told: _Told) -> list[Any] | None:
    """Return all messages of a request; None when the line that they are referred to is gone."""
    own, like, kept = entry.get("messages"), entry.get("like"), entry.get("kept")
    if not isinstance(own, list):
        return None
    if like is None:
        return own
    before = told.messages.get(like) if isinstance(like, int) else None
    if before is None or not isinstance(kept, int) or not 0 <= kept <= len(before):
        return None
    return [*before[:kept], *own]


def _tools(entry: dict[str, Any], told: _Told) -> list[Any] | None:
    tools = entry.get("tools") if "tools" in entry else told.tools.get(entry.get("tools_of", -1))
    return tools if isinstance(tools, list) else None
