"""Live episodes in one process.

What a reset and a step cost, what each keeps, and what is left of them.

Figures: CPU and wall milliseconds (medians) of a reset with its task lookup (the first of a task,
for which the scripted user compiles what it will say, and later ones), of a step that calls a tool,
and of the last step with its grading; milliseconds of that tool alone; kilobytes, threads and
descriptors per live episode; and what many cycles of reset, step and abandon leave behind. Forks:
bench_fork.py.

  python benchmarks/bench_rollout.py --domain retail --live 10000 --cycles 50000
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from common import report, rounded, rss_mb

from tau2.gym import AgentGymEnv
from tau2.registry import registry

TARGETS = {
    "reset_ms": 1.5,
    "reset_wall_ms": 1.5,
    "step_ms": 0.15,
    "step_wall_ms": 0.15,
    "last_step_ms": 3.0,
    "last_step_wall_ms": 3.0,
    "live_kb_each": 100.0,
    "live_threads": 0,
    "live_descriptors": 0,
    "cycles_threads": 0,
    "cycles_descriptors": 0,
    "cycles_growth_mb": 1.0,  # the allocator's own rounding
}
READS = {
    "mock": ("get_users", {}),
    "retail": ("list_all_product_types", {}),
    "airline": ("list_all_airports", {}),
}
ROUNDS = 40


def some_tasks(domain: str) -> list[str]:
    return [task.id for task in registry.get_tasks_loader(domain)()]


def a_read(domain: str) -> tuple[str, dict[str, Any]]:
    """Return a tool call that only reads."""
    if domain in READS:
        return READS[domain]
    tools: Any = registry.get_env_constructor(domain)().tools
    return "get_customer_by_id", {"customer_id": tools.db.customers[0].customer_id}


class Clock(NamedTuple):
    """Milliseconds of one piece of work."""

    cpu: float
    wall: float


def timed(work: Callable[[], Any]) -> Clock:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return Clock((time.process_time() - cpu) * 1e3, (time.perf_counter() - wall) * 1e3)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  -- iterdir would hold one open


def started(domain: str, task_id: str, read: str) -> AgentGymEnv:
    env = AgentGymEnv(domain, task_id, user="scripted_user", max_steps=1000)
    env.reset(seed=1)
    env.step(read)
    return env


def latencies(domain: str, ids: list[str], read: tuple[str, dict[str, Any]]) -> dict[str, float]:
    name, arguments = read
    action = json.dumps({"name": name, "arguments": arguments})
    samples: dict[str, list[Clock]] = {
        key: [] for key in ("first_reset", "reset", "step", "tool", "last_step")
    }
    for number in range(ROUNDS):
        env = AgentGymEnv(domain, ids[number % len(ids)], user="scripted_user", max_steps=1000)
        samples["first_reset"].append(timed(env.reset))
        samples["reset"].append(timed(env.reset))
        samples["step"] += [timed(partial(env.step, action)) for _ in range(20)]
        call = env.rollout.trajectory[-2].tool_calls[0]
        samples["tool"] += [
            timed(partial(env.rollout.environment.get_response, call)) for _ in range(20)
        ]
        samples["last_step"].append(timed(partial(env.step, "done()")))
    cpus = {
        f"{key}_ms": rounded(statistics.median(one.cpu for one in found))
        for key, found in samples.items()
    }
    walls = {
        f"{key}_wall_ms": rounded(statistics.median(one.wall for one in found))
        for key, found in samples.items()
    }
    return cpus | walls


def live(domain: str, ids: list[str], read: str, count: int) -> dict[str, float]:
    for task_id in ids[:200]:
        started(domain, task_id, read)
    gc.collect()
    threads, files, memory = threading.active_count(), descriptors(), rss_mb()
    episodes = [started(domain, ids[number % len(ids)], read) for number in range(count)]
    gc.collect()
    stepped = statistics.median(timed(partial(env.step, read)).cpu for env in episodes[:500])
    return {
        "live": count,
        "live_kb_each": rounded((rss_mb() - memory) * 1024 / count),
        "live_threads": threading.active_count() - threads,
        "live_descriptors": descriptors() - files,
        "live_step_ms": rounded(stepped),
    }


def cycles(domain: str, ids: list[str], read: str, count: int) -> dict[str, float]:
    for number in range(max(200, count // 10)):
        started(domain, ids[number % len(ids)], read)
    gc.collect()
    threads, files, memory = threading.active_count(), descriptors(), rss_mb()
    began = time.process_time()
    for number in range(count):
        started(domain, ids[number % len(ids)], read)
    spent = time.process_time() - began
    gc.collect()
    return {
        "cycles": count,
        "cycles_growth_mb": rounded(max(0.0, rss_mb() - memory)),
        "cycles_threads": threading.active_count() - threads,
        "cycles_descriptors": descriptors() - files,
        "cycle_ms": rounded(spent / count * 1e3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--domain", default="mock")
    parser.add_argument("--live", type=int, default=500)
    parser.add_argument("--cycles", type=int, default=1000)
    given = parser.parse_args()
    ids, (name, arguments) = some_tasks(given.domain), a_read(given.domain)
    action = json.dumps({"name": name, "arguments": arguments})
    figures = latencies(given.domain, ids, (name, arguments))
    figures |= cycles(given.domain, ids, action, given.cycles)
    figures |= live(given.domain, ids, action, given.live)
    report("rollout", figures, TARGETS, domain=given.domain)


if __name__ == "__main__":
    main()
