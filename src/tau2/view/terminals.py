"""Whether there is a terminal to draw on. Imports nothing that takes time."""

from __future__ import annotations

import os
import sys


def is_usable() -> bool:
    """Return whether there is a terminal that full-screen applications work on.

    Textual reads standard input and draws on standard error; standard output belongs to pipes.
    """
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return all(stream.isatty() for stream in streams) and os.environ.get("TERM", "") != "dumb"
