"""What is checked before a run starts, so that no conversation is paid for in vain."""

from __future__ import annotations

from collections.abc import Sequence

from tau2 import config as defaults
from tau2.data_model.simulation import RunConfig, TextRunConfig
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError, UnknownName
from tau2.evaluator.evaluator import EvaluationType, needs_judge
from tau2.evaluator.evidence import Judge
from tau2.registry import registry
from tau2.runner.build import check_persona, check_task, is_solo

_UNAVAILABLE = ("retrieval_config",)


def judge_of(config: RunConfig) -> Judge:
    """Return the configured judge."""
    args = config.llm_args_judge or dict(defaults.DEFAULT_LLM_NL_ASSERTIONS_ARGS)
    return Judge(config.llm_judge or defaults.judge_model(), args)


def reviewer_of(config: RunConfig) -> Judge:
    """Return the configured reviewer."""
    return Judge(
        config.review_model, config.review_args or dict(defaults.DEFAULT_LLM_NL_ASSERTIONS_ARGS)
    )


def check_config(
    config: RunConfig, tasks: Sequence[Task], evaluation_type: EvaluationType
) -> TextRunConfig:
    """Return the configuration. Raise ConfigError or UnknownName when a run cannot work as it says."""
    if not isinstance(config, TextRunConfig):
        raise ConfigError(
            "this version plays text; voice runs need the voice engine, which it does not contain yet"
        )
    if not tasks:
        raise ConfigError("there is no task to play")
    _check_numbers(config)
    for name in _UNAVAILABLE:
        if getattr(config, name):
            raise ConfigError(f"{name} is not available in this version; leave it at its default")
    _check_names(config)
    check_persona(config.user_persona)
    for task in tasks:
        check_task(config, task)
    _check_models(config, tasks, evaluation_type)
    _check_money(config, tasks, evaluation_type)
    if config.otel:
        from tau2.telemetry import check_telemetry  # noqa: PLC0415  -- an optional package

        check_telemetry()
    return config


def _check_numbers(config: TextRunConfig) -> None:
    for name in ("num_trials", "max_steps", "max_errors", "max_concurrency"):
        if getattr(config, name) <= 0:
            raise ConfigError(f"{name} must be at least 1, not {getattr(config, name)}")
    for name in ("max_retries", "retry_delay", "workers"):
        if getattr(config, name) < 0:
            raise ConfigError(f"{name} must not be negative, but is {getattr(config, name)}")
    if config.timeout is not None and config.timeout <= 0:
        raise ConfigError(f"timeout is in seconds and must be positive, not {config.timeout}")


def _check_names(config: TextRunConfig) -> None:
    for kind, name, known in (
        ("domain", config.domain, registry.get_domains()),
        ("agent", config.agent, registry.get_agents()),
        ("user", config.user, registry.get_users()),
    ):
        if name not in known:
            raise UnknownName(kind, name, known)


def _check_models(
    config: TextRunConfig, tasks: Sequence[Task], evaluation_type: EvaluationType
) -> None:
    from tau2.llm import check_model  # noqa: PLC0415  -- the model layer is loaded only by runs that use it

    if config.agent in registry.agents and registry.agents.get(config.agent).needs_model:
        check_model(config.llm_agent, config.llm_args_agent)
    user = "dummy_user" if is_solo(config) else config.user
    if user in registry.users and registry.users.get(user).needs_model:
        check_model(config.llm_user, config.llm_args_user)
    if config.auto_review:
        reviewer = reviewer_of(config)
        try:
            check_model(reviewer.model, reviewer.args)
        except ConfigError as problem:
            raise ConfigError(
                f"auto_review needs the reviewer, which cannot be used: {problem}"
            ) from problem
    judged = next((task for task in tasks if needs_judge(task, evaluation_type)), None)
    if judged is not None:
        judge = judge_of(config)
        try:
            check_model(judge.model, judge.args)
        except ConfigError as problem:
            raise ConfigError(
                f"task {judged.id!r} is graded by a judge model, which cannot be used: {problem}; "
                "name another with llm_judge (--llm-judge) or TAU2_JUDGE_LLM"
            ) from problem


def models_in_use(
    config: TextRunConfig,
    tasks: Sequence[Task],
    evaluation_type: EvaluationType = EvaluationType.ALL,
) -> dict[str, Judge]:
    """Return the models that a run asks, with their arguments, by who asks them: agent, user, judge, reviewer."""
    user = "dummy_user" if is_solo(config) else config.user
    used = {}
    if config.agent in registry.agents and registry.agents.get(config.agent).needs_model:
        used["agent"] = Judge(config.llm_agent, config.llm_args_agent)
    if user in registry.users and registry.users.get(user).needs_model:
        used["user"] = Judge(config.llm_user, config.llm_args_user)
    if any(needs_judge(task, evaluation_type) for task in tasks):
        used["judge"] = judge_of(config)
    if config.auto_review:
        used["reviewer"] = reviewer_of(config)
    return used


def _check_money(
    config: TextRunConfig, tasks: Sequence[Task], evaluation_type: EvaluationType
) -> None:
    if config.max_cost is None:
        return
    from tau2.llm.middleware.budget import known_price  # noqa: PLC0415  -- see _check_models

    if not 0 < config.max_cost < float("inf"):
        raise ConfigError(f"max_cost is in US dollars and must be above 0, not {config.max_cost}")
    if config.executor == "ray":
        raise ConfigError(
            "max_cost holds on one machine only: leave out the Ray executor, or the cap"
        )
    for asked in models_in_use(config, tasks, evaluation_type).values():
        known_price(asked.model, asked.args)
