"""Starting: modules that `import tau2` loads, and the CPU seconds of two `--help` commands.

Bytecode is cached in a folder of the benchmark's own, as on a user's second start.

  python benchmarks/bench_import.py
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile

from common import report, rounded

ROUNDS = 7
TARGETS = {"modules": 60, "help_cpu_s": 0.4}


def child_cpu(arguments: list[str], environment: dict[str, str]) -> float:
    """Return the median CPU seconds of a child process, once the bytecode cache is filled."""
    samples = []
    for _ in range(ROUNDS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        samples.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return rounded(statistics.median(samples[1:]))


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = cache
        count = "import tau2, sys; print(len(sys.modules))"
        modules = subprocess.run(
            [sys.executable, "-c", count],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        figures = {
            "modules": float(modules),
            "python_cpu_s": child_cpu(["-c", "pass"], environment),
            "import_cpu_s": child_cpu(["-c", "import tau2"], environment),
            "help_cpu_s": child_cpu(["-m", "tau2.cli", "--help"], environment),
            "run_help_cpu_s": child_cpu(["-m", "tau2.cli", "run", "--help"], environment),
        }
    report("import", figures, TARGETS)


if __name__ == "__main__":
    main()
