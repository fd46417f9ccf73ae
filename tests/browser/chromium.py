"""A headless Chromium without a network, spoken to over two pipes.

Pages are opened, pressed and asked.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-sync", "--disable-extensions",
    "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe", "--hide-scrollbars",
)  # fmt: skip
_PATIENCE = 60.0
_ABOVE = 20  # numbers of file descriptors that clash with nothing


def executable() -> str | None:
    """Return the first browser that is there."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


needs_chromium = pytest.mark.skipif(
    executable() is None, reason=f"no browser here: none of {', '.join(NAMES)}"
)


class Browser:
    """One page; what it asks of the network and says on the console is kept."""

    def __init__(self, process: subprocess.Popen[bytes], write: int, read: int) -> None:
        """Attach to the browser's first page."""
        self._process, self._write, self._read = process, write, read
        self._buffer, self._number, self._session = b"", 0, None
        self.requests: list[str] = []
        self.console: list[str] = []
        self._loaded = 0
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its result."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            command["sessionId"] = self._session
        os.write(self._write, json.dumps(command).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]
            self._note(message)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = os.read(self._read, 1 << 20)
            if not piece:
                raise AssertionError("the browser has gone")
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(line)

    def _note(self, event: dict[str, Any]) -> None:
        method, given = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(part.get("value")) for part in given["args"]))
        elif method == "Runtime.exceptionThrown":
            self.console.append(str(given["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.console.append(given["entry"]["text"])
        elif method == "Page.loadEventFired":
            self._loaded += 1
        elif method == "Page.javascriptDialogOpening":
            self.console.append(f"dialog: {given['message']}")

    def open(
        self,
        page: Path | str,
        *,
        width: int = 1280,
        height: int = 900,
        scale: float = 1,
        dark: bool = False,
    ) -> None:
        """Open a file, or an address of this machine, and wait until it is there."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=scale, mobile=width < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.requests.clear()
        self.console.clear()
        before = self._loaded
        address = page.resolve().as_uri() if isinstance(page, Path) else page
        self.call("Page.navigate", url=address)
        while self._loaded == before:
            self._note(self._next())

    def follow(self, expression: str) -> None:
        """Run a JavaScript expression that leads to another page, and wait until that is there."""
        before = self._loaded
        self.ask(expression)
        while self._loaded == before:
            self._note(self._next())

    def ask(self, expression: str) -> Any:
        """Return what a JavaScript expression is; a promise is awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression: str) -> Any:
        """Ask until the answer is true, and return it."""
        until = time.monotonic() + _PATIENCE
        while not (answer := self.ask(expression)):
            assert time.monotonic() < until, f"it never became true: {expression}"
            time.sleep(0.02)
        return answer

    def press(self, key: str) -> None:
        """Press and release a key."""
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        codes = {
            "ArrowRight": 39,
            "ArrowLeft": 37,
            "ArrowDown": 40,
            "ArrowUp": 38,
            "Enter": 13,
            "Tab": 9,
            "Escape": 27,
        }
        code = {"windowsVirtualKeyCode": codes[key]} if key in codes else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text, **code)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, **code)

    def picture(self, file: Path, *, whole: bool = False) -> None:
        """Save what is seen as a PNG."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start a browser with a profile of its own, and end it."""
    path = executable()
    assert path is not None
    to_read, write = os.pipe()
    read, to_write = os.pipe()
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, _ABOVE) for end in (to_read, to_write)]

    def as_expected() -> None:
        """Give the browser its ends of the pipes under the numbers it reads and writes."""
        for end, number in zip(ends, (3, 4), strict=True):
            os.dup2(end, number)

    process = subprocess.Popen(
        [path, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(3, 4),
        preexec_fn=as_expected,  # noqa: PLW1509  -- the tests have no other threads at this point
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for end in (to_read, to_write, *ends):
        os.close(end)
    try:
        yield Browser(process, write, read)
    finally:
        os.close(write)
        os.close(read)
        process.terminate()
        process.wait(timeout=_PATIENCE)
