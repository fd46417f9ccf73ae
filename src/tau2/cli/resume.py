"""Resuming a run: the command that does it, and the settings of the stored run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tau2.cli.run_paths import named_run
from tau2.errors import ConfigError
from tau2.report.terminal.console import save_name
from tau2.utils.terminal_text import shell_command

_DROPPED = frozenset({"--auto-resume", "--save-to"})


def resume_command(given: Sequence[str], folder: Path) -> str:
    """Return the command that plays what is missing of the run of `tau2 run GIVEN` in `folder`."""
    kept = []
    skip = False
    for text in given:
        if not skip and text.partition("=")[0] not in _DROPPED:
            kept.append(text)
        skip = text == "--save-to"
    return shell_command(["tau2", "run", *kept, "--save-to", save_name(folder), "--auto-resume"])


def resumed_values(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a stored run, with those that were given now in their place.

    Raises:
        ConfigError: the run holds no settings, or some that were secret and are not given.
    """
    from tau2.runner.stored_config import load_config, redacted_fields
    from tau2.storage.results import results_file

    path = named_run(name)
    values = {**load_config(path), **given}
    hidden = sorted(redacted_fields(values))
    if hidden:
        raise ConfigError(
            f"secrets of this run were not stored: {', '.join(hidden)}; give the arguments again "
            "(such as --agent-llm-args), or put keys into the environment"
        )
    return {**values, "save_to": str(results_file(path).parent.absolute()), "auto_resume": True}
