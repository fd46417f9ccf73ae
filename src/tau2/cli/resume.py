"""Resuming a run: the command that does it, and the settings of the stored run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tau2.cli.run_paths import named_run
from tau2.cli.voice_flags import CONFIG, merged, without
from tau2.errors import ConfigError
from tau2.report.terminal.console import save_name
from tau2.utils.output import is_answering
from tau2.utils.terminal_text import shell_command

if TYPE_CHECKING:
    from tau2.runner.foreign_settings import ForeignSetting

TRUST = "--trust-settings"
"""The option that takes over what the settings of a stored run name outside of its folder."""

_DROPPED = frozenset({"--auto-resume", "--save-to"})
_LONGEST_VALUE = 200  # characters of a setting that are shown
_MOST_SHOWN = 20  # settings


def resume_command(given: Sequence[str], folder: Path, command: str = "run") -> str:
    """Return what plays what is missing of the run of `tau2 COMMAND GIVEN` in `folder`."""
    kept = []
    skip = False
    for text in given:
        if not skip and text.partition("=")[0] not in _DROPPED:
            kept.append(text)
        skip = text == "--save-to"
    return shell_command(["tau2", command, *kept, "--save-to", save_name(folder), "--auto-resume"])


def is_voice_run(name: str) -> bool:
    """Return whether the settings of a stored run are those of a voice run."""
    from tau2.runner.stored_config import load_config

    return CONFIG in load_config(named_run(name))


def resumed_values(
    name: str, given: Mapping[str, Any], *, is_trusted: bool = False
) -> dict[str, Any]:
    """Return the settings of a stored run, with those that were given now in their place.

    Args:
        name: The name or path of the run.
        given: What was given now.
        is_trusted: Whether the stored settings may name addresses, files and the like that were
            not given now. Otherwise a person is asked; where nobody can be asked, it is refused.

    Raises:
        ConfigError: the run holds no settings, some that were secret and are not given, or some
            that name what was neither given nor confirmed.
    """
    from tau2.runner.foreign_settings import foreign_settings
    from tau2.runner.stored_config import load_config, redacted_fields
    from tau2.storage.results import results_file

    path = named_run(name)
    stored = without(load_config(path), given)
    values = merged(stored, given)
    hidden = sorted(redacted_fields(values))
    if hidden:
        raise ConfigError(
            f"secrets of this run were not stored: {', '.join(hidden)}; give the arguments again "
            "(such as --agent-llm-args), or put keys into the environment"
        )
    foreign = foreign_settings(stored, given)
    if foreign and not is_trusted:
        _confirm(path, foreign)
    return {**values, "save_to": str(results_file(path).parent.absolute()), "auto_resume": True}


def _confirm(path: Path, foreign: Sequence[ForeignSetting]) -> None:
    """Ask whether what a stored run names is used. Raise ConfigError unless the answer is yes."""
    from tau2.cli.preflight import says_yes

    lines = [_line(setting) for setting in foreign[:_MOST_SHOWN]]
    if len(foreign) > _MOST_SHOWN:
        lines.append(f"  … and {len(foreign) - _MOST_SHOWN:,} more")
    named = "\n".join(lines)
    about = (
        f"the settings stored in {path} name addresses, files or commands that you did not give:"
    )
    if is_answering() and says_yes(f"{about}\n{named}\nUse them, and your keys with them?"):
        return
    raise ConfigError(
        f"{about}\n{named}\nyour keys would be sent to these addresses, these files used and these "
        f"commands run; if that is right, add {TRUST}, or give the settings yourself (such as "
        "--agent-llm-args)"
    )


def _line(setting: ForeignSetting) -> str:
    from tau2.report.cleaner import Cleaner

    return f"  {Cleaner()(f'{setting.name} = {setting.value!r}', _LONGEST_VALUE)}"
