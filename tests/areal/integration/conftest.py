"""What AReaL does to a process: it keeps threads for its clients, and its event loops are
uvloop's."""

from __future__ import annotations

import asyncio

import pytest


@pytest.fixture(autouse=True)
def _no_thread_left():
    """Let AReaL's threads be; that a test leaves none is a rule for our code."""
    return


@pytest.fixture(autouse=True)
def _plain_event_loops(monkeypatch):
    """Give the stub servers asyncio's own loops, whatever AReaL's import has set."""
    monkeypatch.setattr(asyncio, "set_event_loop_policy", lambda _policy: None)
    asyncio.events.set_event_loop_policy(None)
