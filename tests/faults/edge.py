"""Misbehaving participants, tools and callbacks: each costs its own unit, and nothing else.

    python -m tests.faults.edge --seed 0

Every kind (see `misbehaving`) is played in this process, with innocent units beside it; then all
kinds together, in this process and in worker processes, which also survive kinds that end or stop
a process. A run must end in time (else it hangs), of itself (else it aborts), with one record per
unit that says why, with every innocent unit solved, and its folder must load. Counts are printed as
JSON, exit code 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.faults import misbehaving
from tests.faults.kill import ended
from tests.faults.storage import Tally

from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.simulation import Results, SimulationRun
from tau2.runner import run_tasks
from tau2.runner.executors import pool
from tau2.seeds import derive_seed

_ONE_KIND = 30.0  # seconds
_ALL_KINDS = 300.0  # on a busy machine, Ray takes seconds to start an actor
_INNOCENTS = 12


def install(folder: Path) -> None:
    """Make the plug-in known to this process and its children."""
    package = folder / "edge_plugin-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Name: edge-plugin\nVersion: 1\n")
    (package / "entry_points.txt").write_text(misbehaving.ENTRY_POINTS)
    sys.path.insert(0, str(folder))
    # Ray starts its workers itself; they inherit nothing but the environment.
    known = [str(folder), str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, known))
    pool.TIMEOUT_GRACE = 1.0


def a_config(**options: object) -> TextRunConfig:
    """Return the configuration of every run."""
    return TextRunConfig(
        **{
            "domain": "edge",
            "agent": "edge_agent",
            "user": "edge_user",
            "max_retries": 0,
            "retry_delay": 0.0,
            "timeout": 4.0,
            "worker_timeout": 20.0,
            "max_concurrency": 6,
            "keep_going": True,
            # Its participants say hardly anything, which is another suite's matter.
            "user_monitor": "report",
            **options,
        }
    )


def a_run(kinds: list[str], folder: Path, **options: object) -> int:
    """Play kinds in a process of its own; return its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 3
    try:
        os.setsid()
        sink = os.open(folder.parent / f"{folder.name}.log", os.O_WRONLY | os.O_CREAT)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        tasks = [misbehaving.a_task(kind) for kind in kinds]
        run_tasks(a_config(**options), tasks, save_dir=folder, console_display=False)
        code = 0
    except BaseException:  # noqa: BLE001  -- the parent reads the log
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def play(
    name: str, kinds: list[str], folder: Path, seconds: float, tally: Tally, **options: object
) -> None:
    """Play kinds beside innocent units, and look at what came out."""
    folder.mkdir(parents=True)
    wanted = [*kinds, *(f"{misbehaving.INNOCENT}: {number}" for number in range(_INNOCENTS))]
    random.Random(derive_seed(len(kinds), name)).shuffle(wanted)
    reached = folder / "reached"
    reached.mkdir()
    os.environ[misbehaving.REACHED] = str(reached)
    pid = a_run(wanted, folder / "run", **options)
    code = ended(pid, seconds)
    if code is None:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    how = "hangs" if code is None else "aborts"
    tally.counts[how] += code != 0
    log = (folder / "run.log").read_text(errors="replace")[-1500:] if code else ""
    tally.check(code == 0, f"{name}: the run {how} (exit code {code}): {log}")
    _look(name, wanted, folder / "run", tally)
    missed = set(kinds) - {path.name for path in reached.iterdir()}
    tally.check(not missed, f"{name}: these never took place: {sorted(missed)}")


def _look(name: str, wanted: list[str], folder: Path, tally: Tally) -> None:
    try:
        runs = Results.load(folder).simulations
    except Exception as problem:  # noqa: BLE001  -- whatever it is, it is told
        tally.broken.append(f"{name}: the run does not load: {problem!r}"[:500])
        runs = []
    records = Counter(run.task_id for run in runs)
    for task_id in wanted:
        count = records[task_id]
        tally.check(count == 1, f"{name}: {task_id} has {count} records")
    for run in runs:
        if run.task_id.startswith(misbehaving.INNOCENT):
            tally.check(_solved(run), f"{name}: {run.task_id} was not solved: {run.info}")
        elif records[run.task_id] == 1:
            says_why = (
                _solved(run) or run.reward_info is not None or bool((run.info or {}).get("error"))
            )
            tally.check(says_why, f"{name}: the record of {run.task_id} does not say why")
            tally.counts[f"survived {name.partition(' ')[0]}"] += says_why


def _solved(run: SimulationRun) -> bool:
    return run.reward_info is not None and run.reward_info.reward == 1.0


def suite(folder: Path, *, each: bool, executors: list[str], short: bool = False) -> Tally:
    """Play every kind (or some): each one alone, and all together, locally and in workers."""
    tally = Tally()
    install(folder)
    local, everywhere = misbehaving.kinds(fatal=False), misbehaving.kinds(fatal=True)
    if each:
        for number, kind in enumerate(local):
            tally.counts["tried alone"] += 1
            play(f"alone {kind}", [kind], folder / f"one-{number}", _ONE_KIND, tally)
    for executor in executors:
        kinds = local if executor == "local" else everywhere
        options: dict[str, object] = {
            "local": {},
            "workers": {"workers": 2, "worker_timeout": 20.0},
            "ray": {"workers": 2, "executor": "ray", "worker_timeout": 20.0},
        }[executor]
        if short:
            kinds = list(dict.fromkeys([*kinds[::8], *kinds[-len(misbehaving.FATAL) :]]))
            options |= {"worker_timeout": 5.0, "timeout": 2.0}
        tally.counts[f"tried {executor}"] += len(kinds)
        play(f"{executor} all", kinds, folder / executor, _ALL_KINDS, tally, **options)
        if not short and executor != "local":
            tally.counts[f"tried {executor}"] += 1
            files = folder / f"{executor}-files"
            play(f"{executor} files", [misbehaving.FILES], files, _ONE_KIND, tally, **options)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="accepted as by the other suites")
    parser.add_argument("--together-only", action="store_true", help="no kind alone")
    parser.add_argument("--only", choices=["local", "workers", "ray"])
    parser.add_argument("--short", action="store_true", help="some kinds, together only")
    options = parser.parse_args()
    executors = ["local", "workers"]
    if importlib.util.find_spec("ray") is not None:
        executors.append("ray")
    if options.only is not None:
        executors = [options.only]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        each = not (options.together_only or options.short)
        tally = suite(Path(folder), each=each, executors=executors, short=options.short)
    counts = {"suite": "edge", "seed": options.seed, **tally.counts, "broken": len(tally.broken)}
    sys.stdout.write(f"{json.dumps(counts | {'seconds': round(time.monotonic() - began)})}\n")
    sys.stderr.writelines(f"{story}\n" for story in tally.broken[:60])
    return int(bool(tally.broken))


if __name__ == "__main__":
    sys.exit(main())
