"""Fail a build when an agent passes too few tasks, or fewer than before.

    python ci_gate.py data/simulations/candidate --at-least 0.9
    python ci_gate.py data/simulations/candidate --baseline data/simulations/baseline

The exit code is 0 when the run is good enough, else 1.
"""

import argparse
import sys

from tau2.data_model.simulation import Results
from tau2.errors import Tau2Error
from tau2.metrics.agent_metrics import compute_metrics
from tau2.metrics.comparison import compare


def too_low(run: Results, k: int, least: float) -> str:
    """Return why a run does not reach `least` in pass^k; an empty text when it does."""
    passed = compute_metrics(run).pass_hat_ks.get(k)
    if passed is None:
        return f"pass^{k} is not known: fewer than {k} scored trials of a task"
    return f"pass^{k} is {passed:.3f}, below {least}" if passed < least else ""


def worse(baseline: Results, candidate: Results) -> str:
    """Return how much worse the candidate is; an empty text when that is not certain."""
    difference = compare(baseline, candidate).differences[0]
    low, high = difference.interval or (-1.0, 1.0)
    if high < 0.0:
        return f"pass^1 fell by {-difference.difference:.3f} (95%: {low:.3f} to {high:.3f})"
    return ""


def main() -> int:
    """Return 0 when the run is good enough, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--at-least", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--k", type=int, default=1)
    parser.add_argument("--baseline")
    options = parser.parse_args()

    candidate = Results.load(options.run)
    problems = [too_low(candidate, options.k, options.at_least)]
    if options.baseline:
        problems.append(worse(Results.load(options.baseline), candidate))
    for problem in filter(None, problems):
        print(problem)
    return int(any(problems))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Tau2Error as problem:  # a run that cannot be read, or that has other tasks
        sys.exit(str(problem))
