"""Conformance suites: what every domain, agent, user and model backend owes, as test classes.

A package of your own tests itself with a class that names its spec; pytest finds the checks:

    from tau2.testing import DomainSuite
    from tau2_bakery import DOMAIN


    class TestBakery(DomainSuite):
        spec = DOMAIN

The checks need no model, no key and no network. Another test runner may call them, too: they are
the methods whose names begin with `test_`, and they raise AssertionError, or SkipTest of unittest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tau2.testing.backends import BackendSuite
    from tau2.testing.domains import DomainSuite
    from tau2.testing.participants import AgentSuite, UserSuite

_HOME = {
    "AgentSuite": "participants",
    "BackendSuite": "backends",
    "DomainSuite": "domains",
    "UserSuite": "participants",
}

__all__ = ["AgentSuite", "BackendSuite", "DomainSuite", "UserSuite"]


def __getattr__(name: str) -> Any:
    """Load the module that defines `name`."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
