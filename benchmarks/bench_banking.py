"""What environments of the bank cost: to make, to fork, and to keep a thousand of them.

    python benchmarks/bench_banking.py

times our own bank; with TAU2_DATA_DIR, that of the public folder. The first environment reads the
data and is not counted. A live environment has played the reference of its task. Figures: CPU
milliseconds (medians) of an environment, of one prepared for a task, of a fork of it after its
reference was played, of the hash then, and resident megabytes that `--live` environments add.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import statistics
import time
from collections.abc import Callable

from common import cpu_ms, report, rounded, rss_mb

from tau2.audit.trajectory import call_of
from tau2.data_model.tasks import Task
from tau2.domains.banking_knowledge.spec import DOMAIN
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup

TARGETS = {"environment_ms": 0.3, "fork_ms": 0.1, "live_mb": 60.0}


def begun(make: Callable[[], Environment], task: Task) -> Environment:
    """Return an environment at the start of a task."""
    return TaskSetup(task, make).start()


def played(make: Callable[[], Environment], task: Task) -> Environment:
    """Return an environment on which the reference of a task has been played."""
    environment = begun(make, task)
    for action in task.reference_actions:
        environment.get_response(call_of(action))
    return environment


def median_ms(works: list[Callable[[], object]]) -> float:
    """Return the median over works of the CPU milliseconds of each."""
    return rounded(statistics.median(cpu_ms(work, rounds=5, seconds=0.005) for work in works))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variant", help="the retrieval variant (default: the domain's)")
    parser.add_argument("--live", type=int, default=1000, help="environments kept at once")
    given = parser.parse_args()

    def make() -> Environment:
        return DOMAIN.environment(retrieval_variant=given.variant)

    began = time.process_time()
    make()
    first = (time.process_time() - began) * 1e3
    tasks = DOMAIN.tasks(None)
    parents = [played(make, task) for task in tasks]
    figures = {
        "first_environment_ms": rounded(first),
        "environment_ms": cpu_ms(make),
        "start_of_task_ms": median_ms([lambda task=task: begun(make, task) for task in tasks]),
        "fork_ms": median_ms([parent.fork for parent in parents]),
        "hash_ms": median_ms([parent.get_db_hash for parent in parents]),
    }
    gc.collect()
    before = rss_mb()
    live = [played(make, task) for task, _ in zip(itertools.cycle(tasks), range(given.live))]
    gc.collect()
    figures["live_mb"] = rounded(rss_mb() - before)
    report("banking", figures, TARGETS, tasks=len(tasks), live=len(live), variant=given.variant)


if __name__ == "__main__":
    main()
