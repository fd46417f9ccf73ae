"""The command that goes on with a run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from tau2.report.console import save_name

_DROPPED = frozenset({"--auto-resume", "--save-to"})


def resume_command(given: Sequence[str], folder: Path) -> str:
    """Return the command line that plays what is missing of the run that `tau2 run GIVEN` saves in `folder`."""
    kept, skip = [], False
    for text in given:
        if not skip and text.partition("=")[0] not in _DROPPED:
            kept.append(text)
        skip = text == "--save-to"
    return shlex.join(["tau2", "run", *kept, "--save-to", save_name(folder), "--auto-resume"])
