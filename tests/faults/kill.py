"""kill -9 at random moments of a run of 200 simulations, resumed until it is whole.

Nothing lost, nothing twice.

    python -m tests.faults.kill --seed 0 --kills 300

Kinds of run take turns: a scripted cast and a model-driven one on the event loop, and
a model-driven one in worker processes and (where Ray is installed) on Ray, where the kill hits
everything, the run alone, or one of its workers. After every kill the journal is read: what was
durable stays, and no unit is there twice. A run that got to its end is compared with an undisturbed
one. Then conversions and exports of a finished run are killed (see `kill_changes`). Counts are
printed as JSON, exit code 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from tests.faults.kill_changes import ended, kill_changes
from tests.faults.storage import Tally
from tests.faults.talk import improvise, improvised, scripted, told
from tests.stub import StubServer

from tau2.agent.oracle_agent.agent import OracleAgent
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.simulation import Results
from tau2.runner import get_tasks, run_tasks
from tau2.seeds import derive_seed
from tau2.storage.journal import Dropped, Rank, Stored, read_journal

AT_ONCE = 8
_PAUSE = 0.002  # seconds a scripted agent thinks; a run must last long enough to be killed
_LONGEST_LIFE = 60.0
_PART_OF_CHANGES = 0.1


_KILLED_AT_START = "while it started"
_MOST_ON_RAY = 2

Victim = Literal["all", "run", "worker"]
"""What a kill hits: every process, that of the run alone, or one of its workers."""
_ALL_VICTIMS: tuple[Victim, ...] = ("all", "run", "worker")
_WORKERS = (b"spawn_main", b"ray::RayWorker")
"""By what the command of a worker is known."""


@dataclass(frozen=True)
class Kind:
    """One kind of run: its configuration, the time before it is killed, its part of the kills."""

    name: str
    config: TextRunConfig
    shortest: float
    longest: float
    part: float
    victims: tuple[Victim, ...] = ("all",)
    repeated: int = 1
    """Model calls that are made again for an episode that is cut: one, or two on Ray, where a turn
    may be lost on its way."""


def kinds(address: str, trials: int) -> list[Kind]:
    many: dict[str, Any] = {"num_trials": trials, "max_concurrency": AT_ONCE}
    return [
        Kind("scripted", scripted(**many), 0.01, 0.3, 0.45),
        Kind("model", improvised(address, **many), 0.02, 0.5, 0.35),
        Kind("workers", improvised(address, workers=2, **many), 0.5, 4.0, 0.1, _ALL_VICTIMS),
        *([_on_ray(address, many)] if find_spec("ray") is not None else []),
    ]


def _on_ray(address: str, many: dict[str, Any]) -> Kind:
    config = improvised(address, workers=2, executor="ray", **many)
    return Kind("ray", config, 3.0, 9.0, 0.02, _ALL_VICTIMS, _MOST_ON_RAY)


# --- a process that may die -----------------------------------------------------------------------


def born(config: TextRunConfig, folder: Path) -> int:
    """Start the run in a process of its own, in a group of its own, and return its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 3
    try:
        os.setsid()
        # In this process only: it is a fork.
        OracleAgent.agenerate_next_message = _thinking  # type: ignore[attr-defined]
        config = config.model_copy(update={"auto_resume": True})
        run_tasks(config, get_tasks("mock"), save_dir=folder, console_display=False)
        code = 0
    except BaseException:  # noqa: BLE001  -- it is told by the parent
        (folder.parent / "problem.txt").write_text(traceback.format_exc(), encoding="utf-8")
    finally:
        os._exit(code)


async def _thinking(self: OracleAgent, message: Any, state: Any) -> tuple[Any, Any]:
    await asyncio.sleep(_PAUSE)
    return self.generate_next_message(message, state)


@contextmanager
def a_server() -> Iterator[str]:
    """Serve an improvising model from a process of its own; yield its address."""
    (ours, theirs), (stop, hold) = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        os.close(hold)
        with StubServer(improvise, latency=0.003) as stub:
            os.write(theirs, stub.base_url.encode())
            os.read(stop, 1)
        os._exit(0)
    os.close(stop)
    try:
        yield os.read(ours, 200).decode()
    finally:
        os.close(hold)
        os.waitpid(pid, 0)
        os.close(ours)
        os.close(theirs)


def _workers_of(pid: int) -> Iterator[int]:
    """Yield the workers of a run: they are of its session."""
    for folder in Path("/proc").glob("[0-9]*"):
        number = int(folder.name)
        with suppress(OSError):
            if number != pid and os.getsid(number) == pid:
                command = (folder / "cmdline").read_bytes()
                if any(name in command for name in _WORKERS):
                    yield number


def requests_at(address: str) -> int:
    with urllib.request.urlopen(f"{address}/stats", timeout=10) as answer:
        return int(json.load(answer)["requests"])


# --- one run --------------------------------------------------------------------------------------


@dataclass
class Run:
    """A run that is killed again and again."""

    kind: Kind
    folder: Path
    rng: random.Random
    tally: Tally
    slowness: float = 1.0
    """How much longer than on a free machine a run takes here: kills come later then."""
    durable: dict[tuple[str, int], str] = field(default_factory=dict)
    kills: int = 0

    def live(self, most: int) -> bool:
        """Let the run live until it is killed, `most` times at most, then to its end.

        Return whether it got there.
        """
        while True:
            pid = born(self.kind.config, self.folder)
            spared = self.kills >= most
            code = ended(pid, _LONGEST_LIFE if spared else self._moment())
            while code is None and not spared and not self._kill(pid):
                spared = self.kills >= most
                code = ended(pid, _LONGEST_LIFE if spared else self._moment())
            if code is None and not spared:
                self._look()
                continue
            if code not in (None, 0) and self._workers_never_started():
                continue
            if code is None:
                os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            if code != 0:
                problem = self.folder.parent / "problem.txt"
                why = (
                    problem.read_text(encoding="utf-8")
                    if problem.exists()
                    else f"it took over {_LONGEST_LIFE} s"
                )
                self.tally.broken.append(
                    f"{self.kind.name}: a resumed run ended with {code}: {why}"
                )
            return code == 0

    def _workers_never_started(self) -> bool:
        """Return whether a run gave up because every start of a worker was killed, as it may."""
        problem = self.folder.parent / "problem.txt"
        gave_up = problem.exists() and _KILLED_AT_START in problem.read_text(encoding="utf-8")
        if gave_up:
            problem.unlink()
            self.tally.counts["runs given up at their start"] += 1
        return gave_up

    def _moment(self) -> float:
        return self.rng.uniform(self.kind.shortest, self.kind.longest * self.slowness)

    def _kill(self, pid: int) -> bool:
        """Kill a run or one of its workers; return whether it was the run."""
        victim = self.rng.choice(self.kind.victims)
        workers = list(_workers_of(pid)) if victim == "worker" else []
        if victim == "worker" and not workers:  # none has started
            return False
        with suppress(ProcessLookupError):
            if workers:
                os.kill(self.rng.choice(workers), signal.SIGKILL)
            else:
                (os.kill if victim == "run" else os.killpg)(pid, signal.SIGKILL)
        if not workers:
            os.waitpid(pid, 0)
        self.kills += 1
        self.tally.counts[f"kills of {'one worker' if workers else victim}"] += 1
        self.tally.counts["kills"] += 1
        self.tally.counts[f"kills of {self.kind.name}"] += 1
        self.tally.counts["episodes cut"] += sum(
            1 for _ in (self.folder / "inflight").glob("*.jsonl")
        )
        return not workers

    def _look(self) -> None:
        """Read the journal: what was durable before still is, and no unit has two simulations."""
        reading = read_journal(self.folder / "journal.jsonl")
        now: dict[tuple[str, int], str] = {}
        for record in reading.records if reading is not None else ():
            if isinstance(record, Dropped):
                now = {unit: name for unit, name in now.items() if name != record.id}
            if isinstance(record, Stored) and record.rank == Rank.GRADED:
                twice = record.unit in now and now[record.unit] not in {record.id, record.replaces}
                self.tally.check(not twice, f"{self.kind.name}: {record.unit} is stored twice")
                now[record.unit] = record.id
        lost = {unit for unit, name in self.durable.items() if now.get(unit) != name}
        self.tally.counts["lost"] += len(lost)
        self.tally.check(not lost, f"{self.kind.name}: lost {sorted(lost)}")
        self.durable = now

    def compare(self, wanted: list[str]) -> None:
        """Look at what came out in the end."""
        results = Results.load(self.folder)
        units = Counter((run.task_id, run.trial, run.seed) for run in results.simulations)
        files = sorted(path.name for path in (self.folder / "simulations").iterdir())
        extra = sum(units.values()) - len(units)
        self.tally.counts["duplicated"] += extra
        self.tally.check(not extra, f"{self.kind.name}: duplicated units")
        self.tally.check(
            files == sorted(f"{run.id}.json" for run in results.simulations),
            "files that nobody knows",
        )
        gone = {unit for unit, name in self.durable.items()} - {
            (task, trial) for task, trial, _ in units
        }
        self.tally.check(not gone, f"{self.kind.name}: lost in the end {gone}")
        same = told(results) == wanted
        self.tally.check(same, f"{self.kind.name}: the results are not those of an undisturbed run")
        self.tally.check(
            not (self.folder / "inflight").exists(), f"{self.kind.name}: logs of episodes are left"
        )
        self.tally.counts["runs"] += 1
        self.tally.counts["simulations"] += len(results.simulations)


def undisturbed(kind: Kind, folder: Path, tally: Tally) -> list[str]:
    run = Run(kind, folder / "undisturbed", random.Random(0), tally)
    return told(Results.load(run.folder)) if run.live(0) else []


def suite(
    folder: Path, seed: int, kills: int, *, trials: int = 20, only: str | None = None
) -> Tally:
    """Kill runs until there were enough kills."""
    tally = Tally()
    rng = random.Random(derive_seed(seed, "faults", "kill"))
    with a_server() as address:
        for kind in kinds(address, trials):
            if only is None or kind.name == only:
                part = kills if only is not None else round(kills * kind.part)
                _kind_of_run(kind, folder / kind.name, rng, part, tally, address)
    if only in {None, "changes"}:
        part = kills if only is not None else round(kills * _PART_OF_CHANGES)
        kill_changes(folder / "changes", rng, part, tally)
    return tally


def _kind_of_run(
    kind: Kind, folder: Path, rng: random.Random, kills: int, tally: Tally, address: str
) -> None:
    folder.mkdir()
    began = time.monotonic()
    wanted = undisturbed(kind, folder, tally)
    # Every kill comes within the first third of what is a whole run here.
    slowness = max(1.0, (time.monotonic() - began) / 3 / kind.longest)
    needed, rounds = needed_of(wanted), 0
    while kills > 0 and not tally.broken:
        (folder / str(rounds)).mkdir()
        run = Run(kind, folder / str(rounds) / "run", rng, tally, slowness)
        before = requests_at(address)
        if run.live(kills):
            run.compare(wanted)
        again = requests_at(address) - before - needed
        tally.counts["model calls needed"] += needed
        tally.counts["model calls made again"] += again
        tally.check(
            again <= run.kills * AT_ONCE * kind.repeated,
            f"{kind.name}: {again} calls were made again after {run.kills} kills",
        )
        kills -= run.kills
        rounds += 1


def needed_of(wanted: list[str]) -> int:
    """Return how many model calls an undisturbed run makes."""
    runs = [json.loads(line)[3] for line in wanted]
    return sum(run[side]["model_calls"] for run in runs for side in ("agent_usage", "user_usage"))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--trials", type=int, default=20, help="of ten tasks each")
    parser.add_argument("--only", choices=["scripted", "model", "workers", "ray", "changes"])
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally = suite(
            Path(folder), options.seed, options.kills, trials=options.trials, only=options.only
        )
    counts = {"suite": "kill", "seed": options.seed, **tally.counts, "broken": len(tally.broken)}
    sys.stdout.write(f"{json.dumps(counts | {'seconds': round(time.monotonic() - began)})}\n")
    sys.stderr.writelines(f"{story}\n" for story in tally.broken[:20])
    return int(bool(tally.broken))


if __name__ == "__main__":
    sys.exit(main())
