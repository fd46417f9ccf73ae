"""Loading tasks: a whole task set, and one task by its id.

Figures are CPU milliseconds (medians) after the first load.

  python benchmarks/bench_tasks.py
"""

from __future__ import annotations

from common import cpu_ms, report

from tau2.registry import registry
from tau2.runner import get_tasks

TARGETS = {"telecom_full_ms": 300.0, "telecom_one_by_id_ms": 1.0}


def main() -> None:
    figures = {}
    for domain in registry.get_domains():
        load = registry.get_tasks_loader(domain)
        figures[f"{domain}_all_ms"] = cpu_ms(load, rounds=5)
    full = registry.get_tasks_loader("telecom_full")
    figures["telecom_full_ms"] = cpu_ms(full, rounds=3)
    last = full()[-1].id
    one = lambda: get_tasks("telecom_full", task_ids=[last])  # noqa: E731  -- timed as a user calls it
    figures["telecom_one_by_id_ms"] = cpu_ms(one, rounds=5)
    report("tasks", figures, TARGETS, telecom_full=len(full()))


if __name__ == "__main__":
    main()
