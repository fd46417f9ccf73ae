"""Weights that are a header only, and llama.cpp's stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.llm.local.standin import StandIn, write_gguf

from tau2.llm.local import engine, library

TOOL = {
    "type": "function",
    "function": {
        "name": "get_order",
        "description": "Look up an order.",
        "parameters": {
            "type": "object",
            "properties": {"order_id": {"type": "string"}},
            "required": ["order_id"],
        },
    },
}
CALL = '<tool_call>{"name": "get_order", "arguments": {"order_id": "#W1"}}</tool_call>'


class Cast:
    """What the stand-ins of a test say, and the stand-ins that were started."""

    def __init__(self) -> None:
        self.lines: Any = lambda body: "Certainly, I can help."
        self.started: list[StandIn] = []
        self.loads: list[tuple[Path, Path | None]] = []

    @property
    def server(self) -> StandIn:
        return self.started[-1]


@pytest.fixture
def cast(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cast]:
    cast = Cast()

    def start(weights: Path, adapter: Path | None, options: Any, slot_dir: Path) -> StandIn:
        cast.loads.append((weights, adapter))
        cast.started.append(StandIn(options, slot_dir, lambda body: cast.lines(body)))
        return cast.server

    monkeypatch.setattr(engine, "start_server", start)
    monkeypatch.setattr(library, "is_installed", lambda: True)
    monkeypatch.setenv("TAU2_CACHE_DIR", str(tmp_path / "cache"))
    yield cast
    engine.close_engines()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "tiny.gguf")
