"""The two programs as processes: the guide's command lines word for word, and a small run to its
end.

A tiny random model bears the guide's model name, a server on loopback plays the user's model, and a
folder of configurations under the current one makes batches small; nothing else is changed.
"""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")
pytest.importorskip("yaml", reason="configurations are YAML files")

from tests.train.place import MODEL, install_model, placed

from act_prm.trainer.checkpoints import newest_checkpoint, read_state

TINKER = (
    "main.py --is_async --env_config tau2bench/airline --generator_config aprm_qwen3_ap "
    "--trainer_config qwen3_4b_aprm --replay_buffer_config default --log_path ./logs "
    f"--model_name {MODEL} --lora_rank 32 --seed 42 --replicate 0 --verbose"
)
PYTORCH = (
    "main_pytorch.py --env_config tau2bench/airline --model_config hf_qwen3_4b_inst_2507 "
    "--lora_config r16_a32_qkvo --generator_config aprm_qwen3_ap --trainer_config aprm_for_sft100 "
    "--replay_buffer_config default --log_path ./logs --seed 42 --replicate 0 --verbose"
)
MOCK = (
    "main_pytorch.py --env_config tau2bench/mock --model_config tiny --lora_config r4_a8_all "
    "--generator_config grpo "
    "--trainer_config tiny_cpu_pg --num_batches 4 --eval_every 2 --save_every 2 "
    "--save_rollouts_every 2 "
    "--max_tokens 16 --override env.max_turns=2 --seed 1 --run_name mine"
)

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def hf_home(tmp_path_factory):
    return install_model(tmp_path_factory.mktemp("hf"))


@pytest.fixture
def place(tmp_path, hf_home):
    with placed(tmp_path, hf_home) as place:
        yield place


@pytest.mark.parametrize(
    ("command", "trainer"), [(TINKER, "qwen3_4b_aprm"), (PYTORCH, "aprm_for_sft100")]
)
def test_the_guides_command_trains_stops_at_ctrl_c_and_goes_on(place, command, trainer):
    place.write_small(trainer)
    code, told = place.interrupted_after(command, 1)
    assert code == 130, told
    assert f"continue with: python {command} --resume_run" in told
    first = place.rows()
    assert (first[0]["phase"], first[1]["phase"], first[1]["batch"]) == ("eval", "act_prm", 1)
    assert first[1]["train/n_groups"] >= 2
    checkpoint = newest_checkpoint(place.run_folder)
    assert read_state(checkpoint).batch == first[-1]["batch"]

    code, told = place.interrupted_after(f"{command} --resume_run", first[-1]["batch"] + 1)
    assert code == 130, told
    assert "resuming from" in told
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
