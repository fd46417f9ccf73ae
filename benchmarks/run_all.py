"""Run every benchmark and print a table of figures, targets and whether each is met.

python benchmarks/run_all.py [--json]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
JOBS = (
    ("bench_shape.py",),
    ("bench_import.py",),
    ("bench_environment.py", "--domain", "retail"),
    ("bench_environment.py", "--domain", "airline"),
    ("bench_environment.py", "--domain", "telecom"),
    ("bench_episode.py",),
    ("bench_rollout.py", "--domain", "retail"),
    ("bench_rollout.py", "--domain", "telecom"),
    ("bench_grading.py",),
    ("bench_tasks.py",),
    ("bench_user_monitor.py", "--tasks", "10"),
    ("bench_view.py",),
    ("bench_fork.py", "--domain", "telecom"),
    ("bench_banking.py",),
    ("bench_drivers.py",),
    ("bench_parser.py",),
    ("bench_retrieval.py",),
    ("bench_shell.py",),
    ("bench_limits.py",),
    ("bench_text.py", "--size", "1000000", "--shapes", "2"),
    ("bench_store.py",),
    ("bench_large_runs.py", "--simulations", "2000", "--copies"),
    ("bench_batch.py",),
    ("bench_compare.py",),
    ("bench_audio.py",),
    ("bench_soak.py",),
)


def measured(job: tuple[str, ...]) -> dict[str, Any]:
    """Run one script and return what it printed."""
    done = subprocess.run(
        [sys.executable, str(HERE / job[0]), *job[1:]],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE,
    )
    if not done.stdout.strip():
        raise SystemExit(f"{' '.join(job)} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object per line instead of a table"
    )
    as_json = parser.parse_args().json
    missed = 0
    for job in JOBS:
        result = measured(job)
        missed += sum(not met for met in result["met"].values())
        if as_json:
            print(json.dumps(result), flush=True)
            continue
        print(f"{' '.join(job)}  (calibration {result['calibration_ms']} ms)", flush=True)
        for name, value in result["figures"].items():
            target = result["targets"].get(name)
            verdict = (
                ""
                if target is None
                else f"target {target:<8} {'ok' if result['met'][name] else 'MISSED'}"
            )
            print(f"  {name:<28}{value:>12}  {verdict}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
