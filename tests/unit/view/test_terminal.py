"""The application on a real (pseudo) terminal: what it leaves behind, however it ends."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from tau2.view.terminals import is_usable

PROGRAM = """\
import sys
from pathlib import Path
from tau2.view.app import ViewApp
from tau2.view.runs import RunsScreen
if sys.argv[2] == "broken":
    RunsScreen.action_find = lambda screen, step: 1 / 0
app = ViewApp(folder=Path(sys.argv[1]))
app.run()
sys.exit(app.return_code)
"""


class Session:
    def __init__(self, process, terminal: int) -> None:
        self.process, self.terminal, self.seen = process, terminal, ""

    def until(self, text: str, seconds: float = 20.0) -> str:
        ending = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < ending, f"{text!r} never came: {self.seen[-500:]!r}"
            self._read()
        return self.seen

    def _read(self) -> None:
        if select.select([self.terminal], [], [], 0.05)[0]:
            self.seen += os.read(self.terminal, 65536).decode("utf-8", "replace")

    def types(self, keys: str) -> None:
        self.seen = ""
        os.write(self.terminal, keys.encode())

    def ends(self) -> int:
        """Wait for the end, reading what is still written; return the exit code."""
        ending = time.monotonic() + 20
        while self.process.poll() is None:
            assert time.monotonic() < ending, f"it did not end: {self.seen[-500:]!r}"
            self._read()
        self.until("\x1b[?1049l")
        return self.process.returncode


@contextmanager
def session(folder, mode: str = "fine"):
    terminal, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(side)
    # Where these are set, they are the size of the terminal, whatever it says (xdist sets them).
    environment = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}
    environment["TERM"] = "xterm-256color"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), mode], stdin=side, stdout=side, stderr=side,
        env=environment,
    )  # fmt: skip
    try:
        yield Session(process, terminal)
        assert termios.tcgetattr(side) == before, "the terminal is as it was"
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        os.close(side)


def test_it_opens_and_leaves_without_a_trace(saved_runs):
    with session(saved_runs) as app:
        app.until("2 runs in")
        app.types("q")
        assert app.ends() == 0


def test_ctrl_c_leaves_cleanly(saved_runs):
    with session(saved_runs) as app:
        app.until("2 runs in")
        app.types("\x03")
        assert app.ends() == 0


def test_a_request_to_end_restores_the_terminal(saved_runs):
    with session(saved_runs) as app:
        app.until("2 runs in")
        app.seen = ""
        app.process.send_signal(signal.SIGTERM)
        assert app.ends() == 128 + signal.SIGTERM


def test_a_failure_restores_the_terminal(saved_runs):
    with session(saved_runs, "broken") as app:
        app.until("2 runs in")
        app.types("n")
        assert app.ends() == 1


def test_another_size_is_drawn_anew(saved_runs):
    with session(saved_runs) as app:
        app.until("2 runs in")
        app.seen = ""
        fcntl.ioctl(app.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        app.process.send_signal(signal.SIGWINCH)
        app.until("\x1b[50;1H")
        app.types("\x1b")
        assert app.ends() == 0


@pytest.mark.parametrize(
    ("term", "there", "usable"),
    [
        ("xterm", ("stdin", "stdout", "stderr"), True),
        ("dumb", ("stdin", "stdout", "stderr"), False),
        ("xterm", ("stdin", "stdout"), False),  # Textual draws on standard error
        ("xterm", ("stdin", "stderr"), False),
        ("xterm", ("stdout", "stderr"), False),
    ],
)
def test_a_terminal_that_cannot_do_it_gets_text(term, there, usable, monkeypatch):
    monkeypatch.setenv("TERM", term)
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(f"sys.{name}", SimpleNamespace(isatty=lambda name=name: name in there))
    found = is_usable()
    monkeypatch.undo()
    assert found is usable
