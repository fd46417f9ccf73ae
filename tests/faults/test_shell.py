"""The everyday part of `python -m tests.faults.shell`: fewer commands."""

from __future__ import annotations

from tests.faults.shell import suite


def test_no_command_gets_out_of_the_shell(monkeypatch):
    for variable in ("TAU2_CANARY", "OPENAI_API_KEY"):
        monkeypatch.setenv(variable, "")  # the suite sets them
    done = suite(300, seed=1)
    assert done.tally.broken == []
    assert done.ends["succeeded"] > 60
    assert done.ends["failed"] > 100
