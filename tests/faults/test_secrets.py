"""The everyday part of `python -m tests.faults.secrets`: one run, played and continued."""

from __future__ import annotations

from tests.faults import secrets


def test_no_planted_secret_is_written_or_printed(tmp_path):
    tally = secrets.suite(tmp_path, 1, thorough=False)
    assert tally.broken == []
    assert tally.counts["secrets"] == 50
    assert min(tally.counts[place] for place in ("in errors", "in texts", "in tool arguments")) > 0
