"""kill -9 at random moments of the conversion and the export of a finished run.

After every kill the run loads, with every simulation once; a second attempt ends well.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

from tests.faults.storage import Tally, copied
from tests.faults.talk import scripted, told

from tau2.cli import main
from tau2.data_model.simulation import Results
from tau2.runner import get_tasks, run_tasks

_LONGEST = 60.0  # seconds
_TRIALS = 6  # of ten tasks each


def ended(pid: int, seconds: float) -> int | None:
    """Wait for the end of a process; return its exit code, or None when it still lives."""
    until = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        left = until - time.monotonic()
        if left <= 0:
            return None
        time.sleep(min(0.005, left))


def _born(arguments: list[str]) -> int:
    """Run a command in a process of its own; return its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 3
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        code = main(arguments)
    finally:
        os._exit(code)


def _seconds(arguments: list[str]) -> float:
    """Return how long a command takes."""
    began = time.monotonic()
    assert ended(_born(arguments), _LONGEST) == 0, arguments
    return time.monotonic() - began


def kill_changes(folder: Path, rng: random.Random, kills: int, tally: Tally) -> None:
    """Kill conversions and exports, half of the kills each."""
    run = folder / "run"
    tasks = get_tasks("mock")
    run_tasks(scripted(num_trials=_TRIALS), tasks, save_dir=run, console_display=False)
    wanted = told(Results.load(run))
    _conversions(run, folder, rng, kills // 2, tally, wanted)
    _exports(run, folder, rng, kills - kills // 2, tally, wanted)


def _killed(
    arguments: list[str], longest: float, rng: random.Random, tally: Tally, kind: str
) -> bool:
    """Run a command and kill it; return whether it was killed before its end."""
    pid = _born(arguments)
    if ended(pid, rng.uniform(0, longest)) is not None:
        return False
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    tally.counts["kills"] += 1
    tally.counts[f"kills of {kind}"] += 1
    return True


def _conversions(
    run: Path, folder: Path, rng: random.Random, kills: int, tally: Tally, wanted: list[str]
) -> None:
    converted = copied(run, folder / "converted")
    forms = ("json", "dir")
    at = 0
    longest = 0.0
    for form in forms:
        longest = max(longest, _seconds(["convert-results", str(converted), "--to", form]))

    def look(story: str) -> None:
        found = told(Results.load(converted))
        tally.counts["lost"] += len(set(wanted) - set(found))
        tally.counts["duplicated"] += len(found) - len(set(found))
        tally.check(sorted(found) == sorted(wanted), f"conversion: {story}: other results")

    done = 0
    while done < kills and not tally.broken:
        options = ["--to", forms[at % 2], *(["--no-backup"] if rng.random() < 0.8 else [])]
        command = ["convert-results", str(converted), *options]
        was_killed = _killed(command, longest, rng, tally, "conversion")
        done += was_killed
        if was_killed:
            look(f"after kill {done}")
        code = ended(_born(command), _LONGEST)
        tally.check(code == 0, f"conversion: the second attempt ended with {code}")
        look("after the second attempt")
        at += 1


def _exports(
    run: Path, folder: Path, rng: random.Random, kills: int, tally: Tally, wanted: list[str]
) -> None:
    out = folder / "out"
    done = 0
    for form, part in (("jsonl", kills // 2), ("csv", kills)):
        command = ["export", str(run), "--to", form, "-o", str(out)]
        longest = _seconds(command)
        whole = _contents(out, form)
        while done < part and not tally.broken:
            if rng.random() < 0.5:
                shutil.rmtree(out)
                out.mkdir()
            done += _killed(command, longest, rng, tally, "export")
            found = _contents(out, form)
            is_sound = found == {name: whole[name] for name in found}
            tally.check(is_sound, f"export: half a table after kill {done}")
    tally.check(told(Results.load(run)) == wanted, "export: it changed the run")


def _contents(folder: Path, form: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob(f"[!.]*.{form}"))}
