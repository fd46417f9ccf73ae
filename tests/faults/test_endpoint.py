"""The everyday part of `python -m tests.faults.endpoint`, and proof that it would notice."""

from __future__ import annotations

import pytest
from tests.faults import endpoint
from tests.faults.storage import Tally

from tau2.llm.middleware.limiter import ConcurrencyLimiter


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(endpoint, "_WAITS", (0.3, 0.4))
    monkeypatch.setattr(endpoint, "_ALL_FAULTS", {"429": 0.20, "5xx": 0.10, "malformed": 0.05})


def test_every_unit_completes_and_nobody_asks_too_early(tmp_path):
    tally = Tally()
    endpoint.one_run(5, 0, 1, tmp_path, tally, most=3)
    assert tally.broken == []
    assert tally.counts["complete"] == 3
    assert tally.counts["429"] > 1


def test_the_suite_itself_would_notice(tmp_path, monkeypatch):
    monkeypatch.setattr(ConcurrencyLimiter, "pause_for", lambda limiter, seconds: None)
    tally = Tally()
    endpoint.one_run(5, 0, 1, tmp_path, tally, most=3)
    assert tally.broken
