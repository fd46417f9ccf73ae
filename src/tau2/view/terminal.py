"""The one module that knows what a terminal is: raw keys in, lines out, and everything as it was afterwards."""

from __future__ import annotations

import io
import os
import select
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from rich.console import Console
from rich.text import Text

from tau2.view.app import App
from tau2.view.keys import KeyReader

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"  # another screen, no cursor, no wrapping at the edge
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l\x1b[0m"
_ESCAPE_WAIT = 0.05  # seconds: a lone escape key sends nothing more; a sequence arrives at once
_READ = 4096


def is_usable() -> bool:
    """Return whether there is a terminal that full-screen applications work on."""
    try:
        import termios  # noqa: F401, PLC0415  -- absent on Windows
    except ImportError:
        return False
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class _Device:
    """A terminal in raw mode."""

    def __init__(self, keys: int, screen: int) -> None:
        self._keys, self._screen = keys, screen
        self._console = Console(
            file=io.StringIO(), force_terminal=True, markup=False, emoji=False, highlight=False
        )
        self._before: list[Any] | None = None
        self._shown: list[str] = []

    def enter(self) -> None:
        """Take the terminal over."""
        import termios  # noqa: PLC0415  -- absent on Windows, where is_usable() says so
        import tty  # noqa: PLC0415  -- likewise

        self._before = termios.tcgetattr(self._keys)
        tty.setraw(self._keys)
        self._write(_ENTER)
        self._shown = []

    def leave(self) -> None:
        """Give the terminal back as it was. Again does nothing."""
        import termios  # noqa: PLC0415  -- see enter

        before, self._before = self._before, None
        if before is None:
            return
        with suppress(OSError):  # the terminal is gone: nobody is left to see it
            self._write(_LEAVE)
        with suppress(OSError, termios.error):
            termios.tcsetattr(self._keys, termios.TCSADRAIN, before)

    def size(self) -> tuple[int, int]:
        """Return columns and lines."""
        try:
            columns, lines = os.get_terminal_size(self._screen)
        except OSError:
            columns, lines = shutil.get_terminal_size()
        return columns or 80, lines or 24

    def forget(self) -> None:
        """Draw every line anew the next time."""
        self._shown = []

    def show(self, lines: Sequence[Text], width: int) -> None:
        """Write the lines that are not on the screen yet, each at its place: none can push another."""
        drawn = [self._escaped(line, width) for line in lines]
        known = self._shown if len(self._shown) == len(drawn) else [""] * len(drawn)
        parts = [
            f"\x1b[{number};1H{new}\x1b[0m\x1b[K"
            for number, (new, old) in enumerate(zip(drawn, known, strict=True), 1)
            if new != old
        ]
        if parts:
            self._write("".join(parts) if self._shown else "\x1b[0m\x1b[2J" + "".join(parts))
        self._shown = drawn

    def _escaped(self, line: Text, width: int) -> str:
        buffer = io.StringIO()
        self._console.file = buffer
        self._console.width = width + 2  # the line is cut already; rich must not cut it again
        self._console.print(line, end="", no_wrap=True, overflow="ignore", crop=False)
        return buffer.getvalue()

    def _write(self, text: str) -> None:
        data = text.encode(getattr(sys.stdout, "encoding", None) or "utf-8", "replace")
        while data:
            data = data[os.write(self._screen, data) :]

    def read(self, timeout: float | None, also: int) -> bytes | None:
        """Return what was typed; nothing after the timeout or when `also` can be read; None when all is over."""
        ready, _, _ = select.select([self._keys, also], [], [], timeout)
        if also in ready:
            os.read(also, _READ)
        if self._keys not in ready:
            return b""
        return os.read(self._keys, _READ) or None


@contextmanager
def _signals(resized: Callable[[], None]) -> Iterator[int]:
    """Yield what can be read when a signal came; a request to end raises SystemExit, which restores the screen."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    waking = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    before = {
        number: signal.signal(number, handler)
        for number, handler in (
            (signal.SIGWINCH, lambda *_: resized()), (signal.SIGCONT, lambda *_: resized()),
            (signal.SIGTERM, end), (signal.SIGHUP, end),
        )
    }  # fmt: skip
    try:
        yield reading
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(waking)
        os.close(reading)
        os.close(writing)


def run(app: App, *, keys: int | None = None, screen: int | None = None) -> None:
    """Show an application on the terminal until it is over; the terminal is restored however that comes about.

    Args:
        app: What is shown.
        keys: The descriptor keys come from (default: standard input).
        screen: The descriptor lines go to (default: standard output).
    """
    sys.stdout.flush()
    device = _Device(
        sys.stdin.fileno() if keys is None else keys,
        sys.stdout.fileno() if screen is None else screen,
    )
    with _signals(device.forget) as woken:
        device.enter()
        try:
            _serve(app, device, woken)
        finally:
            device.leave()


def _serve(app: App, device: _Device, woken: int) -> None:
    reader = KeyReader()
    busy = True
    while not app.is_over:
        width, height = device.size()
        device.show(app.draw(width, height), width)
        wait = _ESCAPE_WAIT if reader.is_waiting else 0.0 if busy else None
        data = device.read(wait, woken)
        if data is None:
            return
        typed = reader.feed(data) if data else reader.flush()
        for key in typed:
            _pressed(app, device, key)
            if app.is_over:
                return
        busy = app.idle() if not data else True


def _pressed(app: App, device: _Device, key: str) -> None:
    if key == "ctrl-z":
        device.leave()
        os.kill(os.getpid(), signal.SIGTSTP)
        device.enter()
    elif key == "redraw":
        device.forget()
    else:
        app.press(key)
