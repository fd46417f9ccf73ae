"""One small request to each model before a run: an endpoint that cannot be used is said at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tau2._compat.patching import answers_calls
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.tasks import Task
from tau2.errors import BudgetExhausted, ConfigError, ModelError, ModelRefused, ModelUnavailable
from tau2.evaluator.evaluator import EvaluationType
from tau2.llm.probe import Opening, Probe, probe
from tau2.runner.events import ModelsProbed, Sink
from tau2.runner.middleware import redactor_of
from tau2.runner.resolve import ResolvedRun, RoleModel

_ABOUT_THE_REQUEST = frozenset({400, 409, 413, 422})
"""Statuses that a model may give to so small a request, and not to a conversation."""
_RATE_LIMITED = 429
_NO_MODEL = re.compile(
    r"model\b.{0,80}(?:not (?:found|exist|supported|available)|does(?: not|n't) exist|unknown)"
    r"|(?:no such|unknown|invalid|unsupported) model",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(slots=True)
class _Probed:
    """A model that is probed once, whichever roles it has."""

    used: RoleModel
    roles: list[str]
    opening: Opening | None = None
    """Given for a program that is the agent."""


async def probe_models(
    run: ResolvedRun, tasks: Sequence[Task], evaluation_type: EvaluationType, sink: Sink
) -> float:
    """Send one small request to each model of a run.

    Scripted models are not asked, and nothing is recorded or cached.

    Returns:
        The US dollars that the requests cost, as far as prices are known.

    Raises:
        ConfigError: a model cannot be reached, or refuses the key; says what to do.
    """
    from tau2.llm.middleware import use_middleware  # noqa: PLC0415  -- loaded when used
    from tau2.llm.middleware.redaction import RedactionMiddleware  # noqa: PLC0415  -- likewise

    models = _models(run, tasks, evaluation_type)

    async def probed(one: _Probed) -> Probe | None:
        try:
            return await probe(one.used.model, one.used.args, one.opening)
        except ModelError as problem:
            if _is_fatal(problem, is_program=one.opening is not None):
                raise _unusable(one, problem) from problem
            return None

    with use_middleware(RedactionMiddleware(redactor_of(run.config)).middleware):
        outcomes = await asyncio.gather(*map(probed, models), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    answered = [outcome for outcome in outcomes if isinstance(outcome, Probe)]
    cost = sum(one.cost or 0.0 for one in answered)
    if answered:
        tokens = sum(one.prompt_tokens + one.completion_tokens for one in answered)
        sink(ModelsProbed(len(answered), tokens, cost))
    return cost


def _models(
    run: ResolvedRun, tasks: Sequence[Task], evaluation_type: EvaluationType
) -> list[_Probed]:
    """Return the distinct models of a run that are called over a network."""
    distinct: dict[tuple[str, str], _Probed] = {}
    for role, used in run.models(tasks, evaluation_type).items():
        if _answers_itself(run, role):
            continue
        place = str(used.args.get("api_base") or used.args.get("base_url") or "")
        probed = distinct.setdefault((used.model, place), _Probed(used, []))
        probed.roles.append(role)
        if role == "agent" and _is_program(run):
            environment = run.environment()
            probed.opening = Opening(environment.get_policy(), environment.get_tools())
    return list(distinct.values())


def _answers_itself(run: ResolvedRun, role: str) -> bool:
    """Return whether code of the caller answers the calls of a role in place of its model."""
    functions = {"judge": run.judge.completion_fn, "reviewer": run.reviewer.completion_fn}
    if functions.get(role) is not None:
        return True
    modules = {"agent": "tau2.agent.llm_agent", "user": "tau2.user.user_simulator"}
    return answers_calls(modules.get(role, ""))


def _is_program(run: ResolvedRun) -> bool:
    """Return whether the agent is a program at a URL."""
    return isinstance(run.config, TextRunConfig) and run.config.agent_url is not None


def _is_fatal(problem: ModelError, *, is_program: bool) -> bool:
    """Return whether a model that failed like this will fail every task.

    A program was asked as in an episode, so that what it refuses now it will refuse again.
    """
    if isinstance(problem, BudgetExhausted):
        return False
    if isinstance(problem, ModelUnavailable):
        return problem.status != _RATE_LIMITED  # one that is merely busy
    if not isinstance(problem, ModelRefused):
        return False
    is_about_request = not is_program and problem.status in _ABOUT_THE_REQUEST
    return not is_about_request or bool(_NO_MODEL.search(str(problem)))


def _unusable(one: _Probed, problem: ModelError) -> ConfigError:
    if one.opening is not None:
        return ConfigError(f"nothing was played: {problem}")
    roles = " and ".join(one.roles)
    return ConfigError(
        f"the model of the {roles} cannot be used, so nothing was played: {problem}. "
        "To play without asking each model first: --no-probe (probe=False)"
    )
