"""Reviews of simulations: of one that was just played, or of many that are stored, on one event loop."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tau2.data_model.run_config import ReviewMode
from tau2.data_model.simulation import SimulationRun, TextRunConfig
from tau2.data_model.tasks import Task
from tau2.errors import ModelError
from tau2.evaluator.evidence import Judge
from tau2.evaluator.review import (
    AnyReview,
    areview_simulation,
    default_redactor,
    review_of,
    with_review,
)
from tau2.llm.failure import CallFailed
from tau2.llm.middleware import Middleware, NextSend, use_middleware
from tau2.llm.middleware.limits import ProviderLimits
from tau2.llm.request import Flow, Request, Response
from tau2.llm.secrets import Redactor, secrets_in_args, secrets_in_environment
from tau2.runner.preflight import reviewer_of
from tau2.runner.task_log import as_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What came of reviewing one simulation: a review, or why there is none."""

    run: SimulationRun
    """The simulation, with the review if there is one."""
    review: AnyReview | None = None
    problem: str | None = None
    is_kept: bool = False
    """Whether the same model had reviewed it before; nobody was asked."""


@dataclass(frozen=True, slots=True)
class ReviewPlan:
    """How simulations are reviewed."""

    reviewer: Judge
    mode: ReviewMode = "full"
    tasks: Mapping[str, Task] | None = None
    policy: str | None = None
    """What the agent was told, for simulations that do not say."""
    log: Callable[[SimulationRun], Middleware] | None = None
    """Makes the layer that writes down the model calls of one review."""


async def review_played(run: SimulationRun, task: Task, config: TextRunConfig) -> None:
    """Review an episode that was just played; a reviewer that fails is only noted."""
    if not run.get_messages():
        return
    try:
        review = await areview_simulation(run, task, reviewer_of(config), config.review_mode)
    except ModelError as problem:
        logger.info("reviewing %s: %s", run.id, problem, exc_info=True)
        said = default_redactor(reviewer_of(config)).text(str(problem))
        run.info = {**(run.info or {}), "review_error": said}
        return
    reviewed = with_review(run, review)
    run.review, run.user_only_review = reviewed.review, reviewed.user_only_review


async def areview_all(
    runs: Sequence[SimulationRun],
    plan: ReviewPlan,
    *,
    at_once: int = 32,
    on_reviewed: Callable[[Reviewed], None] = lambda _reviewed: None,
) -> list[Reviewed]:
    """Review simulations, up to `at_once` together; return what came of each, in their order.

    A review by the same model that is there already is kept. `on_reviewed` is called as each is finished; whoever
    cancels loses those under way only. Raise nothing for a reviewer that fails: the outcome says so.
    """
    found: list[Reviewed | None] = [None] * len(runs)
    waiting = iter(enumerate(runs))

    async def one_after_another() -> None:
        for number, run in waiting:
            reviewed = await _reviewed(run, plan)
            found[number] = reviewed
            on_reviewed(reviewed)

    try:
        with use_middleware(ProviderLimits().middleware):
            async with asyncio.TaskGroup() as group:
                for _ in range(max(1, min(at_once, len(runs)))):
                    group.create_task(one_after_another())
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None  # the others were stopped because of it
    return [reviewed for reviewed in found if reviewed is not None]


async def _reviewed(run: SimulationRun, plan: ReviewPlan) -> Reviewed:
    there = review_of(run, plan.mode)
    if there is not None and there.model == plan.reviewer.model:
        return Reviewed(run, there, is_kept=True)
    if not run.get_messages():
        return Reviewed(run, problem="there is no conversation to review")
    try:
        with use_middleware(*([plan.log(run)] if plan.log is not None else [])):
            review = await areview_simulation(
                run, _task_of(run, plan), plan.reviewer, plan.mode, policy=_policy(run, plan)
            )
    except ModelError as problem:
        logger.info("reviewing %s: %s", run.id, problem, exc_info=True)
        return Reviewed(run, problem=default_redactor(plan.reviewer).text(str(problem)))
    return Reviewed(with_review(run, review), review)


def call_log(folder: Path) -> Callable[[SimulationRun], Middleware]:
    """Return what writes the model calls of each review to `<folder>/sim_<simulation>/review.jsonl`, without secrets.

    A disk that fails costs the log, not the review.
    """
    return lambda run: _CallLog(folder / f"sim_{as_name(run.id)}" / "review.jsonl").around


class _CallLog:
    """Appends one line per exchange with the reviewer."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def around(self, request: Request, send: NextSend) -> Flow[Response]:
        """Write down what was asked, and what came of it."""
        asked = {"model": request.model, "messages": request.messages}
        redactor = Redactor(secrets_in_environment() | secrets_in_args(request.args))
        try:
            response = yield from send(request)
        except CallFailed as failure:
            self._add(redactor.data({**asked, "status": failure.status, "error": failure.text}))
            raise
        self._add(redactor.data({**asked, "response": response}))
        return response

    def _add(self, exchange: Any) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(exchange, default=str) + "\n")
        except OSError as problem:
            logger.warning("%s: this call is not logged: %s", self._path, problem)


def _task_of(run: SimulationRun, plan: ReviewPlan) -> Task | None:
    return (plan.tasks or {}).get(run.task_id)


def _policy(run: SimulationRun, plan: ReviewPlan) -> str | None:
    return run.policy or plan.policy
