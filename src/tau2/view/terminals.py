"""Whether there is a terminal to draw on. Imports nothing that takes time."""

from __future__ import annotations

import os

from tau2.utils.output import is_answering, is_terminal


def is_usable() -> bool:
    """Return whether there is a terminal that full-screen applications work on.

    Textual reads standard input and draws on standard error; standard output belongs to pipes.
    """
    is_drawn_on = is_terminal() and is_terminal(error=True)
    return is_answering() and is_drawn_on and os.environ.get("TERM", "") != "dumb"
