"""`tau2 blame` as a user types it."""

from __future__ import annotations

import json

import pytest

LAZY = ("--domain", "mock", "--agent", "lazy_agent", "--user", "scripted_user", "--num-tasks", "2")


@pytest.fixture
def blamed(tau2):
    """Ask whose failure two failures of a lazy agent are."""
    tau2("run", *LAZY, "--save-to", "lazy")
    return lambda *options: tau2("blame", "lazy", *options)


def test_failures_of_others_count_where_one_side_is_asked_for(blamed):
    shown = blamed("--side", "user").out
    assert "2 of 2 simulations failed; at fault in 0 of these: user" in shown
    data = json.loads(blamed("--side", "user", "--json").out)
    assert data["num_failed"] == 2
    assert data["failures"] == []


def test_a_list_of_no_length_has_no_head(blamed):
    shown = blamed("--show", "0").out
    assert "why" not in shown
    assert "2 more failures" in shown
