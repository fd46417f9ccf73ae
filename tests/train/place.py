"""Starts the two programs as processes in a folder of their own, with a tiny model that bears a
real one's name."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stub import StubServer

from act_prm.metrics import read_metrics

ROOT = Path(__file__).resolve().parents[2]
MODEL = "Qwen/Qwen3-4B-Instruct-2507"
SMALL = {"batch_size": 1, "group_size": 2, "max_tokens": 12, "eval_num_tasks": 1, "eval_every": 50}
_PATIENCE = 240.0  # seconds; two cores, shared


def install_model(home: Path) -> Path:
    """Lay a folder out as a Hugging Face home that has a tiny model under the guide's name."""
    from act_prm.llm_handlers.tiny import install_tiny_as

    install_tiny_as(MODEL, home, hidden=32, layers=1, vocab=4096)
    return home


@contextmanager
def placed(folder: Path, hf_home: Path) -> Iterator[Place]:
    """Yield a place whose processes find the model there, and the user's model on loopback."""
    with StubServer(["I would like to cancel a flight.", "Tomorrow's, please."]) as stub:
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
        offline = {"HF_HOME": str(hf_home), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
        served = {"OPENAI_BASE_URL": stub.base_url, "OPENAI_API_KEY": "key"}
        python = {"PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
        yield Place(folder, {**kept, **offline, **served, **python})


class Place:
    """Starts the programs of the repository in a folder."""

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, environment

    def write_small(self, name):
        """Put a small version of a trainer's configuration where it is found first."""
        text = (ROOT / "configs" / "trainer" / f"{name}.yaml").read_text(encoding="utf-8")
        for key, value in SMALL.items():
            text, found = re.subn(rf"^{key}: .*$", f"{key}: {value}", text, flags=re.MULTILINE)
            text += "" if found else f"{key}: {value}\n"
        file = self.folder / "configs" / "trainer" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def start(self, command):
        program, *words = shlex.split(command)
        line = [sys.executable, str(ROOT / program), *words]
        return subprocess.Popen(
            line, cwd=self.folder, env=self.environment, stderr=subprocess.PIPE, text=True
        )

    def run(self, command):
        process = self.start(command)
        told = process.communicate(timeout=_PATIENCE)[1]
        return process.returncode, told

    def interrupted_after(self, command, batches):
        """Run until that many batches are measured, then press Ctrl-C.

        Return exit code and what was told.
        """
        process = self.start(command)
        try:
            self._wait(process, batches)
            process.send_signal(signal.SIGINT)
            told = process.communicate(timeout=_PATIENCE)[1]
        finally:
            process.kill()
        return process.returncode, told

    def _wait(self, process, batches):
        deadline = time.monotonic() + _PATIENCE
        while max((row["batch"] for row in self.rows()), default=0) < batches:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, "no batch was finished in time"
            time.sleep(0.2)

    def rows(self):
        [folder] = list((self.folder / "logs").glob("*")) or [self.folder]
        return read_metrics(folder)

    @property
    def run_folder(self):
        [folder] = (self.folder / "logs").iterdir()
        return folder
