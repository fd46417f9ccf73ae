"""How often `tau2 compare` is wrong.

False alarms on runs that are equally good, and what its intervals hold.

Tasks have success rates drawn from a Beta distribution; two runs of every task are tossed from the
same rate (null pairs), or from rates that differ by a known amount on average (shifted pairs).
Shares are of `--pairs` simulated comparisons at the 5 % and 95 % levels; with 2,000 of them a share
is known to about half a percent point.

  python benchmarks/bench_compare.py [--pairs 2000] [--tasks 50] [--trials 4]
"""

from __future__ import annotations

import argparse
import random
from time import process_time

from common import report, rounded

from tau2.metrics.comparison import PassHatDifference, difference
from tau2.seeds import derive_seed

LEVEL = 0.05
SHIFT = 0.1033  # no multiple of 1/(tasks * trials): no estimate hits it exactly


def tossed(
    rng: random.Random, tasks: int, trials: int, shift: float
) -> dict[str, list[tuple[bool, bool]]]:
    """Return one comparison's pairs; run B is better by `shift` on average over tasks."""
    pairs = {}
    for task in range(tasks):
        a = rng.betavariate(2, 2)
        b = a + shift * 5 * a * (1 - a)  # E[a(1-a)] of Beta(2, 2) is 1/5, and b stays within [0, 1]
        pairs[str(task)] = [(rng.random() < a, rng.random() < b) for _ in range(trials)]
    return pairs


def simulated(pairs: int, tasks: int, trials: int, shift: float) -> list[PassHatDifference]:
    rng = random.Random(derive_seed(1, "compare", shift))
    return [
        difference(tossed(rng, tasks, trials, shift), resamples=1000, seed=number)
        for number in range(pairs)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--tasks", type=int, default=50)
    parser.add_argument("--trials", type=int, default=4)
    options = parser.parse_args()
    began = process_time()
    null = simulated(options.pairs, options.tasks, options.trials, 0.0)
    shifted = simulated(options.pairs, options.tasks, options.trials, SHIFT)
    spent = process_time() - began
    alarms = sum(entry.test.mid_p <= LEVEL for entry in null) / len(null)
    exact = sum(entry.test.p_value <= LEVEL for entry in null) / len(null)
    held = sum(
        entry.interval.low <= SHIFT <= entry.interval.high for entry in shifted if entry.interval
    ) / len(shifted)
    figures = {
        "false_alarms_percent": rounded(100 * alarms),
        "false_alarms_off_by": rounded(abs(100 * alarms - 5)),
        "false_alarms_without_half_ties_percent": rounded(100 * exact),
        "coverage_percent": rounded(100 * held),
        "coverage_off_by": rounded(abs(100 * held - 95)),
        "power_at_10_points_percent": rounded(
            100 * sum(e.test.mid_p <= LEVEL for e in shifted) / len(shifted)
        ),
        "ms_per_comparison": rounded(1e3 * spent / (2 * options.pairs)),
    }
    targets = {
        "false_alarms_off_by": 1.0, "coverage_off_by": 1.0,
        "false_alarms_without_half_ties_percent": 6.0,
    }  # fmt: skip
    report(
        "compare", figures, targets, pairs=options.pairs, tasks=options.tasks, trials=options.trials
    )


if __name__ == "__main__":
    main()
