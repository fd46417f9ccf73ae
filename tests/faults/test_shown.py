"""The everyday part of `python -m tests.faults.shown`: every command over hostile text."""

from __future__ import annotations

from tests.faults import shown

from tau2.utils import output, terminal


def test_nothing_hostile_reaches_a_terminal(tmp_path):
    tally = shown.suite(tmp_path, thorough=False)
    assert tally.broken == []
    assert tally.counts["kinds found raw"] == 0
    assert tally.counts["kinds tried"] >= 40
    assert tally.counts["outputs as JSON"] >= 15


def test_what_is_shown_raw_is_found(tmp_path, monkeypatch):
    for module in (output, terminal):
        monkeypatch.setattr(module, "clean", str)
    tally = shown.suite(tmp_path, thorough=False)
    assert tally.counts["kinds found raw"] > 0
