from __future__ import annotations

import sys
from types import ModuleType

import pytest

from tau2.errors import ModelUnavailable
from tau2.service import called_programs


def a_server(run):
    """Return a module in place of the one that needs the package `mcp`."""

    class Server:
        closed = False

        def __init__(self, host):
            pass

        def run(self, on_started):
            run(on_started)

        def close(self):
            Server.closed = True

    module = ModuleType("tau2.service.program_server")
    module.ProgramServer = Server
    return module


def without_descriptors(_on_started):
    raise OSError(24, "Too many open files")


# The thread's own error is shown to people as well; here it is what the test brings about.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    "run", [without_descriptors, lambda _on_started: None], ids=["fails", "ends at once"]
)
def test_a_server_that_does_not_start_fails_the_episode_and_hangs_nobody(monkeypatch, run):
    module = a_server(run)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr("tau2.service.program_server", module, raising=False)
    with pytest.raises(ModelUnavailable, match="the MCP server of this run cannot start"):
        called_programs._OwnServer().get()
    assert module.ProgramServer.closed
