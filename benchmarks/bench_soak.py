"""A process that plays for a long time.

20,000 simulations, in runs of which some are saved. Does anything grow?

    python benchmarks/bench_soak.py --n 20000

After a warm-up, threads, descriptors, resident memory and live objects are taken after every round.
Scripted cast, no network. `rss_kb_per_1000` is the slope of a least-squares line through resident
memory over simulations; `record_kb` is what a run keeps of each simulation while it goes on.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import logging
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
import tracemalloc
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from common import report, rounded, rss_mb

from tau2.data_model.run_config import TextRunConfig
from tau2.runner import get_tasks, run_tasks
from tau2.storage.journal import Stored

ROUND = 500
TARGETS = {
    "threads_grown": 0.0,
    "descriptors_grown": 0.0,
    "objects_per_1000": 100.0,
    "rss_kb_per_1000": 150.0,
}
TARGETS |= {"record_kb": 1.0}


@dataclass(frozen=True)
class Sample:
    """What a process holds between two rounds."""

    played: int
    threads: int
    descriptors: int
    rss_kb: float
    objects: int


def sample(played: int) -> Sample:
    gc.collect()
    with suppress(OSError, AttributeError):  # glibc keeps freed memory; that is no growth of ours
        ctypes.CDLL(None).malloc_trim(0)
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return Sample(
        played, threading.active_count(), descriptors, rss_mb() * 1024, len(gc.get_objects())
    )


def play_round(number: int, folder: Path) -> None:
    """Play `ROUND` simulations; every other round is saved, and the folder goes afterwards."""
    tasks = get_tasks("mock")
    saved = folder / str(number) if number % 2 else None
    config = TextRunConfig(
        domain="mock", agent="oracle_agent", user="scripted_user", seed=number,
        num_trials=ROUND // len(tasks), max_concurrency=16,
    )  # fmt: skip
    results = run_tasks(config, tasks, save_dir=saved, console_display=False)
    if len(results.simulations) != ROUND or any(
        run.reward_info is None for run in results.simulations
    ):
        raise RuntimeError(f"round {number} is not complete")
    if saved is not None:
        shutil.rmtree(saved)


def slope(samples: list[Sample], what: str) -> float:
    """Return the growth per 1,000 simulations, by least squares."""
    xs = [one.played / 1000 for one in samples]
    return statistics.linear_regression(xs, [float(getattr(one, what)) for one in samples]).slope


def record_kb() -> float:
    """Return what one entry of a run takes."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = {(record.task_id, record.trial): record for record in map(_record, range(5_000))}
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken / len(kept) / 1024


def _record(number: int) -> Stored:
    return Stored(
        task_id=f"task_{number % 100}", trial=number, seed=10**15 + number,
        id=f"task-{number % 100}-{number:017x}", size=5_000 + number, sha256=f"{number:064x}",
        termination="user_stop", reward=1.0, agent_cost=0.1 * number, user_cost=0.2 * number,
        duration=0.5 * number,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=20_000)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    rounds, began = max(4, options.n // ROUND), time.perf_counter()
    warm_up = max(2, rounds // 8)
    samples = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            play_round(number, Path(folder))
            if number >= warm_up - 1:
                samples.append(sample((number + 1) * ROUND))
    first, last = samples[0], samples[-1]
    figures = {
        "threads_grown": float(last.threads - first.threads),
        "descriptors_grown": float(last.descriptors - first.descriptors),
        "objects_per_1000": rounded(slope(samples, "objects")),
        "rss_kb_per_1000": rounded(slope(samples, "rss_kb")),
        "record_kb": rounded(record_kb()),
    }
    facts = {
        "simulations": rounds * ROUND,
        "seconds": round(time.perf_counter() - began),
        "pid": os.getpid(),
    }
    facts |= {
        "rss_mb_first": rounded(first.rss_kb / 1024),
        "rss_mb_last": rounded(last.rss_kb / 1024),
    }
    report("soak", figures, TARGETS, threads=last.threads, descriptors=last.descriptors, **facts)


if __name__ == "__main__":
    sys.exit(main())
