"""`tau2 view` on a large run: seconds until a person sees it, and memory.

The command runs on a pseudo-terminal of 120 x 40 cells; a figure is taken when the expected text
has been drawn.
Without --run, the run is played first (seconds of CPU; not part of the figures).

  python benchmarks/bench_view.py
  python benchmarks/bench_view.py --run data/simulations/NAME
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from common import report, rounded

ROUNDS = 3
TASKS, TRIALS = 100, 23
TARGETS = {"open_s": 4.0}
COLUMNS, ROWS = 120, 40
PATIENCE = 120.0  # seconds
_ESCAPES = re.compile(r"\x1b\[[0-9;:<=>?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.")


class Session:
    """A command on a pseudo-terminal."""

    def __init__(self, arguments: list[str]) -> None:
        self.terminal, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}
        environment["TERM"] = "xterm-256color"
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            arguments, stdin=side, stdout=side, stderr=side, env=environment
        )
        os.close(side)
        self._seen = ""

    def press(self, keys: str) -> None:
        self._seen = ""
        self.began = time.perf_counter()
        os.write(self.terminal, keys.encode())

    def seconds_until(self, text: re.Pattern[str]) -> float:
        """Return the seconds since the start, or the last key, until `text` is drawn."""
        deadline = time.perf_counter() + PATIENCE
        while not text.search(_ESCAPES.sub("", self._seen)):
            if not select.select([self.terminal], [], [], max(0.0, deadline - time.perf_counter()))[
                0
            ]:
                raise TimeoutError(
                    f"{text!r} was not drawn: {_ESCAPES.sub('', self._seen)[-500:]!r}"
                )
            self._seen += os.read(self.terminal, 1 << 16).decode("utf-8", "replace")
        return time.perf_counter() - self.began

    def peak_mb(self) -> float:
        """Return the largest resident memory so far (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return (
            next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
            / 1024
        )

    def close(self) -> None:
        """Leave the application; read what it writes meanwhile, or it could not end."""
        os.write(self.terminal, b"Q")
        with contextlib.suppress(OSError):  # the other side is closed: the process ended
            while select.select([self.terminal], [], [], 10)[0] and os.read(self.terminal, 1 << 16):
                pass
        self.process.wait(10)
        os.close(self.terminal)


def played(folder: Path) -> Path:
    """Play a run without models, and return its folder."""
    what = ["--domain", "telecom", "--agent", "oracle_agent", "--user", "scripted_user"]
    size = ["--num-tasks", str(TASKS), "--num-trials", str(TRIALS)]
    command = [
        sys.executable,
        "-m",
        "tau2.cli",
        "run",
        *what,
        *size,
        "--quiet",
        "--save-to",
        "large",
    ]
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "TAU2_SIMULATIONS_DIR": str(folder)},
    )
    return folder / "large"


def one_round(run: Path) -> dict[str, float]:
    """Open the run, then its first conversation."""
    count = len(list((run / "simulations").glob("*.json")))
    session = Session([sys.executable, "-m", "tau2.cli", "view", str(run)])
    try:
        figures = {
            "open_s": session.seconds_until(
                re.compile(f"{count} of {count} |{count:,} of {count:,} ")
            ),
            "open_mb": session.peak_mb(),
        }
        session.press("\r")
        figures["conversation_s"] = session.seconds_until(re.compile("seed "))
        figures["conversation_mb"] = session.peak_mb()
    finally:
        session.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, help="folder of a run that is there already")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = options.run or played(Path(folder))
        rounds = [one_round(run) for _ in range(ROUNDS)]
        figures = {
            name: rounded(statistics.median(each[name] for each in rounds)) for name in rounds[0]
        }
        simulations = len(list((run / "simulations").glob("*.json")))
    report("view", figures, TARGETS, simulations=simulations)


if __name__ == "__main__":
    main()
