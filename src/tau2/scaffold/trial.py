"""A derived package is tried before it is handed over: its tasks are played with the oracle.

The modules of the package are imported from where it was written, and forgotten again.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tau2.audit.audit import audit_domain
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.tasks import Task
from tau2.environment.domain import DomainSpec
from tau2.registry import registry
from tau2.runner.build import build_text_orchestrator
from tau2.runner.simulation import run_simulation
from tau2.scaffold.names import unique
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonObject

_AGENTS = ("oracle_agent", "paraphrasing_oracle")


@contextmanager
def imported(folder: Path, module: str) -> Iterator[DomainSpec]:
    """Yield the spec of a package that is not installed."""
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_of(module, name)}
    writes = sys.dont_write_bytecode
    sys.path.insert(0, str(folder.resolve()))
    sys.dont_write_bytecode = True
    try:
        importlib.invalidate_caches()
        yield importlib.import_module(module).DOMAIN
    finally:
        sys.dont_write_bytecode = writes
        sys.path.remove(str(folder.resolve()))
        for name in list(sys.modules):
            if _is_of(module, name):
                del sys.modules[name]
        sys.modules.update(kept)


def _is_of(module: str, name: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def sound_tasks(
    spec: DomainSpec, drafts: Sequence[Sequence[JsonObject]], most: int
) -> list[JsonObject]:
    """Return drafts that earn 1 with the oracle and in which the audit finds nothing.

    The first of each kind, until there are enough; then more of the same kinds.

    Args:
        spec: The domain.
        drafts: Tasks by kind.
        most: How many are wanted.
    """
    sound: list[JsonObject] = []
    with registry.domains.adding(spec):
        waiting = [iter(kind) for kind in drafts]
        while waiting and len(sound) < most:
            left = []
            for kind in waiting:
                found = next((one for one in kind if _is_sound(spec, one)), None)
                if found is not None and len(sound) < most:
                    taken = {one["id"] for one in sound}
                    sound.append({**found, "id": unique(str(found["id"]), taken)})
                    left.append(kind)
            waiting = left
    return sound


def _is_sound(spec: DomainSpec, draft: JsonObject) -> bool:
    task = Task.model_validate(draft)
    return not audit_domain(spec, [task]).findings and all(
        _reward(spec, task, agent) == 1 for agent in _AGENTS
    )


def _reward(spec: DomainSpec, task: Task, agent: str) -> float:
    config = TextRunConfig(domain=spec.name, agent=agent, user="scripted_user")
    run = run_simulation(build_text_orchestrator(config, task, seed=derive_seed(1, task.id)))
    return run.reward_info.reward if run.reward_info is not None else 0.0
