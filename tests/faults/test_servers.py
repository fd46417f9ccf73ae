"""A small version of the suite: every refusal at once, and slow clients of one server."""

from __future__ import annotations

import pytest
from tests.faults import servers
from tests.faults.storage import Tally

TARGETS = {
    "documentation": servers.documentation,
    "tools": servers.tools,
    "AEnvironment": servers.aenvironment,
    "model": servers.model,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_hostile_requests_are_refused(name):
    tally = Tally()
    with servers.impatient(), TARGETS[name]() as target:
        servers.attack(target, tally, slow=name == "AEnvironment")
    assert tally.broken == []
    assert tally.counts["tried"] == tally.counts["refused"] >= len(servers.HOSTILE)


def test_the_suite_notices_a_server_without_rules(monkeypatch):
    monkeypatch.setattr("tau2.serving.guard.Guard._check_caller", lambda *_: None)
    tally = Tally()
    with servers.impatient(), servers.aenvironment() as target:
        servers.attack(target, tally, slow=False)
    assert any("no token" in story for story in tally.broken)
    assert any("a foreign host" in story for story in tally.broken)
