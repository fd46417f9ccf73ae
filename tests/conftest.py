"""What every test may rely on.

No settings and weights of the machine, runs saved in a folder of its own, nothing left behind.

Sockets other than loopback are blocked by pytest-socket (see pyproject.toml).
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "tau2",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("tau2")

_KEPT = frozenset(
    {"TAU2_REFERENCE_DIR"}
)  # where the tests find the reference data; the package does not know it
_FOREIGN = (
    "_API_KEY",
    "_API_BASE",
    "_BASE_URL",
    "_PROXY",
)  # keys, addresses and proxies of the machine
_PATIENCE = 3.0  # seconds a thread of a finished test may take to end


def _is_setting(name: str) -> bool:
    return (name.startswith("TAU2_") and name not in _KEPT) or name.upper().endswith(_FOREIGN)


_END_TO_END = frozenset(
    {"aenv", "areal", "browser", "docs", "faults", "guides", "integrations", "local", "train"}
)
"""Folders whose tests play whole runs through commands, processes or servers."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests of these folders; `slow` is said where a test is."""
    tests = config.rootpath / "tests"
    for item in items:
        if item.path.is_relative_to(tests) and item.path.relative_to(tests).parts[0] in _END_TO_END:
            item.add_marker(pytest.mark.e2e)


_NUMBERS = itertools.count()


def _folder(request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Path:
    """Return the test's own folder; for a test that asks for none, one that is not made yet."""
    if "tmp_path" in request.fixturenames:
        return request.getfixturevalue("tmp_path")
    return factory.getbasetemp() / f"without-tmp-path-{next(_NUMBERS)}"


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch, request, tmp_path_factory):
    folder = _folder(request, tmp_path_factory)
    for name in filter(_is_setting, list(os.environ)):
        monkeypatch.delenv(name)
    monkeypatch.setenv("TAU2_SIMULATIONS_DIR", str(folder / "simulations"))
    # Weights of the machine do not count.
    monkeypatch.setenv("TAU2_CACHE_DIR", str(folder / "tau2-cache"))


@pytest.fixture(autouse=True)
def _no_thread_left():
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + _PATIENCE
    while (left := _left(before)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"the test left threads behind: {left}"


def _left(before: set[threading.Thread]) -> list[str]:
    return [
        thread.name
        for thread in threading.enumerate()
        if thread not in before and thread.is_alive()
    ]


@pytest.fixture
def workplace(monkeypatch, tmp_path):
    """An empty current folder and home, as a new user has them; runs go to ./data/simulations."""
    place, home = tmp_path / "work", tmp_path / "home"
    place.mkdir()
    home.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("TAU2_SIMULATIONS_DIR")
    return place
