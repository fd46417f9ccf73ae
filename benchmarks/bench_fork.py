"""What a fork costs: milliseconds and bytes, at random turns of random episodes.

An episode is begun, its agent makes some of the moves of the reference solution, and there it is
forked. Figures: CPU milliseconds of a fork (median and the slowest of all points), bytes that a
child keeps while it lives, and what a fresh episode would cost that makes the same moves again.

  python benchmarks/bench_fork.py --domain telecom
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from common import report, rounded, rss_mb

from tau2.agent.oracle_agent.plan import plan_of
from tau2.data_model.tasks import Task
from tau2.registry import registry
from tau2.rollout import Rollout, RolloutSetup
from tau2.seeds import derive_seed

TARGETS = {"fork_ms": 1.0, "fork_bytes_each": 100_000}
CHILDREN = 20
WORDS = "One moment, please."


def points(domain: str, count: int) -> Iterator[tuple[Task, list[Any]]]:
    """Yield tasks and the moves that are made before the fork."""
    rng = random.Random(derive_seed(1, "bench forks", domain))
    tasks = registry.get_tasks_loader(domain)()
    for _ in range(count):
        task = rng.choice(tasks)
        calls = [
            {"name": step.name, "arguments": step.arguments}
            for step in plan_of(task)
            if not step.by_user
        ]
        moves: list[Any] = [WORDS, *calls, WORDS]
        yield task, moves[: rng.randint(0, len(moves))]


def begun(domain: str, task: Task, moves: list[Any]) -> Rollout:
    rollout = Rollout(RolloutSetup(domain, user="scripted_user"))
    rollout.reset(task, seed=1)
    for move in moves:
        rollout.step(move)
    return rollout


def cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--domain", default="mock")
    parser.add_argument("--points", type=int, default=100)
    given = parser.parse_args()
    where = list(points(given.domain, given.points))
    parents = [begun(given.domain, *point) for point in where]
    replays = [cpu(lambda point=point: begun(given.domain, *point)) for point in where]
    forks = [cpu(parent.fork) for parent in parents]
    gc.collect()
    before = rss_mb()
    children = [child for parent in parents for child in parent.fork(CHILDREN)]
    gc.collect()
    figures = {
        "fork_ms": rounded(statistics.median(forks)),
        "fork_slowest_ms": rounded(max(forks)),
        "fork_bytes_each": rounded((rss_mb() - before) * 1024**2 / len(children)),
        "replay_ms": rounded(statistics.median(replays)),
    }
    report("fork", figures, TARGETS, domain=given.domain, points=len(where))


if __name__ == "__main__":
    main()
