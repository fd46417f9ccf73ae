"""A Ray cluster of three nodes on this machine, of which two are killed while a run plays on it.

    python -m tests.faults.cluster --seed 0 --kills 2

A model-driven run has a cap on its cost and a limit of calls in flight. It plays until its money is
spent, while one node is killed, processes and all. It is resumed with more money, while the next
node is killed, until it is whole. A while after each node, the coordinator is killed. Then: nothing
lost, nothing twice, the results of a run in this process, never more calls in flight than
permitted, never more spent than permitted, every cent accounted for, and at most the last turns of
the episodes that were cut are made again. Counts are printed as JSON, exit code 1 when a promise is
broken. Needs Ray (extra: ray).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.kill import needed_of
from tests.faults.storage import Tally
from tests.faults.talk import improvise, improvised, told
from tests.stub import StubServer

from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.simulation import Results
from tau2.runner import get_tasks, run_tasks
from tau2.runner.events import Event, RunCounted, RunOutOfMoney, SimulationRetried, SimulationStored
from tau2.seeds import derive_seed

NODES = 3
AT_ONCE = 6
IN_FLIGHT = 4
LATENCY = 0.03  # seconds in which the model answers
_MEMORY = 80 * 1024 * 1024  # bytes of a node's object store: the least that Ray takes
_PER_ANSWER = 20  # completion tokens of every answer of the stub
_PRICE = 1e-5  # US dollars of a completion token
_LONGEST_ANSWER = 100
_SHARE = 0.5  # of what the run costs: its first cap
_REPEATED = 2  # model calls of an episode that is cut: the last turn may be lost on its way
_LONGEST_START = 120.0


# --- the cluster ----------------------------------------------------------------------------------


@contextmanager
def a_cluster() -> Iterator[Any]:
    """Start a head and further nodes, of one CPU each; runs find it through RAY_ADDRESS."""
    from ray.cluster_utils import Cluster

    size = {"num_cpus": 1, "object_store_memory": _MEMORY}
    cluster = Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
    before = os.environ.get("RAY_ADDRESS")
    os.environ["RAY_ADDRESS"] = cluster.address
    try:
        for _ in range(NODES - 1):
            cluster.add_node(**size)
        cluster.wait_for_nodes(_LONGEST_START)
        yield cluster
    finally:
        os.environ.pop("RAY_ADDRESS")
        if before is not None:
            os.environ["RAY_ADDRESS"] = before
        cluster.shutdown()


def kill_busiest(raylets: list[int]) -> int:
    """Kill a node: its workers and what manages them. Return how many workers played there.

    Of the nodes, given by their raylets, it is the one with the most workers; it is taken out.
    """
    playing = {raylet: sum(map(_plays, _children_of(raylet))) for raylet in raylets}
    raylet = max(raylets, key=playing.__getitem__)
    raylets.remove(raylet)
    for pid in (raylet, *_children_of(raylet)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return playing[raylet]


def _raylet_of(node: Any) -> int:
    return int(node.all_processes["raylet"][0].process.pid)


def _children_of(parent: int) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            # What follows the command's name, which may hold spaces: the state, then the parent.
            after = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(after[1]) == parent:
                yield int(folder.name)


def kill_coordinator(head: int) -> int:
    """Kill the coordinator of a run, given the raylet of its node; return how many there were."""
    found = [pid for pid in _children_of(head) if _is_named(pid, b"Coordinator")]
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    return len(found)


def _plays(pid: int) -> bool:
    return _is_named(pid, b"RayWorker")


def _is_named(pid: int, name: bytes) -> bool:
    with suppress(OSError):
        return name in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


# --- the run --------------------------------------------------------------------------------------


@dataclass
class _Watch:
    """Follows the events of a run, and kills when so many simulations are stored."""

    raylets: list[int]
    after: int
    """When a node is killed; twice as late, the coordinator is."""
    head: int
    events: list[Event] = field(default_factory=list)
    stored: int = 0
    playing: int | None = None
    """Workers that played on the node when it was killed; None before that."""
    coordinators: int = 0
    """How many were killed."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, SimulationStored):
            self.stored += 1
            if self.stored == self.after:
                self.playing = kill_busiest(self.raylets)
            if self.stored == 2 * self.after:
                self.coordinators = kill_coordinator(self.head)
        if not isinstance(event, SimulationStored):
            self.events.append(event)

    def last(self, kind: type[Event]) -> Any:
        return next((event for event in reversed(self.events) if isinstance(event, kind)), None)


def _config(address: str, trials: int, **options: Any) -> TextRunConfig:
    price = {"input_cost_per_token": 0.0, "output_cost_per_token": _PRICE}
    config = improvised(address, num_trials=trials, max_concurrency=AT_ONCE, **options)
    both = {
        name: {**getattr(config, name), **price, "max_tokens": _LONGEST_ANSWER}
        for name in ("llm_args_agent", "llm_args_user")
    }
    return config.model_copy(update={**both, "probe": False})


def suite(folder: Path, seed: int, kills: int, trials: int) -> Tally:
    """Play a run while nodes are killed, and compare it with one that is left alone."""
    tally = Tally()
    rng = random.Random(derive_seed(seed, "faults", "cluster"))
    tasks = get_tasks("mock")
    with StubServer(improvise, latency=LATENCY) as stub:
        here = run_tasks(
            _config(stub.base_url, trials), tasks, save_dir=folder / "here", console_display=False
        )
        wanted = told(here)
    needed = needed_of(wanted)
    tally.counts["model calls needed"] = needed
    with StubServer(improvise, latency=LATENCY) as stub, a_cluster() as cluster:
        nodes = [node for node in cluster.list_all_nodes() if node is not cluster.head_node]
        raylets = [_raylet_of(node) for node in nodes]
        cap = _SHARE * needed * _PER_ANSWER * _PRICE
        for round_ in range(kills):
            config = _config(
                stub.base_url,
                trials,
                executor="ray",
                workers=NODES,
                max_cost=cap,
                provider_limits={"openai": {"in_flight": IN_FLIGHT}},
                auto_resume=True,
            )
            watch = _Watch(raylets, rng.randint(2, 4), _raylet_of(cluster.head_node))
            run_tasks(config, tasks, save_dir=folder / "run", console_display=False, sink=watch)
            _look_at(watch, stub, cap, tally)
            if not round_:
                tally.check(watch.last(RunOutOfMoney) is not None, "half of the money was enough")
            cap = 3 * needed * _PER_ANSWER * _PRICE
        _compare(folder / "run", wanted, tally)
        again = stub.requests - needed
        tally.counts["model calls made again"] = again
        killed = tally.counts["kills"] + tally.counts["coordinators killed"]
        most = killed * AT_ONCE * _REPEATED
        tally.check(again <= most, f"{again} calls were made again, {most} at most are lost")
        tally.counts["most in flight"] = stub.max_in_flight
        tally.check(stub.max_in_flight <= IN_FLIGHT, f"{stub.max_in_flight} calls were in flight")
    return tally


def _look_at(watch: _Watch, stub: StubServer, cap: float, tally: Tally) -> None:
    """Look at what a run told, and at its money."""
    tally.check(watch.playing is not None, "the run was over before the node was to be killed")
    tally.check(watch.playing != 0, "nothing was played on the node that was killed")
    tally.counts["kills"] += watch.playing is not None
    tally.counts["workers killed"] += watch.playing or 0
    tally.counts["coordinators killed"] += watch.coordinators
    tally.counts["retries"] += sum(isinstance(event, SimulationRetried) for event in watch.events)
    counted = watch.last(RunCounted)
    paid = stub.requests * _PER_ANSWER * _PRICE
    least = 1e-9  # of a rounding
    tally.check(paid <= cap + least, f"${paid:.4f} were paid of ${cap:.4f}")
    tally.check(counted.spent <= cap + least, f"${counted.spent:.4f} are written down as spent")
    tally.check(
        counted.spent >= paid - least,
        f"${paid:.4f} were paid, but only ${counted.spent:.4f} are written down",
    )
    tally.counts["cents paid"] = round(100 * paid)
    tally.counts["cents written down"] = round(100 * counted.spent)


def _compare(folder: Path, wanted: list[str], tally: Tally) -> None:
    results = Results.load(folder)
    tally.counts["simulations"] = len(results.simulations)
    units = {run.unit for run in results.simulations}
    tally.counts["duplicated"] = len(results.simulations) - len(units)
    tally.check(len(units) == len(results.simulations), "units are stored twice")
    tally.counts["lost"] = len(wanted) - len(units)
    tally.check(len(units) == len(wanted), f"{len(units)} units of {len(wanted)} are there")
    tally.check(
        sorted(told(results)) == sorted(wanted), "the results are not those of a run in one process"
    )
    files = {path.stem for path in (folder / "simulations").iterdir()}
    tally.check(files == {run.id for run in results.simulations}, "files that nobody knows")
    tally.check(not (folder / "inflight").exists(), "logs of episodes are left")
    held = json.loads((folder / "budget" / "ledger.json").read_text(encoding="utf-8"))["held"]
    tally.check(not any(held.values()), f"money is held by nobody: {held}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=NODES - 1, choices=range(1, NODES))
    parser.add_argument("--trials", type=int, default=3, help="of ten tasks each")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally = suite(Path(folder), options.seed, options.kills, options.trials)
    counts = {"suite": "cluster", "seed": options.seed, **tally.counts, "broken": len(tally.broken)}
    sys.stdout.write(f"{json.dumps(counts | {'seconds': round(time.monotonic() - began)})}\n")
    sys.stderr.writelines(f"{story}\n" for story in tally.broken[:20])
    return int(bool(tally.broken))


if __name__ == "__main__":
    sys.exit(main())
