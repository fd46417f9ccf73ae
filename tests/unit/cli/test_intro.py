from __future__ import annotations

from tau2.participant.spec import UserSpec
from tau2.registry import registry


def test_everything_that_can_be_asked_for_has_a_line(tau2):
    shown = tau2("intro").out
    for name in (*registry.get_domains(), *registry.get_agents(), *registry.get_users()):
        line = next(line for line in shown.splitlines() if line.startswith(f"  {name} "))
        assert len(line.split()) > 2
    assert max(map(len, shown.splitlines())) <= 80


def test_a_plugin_is_described_by_what_it_says_of_itself(tau2):
    def make(**_):
        """Complain about everything. At length."""

    with registry.users.adding(UserSpec("grumbler", make=make)):
        assert "grumbler        Complain about everything" in tau2("intro").out
    with registry.users.adding(
        UserSpec("grumbler", make=make, metadata={"summary": "never happy"})
    ):
        assert "grumbler        never happy" in tau2("intro").out
