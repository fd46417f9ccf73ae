"""Every driver plays the same scripted episodes.

How many differ (none may), and what an episode costs in each.

The drivers and the episodes are those of tests/laws/test_every_driver.py; a task is played once per
driver, graded.

  python benchmarks/bench_drivers.py --tasks 25
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

from common import report, rounded

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the drivers are the tests' own

from tests.laws.drivers import DRIVERS
from tests.laws.plays import Play, some_plays

DOMAINS = ("mock", "airline", "retail", "telecom")
TARGETS = {"differing": 0}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=30, help="of each domain that has as many")
    count = parser.parse_args().tasks
    plays = [play for domain in DOMAINS for play in some_plays(domain, count)]
    times: dict[str, list[float]] = {name: [] for name in DRIVERS}
    different = sum(differs(play, times) for play in plays)
    figures: dict[str, float] = {"differing": different}
    figures |= {f"{name}_ms": rounded(statistics.median(found)) for name, found in times.items()}
    report("drivers", figures, TARGETS, tasks=len(plays), drivers=len(DRIVERS))


def differs(play: Play, times: dict[str, list[float]]) -> bool:
    """Return whether any driver plays an episode otherwise than the first.

    Note how long each took.
    """
    outcomes = []
    for name, drive in DRIVERS.items():
        began = time.process_time()
        outcomes.append(drive(play))
        times[name].append((time.process_time() - began) * 1e3)
    return any(found != outcomes[0] for found in outcomes)


if __name__ == "__main__":
    main()
