"""Faults of the disk against the store of a run.

Nothing counted is lost, nothing damaged is taken for whole.

    python -m tests.faults.storage --seed 0

Three parts, counts printed as JSON, exit code 1 when a promise is broken: * every open, write,
fsync, rename and truncation of a run fails in turn, with no space, an I/O error, a short write;
* the journal is cut at every byte of its last three records;
* random bits of the journal, the simulations and the results file are flipped, in both formats.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.cast import create_meeting, mock_task, play, says
from tests.faults.disk import FAULTS, disk

from tau2.data_model.simulation import (
    Info,
    Results,
    ResultsFormat,
    SimulationRun,
    TerminationReason,
)
from tau2.errors import Tau2Error
from tau2.seeds import derive_seed
from tau2.storage.results import encode_simulation
from tau2.storage.store import RunStore

TASKS = [mock_task("create_task_1"), mock_task("update_task_1")]
UNITS = [(task.id, trial) for trial in range(2) for task in TASKS]
SETTINGS = {"llm_args_judge": {"temperature": 0.0}}


@dataclass
class Tally:
    """What was tried, and every promise that was broken."""

    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def check(self, holds: object, story: str) -> None:
        if not holds:
            self.broken.append(story)


@cache
def _played() -> SimulationRun:
    return play("create_task_1", agent=says(create_meeting(), "Done."), user=says("Add it."))


def a_run(unit: tuple[str, int], name: str = "", **fields: Any) -> SimulationRun:
    task, trial = unit
    facts = {
        "id": f"{task}-{trial}{name}",
        "task_id": task,
        "trial": trial,
        "seed": trial,
        **fields,
    }
    return _played().model_copy(update=facts)


def a_failure(unit: tuple[str, int]) -> SimulationRun:
    why = TerminationReason.INFRASTRUCTURE_ERROR
    return a_run(unit, "-failed", termination_reason=why, reward_info=None, messages=[])


def an_info() -> Info:
    cast = {"implementation": "scripted"}
    world = {"domain_name": "mock", "policy": "Be kind."}
    facts = {
        "num_trials": 2,
        "max_steps": 9,
        "max_errors": 9,
        "user_info": cast,
        "agent_info": cast,
    }
    return Info.model_validate({**facts, "environment_info": world})


def opened(folder: Path, *, resume: bool, form: ResultsFormat = "dir") -> RunStore:
    store = RunStore(folder, form)
    store.open(an_info(), TASKS, resume=resume, settings=SETTINGS)
    return store


# --- calls that fail ------------------------------------------------------------------------------


def run_and_resume(
    folder: Path, form: ResultsFormat, counted: dict[tuple[str, int], bytes]
) -> None:
    """Play a run in two sittings; a simulation is in `counted` as soon as `save` returned."""
    for resume, units in ((False, UNITS[:2]), (True, UNITS)):
        store = opened(folder, resume=resume, form=form)
        try:
            for unit in units:
                if not store.has(unit):
                    run = a_failure(unit) if not resume and unit == UNITS[1] else a_run(unit)
                    store.save(run)
                    counted[unit] = encode_simulation(run)
            store.finish()
        finally:
            store.close()


def every_call_fails(folder: Path, form: ResultsFormat, tally: Tally, *, step: int = 1) -> None:
    """Let each call of the story fail in turn, and look at what is left."""
    with disk() as counting:
        run_and_resume(folder / "count", form, {})
    for fault in FAULTS:
        for at in range(1, counting.calls + 1, step):
            place = folder / f"{fault}-{at}"
            one_call_fails(place, form, fault, at, tally)
            shutil.rmtree(place, ignore_errors=True)


def one_call_fails(place: Path, form: ResultsFormat, fault: str, at: int, tally: Tally) -> None:
    counted: dict[tuple[str, int], bytes] = {}
    with disk(at, fault) as broken:
        try:
            run_and_resume(place, form, counted)
        except OSError as problem:
            tally.counts["calls that failed"] += 1
            story = f"{form}: {broken.failed} number {at} with {fault}: {problem!r}"
            tally.check(problem.filename and problem.strerror, f"{story}: the error names no file")
        else:
            story = f"{form}: {broken.failed} number {at} with {fault}"
            tally.check(fault == "short" or at > broken.calls, f"{story}: it went unnoticed")
            tally.counts["short writes"] += 1
    nothing_is_lost(place, counted, story, tally)


def nothing_is_lost(
    place: Path, counted: dict[tuple[str, int], bytes], story: str, tally: Tally
) -> None:
    """Open what a failure left.

    All that was counted is there and whole, and the rest can be played.
    """
    try:
        store = opened(place, resume=True)
        for unit in UNITS:
            if not store.has(unit):
                tally.check(
                    unit not in counted or b"infrastructure" in counted[unit],
                    f"{story}: {unit} is lost",
                )
                store.save(a_run(unit))
        results, again = store.finish(), Results.load(place)
    except (OSError, Tau2Error) as problem:
        tally.broken.append(f"{story}: afterwards {problem!r}")
        return
    tally.check(
        not [one for one in store.damage if one.kind == "simulation"], f"{story}: {store.damage}"
    )
    tally.check(
        _wanted() == [encode_simulation(run) for run in results.simulations],
        f"{story}: other results",
    )
    tally.check(results.simulations == again.simulations, f"{story}: other results on disk")


@cache
def _wanted() -> list[bytes]:
    return [encode_simulation(a_run(unit)) for unit in UNITS]


# --- damage ---------------------------------------------------------------------------------------


def finished(folder: Path, form: ResultsFormat = "dir") -> Path:
    """Return a whole run."""
    store = opened(folder, resume=False, form=form)
    for unit in UNITS:
        store.save(a_run(unit))
    store.finish()
    return folder


def every_cut(folder: Path, tally: Tally, *, step: int = 1) -> None:
    """Cut the journal at every byte of its last three records.

    Of a whole run, and of one that was killed.
    """
    whole = finished(folder / "whole")
    killed = opened(folder / "killed", resume=False)
    for unit in UNITS:
        killed.save(a_run(unit))
    killed.close()
    for run in (whole, folder / "killed"):
        journal = (run / "journal.jsonl").read_bytes()
        start = len(journal) - sum(map(len, journal.splitlines(keepends=True)[-3:]))
        for at in range(start, len(journal), step):
            damaged = copied(run, folder / "cut")
            (damaged / "journal.jsonl").write_bytes(journal[:at])
            is_found(damaged, f"{run.name} journal cut at byte {at}", tally, lost=0)
            tally.counts["journals cut"] += 1


def flips(folder: Path, seed: int, times: int, tally: Tally) -> None:
    """Flip random bits, one at a time, anywhere in a run."""
    rng = random.Random(derive_seed(seed, "faults", "flips"))
    runs = [finished(folder / "flip-dir"), finished(folder / "flip-json", "json")]
    for _ in range(times):
        damaged = copied(rng.choices(runs, weights=(4, 1))[0], folder / "flipped")
        file = rng.choice(sorted(path for path in damaged.rglob("*") if path.is_file()))
        content = bytearray(file.read_bytes())
        at, bit = rng.randrange(len(content)), rng.randrange(8)
        content[at] ^= 1 << bit
        file.write_bytes(content)
        kind = "a simulation" if file.parent.name == "simulations" else file.name
        story = f"bit {bit} of byte {at} of {file.relative_to(folder)}"
        is_found(damaged, story, tally, lost=_most_lost(damaged, kind))
        tally.counts[f"bits flipped in {kind}"] += 1


def _most_lost(damaged: Path, kind: str) -> int:
    """Return how many units one bit may cost: that of the simulation it is in."""
    alone = not (damaged / "simulations").exists()
    return int(kind == "a simulation" or (alone and kind == "results.json"))


def is_found(damaged: Path, story: str, tally: Tally, *, lost: int) -> None:
    """Continue a damaged run.

    The damage is named, at most `lost` units are open, and the rest is as it was.
    """
    try:
        store = opened(damaged, resume=True)
        found, missing = list(store.damage), [unit for unit in UNITS if not store.has(unit)]
        for unit in missing:
            store.save(a_run(unit, "-again"))
        results, read = store.finish(), Results.load(damaged)
    except Exception as problem:  # noqa: BLE001  -- the promise is that there is none
        tally.broken.append(f"{story}: {problem!r}")
        return
    tally.check(found, f"{story}: not found")
    tally.check(len(missing) <= lost, f"{story}: lost {missing}: {found}")
    tally.check([run.unit for run in results.simulations] == UNITS, f"{story}: units")
    tally.check(results.simulations == read.simulations, f"{story}: other results on disk")
    old = [run for run in results.simulations if not run.id.endswith("-again")]
    tally.check(
        all(encode_simulation(run) in _wanted() for run in old),
        f"{story}: changed content was taken",
    )


def copied(run: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    return shutil.copytree(run, to)


# --- all of it ------------------------------------------------------------------------------------


def suite(folder: Path, seed: int, bits: int, *, step: int = 1) -> Tally:
    """Run every part; `step` looks at every so manyth call and byte only."""
    tally = Tally()
    forms: tuple[ResultsFormat, ...] = ("dir", "json")
    with disk():  # which only spares the waiting
        for form in forms:
            every_call_fails(folder / form, form, tally, step=step)
        every_cut(folder, tally, step=step)
        flips(folder, seed, bits, tally)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bits", type=int, default=10_000, help="how many bits are flipped")
    parser.add_argument(
        "--step", type=int, default=1, help="look at every so manyth call and byte only"
    )
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # the damage is what we are here for
    with tempfile.TemporaryDirectory() as folder:
        tally = suite(Path(folder), options.seed, options.bits, step=options.step)
    counts = {"suite": "storage", "seed": options.seed, **tally.counts, "broken": len(tally.broken)}
    sys.stdout.write(f"{json.dumps(counts)}\n")
    sys.stderr.writelines(f"{story}\n" for story in tally.broken[:20])
    return int(bool(tally.broken))


if __name__ == "__main__":
    sys.exit(main())
