"""What an orchestrator checks and keeps before it plays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.errors import ConfigError


def taken_before_play(environment: Environment, task: Task) -> Callable[[], Environment]:
    """Return a factory over a fork taken now, before the episode touches anything."""
    if task.evaluation_criteria is None:
        return environment.fork
    before = environment.fork()
    return before.fork


def check_participant(name: str, participant: Any) -> None:
    """Raise ConfigError when a participant lacks what every turn needs."""
    needed = ["get_init_state", "is_stop"]
    if not hasattr(participant, "agenerate_next_message"):
        needed.insert(0, "generate_next_message")
    lacking = [method for method in needed if not hasattr(participant, method)]
    if lacking:
        raise ConfigError(
            f"the {name} ({type(participant).__name__}) must have {', '.join(lacking)}"
        )


def seed_participants(seed: int | None, *participants: Any) -> None:
    """Hand an episode's seed to those who take one; not every participant draws anything."""
    for participant in participants:
        if seed is not None and hasattr(participant, "set_seed"):
            participant.set_seed(seed)
