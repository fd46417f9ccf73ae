"""Reviews of simulations by a model: of one that was just played, or of many that are stored."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tau2.data_model.outline import Outline
from tau2.data_model.run_config import ReviewMode
from tau2.data_model.simulation import SimulationRun
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
from tau2.runner.event_loop import run_copies
from tau2.runner.resolve import ResolvedRun
from tau2.runner.task_log import as_name
from tau2.storage.files import make_within
from tau2.storage.stored_simulations import one_by_one

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The review of one simulation, or why there is none."""

    run: SimulationRun | Outline
    """The simulation, with the review if there is one; or its outline."""
    review: AnyReview | None = None
    problem: str | None = None
    is_kept: bool = False
    """Whether the same model had reviewed it before, so that no model was called."""

    @property
    def without_conversation(self) -> Reviewed:
        """The same with the outline of the simulation, which takes little memory."""
        if isinstance(self.run, Outline):
            return self
        return replace(self, run=Outline.of(self.run))


@dataclass(frozen=True, slots=True)
class ReviewPlan:
    """How simulations are reviewed."""

    reviewer: Judge
    mode: ReviewMode = "full"
    tasks: Mapping[str, Task] | None = None
    policy: str | None = None
    """The agent's policy, for simulations that do not hold it."""
    log: Callable[[SimulationRun], Middleware] | None = None
    """Makes the middleware that logs the model calls of one review."""


async def review_played(simulation: SimulationRun, task: Task, run: ResolvedRun) -> None:
    """Review a simulation that was just played.

    The failure of a reviewer is noted in its `info`.
    """
    if not simulation.get_messages():
        return
    try:
        review = await areview_simulation(simulation, task, run.reviewer, run.config.review_mode)
    except ModelError as problem:
        logger.info("reviewing %s: %s", simulation.id, problem, exc_info=True)
        error = default_redactor(run.reviewer).text(str(problem))
        simulation.info = {**(simulation.info or {}), "review_error": error}
        return
    reviewed = with_review(simulation, review)
    simulation.review = reviewed.review
    simulation.user_only_review = reviewed.user_only_review


async def areview_all(
    runs: Sequence[SimulationRun],
    plan: ReviewPlan,
    *,
    at_once: int = 32,
    on_reviewed: Callable[[Reviewed], None] = lambda _reviewed: None,
    with_runs: bool = True,
) -> list[Reviewed]:
    """Review simulations, up to `at_once` together; return the outcome of each, in their order.

    A review that the same model wrote before is kept. `on_reviewed` is called as each is finished,
    so that a cancellation loses only reviews in progress. A reviewer that fails raises nothing: the
    outcome holds the problem. Without `with_runs`, the outcomes that are returned hold outlines;
    `on_reviewed` receives the simulations.
    """
    found: list[Reviewed | None] = [None] * len(runs)
    waiting = iter(enumerate(one_by_one(runs)))

    async def one_after_another() -> None:
        for number, run in waiting:
            reviewed = await _reviewed(run, plan)
            on_reviewed(reviewed)
            found[number] = reviewed if with_runs else reviewed.without_conversation

    with use_middleware(ProviderLimits().middleware):
        await run_copies(one_after_another, min(at_once, len(runs)))
    return [reviewed for reviewed in found if reviewed is not None]


async def _reviewed(run: SimulationRun, plan: ReviewPlan) -> Reviewed:
    before = review_of(run, plan.mode)
    if before is not None and before.model == plan.reviewer.model:
        return Reviewed(run, before, is_kept=True)
    if not run.get_messages():
        return Reviewed(run, problem="there is no conversation to review")
    try:
        with use_middleware(*([plan.log(run)] if plan.log is not None else [])):
            task = (plan.tasks or {}).get(run.task_id)
            policy = run.policy or plan.policy
            review = await areview_simulation(run, task, plan.reviewer, plan.mode, policy=policy)
    except ModelError as problem:
        logger.info("reviewing %s: %s", run.id, problem, exc_info=True)
        return Reviewed(run, problem=default_redactor(plan.reviewer).text(str(problem)))
    return Reviewed(with_review(run, review), review)


def call_log(folder: Path) -> Callable[[SimulationRun], Middleware]:
    """Return what makes the middleware that logs the model calls of a review, redacted.

    The log is `<folder>/sim_<simulation>/review.jsonl`. A disk that fails costs the log, not the
    review.
    """

    def log(run: SimulationRun) -> Middleware:
        file = folder / f"sim_{as_name(run.id)}" / "review.jsonl"
        return _CallLog(file, folder.parent).middleware

    return log


class _CallLog:
    """Appends one line per exchange with the reviewer."""

    def __init__(self, path: Path, run: Path) -> None:
        self._path = path
        self._run = run

    def middleware(self, request: Request, send: NextSend) -> Flow[Response]:
        """Log a request and its response or failure."""
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
            make_within(self._run, self._path.parent)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(exchange, default=str) + "\n")
        except (OSError, ValueError, TypeError, RecursionError) as problem:
            logger.warning("%s: this call is not logged: %s", self._path, problem)
