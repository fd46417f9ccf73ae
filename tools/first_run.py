"""`make run`: see a small real model converse; without one, a scripted pair.

    python tools/first_run.py [--model NAME]

Says what it downloads before it does so. Whatever cannot be had (the prebuilt llama.cpp, the
weights, the time) is said, and the scripted pair plays instead. `--model none` downloads nothing.
Run by the Python of the environment that `make run` made.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TAU2 = [sys.executable, "-m", "tau2.cli"]
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]

_INSTALL_SECONDS = 120
_FETCH_SECONDS = 240
_PLAY_SECONDS = 150
_GRACE_SECONDS = 20
"""With the environment itself, all of them are less than ten minutes."""
_TASKS = ("create_task_1", "update_task_1", "update_task_with_user_tools", "impossible_task_1")
_SCRIPTED_TASKS = 12
_TIME_IS_OVER = -1
_INTERRUPTED = 130


def main() -> int:
    """Play; return the exit code of the run that was shown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="qwen-0.5b", help="one of `tau2 models list`, or none")
    model = parser.parse_args().model
    try:
        reason = "no model is wanted" if model == "none" else _missing(model) or _play(model)
        return 0 if reason is None else _play_scripted(reason)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _missing(model: str) -> str | None:
    """Install llama.cpp and fetch the weights; return why that failed, else None."""
    if importlib.util.find_spec("xllamacpp") is None:
        _say("installing the extra `local`: llama.cpp, prebuilt (40 MB)")
        if _run([*PIP, "install", "--editable", ".[local]"], _INSTALL_SECONDS) != 0:
            return "llama.cpp cannot be installed here"
    listed = subprocess.run(
        [*TAU2, "models", "list", "--json"], check=True, capture_output=True, text=True, cwd=ROOT
    )
    rows = {row["name"]: row for row in json.loads(listed.stdout)["models"]}
    if model not in rows:
        return f"no local model is named {model!r}"
    if not rows[model]["is_there"]:
        _say(
            f"downloading {rows[model]['bytes'] / 1e6:,.0f} MB, once: the weights of a small model "
            "(Ctrl-C plays without it)"
        )
    try:
        code = _run([*TAU2, "models", "get", model], _FETCH_SECONDS)
    except KeyboardInterrupt:
        return "the download was stopped"
    if code == _TIME_IS_OVER:
        return "the download takes too long (the next `make run` continues it)"
    return None if code == 0 else "the weights cannot be had"


def _play(model: str) -> str | None:
    """Play and show conversations of the model; return why that failed, else None."""
    run = time.strftime(f"first-run-{model}-%Y%m%d-%H%M%S")
    _say(f"playing {len(_TASKS)} tasks: local/{model} is the agent, a script the customer")
    begin = time.monotonic()
    code = _run(
        [
            # As JSON, for the table comes behind the conversations; a terminal shows the progress.
            *(*TAU2, "run", "--domain", "mock", "--task-ids", *_TASKS, "--json"),
            *("--agent-llm", f"local/{model}", "--user", "scripted_user"),
            *("--max-concurrency", "2", "--max-steps", "20", "--save-to", run),
        ],
        _PLAY_SECONDS,
        stdout=subprocess.DEVNULL,
    )
    seconds = time.monotonic() - begin
    if code not in {0, 1, _TIME_IS_OVER}:
        return "the model cannot play here"
    finished = _finished_tasks(run)
    if not finished:
        return f"no conversation was finished in {seconds:.0f} s"
    _say("the conversations")
    for task in finished:
        subprocess.run([*TAU2, "view", run, "--task-id", task, "--plain"], check=False, cwd=ROOT)
    _say(f"what they scored, after {seconds:.0f} s")
    subprocess.run([*TAU2, "view", run, "--plain"], check=False, cwd=ROOT)
    _say(
        "Everything works. The score is not worth comparing with any other: it is that of a small\n"
        "model, which was not trained for this, on a few easy tasks."
    )
    return None


def _finished_tasks(run: str) -> list[str]:
    """Return the tasks of a run that were played to their end."""
    shown = subprocess.run(
        [*TAU2, "view", run, "--json"], check=False, capture_output=True, text=True, cwd=ROOT
    )
    if shown.returncode != 0:
        return []
    return [row["task_id"] for row in json.loads(shown.stdout)["tasks"]]


def _play_scripted(reason: str) -> int:
    """Play tasks without any model; return the exit code of the run."""
    _say(
        f"{reason}, so a scripted pair plays {_SCRIPTED_TASKS} retail tasks.\n"
        "It knows the answers: its score says nothing about any model."
    )
    command = [
        *(*TAU2, "run", "--domain", "retail", "--num-tasks", str(_SCRIPTED_TASKS)),
        *("--agent", "oracle_agent", "--user", "scripted_user", "--max-concurrency", "4"),
    ]
    return subprocess.run(command, check=False, cwd=ROOT).returncode


def _run(command: list[str], seconds: float, stdout: int | None = None) -> int:
    """Run a command for at most some seconds; return its exit code.

    A command whose time is over is interrupted, and killed if it does not end: what it finished is
    saved. Ctrl-C reaches it as well, and it is waited for.
    """
    with subprocess.Popen(command, cwd=ROOT, stdout=stdout) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        return _TIME_IS_OVER


def _say(text: str) -> None:
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
