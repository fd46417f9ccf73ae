"""Domains, agents and users that exist in one process only, for the workers of a run.

What was registered while the program runs (in a notebook, in a script, under a guard) is sent along
by cloudpickle. A worker whose own script or modules have registered the name uses its own.
"""

from __future__ import annotations

import base64
import pickle
from collections.abc import Iterator
from typing import Any

from tau2.data_model.run_config import RunConfig, VoiceRunConfig
from tau2.errors import ConfigError
from tau2.registry import registry
from tau2.utils.json_types import JsonObject


def packed_registrations(config: RunConfig) -> list[JsonObject]:
    """Return what a run names and only this process knows, as JSON data."""
    return [
        {"kind": kind, "name": name, **_packed(entry)} for kind, name, entry in _registered(config)
    ]


def _registered(config: RunConfig) -> Iterator[tuple[str, str, object]]:
    agent = config.text_agent if isinstance(config, VoiceRunConfig) else config.agent
    named = {"domain": config.domain, "agent": agent, "user": config.user}
    for kind, name in named.items():
        if name is None:
            continue
        entry = registry.registered_here(kind, name)
        if entry is not None:
            yield kind, name, entry


def _packed(entry: object) -> JsonObject:
    import cloudpickle  # noqa: PLC0415  -- only what was registered at run time needs it

    try:
        return {"content": base64.b64encode(cloudpickle.dumps(entry)).decode("ascii")}
    except Exception as problem:  # noqa: BLE001  -- objects of anybody, which may fail in any way
        return {"problem": f"{type(problem).__name__}: {problem}"}


def register_packed(registrations: list[JsonObject]) -> None:
    """Register what another process has sent. Raise ConfigError for what could not be sent."""
    for sent in registrations:
        kind = sent["kind"]
        name = sent["name"]
        if registry.registered_here(kind, name) is not None:
            continue
        problem = sent.get("problem")
        entry: Any = None
        if problem is None:
            try:
                content = base64.b64decode(sent["content"])
                entry = pickle.loads(content)  # noqa: S301  -- from the run's own process
            except Exception as error:  # noqa: BLE001  -- code of anybody runs here
                problem = f"{type(error).__name__}: {error}"
        if problem is not None:
            raise ConfigError(
                f"{kind} {name!r} was registered while the program runs and cannot be sent to "
                f"another process ({problem}); register it in a module that the script imports, "
                "or play without workers"
            )
        registry.register_here(kind, name, entry)
