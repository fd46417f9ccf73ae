"""What is checked before a run starts, so that no conversation is paid for in vain."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from tau2._compat.patching import answers_calls
from tau2.config import domain_dir, is_foreign_data
from tau2.data_model.persona import PersonaConfig
from tau2.data_model.simulation import RunConfig, VoiceRunConfig
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.task_check import cut_lines, form_problems, grouped, task_problems
from tau2.errors import ConfigError, DataFileError
from tau2.evaluator.evaluator import EvaluationType, needs_judge
from tau2.runner.build import make_call
from tau2.runner.resolve import ResolvedRun, RoleModel, user_factory
from tau2.utils.text import first_of

logger = logging.getLogger(__name__)

_WAYS = (
    'or play a model of this machine (llm_agent="local/qwen-0.5b", user="scripted_user", after '
    '`tau2 models get qwen-0.5b`), or no model at all (agent="oracle_agent", user="scripted_user")'
)
_MOST_NAMED = 5  # tasks in one line

_WARNED: set[str] = set()
"""What has been said of somebody else's data; it is said once."""


def check_run(run: ResolvedRun, tasks: Sequence[Task], evaluation_type: EvaluationType) -> None:
    """Raise ConfigError, UnknownName or MissingExtra when a run cannot work as configured."""
    config = run.config
    user_factory(run.user)  # the name of a user must exist, even if the agent needs none
    if not tasks:
        raise ConfigError("there is no task to play")
    _check_numbers(config)
    _check_provider_limits(config)
    _check_persona(config.user_persona)
    for task in tasks:
        check_task(run, task)
    if isinstance(config, VoiceRunConfig):
        check_call(run, config, tasks)
    check_content(tasks, run.environment(), config.domain, config.tasks_file, config.task_set_name)
    if run.agent_check is not None:
        run.agent_check(config)
    _check_models(run, tasks, evaluation_type)
    _check_max_cost(run, tasks, evaluation_type)
    if config.otel:
        from tau2.telemetry import check_telemetry  # noqa: PLC0415  -- an optional package

        check_telemetry()


def check_task(run: ResolvedRun, task: Task) -> None:
    """Raise ConfigError when the agent of a run cannot play a task."""
    if run.accepts is not None and not run.accepts(task):
        raise ConfigError(
            f"agent {run.agent!r} cannot play task {task.id!r}: the task lacks what it needs"
        )


def check_call(run: ResolvedRun, config: VoiceRunConfig, tasks: Sequence[Task]) -> None:
    """Raise ConfigError or MissingExtra when a voice run lacks a key, an engine or a package.

    Both participants of the first task are made, and nothing is connected.
    """
    begun = next((task for task in tasks if task.history), None)
    if begun is not None:
        raise ConfigError(
            f"task {begun.id!r} begins in the middle of a conversation, which a call cannot; "
            "leave it out (--task-ids)"
        )
    if config.agent_voice_settings is not None and config.audio_native_config.provider != "local":
        raise ConfigError("agent_voice_settings is for provider local: a speech model has its own")
    if config.max_cost is not None and run.agent is None:
        raise ConfigError("max_cost does not cover speech models: leave it out")
    make_call(run, tasks[0], seed=config.seed)


def check_content(
    tasks: Sequence[Task],
    environment: Environment,
    domain: str,
    tasks_file: str | None = None,
    task_set_name: str | None = None,
) -> None:
    """Refuse tasks that name what there is not: raise DataFileError with all problems.

    Somebody else's data gets one warning instead.
    """
    twice = [task_id for task_id, count in Counter(task.id for task in tasks).items() if count > 1]
    if twice:
        raise ConfigError(f"tasks are given twice: {first_of(map(repr, twice), _MOST_NAMED)}")
    problems = [*form_problems(tasks), *task_problems(tasks, environment)]
    if not problems:
        return
    file = domain_dir(domain) / "tasks.json"
    source = tasks_file or (file if file.exists() else f"tasks of domain {domain}")
    if tasks_file is None and task_set_name not in (None, domain):
        source = f"task set {task_set_name} on domain {domain}"
    if tasks_file is None and is_foreign_data():
        text = grouped(problems, source)
        if text not in _WARNED:
            _WARNED.add(text)
            logger.warning("%s", text)
        return
    raise DataFileError(cut_lines([f"{source}: {problem}" for problem in problems], source))


def _check_numbers(config: RunConfig) -> None:
    for name in ("num_trials", "max_steps", "max_errors", "max_concurrency"):
        if getattr(config, name, 1) <= 0:
            raise ConfigError(f"{name} must be at least 1, not {getattr(config, name)}")
    for name in ("max_retries", "retry_delay", "workers", "stop_after_failures"):
        if getattr(config, name) < 0:
            raise ConfigError(f"{name} must not be negative, but is {getattr(config, name)}")
    if config.timeout is not None and config.timeout <= 0:
        raise ConfigError(f"timeout is in seconds and must be positive, not {config.timeout}")


def _check_provider_limits(config: RunConfig) -> None:
    if config.provider_limits is not None:
        from tau2.llm.middleware.limits import limits_of  # noqa: PLC0415  -- see _check_models

        limits_of(config.provider_limits)


def _check_persona(choices: Mapping[str, Any] | None) -> None:
    """Raise ConfigError when a persona, or any value it may be drawn from, does not exist."""
    for key, value in (choices or {}).items():
        for option in value if isinstance(value, Mapping) else (value,):
            try:
                PersonaConfig.model_validate({key: option})
            except ValidationError as error:
                problem = error.errors(include_url=False)[0]["msg"]
                raise ConfigError(f"user_persona: {key}={option!r}: {problem}") from error


def _check_models(run: ResolvedRun, tasks: Sequence[Task], evaluation_type: EvaluationType) -> None:
    from tau2.llm import check_model  # noqa: PLC0415  -- only runs that call models load them

    for module, used in _callers(run):
        if used is not None and not answers_calls(module):
            try:
                check_model(used.model, dict(used.args))
            except ConfigError as problem:
                raise ConfigError(
                    f"the model of the {_ROLES[module]} cannot be used: {problem}; {_WAYS}"
                ) from problem
            _check_workers(run.config, used.model, used.args)
    if run.config.auto_review:
        try:
            check_model(run.reviewer.model, run.reviewer.args)
        except ConfigError as problem:
            raise ConfigError(
                f"auto_review needs the reviewer, which cannot be used: {problem}"
            ) from problem
    judged = next((task for task in tasks if needs_judge(task, evaluation_type)), None)
    if judged is not None:
        try:
            check_model(run.judge.model, run.judge.args)
        except ConfigError as problem:
            raise ConfigError(
                f"task {judged.id!r} is graded by a judge model, which cannot be used: {problem}; "
                "name another with llm_judge (--llm-judge) or TAU2_JUDGE_LLM"
            ) from problem


_ROLES = {
    "tau2.agent.llm_agent": "agent",
    "tau2.user.user_simulator": "user",
    "tau2.voice.turn_taking": "user's decisions",
}


def _callers(run: ResolvedRun) -> list[tuple[str, RoleModel | None]]:
    """Return the modules that call models during a conversation, and these models."""
    return [
        ("tau2.agent.llm_agent", run.agent_model),
        ("tau2.user.user_simulator", run.user_model),
        ("tau2.voice.turn_taking", run.decision_model),
    ]


def costs_nothing(run: ResolvedRun) -> bool:
    """Return whether the agent's model, and every other of a conversation, runs in this process.

    A conversation that is given up is then nothing that was paid for.
    """
    used = [(module, model) for module, model in _callers(run) if model is not None]
    if run.agent_model is None or any(answers_calls(module) for module, _ in used):
        return False
    from tau2.llm.routing import backend_for  # noqa: PLC0415  -- see _check_models

    return all(backend_for(model, dict(args)).is_free for _, (model, args) in used)


def _check_workers(config: RunConfig, model: str, args: Mapping[str, Any]) -> None:
    """Raise ConfigError when several processes would each load the weights of a model."""
    from tau2.llm.routing import backend_for  # noqa: PLC0415  -- see _check_models

    if config.workers <= 1 and config.executor != "ray":
        return
    if backend_for(model, args).name == "local":
        raise ConfigError(
            f"model {model!r} runs in the process that plays, so every worker would load its "
            "weights: leave out --workers and the Ray executor (--max-concurrency plays several "
            "simulations on one engine), or serve the model once for all: tau2 serve-model"
        )


def _check_max_cost(
    run: ResolvedRun, tasks: Sequence[Task], evaluation_type: EvaluationType
) -> None:
    max_cost = run.config.max_cost
    if max_cost is None:
        return
    from tau2.llm.middleware.budget import known_price  # noqa: PLC0415  -- see _check_models

    if not 0 < max_cost < float("inf"):
        raise ConfigError(f"max_cost is in US dollars and must be above 0, not {max_cost}")
    for used in run.models(tasks, evaluation_type).values():
        known_price(used.model, used.args)
