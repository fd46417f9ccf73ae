"""Two processes that train one model do what one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")
pytest.importorskip("accelerate", reason="several processes need accelerate")

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("two_steps.py")
# What `accelerate launch` starts on machines with GPUs; on a CPU it would need MPI.
TWO = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def trained(tiny_folder, folder, *launcher):
    """Run two steps of training as a program; return what it tells."""
    told = folder / "told.json"
    line = [sys.executable, *launcher, str(SCRIPT), str(tiny_folder), str(told)]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "src"),
        "OMP_NUM_THREADS": "1",
        "ACCELERATE_USE_CPU": "true",
    }
    done = subprocess.run(
        line, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(told.read_text())


@pytest.mark.timeout(600)
def test_two_processes_do_what_one_does(tiny_folder, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = trained(tiny_folder, tmp_path / "one")
    two = trained(tiny_folder, tmp_path / "two", *TWO)
    assert two["processes"] == 2
    assert two["tokens"] == one["tokens"]
    for name in ("losses", "norms", "logprobs"):
        assert two[name] == pytest.approx(one[name], abs=1e-5), name
