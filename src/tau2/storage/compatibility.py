"""Whether a stored run may be continued with a configuration: every difference, field by field."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

from tau2.data_model.simulation import Info
from tau2.data_model.tasks import HISTORY_TIMES, Task
from tau2.errors import ConfigError
from tau2.utils.json_types import JsonMapping, JsonObject
from tau2.utils.model_json import model_json
from tau2.utils.text import shortened

_IGNORED = frozenset(
    {"num_trials", "git_commit", "engine_version", "task_split_name", "protocol_departures"}
)
"""Fields that may differ when a run is continued: they do not change what one simulation is."""

_PARTS = frozenset({"user_info", "agent_info", "environment_info"})
_MEANING = {
    "data.db": " (the domain's database)",
    "data.user_db": " (the database of the user's devices)",
    "environment_info.policy": " (the domain's policy)",
    "evaluation_type": " (which checks grade)",
    "llm_args_judge": " (how the judge model is called)",
    "user_info.prompt_form": " (the prompt of the simulated user)",
    "user_monitor": " (what happens when the simulated user fails)",
    "user_persona": " (how the simulated user speaks)",
}

_LONGEST = 120
_LONG_TEXT = 60
_BEFORE = 20  # characters shown before the place where two long texts differ


def task_digest(task: Task) -> str:
    """Return a digest by which an edited task is recognised."""
    content = model_json(task, exclude=HISTORY_TIMES).encode()
    return hashlib.sha256(content).hexdigest()[:16]  # 64 bits are plenty


def refuse_differences(
    path: Path,
    *,
    stored: Info,
    now: Info,
    stored_settings: JsonMapping,
    settings: JsonMapping,
    changed_tasks: Iterable[str],
) -> None:
    """Raise ConfigError, with every difference, if the stored run has other settings."""
    # exclude_unset, because a field that an older version did not have is no difference.
    theirs = _fields(stored.model_dump(mode="json", exclude_unset=True))
    different = _differences(theirs, _fields(now.model_dump(mode="json")))
    different += _differences(stored_settings, settings)
    changed = list(changed_tasks)
    if changed:
        different.append(f"tasks modified: {_short(changed)}")
    if different:
        lines = "\n".join(f"  {line}" for line in different)
        raise ConfigError(
            f"{path} was run with other settings, so it cannot be continued:\n{lines}\n"
            "repeat the run with the stored settings, or save to another name (--save-to)"
        )


def _differences(theirs: JsonMapping, mine: JsonMapping) -> list[str]:
    return [
        f"{name}{_MEANING.get(name, '')}: {_both(theirs[name], mine[name])}"
        for name in mine
        if name not in _IGNORED and name in theirs and mine[name] != theirs[name]
    ]


def _fields(info: JsonObject) -> JsonObject:
    """Return the fields of a record by name, those of its parts as `agent_info.llm`."""
    fields: JsonObject = {}
    for name, value in info.items():
        if name in _PARTS and isinstance(value, dict):
            fields.update({f"{name}.{part}": inner for part, inner in value.items()})
        else:
            fields[name] = value
    return fields


def _both(stored: object, now: object) -> str:
    """Show two values; of long texts, from where they differ."""
    where = ""
    if isinstance(stored, str) and isinstance(now, str) and len(stored) > _LONG_TEXT < len(now):
        same = sum(
            1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(stored, now, strict=False))
        )
        start = max(0, same - _BEFORE)
        where = f"from character {start} " if start else ""
        stored = stored[start:]
        now = now[start:]
    return f"{where}stored {_short(stored)}, now {_short(now)}"


def _short(value: object) -> str:
    return shortened(repr(value), _LONGEST)
