"""What the benchmark scripts share.

CPU medians, a calibration loop, and one JSON object on standard output.
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

SIGNIFICANT = 4  # digits


def rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT}g}")


def cpu_ms(work: Callable[[], Any], *, rounds: int = 15, seconds: float = 0.02) -> float:
    """Return the median CPU milliseconds of one call; each round repeats it for about `seconds`."""
    work()
    began = time.process_time()
    work()
    repeats = max(1, int(seconds / max(time.process_time() - began, 1e-7)))
    samples = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(repeats):
            work()
        samples.append((time.process_time() - began) / repeats)
    return rounded(statistics.median(samples) * 1e3)


def calibration_ms() -> float:
    """Return the CPU milliseconds of a fixed load.

    Figures of two machines compare as ratios to it.
    """
    table = {str(i): [i, {"a": "x" * 20, "b": i * 1.5}] for i in range(300)}
    return cpu_ms(lambda: [json.loads(json.dumps(table, sort_keys=True)) for _ in range(10)])


def rss_mb() -> float:
    """Return this process's resident memory (Linux)."""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123  -- not a file on a disk
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def report(name: str, figures: dict[str, float], targets: dict[str, float], **facts: Any) -> None:
    """Print figures, their targets and whether each is met; exit 1 when one is missed."""
    met = {key: figures[key] <= limit for key, limit in targets.items()}
    line = {
        "bench": name,
        "python": platform.python_version(),
        "calibration_ms": calibration_ms(),
        "figures": figures,
        "targets": targets,
        "met": met,
        **facts,
    }
    print(json.dumps(line))
    sys.exit(0 if all(met.values()) else 1)
