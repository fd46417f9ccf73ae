"""Layer 1: play a wired orchestrator and grade the result. No registry, no configuration."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from typing import Any

from tau2.data_model.simulation import RewardInfo, SimulationRun
from tau2.evaluator.evaluator import EvaluationType, grade, needs_judge
from tau2.evaluator.evidence import Judge
from tau2.orchestrator.full_duplex_orchestrator import AnyOrchestrator
from tau2.utils.sizes import LARGE


def grade_live(
    run: SimulationRun,
    orchestrator: AnyOrchestrator,
    evaluation_type: EvaluationType,
    judge: Judge | None = None,
) -> RewardInfo:
    """Grade a simulation from the environment it was played on."""
    return grade(
        run, orchestrator.task_setup, evaluation_type, live=orchestrator.environment, judge=judge
    )


def run_simulation(
    orchestrator: AnyOrchestrator,
    *,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    env_kwargs: Any = None,  # noqa: ARG001  -- public signature
    judge: Judge | None = None,
) -> SimulationRun:
    """Play a wired orchestrator to the end and return the record with its reward.

    `env_kwargs` is accepted for compatibility: grading uses the environment that was played on.
    """
    run = orchestrator.run()
    run.policy = orchestrator.environment.get_policy()
    run.reward_info = grade_live(run, orchestrator, evaluation_type, judge)
    return run


def is_long(run: SimulationRun) -> bool:
    """Return whether a conversation is too long to be read on an event loop."""
    contents = (getattr(message, "content", None) or "" for message in run.get_messages())
    return sum(map(len, contents)) > LARGE


async def agrade_live(
    run: SimulationRun,
    orchestrator: AnyOrchestrator,
    evaluation_type: EvaluationType,
    judge: Judge | None = None,
) -> RewardInfo:
    """Do what `grade_live` does on the running event loop.

    A judge is awaited in a worker thread, and a long conversation is graded in one.
    """
    if is_long(run) or needs_judge(orchestrator.task, evaluation_type):
        return await asyncio.to_thread(grade_live, run, orchestrator, evaluation_type, judge)
    return grade_live(run, orchestrator, evaluation_type, judge)


async def arun_simulation(
    orchestrator: AnyOrchestrator,
    *,
    evaluation_type: EvaluationType = EvaluationType.ALL,
    judge: Judge | None = None,
    executor: Executor | None = None,
) -> SimulationRun:
    """Do what `run_simulation` does on the running event loop.

    `executor` runs participants that may block.
    """
    run = await orchestrator.arun(executor)
    run.policy = orchestrator.environment.get_policy()
    run.reward_info = await agrade_live(run, orchestrator, evaluation_type, judge)
    return run
