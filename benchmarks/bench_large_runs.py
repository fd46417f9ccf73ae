"""A run of many simulations: memory, its end, resuming it, and every command that reads it.

Mock tasks, played by the reference agent and the scripted user, without any model. Every stage is a
process of its own, so that its memory is its own. With --copies each task is played once, and its
other trials are copies, which takes a fifth of the time. CPU seconds; `end_s` is wall time from
the last simulation to the return of `run_tasks`, summary included. With --run, a folder that is
there already is resumed and looked at; it must be of the same command line. `foreign` is the second
opening of a folder without a journal, as the public package writes it; `single` is a run that is
kept in one file.

  python benchmarks/bench_large_runs.py --simulations 100000 --stages play --copies
  python benchmarks/bench_large_runs.py --simulations 20000 --stages play resume report view
  python benchmarks/bench_large_runs.py --simulations 20000 --copies --stages play compare blame
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import report, rounded
from rich.console import Console

from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.simulation import ResultsFormat, SimulationRun
from tau2.data_model.tasks import Task

MODEL = "scripted/reviewer"
SCRIPT = json.dumps({"script": [json.dumps({"errors": []})]})
COMMANDS: dict[str, tuple[str, ...]] = {
    "view": ("view", "RUN", "--plain"),
    "view_json": ("view", "RUN", "--json"),
    "report": ("report", "RUN", "-o", "OUT/report.html"),
    "compare": ("compare", "RUN", "OTHER"),
    "blame": ("blame", "RUN"),
    "evaluate": ("evaluate-trajs", "RUN"),
    "regrade": ("evaluate-trajs", "RUN", "-o", "OUT/graded"),
    "review": ("review", "RUN", "--review-model", MODEL, "--review-args", SCRIPT),
    "jsonl": ("export", "RUN", "-o", "OUT/jsonl"),
    "csv": ("export", "RUN", "--to", "csv", "-o", "OUT/csv"),
    "parquet": ("export", "RUN", "--to", "parquet", "-o", "OUT/parquet"),
    "atif": ("export", "RUN", "--to", "atif", "-o", "OUT/atif"),
    "inspect": ("export", "RUN", "--to", "inspect", "-o", "OUT/inspect"),
    "hf": ("export", "RUN", "--to", "hf", "-o", "OUT/hf"),
    "sft": ("export", "sft", "RUN", "--include-test-tasks", "-o", "OUT/sft.jsonl"),
    "convert": ("convert-results", "COPY", "--to", "json", "--no-backup"),
}
"""The command lines of stages. RUN is the run, COPY and OTHER copies of it (OTHER was opened once,
as for `foreign`), and OUT a folder."""
FOREIGN = "foreign"
PLAYED = ("play", "resume", "foreign", "single")
DEFAULT = ("play", "resume", "report", "view")
STAGES = (*PLAYED, *COMMANDS)
TARGETS = {
    "play_mb": 300.0,
    "end_s": 3.0,
    "resume_cpu_s": 1.0,
    "foreign_cpu_s": 1.0,
    "report_cpu_s": 60.0,
    "view_cpu_s": 4.0,
    **{f"{name}_mb": 300.0 for name in ("single", *COMMANDS)},
    "report_mb": 400.0,
}
SIZE = 20_000
"""Up to how many simulations a stage has a target; `play` has one for any number."""


def copies() -> Callable[..., SimulationRun]:
    """Return what plays the first trial of a task, and copies it for the others."""
    from tau2.runner import run_single_task

    played: dict[str, SimulationRun] = {}

    def copied(config: TextRunConfig, task: Task, **options: Any) -> SimulationRun:
        if task.id not in played:
            played[task.id] = run_single_task(config, task, **options)
        name = f"{task.id}-{uuid.uuid4().hex[:12]}"
        return played[task.id].model_copy(update={"id": name, "seed": options["seed"]})

    return copied


def play(
    run: Path, number: int, *, as_copies: bool = False, form: ResultsFormat = "dir"
) -> dict[str, float]:
    """Play what is missing, as `tau2 run` does; report the figures of its end."""
    from tau2.report.terminal.console import ConsoleSink
    from tau2.runner import batch, get_tasks, run_tasks
    from tau2.runner.events import Event, SimulationStored

    if as_copies:
        batch.run_single_task = copies()
    tasks = get_tasks("mock")
    config = TextRunConfig(
        domain="mock", agent="oracle_agent", user="scripted_user", max_concurrency=8,
        num_trials=number // len(tasks), auto_resume=True,
    )  # fmt: skip
    last = [time.perf_counter(), time.process_time()]
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123  -- not a file
        show = ConsoleSink(Console(file=nowhere, width=100))

        def sink(event: Event) -> None:
            if isinstance(event, SimulationStored):
                last[:] = time.perf_counter(), time.process_time()
            show(event)

        began = time.process_time()
        results = run_tasks(config, tasks, save_dir=run, sink=sink, results_format=form)
    assert len(results.simulations) == number // len(tasks) * len(tasks)
    return {
        "cpu_s": time.process_time() - began,
        "end_s": time.perf_counter() - last[0],
        "end_cpu_s": time.process_time() - last[1],
    }


def command(*arguments: str) -> dict[str, float]:
    """Run a command of ours in this process."""
    from tau2.cli import main

    began = time.process_time()
    main(list(arguments))
    return {"cpu_s": time.process_time() - began}


def stage(name: str, run: Path, number: int, *, as_copies: bool) -> dict[str, float]:
    """Do one stage in this process."""
    with tempfile.TemporaryDirectory(dir=run.parent) as folder:
        if name in COMMANDS:
            figures = command_on(run, Path(folder), COMMANDS[name])
        elif name == "single":
            file = Path(folder) / "one.json"
            figures = play(file, number, as_copies=as_copies, form="json")
        else:
            figures = play(run, number, as_copies=as_copies)
        return {**figures, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def command_on(run: Path, out: Path, line: tuple[str, ...]) -> dict[str, float]:
    """Run a command of ours on a run."""
    copy = out / "copy"
    if "COPY" in line:
        shutil.copytree(run, copy)
    places = {"RUN": str(run), "COPY": str(copy), "OTHER": str(run.with_name(FOREIGN))}
    figures = command(*(places.get(one, one.replace("OUT", str(out))) for one in line))
    page = out / "report.html"
    return {**figures, "bytes": page.stat().st_size} if page.exists() else figures


def as_foreign(run: Path, number: int) -> Path:
    """Return a copy of a run without a journal, which was opened once."""
    copy = run.with_name(FOREIGN)
    if not copy.exists():
        shutil.copytree(run, copy, ignore=shutil.ignore_patterns("journal.jsonl", "config.json"))
        in_own_process("resume", copy, argparse.Namespace(simulations=number, copies=True))
    return copy


def in_own_process(name: str, run: Path, options: argparse.Namespace) -> dict[str, float]:
    line = [sys.executable, __file__, "--stage", name, "--run", str(run)]
    line += ["--simulations", str(options.simulations), *(["--copies"] if options.copies else [])]
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measured(run: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return the figures of the stages, each with its name before it."""
    figures = {}
    for name in options.stages:
        needs_other = name == "foreign" or "OTHER" in COMMANDS.get(name, ())
        other = as_foreign(run, options.simulations) if needs_other else run
        where = other if name == "foreign" else run
        for key, value in in_own_process(name, where, options).items():
            is_end = key.startswith("end")
            if is_end and name not in {"play", "single"}:
                continue
            figures[key if is_end and name == "play" else f"{name}_{key}"] = rounded(value)
    if "play_cpu_s" in figures:
        figures["play_cpu_ms_each"] = rounded(figures["play_cpu_s"] / options.simulations * 1e3)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--simulations", type=int, default=2_000)
    parser.add_argument("--stages", nargs="*", choices=STAGES, default=list(DEFAULT))
    parser.add_argument("--copies", action="store_true", help="play each task once only")
    parser.add_argument("--stage", choices=STAGES, help="do one stage in this process")
    parser.add_argument("--run", type=Path, help="folder of the run")
    options = parser.parse_args()
    if options.stage:
        number, as_copies = options.simulations, options.copies
        print(json.dumps(stage(options.stage, options.run, number, as_copies=as_copies)))
        return
    with tempfile.TemporaryDirectory() as folder:
        run = options.run or Path(folder) / "run"
        figures = measured(run, options)
    targets = {
        name: limit
        for name, limit in TARGETS.items()
        if name in figures and (name in {"play_mb", "end_s"} or options.simulations <= SIZE)
    }
    report("large_runs", figures, targets, simulations=options.simulations)


if __name__ == "__main__":
    main()
