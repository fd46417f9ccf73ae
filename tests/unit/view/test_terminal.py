"""The application on a real (pseudo) terminal: what it leaves behind, however it ends."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager

import pytest

PROGRAM = """\
import sys
from pathlib import Path
from tau2.view.app import App
from tau2.view.runs import RunsScreen
from tau2.view.terminal import run
screen = RunsScreen(Path(sys.argv[1]))
if sys.argv[2] == "broken":
    screen.press = lambda key: 1 / 0
run(App(screen))
"""


class Session:
    def __init__(self, process, terminal: int) -> None:
        self.process, self.terminal, self.seen = process, terminal, ""

    def until(self, text: str, seconds: float = 20.0) -> str:
        ending = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < ending, f"{text!r} never came: {self.seen[-500:]!r}"
            try:
                self.seen += os.read(self.terminal, 65536).decode("utf-8", "replace")
            except OSError:
                break
        assert text in self.seen
        return self.seen

    def types(self, keys: str) -> None:
        self.seen = ""
        os.write(self.terminal, keys.encode())

    def ends(self) -> int:
        self.until("\x1b[?1049l")
        return self.process.wait(20)


@contextmanager
def session(folder, mode: str = "fine"):
    terminal, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(side)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), mode], stdin=side, stdout=side, stderr=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm-256color"},
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
        app.types("\r")
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


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_do_it_gets_text(term, monkeypatch):
    from tau2.view import terminal

    monkeypatch.setenv("TERM", term or "dumb")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert not terminal.is_usable()
