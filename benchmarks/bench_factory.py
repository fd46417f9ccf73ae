"""How fast a domain's task factory is, and whether every task it makes is sound and told once.

Prints JSON: tasks per CPU second for generating and for auditing, duplicates (the same work, or the
same words to the customer), and the audit's failures by check. Works for every domain that has
`generate`; exits 1 on a failure.

  python benchmarks/bench_factory.py --domain retail --n 10000
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from tau2.audit import checks
from tau2.audit.audit import audit_domain
from tau2.audit.trajectory import is_write
from tau2.data_model.tasks import Task
from tau2.environment.domain import DomainSpec
from tau2.registry import registry

EXAMPLES = 10  # findings shown


def timed(make: Callable[[], Any]) -> tuple[Any, float]:
    """Return what `make` returns and its CPU seconds."""
    began = time.process_time()
    return make(), time.process_time() - began


def repeated(values: Iterable[object]) -> int:
    """Return how many values were there before."""
    counts = Counter(values)
    return counts.total() - len(counts)


def shapes(spec: DomainSpec, tasks: list[Task]) -> dict[str, Any]:
    """Return how varied the tasks are."""
    environment = spec.environment()
    writes = [
        sum(is_write(environment, action) for action in task.reference_actions) for task in tasks
    ]
    purposes = {(task.description.purpose if task.description else None) for task in tasks}
    words = [len(str(task.user_scenario).split()) for task in tasks]
    return {
        "purposes": len(purposes),
        "writes": dict(sorted(Counter(writes).items())),
        "words_in_a_scenario": statistics.median(words) if words else 0,
    }


def measure(domain: str, n: int, seed: int, difficulty: str | None) -> dict[str, Any]:
    """Generate and audit; return the figures."""
    spec: DomainSpec = registry.domains.get(domain)
    if spec.generate is None:
        raise SystemExit(f"domain {domain!r} has no task factory")
    generate = spec.generate
    _, first = timed(lambda: generate(1, seed, difficulty))
    tasks, seconds = timed(lambda: generate(n, seed, difficulty))
    shipped = {checks.work_of(task) for task in spec.tasks(None)}
    report = audit_domain(spec, tasks, task_set=f"{domain} generated")
    failing = {finding.task_id for finding in report.findings}
    return {
        "domain": domain, "seed": seed, "difficulty": difficulty, "tasks": len(tasks),
        "first_task_seconds": round(first, 3),
        "generated_per_second": round(len(tasks) / seconds, 1),
        "audited_per_second": round(len(tasks) / report.seconds, 1),
        "duplicate_ids": repeated(task.id for task in tasks),
        "duplicate_work": repeated(checks.work_of(task) for task in tasks),
        "duplicate_words": repeated(str(task.user_scenario) for task in tasks),
        "work_of_shipped_tasks": sum(checks.work_of(task) in shipped for task in tasks),
        "audit_failures": len(failing),
        "audit_failures_by_check": dict(Counter(finding.check for finding in report.findings)),
        "examples": [f"{f.task_id}: {f.check}: {f.text}" for f in report.findings[:EXAMPLES]],
        **shapes(spec, tasks),
    }  # fmt: skip


def main() -> int:
    """Print the figures; return 1 when a task is wrong or told twice."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--domain", required=True)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--difficulty", default=None)
    options = parser.parse_args()
    figures = measure(options.domain, options.n, options.seed, options.difficulty)
    print(json.dumps(figures, indent=2))
    wrong = (
        "audit_failures",
        "duplicate_ids",
        "duplicate_work",
        "duplicate_words",
        "work_of_shipped_tasks",
    )
    return int(any(figures[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
