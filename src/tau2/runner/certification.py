"""Plays a simulated user against the reference agent, for its report card."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tau2 import __version__
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError
from tau2.metrics.user_card import (
    RECORDED,
    DomainCard,
    UserCard,
    figures_of,
    sensitivity,
)
from tau2.runner.batch import run_tasks
from tau2.runner.build import build_environment
from tau2.runner.events import ignore_events
from tau2.runner.resolve import user_factory
from tau2.runner.tasks import load_tasks, run_info
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonMapping

REFERENCE_AGENT = "oracle_agent"
BASELINE_AGENT = "lazy_agent"
SCRIPTED_USER = "scripted_user"


def certify(
    user: str,
    domains: Sequence[str],
    *,
    llm: str | None = None,
    llm_args: JsonMapping | None = None,
    user_prompt: str = "auto",
    num_tasks: int = 20,
    seed: int = 300,
    max_concurrency: int = 3,
    probe: bool = True,
    on_domain: Callable[[str], None] = lambda _name: None,
) -> UserCard:
    """Return the report card of a user.

    In every domain the reference agent plays the same `num_tasks` tasks, drawn by `seed`, with this
    user and with the scripted one, and the baseline agent plays them with this one. The user is
    monitored without consequences. `probe`: ask its model once before anything is played.

    Raises:
        UnknownName: a domain or the user is not registered.
        ConfigError: a model cannot be used, or `num_tasks` is under 1.
    """
    if num_tasks < 1:
        raise ConfigError(f"at least 1 task is needed, not {num_tasks}")
    user_factory(user)
    config = TextRunConfig.model_validate(
        {
            "agent": REFERENCE_AGENT,
            "user": user,
            **({"llm_user": llm} if llm is not None else {}),
            **({"llm_args_user": dict(llm_args)} if llm_args is not None else {}),
            "user_prompt": user_prompt,
            "user_monitor": "report",
            "seed": seed,
            "max_concurrency": max_concurrency,
            "probe": probe,
        }
    )
    cards = []
    for domain in domains:
        on_domain(domain)
        cards.append(_domain_card(config.model_copy(update={"domain": domain}), num_tasks))
    info = run_info(config, build_environment(domains[0])).user_info
    needs_model = llm is not None or info.prompt_form is not None
    return UserCard(
        user=user,
        model=config.llm_user if needs_model else None,
        prompt_form=info.prompt_form,
        seed=seed,
        engine_version=__version__,
        domains=cards,
    )


def _domain_card(config: TextRunConfig, num_tasks: int) -> DomainCard:
    tasks = _drawn(load_tasks(config.domain), num_tasks, config.seed)
    environment = build_environment(config.domain)
    own = _played(config, tasks)
    scripted = _played(config.model_copy(update={"user": SCRIPTED_USER}), tasks)
    baseline = _played(config.model_copy(update={"agent": BASELINE_AGENT}), tasks)
    figures = figures_of(own, tasks, environment)
    figures.floor = figures_of(baseline, tasks, environment).score
    return DomainCard(
        domain=config.domain,
        user=figures,
        scripted=figures_of(scripted, tasks, environment),
        sensitivity=sensitivity(own, scripted),
        recorded=RECORDED.get(config.domain),
    )


def _drawn(tasks: list[Task], number: int, seed: int) -> list[Task]:
    """Return some tasks, in their order; those that only a judge model can grade are left out."""
    gradable = [task for task in tasks if not _needs_judge(task)]
    rng = random.Random(derive_seed(seed, "certified tasks"))  # noqa: S311  -- a sample, no secret
    if number >= len(gradable):
        return gradable
    chosen = set(rng.sample(range(len(gradable)), number))
    return [task for place, task in enumerate(gradable) if place in chosen]


def _needs_judge(task: Task) -> bool:
    criteria = task.evaluation_criteria
    return criteria is not None and "NL_ASSERTION" in criteria.reward_basis


def _played(config: TextRunConfig, tasks: list[Task]) -> list[SimulationRun]:
    return run_tasks(config, tasks, console_display=False, sink=ignore_events).simulations
