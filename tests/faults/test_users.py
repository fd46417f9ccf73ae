"""The everyday part of `python -m tests.faults.users`: few tasks of each domain."""

from __future__ import annotations

from tests.faults.users import PRECISION, RECALL, suite

from tau2.user.monitor import FindingKind


def test_planted_faults_are_found_and_clean_conversations_are_not_blamed() -> None:
    count = suite(seed=1, most=10, planted=6)
    assert count.blamed == []
    assert count.recall >= RECALL, count.missed
    assert count.precision >= PRECISION, count.elsewhere
    assert all(count.found[kind] for kind in FindingKind)
