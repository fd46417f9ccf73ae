"""The two programs as processes: the guide's command lines word for word, and a small run to its end.

A tiny random model bears the guide's model name, a server on loopback plays the user's model, and a folder of
configurations under the current one makes batches small; nothing else is changed.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.stub import StubServer

pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")
pytest.importorskip("yaml", reason="configurations are YAML files")

from act_prm.metrics import read_metrics  # noqa: E402
from act_prm.trainer.checkpoints import newest_checkpoint, read_state  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
MODEL = "Qwen/Qwen3-4B-Instruct-2507"
TINKER = (
    "main.py --is_async --env_config tau2bench/airline --generator_config aprm_qwen3_ap --trainer_config qwen3_4b_aprm "
    f"--replay_buffer_config default --log_path ./logs --model_name {MODEL} --lora_rank 32 --seed 42 --replicate 0 "
    "--verbose"
)
PYTORCH = (
    "main_pytorch.py --env_config tau2bench/airline --model_config hf_qwen3_4b_inst_2507 --lora_config r16_a32_qkvo "
    "--generator_config aprm_qwen3_ap --trainer_config aprm_for_sft100 --replay_buffer_config default "
    "--log_path ./logs --seed 42 --replicate 0 --verbose"
)
SMALL = {"batch_size": 1, "group_size": 2, "max_tokens": 12, "eval_num_tasks": 1, "eval_every": 50}
MOCK = (
    "main_pytorch.py --env_config tau2bench/mock --model_config tiny --lora_config r4_a8_all --generator_config grpo "
    "--trainer_config tiny_cpu_pg --num_batches 4 --eval_every 2 --save_every 2 --save_rollouts_every 2 --max_tokens 16 "
    "--override env.max_turns=2 --seed 1 --run_name mine"
)
_PATIENCE = 240.0  # seconds; two cores, shared

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def hf_home(tmp_path_factory):
    from act_prm.llm_handlers.tiny import install_tiny_as

    home = tmp_path_factory.mktemp("hf")
    install_tiny_as(MODEL, home, hidden=32, layers=1, vocab=4096)
    return home


@pytest.fixture
def place(tmp_path, hf_home):
    """A current folder, and the environment of a process started there."""
    with StubServer(["I would like to cancel a flight.", "Tomorrow's, please."]) as stub:
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
        environment = {
            **kept, "HF_HOME": str(hf_home), "HF_HUB_OFFLINE": "1", "OPENAI_BASE_URL": stub.base_url,
            "OPENAI_API_KEY": "key", "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1", "CUDA_VISIBLE_DEVICES": "",
        }  # fmt: skip
        yield Place(tmp_path, environment)


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
        return subprocess.Popen(line, cwd=self.folder, env=self.environment, stderr=subprocess.PIPE, text=True)

    def run(self, command):
        process = self.start(command)
        told = process.communicate(timeout=_PATIENCE)[1]
        return process.returncode, told

    def interrupted_after(self, command, batches):
        """Run until that many batches are measured, then press Ctrl-C; return exit code and what was told."""
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


@pytest.mark.parametrize(("command", "trainer"), [(TINKER, "qwen3_4b_aprm"), (PYTORCH, "aprm_for_sft100")])
def test_the_guides_command_trains_stops_at_ctrl_c_and_goes_on(place, command, trainer):
    place.write_small(trainer)
    code, told = place.interrupted_after(command, 1)
    assert code == 130, told
    assert f"go on with: python {command} --resume_run" in told
    first = place.rows()
    assert (first[0]["phase"], first[1]["phase"], first[1]["batch"]) == ("eval", "act_prm", 1)
    assert first[1]["train/n_groups"] >= 2
    checkpoint = newest_checkpoint(place.run_folder)
    assert read_state(checkpoint).batch == first[-1]["batch"]

    code, told = place.interrupted_after(f"{command} --resume_run", first[-1]["batch"] + 1)
    assert code == 130, told
    assert "going on from" in told
    assert place.rows()[: len(first)] == first
    assert len(place.rows()) > len(first)


def test_a_small_run_to_its_end(place):
    code, told = place.run(MOCK)
    assert code == 0, told
    folder = place.run_folder
    assert [row["batch"] for row in place.rows() if row["phase"] == "eval"] == [0, 2, 4]
    assert sorted(one.name for one in (folder / "checkpoints").iterdir()) == [
        "batch_000002", "batch_000004", "best", "final",
    ]  # fmt: skip
    assert (folder / "checkpoints" / "final" / "weights" / "adapter_model.safetensors").is_file()
    assert (folder / "reward_curve.svg").read_text().startswith("<svg")
    assert json.loads((folder / "config.json").read_text())["model"]["model_name"] == "tiny"
    assert len((folder / "rollouts" / "batch_000002.jsonl").read_text().splitlines()) > 8

    code, told = place.run(f"{MOCK} --resume_run --num_batches 5")
    assert code == 0, told
    assert place.rows()[-1]["batch"] == 5

    again = MOCK.replace("--run_name mine", "--run_name other --num_batches 1")
    code, told = place.run(f"{again} --load_checkpoint_path logs/mine/checkpoints/final")
    assert code == 0, told


def test_without_its_model_the_way_out_is_told(place):
    place.environment["HF_HOME"] = str(place.folder / "empty")
    code, told = place.run(PYTORCH)
    assert code == 2
    assert "cannot be loaded" in told
