"""Grading a finished episode, with the gold world made for the first time and from the cache.

Episodes are those of oracle_agent and scripted_user on the first tasks of every domain. Figures are
CPU milliseconds (medians over tasks); "first" plays the reference on a fresh world, "again" finds
it in the cache.

  python benchmarks/bench_grading.py
"""

from __future__ import annotations

import statistics
import time

from common import report, rounded

from tau2.data_model.simulation import SimulationRun, TextRunConfig
from tau2.data_model.tasks import Task
from tau2.evaluator.evaluator import EvaluationType
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.runner import build_text_orchestrator, get_tasks
from tau2.runner.simulation import grade_live

TASKS = 30
DOMAINS = ("retail", "airline", "telecom")


def played(domain: str, task: Task) -> tuple[Orchestrator, SimulationRun]:
    config = TextRunConfig(domain=domain, agent="oracle_agent", user="scripted_user")
    orchestrator = build_text_orchestrator(config, task, seed=1)
    return orchestrator, orchestrator.run()


def graded(orchestrator: Orchestrator, run: SimulationRun) -> float:
    """Return the CPU seconds of grading one episode, which must have earned everything."""
    began = time.process_time()
    reward = grade_live(run, orchestrator, EvaluationType.ALL)
    seconds = time.process_time() - began
    assert reward.reward == 1.0, run.task_id
    return seconds


def main() -> None:
    figures = {}
    for domain in DOMAINS:
        episodes = [played(domain, task) for task in get_tasks(domain, num_tasks=TASKS)]
        for name in ("first", "again"):
            samples = [graded(orchestrator, run) for orchestrator, run in episodes]
            figures[f"{domain}_{name}_ms"] = rounded(statistics.median(samples) * 1e3)
    report("grading", figures, {f"{domain}_first_ms": 3.0 for domain in DOMAINS}, tasks=TASKS)


if __name__ == "__main__":
    main()
