"""Hostile text in every field and every argument: none of it reaches a terminal raw.

    python -m tests.faults.shown

Escape sequences, control characters, marks that reorder text, separators, characters without a
width, halves of characters and markup are planted in every field that holds text of a stored run,
of tasks, of a submission and of a configuration file, in names of files and folders, in the names
and descriptions of a domain, and in the value of every option of every command. Every command is
run over them, in this process, and its two streams are searched; what it prints as JSON must be
JSON. Counts are printed as JSON, exit code 1 when something was found.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from tests.faults.storage import Tally
from tests.planted import (
    CONTROLS,
    ESCAPES,
    FORGED,
    HOSTILE,
    NAME_WITH_LINES,
    filled,
    forged_in,
    raw_in,
)

from tau2.cli import main as tau2_main
from tau2.cli.commands import COMMANDS, parser_of
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.tasks import Task
from tau2.domains.mock.environment import get_environment
from tau2.registry import registry
from tau2.storage.results import Results
from tau2.submission.prepare import Submission

ARGUMENT = NAME_WITH_LINES.replace("\x00", "").replace("\udc00\ud83d", "\udcff")
"""The same as an argument: none holds a NUL, and bytes that are no UTF-8 arrive as halves."""
FILE_NAME = "evil\x1b[31;7m\x9b2J\u202e\u200b\udcff\x7f" + FORGED.replace("/", "")
_OFFLINE = ("--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user")
_TASK = "create_task_1"
_TYPED = f"{ARGUMENT}\n/task\n/done\n"


class Ended(NamedTuple):
    """A finished command."""

    code: int
    out: str
    err: str


def tau2(*arguments: str, typed: str = "", encoding: str = "utf-8") -> Ended:
    """Run a command as a program in this process, with streams of an encoding that are strict."""
    out, err = (
        io.TextIOWrapper(io.BytesIO(), encoding, write_through=True) for _stream in range(2)
    )
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        stack.enter_context(mock.patch.object(sys, "stdin", io.StringIO(typed)))
        stack.enter_context(mock.patch.object(sys, "argv", ["tau2", *arguments]))
        code = tau2_main()
    texts = [stream.buffer.getvalue().decode(encoding) for stream in (out, err)]
    return Ended(code, *texts)


class Place(NamedTuple):
    """What is planted in a folder."""

    run: Path
    """A run in which every text is hostile."""
    mock_run: Path
    """The same of the domain `mock`, so that it can be graded."""
    badly_named: Path
    """A folder with a hostile name, which holds a run."""
    tasks: Path
    submission: Path
    configs: tuple[Path, ...]


def plant(folder: Path) -> Place:
    """Write hostile files."""
    runs = folder / "runs"
    runs.mkdir()
    data = filled(Results, NAME_WITH_LINES)
    run = runs / "planted.json"
    _write(run, data)
    data["info"]["environment_info"]["domain_name"] = "mock"
    data["info"]["num_trials"] = 3  # some units are missing, and named
    _write(runs / "mock.json", data)
    badly_named = runs / FILE_NAME
    badly_named.mkdir()
    _write(badly_named / "results.json", data)
    _write(runs / f"{FILE_NAME}.json", {"info": NAME_WITH_LINES})
    tasks = folder / "tasks.json"
    _write(tasks, [filled(Task, NAME_WITH_LINES)])
    submission = folder / "submission"
    (submission / "trajectories").mkdir(parents=True)
    _write(submission / "submission.json", filled(Submission, NAME_WITH_LINES))
    shutil.copy(run, submission / "trajectories" / FILE_NAME)
    settings = filled(TextRunConfig, NAME_WITH_LINES)
    configs = (folder / "own.json", folder / "unknown.yaml")
    _write(configs[0], settings)
    _write(
        configs[1],
        {NAME_WITH_LINES: NAME_WITH_LINES, **dict.fromkeys(list(settings)[:1], NAME_WITH_LINES)},
    )
    return Place(run, runs / "mock.json", badly_named, tasks, submission, configs)


def _write(file: Path, data: Any) -> None:
    file.write_text(json.dumps(data), encoding="ascii")


def commands(place: Place) -> Iterator[tuple[str, ...]]:
    """Yield command lines over what is planted."""
    for run in map(str, (place.run, place.mock_run, place.badly_named)):
        yield ("view", run)
        yield ("view", run, "--all", "--only-show-failed")
        yield ("view", run, "--task-id", ARGUMENT, "--full-tool-results")
        yield ("view", run, "--task-id", "\x00", "--json")
        yield ("view", run, "--json")
        yield ("view", run, "--task-id", NAME_WITH_LINES, "--json")
        yield ("compare", run, run)
        yield ("compare", run, run, "--json")
        yield ("evaluate-trajs", run)
        yield ("evaluate-trajs", run, "--json")
        yield ("evaluate-trajs", run, "--fresh-tasks", "-o", f"graded{FILE_NAME}")
        yield ("export", run, "--to", "csv", "-o", f"tables{FILE_NAME}")
        yield ("export", run, "--json")
        yield ("report", run, "-o", f"page{FILE_NAME}.html")
        yield ("review", run)
        yield ("replay", run)
        yield ("submit", "prepare", run, "-o", "prepared", "--no-verify", "--notes", ARGUMENT)
        yield ("submit", "prepare", run, "-o", f"also{FILE_NAME}", "--json", "--no-verify")
        yield ("submit", "prepare", run, "-o", "never")
        yield ("submit", "verify-trajs", run)
        yield ("submit", "verify-trajs", run, "--json")
        yield ("convert-results", run, "--to", "dir", "-o", f"converted{FILE_NAME}")
        yield ("run", "--resume", run)
        yield ("run", "--resume", run, "--log-level", "DEBUG")
    yield ("view", "--list")
    yield ("view", "--list", "--json")
    yield ("view",)
    yield ("leaderboard",)
    yield ("leaderboard", "--json")
    for command in ("validate", "verify-trajs"):
        yield ("submit", command, str(place.submission), "--replay")
        yield ("submit", command, str(place.submission), "--json")
    yield ("audit", "-d", "mock", "--tasks-file", str(place.tasks))
    yield ("audit", "-d", "mock", "--tasks-file", str(place.tasks), "--json")
    yield ("run", *_OFFLINE, "--tasks-file", str(place.tasks))
    for config in map(str, place.configs):
        yield ("run", "--config", config)
        yield ("run", "--config", config, "--print-config")
    yield from _commands_on_a_domain()
    for options in ((), ("--quiet",), ("--json",), ("--log-level", "DEBUG")):
        saved = f"played{len(options)}{'-'.join(options)}{FILE_NAME}"
        yield ("run", *_OFFLINE, "--task-ids", _TASK, "--save-to", saved, *options)
        yield ("run", *_OFFLINE, "--task-ids", _TASK, "--save-to", saved, *options)
        yield ("view", saved)


def _commands_on_a_domain() -> Iterator[tuple[str, ...]]:
    """Yield command lines over the domain with hostile names, which is registered."""
    yield ("intro",)
    yield ("domain", NAME_WITH_LINES)
    yield ("domain", NAME_WITH_LINES, "--json")
    yield ("check-data", NAME_WITH_LINES)
    yield ("audit", "-d", NAME_WITH_LINES)
    yield ("tasks", "generate", "-d", NAME_WITH_LINES, "--n", "1")
    yield (
        "run",
        "--domain",
        NAME_WITH_LINES,
        *_OFFLINE[2:],
        "--save-to",
        "own",
        "--log-level",
        "DEBUG",
    )
    yield ("run", "--domain", NAME_WITH_LINES, *_OFFLINE[2:], "--dry-run")
    yield ("run", "--domain", NAME_WITH_LINES[:-1], *_OFFLINE[2:])
    yield ("view", "own")
    yield ("play", "--plain", "--domain", NAME_WITH_LINES)


def commands_with_hostile_arguments() -> Iterator[tuple[str, ...]]:
    """Yield, for every command, hostile values of each argument, alone; and hostile options."""
    enough: dict[str, tuple[str, ...]] = {
        "run": (*_OFFLINE, "--task-ids", _TASK),
        "play": ("--plain", "--domain", "mock", "--task-id", _TASK, "--as", "agent"),
        "tasks": ("generate", "--domain", "mock", "--n", "1"),
        "submit": ("validate",),
        "compare": ("a",),
    }
    for command in COMMANDS:
        if command in {"intro", "completion"}:
            continue
        parser = parser_of(command)
        yield (command, f"--{ARGUMENT}")
        yield (command, *enough.get(command, ()), ARGUMENT)
        for action in parser._actions:
            if action.option_strings and action.nargs != 0:
                yield (command, *enough.get(command, ()), action.option_strings[-1], ARGUMENT)
    yield (ARGUMENT,)
    yield ("help", ARGUMENT)
    yield ("completion", ARGUMENT)


def hostile_environment(*_arguments: Any, **_options: Any) -> Any:
    """Return the environment of `mock` with a hostile policy, under a hostile name."""
    environment = get_environment()
    environment.policy = HOSTILE  # a text: its lines are meant
    environment.domain_name = NAME_WITH_LINES
    return environment


hostile_environment.__doc__ = HOSTILE


def _hostile_tasks(*_arguments: Any) -> list[Task]:
    return [Task.model_validate(filled(Task, NAME_WITH_LINES))]


@contextmanager
def hostile_domain() -> Iterator[None]:
    """Register a domain with a hostile name, for a while."""
    registry.register_domain(hostile_environment, NAME_WITH_LINES)
    registry.register_tasks(_hostile_tasks, NAME_WITH_LINES)
    try:
        yield
    finally:
        del registry._domains[NAME_WITH_LINES]
        del registry._tasks[NAME_WITH_LINES]


def suite(folder: Path, *, thorough: bool = True) -> Tally:
    """Plant, run every command, and search what it prints."""
    tally = Tally()
    tally.counts |= {"kinds tried": len(ESCAPES) + len(CONTROLS), "kinds found raw": 0}
    found: set[str] = set()
    with (
        mock.patch.dict(os.environ, {"TAU2_SIMULATIONS_DIR": str(folder / "runs")}),
        hostile_domain(),
        chdir(folder),
    ):
        lines = list(commands(plant(folder)))
        if thorough:
            lines += commands_with_hostile_arguments()
        for line in lines:
            found |= _searched(line, tally)
    tally.counts["kinds found raw"] = len(found)
    return tally


def _searched(line: tuple[str, ...], tally: Tally) -> set[str]:
    """Run a command; return what it printed raw."""
    ended = tau2(*line, typed=_TYPED)
    tally.counts["commands"] += 1
    tally.counts["characters searched"] += len(ended.out) + len(ended.err)
    raw = raw_in(ended.out + ended.err)
    told = f"tau2 {line!a}"[:300]
    tally.check(not raw, f"{told}: raw {raw}")
    tally.check(not forged_in(ended.out + ended.err), f"{told}: a name begins a line")
    if "--json" in line and ended.code == 0:
        tally.counts["outputs as JSON"] += 1
        tally.check(_is_json(ended.out), f"{told}: no JSON: {ended.out[:200]!a}")
    asked_for = "DEBUG" in line
    tally.check("Traceback" not in ended.err or asked_for, f"{told}: {ended.err[-600:]!a}")
    encoding = ("ascii", "latin-1")[tally.counts["commands"] % 2]
    narrow = tau2(*line, typed=_TYPED, encoding=encoding)
    tally.counts["commands on a narrow stream"] += 1
    tally.check("Traceback" not in narrow.err or asked_for, f"{told}, {encoding}: {narrow.err!a}")
    tally.check(not raw_in(narrow.out + narrow.err), f"{told}, {encoding}: raw")
    return set(raw)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=lambda name: float(f"not JSON: {name}"))
    except ValueError:
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", type=Path, help="folder to leave everything in, to look at")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally = suite(options.keep or Path(folder))
    counts = {"suite": "shown", **tally.counts, "broken": len(tally.broken)}
    sys.stdout.write(f"{json.dumps(counts | {'seconds': round(time.monotonic() - began)})}\n")
    sys.stderr.writelines(f"{story}\n" for story in tally.broken[:40])
    return int(bool(tally.broken))


if __name__ == "__main__":
    sys.exit(main())
